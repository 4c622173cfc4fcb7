-- A job: a segment on its way.

local Segment = require "finseg.segment"
local check = require "finseg.value.check"
local core = require "finseg.core"

--- Seconds that wait() waits when it is not told otherwise.
local DEFAULT_TIMEOUT = 3600

---@class finseg.Job
---@field jobId string  the service's name for it, an opaque text
---@field kind string
---@field created_at number?  seconds since 1970; nil when unknown
---@field callback string?  names its callback, for whoever picks the job up elsewhere; no secret. nil: none is expected
---@field _operation finseg.Operation?  the first of those that cancel() ends: a list, since a table for them would take
---   more memory
local Job = {}
Job.__index = Job

---@param client finseg.Client
---@param core_job userdata
---@param expectation finseg.Expectation?
---@return finseg.Job
function Job.new(client, core_job, expectation)
  return setmetatable({
    jobId = core_job:id(),
    kind = core_job:kind(),
    created_at = core_job:created_at(),
    callback = expectation and expectation.id,
    _client = client,
    _core = core_job,
    _expectation = expectation,
  }, Job)
end

function Job:__tostring()
  return ("finseg job %s/%s (%s)"):format(self.kind, self.jobId, self:state())
end

--- "created", "pending", "ready", "failed", "expired" or "cancelled", as far as is known here; asks nobody.
---@return string
function Job:state()
  return self._core:state()
end

local function link(job, operation)
  operation.job, operation.next_of_job, job._operation = job, job._operation, operation
end

local function unlink(job, operation)
  if job._operation == operation then
    job._operation = operation.next_of_job
    return
  end
  local before = job._operation
  while before.next_of_job ~= operation do
    before = before.next_of_job
  end
  before.next_of_job = operation.next_of_job
end

function Job:_segment(page, err)
  if not page then
    return nil, err
  end
  return Segment.new(self._client, self, self._core, page)
end

--- Asks once.
---@return finseg.Segment? segment
---@return finseg.Err? err  kind `pending` while the job is not ready; else `not_found`, `expired`, `failed`, ...
function Job:poll()
  self._client:open_core "job:poll"
  local page
  local operation, err = self._client.operations:start("start_poll", self._core)
  if operation then
    link(self, operation)
    page, err = operation:wait()
    unlink(self, operation)
  end
  local callbacks = not self._client.closed and self:_callbacks()
  if callbacks then
    callbacks:conclude(self._expectation, page ~= nil, err, false)
  end
  return self:_segment(page, err)
end

--- The options of a wait, for check.options.
Job.wait_options = { timeout = "number" }

--- Reads what check.options answered: the seconds to wait, -1 for no limit.
---@return number? timeout
---@return finseg.Err? err  kind `invalid`
function Job.read_timeout(options, problem)
  if not options then
    return nil, core.error("invalid", problem)
  end
  local timeout = options.timeout or DEFAULT_TIMEOUT
  if timeout < 0 or timeout ~= timeout then
    return nil, core.error("invalid", "the timeout of a wait must be 0 or more seconds")
  end
  return timeout < math.huge and timeout or -1
end

--- What would receive the job's callback now; nil when nothing does, or when it does not matter any more.
---@return finseg.Callbacks?
function Job:_callbacks()
  local expectation = self._expectation
  local callbacks = expectation and not expectation.settled and self._client:open_callbacks()
  return callbacks and callbacks:receives(expectation) and callbacks or nil
end

--- Waits for that many seconds. A job that was made here is not asked for until its callback can have come; of one
--- that was picked up, the callback may have come long ago. One whose end is known is asked for at once.
--- (A function of its own, so that the options of wait() are not kept while it sleeps.)
function Job:_wait(timeout)
  local client, expectation = self._client, self._expectation
  local callbacks = self:_callbacks()
  local slow = callbacks ~= nil and expectation.kept
  local operation, err = client.operations:start("start_wait", self._core, timeout, slow)
  if not operation then
    return nil, err
  end
  link(self, operation)
  if callbacks then
    callbacks:begin_wait(expectation, operation, self.created_at, slow)
  elseif expectation and expectation.settled then
    operation:tell "called"
  end
  local page
  page, err = operation:wait()
  unlink(self, operation)
  return self:_segment(page, err)
end

--- Waits until the job is ready.
---@param options { timeout: number }?  seconds; an hour when not given, math.huge for no limit
---@return finseg.Segment? segment
---@return finseg.Err? err  kind `timeout` (the job lives on: wait again), `cancelled`, `not_found`, `expired`, `failed`
function Job:wait(options)
  local timeout, err = Job.read_timeout(check.options(options, Job.wait_options, 1, "wait"))
  self._client:open_core "job:wait"
  if not timeout then
    return nil, err
  end
  return self:_wait(timeout)
end

--- Ends every wait for this job here, with an err of kind `cancelled`. The service is not told; the job lives on
--- there and may be waited for again.
---@return boolean whether there was one
function Job:cancel()
  self._client:open_core "job:cancel"
  local waiting, operation = false, self._operation
  while operation do
    local next_operation = operation.next_of_job
    waiting = waiting or not operation.done
    operation:cancel()
    operation = next_operation
  end
  return waiting
end

return Job
