-- A client: the account at the service, and everything under way with it.
--
-- A client is pollable: pollfd(), events() and timeout() are what an event loop asks such an object, and step() does
-- the work.

local Job = require "finseg.job"
local await = require "finseg.await"
local check = require "finseg.check"
local core = require "finseg.core"
local drivers = require "finseg.driver"

---@class finseg.Client
---@field closed boolean
---@field log_error any  what the log function raised, after which it is called no more
---@field _core userdata?  nil once closed
---@field _operations table<number, finseg.Operation>  by ticket: everything under way
---@field _driver finseg.Driver?  the explicit one
---@field _log function?
---@field _first_page integer  the number of a segment's first page
local Client = {}
Client.__index = Client

--- Fields that Lua looks after itself, and finseg.core does not know.
local function split_config(config)
  local fields = {}
  for key, value in pairs(config) do
    fields[key] = value
  end
  fields.driver, fields.log = nil, nil
  if config.log ~= nil then
    fields.log = true
  end
  return fields, config.driver, config.log
end

--- Makes a client (see finseg.new).
---@param config table
---@param from_environment boolean
---@return finseg.Client? client
---@return table? err  kind `config`
function Client.new(config, from_environment)
  local fields, wanted, log = split_config(config)
  if log ~= nil and type(log) ~= "function" then
    return nil, core.error("config", "config: log: a function expected")
  end
  local driver, err = drivers.named(wanted)
  if err then
    return nil, err
  end
  local core_client
  core_client, err = core.client(fields, from_environment)
  if not core_client then
    return nil, err
  end
  if type(wanted) == "table" then
    drivers.add(wanted) -- finseg.run, all, spawn and sleep have no client to ask
  end
  return setmetatable({
    closed = false,
    _core = core_client,
    _operations = {},
    _driver = driver,
    _log = log,
    _first_page = core_client:first_page(),
  }, Client)
end

function Client:__tostring()
  return self.closed and "finseg client (closed)" or ("finseg client (%d under way)"):format(self._core:pending())
end

--- The core client; raises when the client is closed, in the name of the public function that was called.
---@param name string
---@return userdata
function Client:_open_core(name)
  if self.closed then
    error(("finseg: the client is closed (in %s)"):format(name), 3)
  end
  return self._core
end

--- Checks the arguments of create and segment, and answers the parameters as JSON.
local function encode_request(kind, parameters, name)
  check.type(kind, "string", 1, name, 1)
  check.optional(parameters, "table", 2, name, 1)
  local text, problem = core.to_json(parameters or {})
  if not text then
    check.fail(2, name, problem, 1)
  end
  return text
end

function Client:_create(kind, text)
  local core_job, err = await.run(self, nil, "start_create", kind, text)
  if not core_job then
    return nil, err
  end
  return Job.new(self, core_job)
end

--- Creates a segment: POST /segments/{kind}.
---@param kind string  "highBalance", "lowBalance", ...
---@param parameters table?  in the wire's names; an amount may be a number or decimal text, "5000.10"
---@return finseg.Job? job
---@return table? err  `invalid`: nothing was sent, or the service refused the request; err.maybe_created: it may exist
function Client:create(kind, parameters)
  local text = encode_request(kind, parameters, "create")
  self:_open_core "create"
  return self:_create(kind, text)
end

local job_options = { created_at = "number" }

--- Picks up a job that was made earlier, perhaps elsewhere. Asks nobody. With created_at, a job that is gone is
--- `expired` when it was over 14 days old, else `not_found`.
---@param kind string
---@param job_id string
---@param options { created_at: number }?  seconds since 1970
---@return finseg.Job? job
---@return table? err  kind `invalid`
function Client:job(kind, job_id, options)
  check.type(kind, "string", 1, "job")
  check.type(job_id, "string", 2, "job")
  local unknown
  options, unknown = check.options(options, job_options, 3, "job")
  local core_client = self:_open_core "job"
  if not options then
    return nil, core.error("invalid", ("job has no option %s, only created_at"):format(unknown))
  end
  local core_job, err = core_client:job(kind, job_id, options.created_at or 0)
  if not core_job then
    return nil, err
  end
  return Job.new(self, core_job)
end

--- Creates a segment and waits for it.
---@param kind string
---@param parameters table?
---@param options { timeout: number }?  seconds from the job's creation on, as for job:wait()
---@return finseg.Segment? segment
---@return table? err  with the job in err.job when it was created but the wait failed
function Client:segment(kind, parameters, options)
  local text = encode_request(kind, parameters, "segment")
  local timeout, err = Job.read_timeout(check.options(options, Job.wait_options, 3, "segment"))
  self:_open_core "segment"
  if not timeout then
    return nil, err
  end
  local job, segment
  job, err = self:_create(kind, text)
  if not job then
    return nil, err
  end
  segment, err = job:_segment("start_wait", timeout)
  if not segment then
    err.job = job
    return nil, err
  end
  return segment
end

--- Operations under way, or finished and not yet handed out.
---@return integer
function Client:pending()
  return self:_open_core("pending"):pending()
end

--- HTTP transfers under way now; waits between polls are none.
---@return integer
function Client:transfers()
  return self:_open_core("transfers"):transfers()
end

--- The descriptor to watch for reading (level-triggered); nil once the client is closed.
---@return integer?
function Client:pollfd()
  if not self.closed then
    return self._core:fd()
  end
end

--- What to watch the descriptor for: always "r".
function Client.events()
  return "r"
end

--- Seconds after which a loop must call step() in any case: nil, since the client's timers make its descriptor
--- readable.
function Client.timeout()
  return nil
end

--- Seconds until step() has something to do by the clock alone, for loops that cannot watch a descriptor; nil:
--- nothing is planned.
---@return number?
function Client:next_timeout()
  return self:_open_core("next_timeout"):next_timeout()
end

--- Ends every operation with `err`.
function Client:_fail_all(err)
  local operations = self._operations
  self._operations = {}
  for _, operation in pairs(operations) do
    operation:finish(false, err)
  end
end

--- Hands out the outcomes that are there. A woken coroutine may run at once, and may close the client.
function Client:_hand_out()
  local count = 0
  while self._core do
    local ticket, ok, value = self._core:next()
    if not ticket then
      break
    end
    count = count + 1
    local operation = self._operations[ticket]
    self._operations[ticket] = nil
    if operation then
      operation:finish(ok, value)
    end
  end
  return count
end

--- Ends an operation of the core as cancelled, and hands that out at once: a loop that cannot watch descriptors would
--- learn of it late.
function Client:_cancel(ticket)
  self._core:cancel(ticket)
  self:_hand_out()
end

--- Calls the log function with each new event. It must not wait.
function Client:_log_events()
  local log = self._log
  if not log then
    return
  end
  self._log = nil -- whatever the function calls must not log into itself
  local event = self._core:next_event()
  while event do
    local ok, problem = pcall(log, event)
    if not ok then
      self.log_error = problem
      return
    end
    event = not self.closed and self._core:next_event() or nil
  end
  self._log = log
end

--- Does the work that is ready, without waiting, and wakes the coroutines whose operations have finished.
---@return integer? count  of operations finished
---@return table? err  the client cannot go on; every operation has ended with it
function Client:step()
  local finished, err = self:_open_core("step"):step()
  if not finished then
    self:_fail_all(err)
    return nil, err
  end
  local count = self:_hand_out()
  if not self.closed then
    self:_log_events()
  end
  return count
end

--- Closes the client at once. Everything under way ends with an err of kind `cancelled`; later calls raise. Segments
--- keep their first page. Closing again does nothing.
function Client:close()
  if self.closed then
    return
  end
  self.closed = true
  self._core:cancel_all()
  self:_hand_out()
  self:_fail_all(core.error("cancelled", "cancelled, because the client was closed"))
  self._core:close()
  self._core = nil
end

return Client
