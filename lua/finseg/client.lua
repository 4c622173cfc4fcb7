-- A client: the account at the service, and everything under way with it. It is pollable (see finseg.wait.pollable):
-- an event loop watches its descriptor, and step() does the work.

local Callbacks = require "finseg.callback"
local Job = require "finseg.job"
local Listener = require "finseg.callback.listener"
local Pollable = require "finseg.wait.pollable"
local await = require "finseg.wait.await"
local check = require "finseg.value.check"
local core = require "finseg.core"
local drivers = require "finseg.driver"
local stores = require "finseg.store"

---@class finseg.Client: finseg.Pollable
---@field closed boolean
---@field log_error any  what the log function raised, after which it is called no more
---@field companion_error any  what something attached raised last when it was stepped
---@field _core userdata?  nil once closed
---@field _operations table<number, finseg.Operation>  by ticket: everything under way
---@field _driver finseg.Driver?  the explicit one
---@field _log function?
---@field _companions table<integer, table>  by descriptor: what else lives in the client's set
---@field _listener finseg.Listener?  that is open
---@field _callbacks finseg.Callbacks?
---@field _first_page integer  the number of a segment's first page
local Client = Pollable.new_class()

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
    _companions = {},
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

--- The callbacks that are expected here; nil when nobody receives any.
---@return finseg.Callbacks?
function Client:_callbacks_open()
  local callbacks = self._callbacks
  return callbacks and not callbacks.closed and callbacks or nil
end

local function with_callback(parameters, url)
  local fields = { callbackURL = url }
  for name, value in pairs(parameters or {}) do
    fields[name] = value
  end
  return assert(core.to_json(fields))
end

function Client:_create(kind, parameters, text, seconds, f)
  local callbacks = self:_callbacks_open()
  local expectation, err
  if callbacks and not (parameters and parameters.callbackURL) then
    expectation, err = callbacks:expect()
    if not expectation then
      return nil, err
    end
    text = with_callback(parameters, expectation.url)
  end
  local operation, core_job
  operation, err = await.start(self, nil, "start_create", kind, text)
  if operation then
    core_job, err = await.finish(operation, seconds, f)
  end
  if core_job then
    return Job.new(self, core_job, expectation)
  end
  if expectation and not err.maybe_created then
    callbacks:drop(expectation)
  end
  return nil, err
end

--- Creates a segment: POST /segments/{kind}.
---@param kind string  "highBalance", "lowBalance", ...
---@param parameters table?  in the wire's names; an amount may be a number or decimal text, "5000.10"
---@return finseg.Job? job
---@return table? err  `invalid`: nothing was sent, or the service refused the request; err.maybe_created: it may exist
function Client:create(kind, parameters)
  local text = encode_request(kind, parameters, "create")
  self:_open_core "create"
  return self:_create(kind, parameters, text)
end

--- The same, and calls f() every so many seconds meanwhile. It may wait.
---@param seconds number
---@param f function
function Client:create_while(kind, parameters, seconds, f)
  return self:_create(kind, parameters, encode_request(kind, parameters, "create"), seconds, f)
end

--- What tells a request from others: its canonical parameters, and who asks which service.
---@param kind string
---@param text string  the parameters as JSON
---@return string? canonical
---@return table|finseg.Err identity  base_url, client_id, username
function Client:identify(kind, text)
  local core_client = self:_open_core "journal"
  local canonical, err = core_client:canonical(kind, text)
  return canonical, err or core_client:identity()
end

local job_options = { created_at = "number", callback = "string" }

--- Picks up a job that was made earlier, perhaps elsewhere. Asks nobody. With created_at, a job that is gone is
--- `expired` when it was over 14 days old, else `not_found`. With callback, what the job's field of that name said
--- where it was made, a callback ends the wait here, too.
---@param kind string
---@param job_id string
---@param options { created_at: number?, callback: string? }?  created_at: seconds since 1970
---@return finseg.Job? job
---@return table? err  kind `invalid`
function Client:job(kind, job_id, options)
  check.type(kind, "string", 1, "job")
  check.type(job_id, "string", 2, "job")
  local problem
  options, problem = check.options(options, job_options, 3, "job")
  local core_client = self:_open_core "job"
  if options and options.callback and not Callbacks.is_id(options.callback) then
    problem = "job: callback: what the field of that name of a job says expected"
  end
  if problem then
    return nil, core.error("invalid", problem)
  end
  local core_job, err = core_client:job(kind, job_id, options.created_at or 0)
  if not core_job then
    return nil, err
  end
  return Job.new(self, core_job, options.callback and Callbacks.pick_up(options.callback))
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
  job, err = self:_create(kind, parameters, text)
  if not job then
    return nil, err
  end
  segment, err = job:_wait(timeout)
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

--- Whether stepping is of use: something is under way, here or in what is attached.
---@return boolean
function Client:is_busy()
  if self:_open_core("is_busy"):pending() > 0 then
    return true
  end
  for _, companion in pairs(self._companions) do
    if companion.pending and companion:pending() > 0 then
      return true
    end
  end
  return false
end

--- What may become readable soon: HTTP transfers under way now (waits between polls are none), and the like of what is
--- attached.
---@return integer
function Client:transfers()
  local count = self:_open_core("transfers"):transfers()
  for _, companion in pairs(self._companions) do
    count = count + companion:transfers()
  end
  return count
end

--- Seconds until step() has something to do by the clock alone, for loops that cannot watch a descriptor; nil:
--- nothing is planned.
---@return number?
function Client:next_timeout()
  return self:_open_core("next_timeout"):next_timeout()
end

--- Ends every operation with `err`, though a driver may raise when it wakes one.
function Client:_fail_all(err)
  local operations = self._operations
  self._operations = {}
  for _, operation in pairs(operations) do
    pcall(operation.finish, operation, false, err)
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

--- Has something else live in the client's descriptor: whoever steps the client steps it, too. What it raises then, the
--- log is told. It is pollable as a
--- client is: a table with pollfd(), step(), next_timeout() (seconds until it wants a step in any case, or nil),
--- transfers() and `closed`. Stores that need a connection are of that kind (see finseg.store).
---@param companion table
---@return boolean? ok
---@return table? err
function Client:attach(companion)
  check.type(companion, "table", 1, "attach")
  local core_client = self:_open_core "attach"
  local descriptor = companion:pollfd()
  local other = self._companions[descriptor]
  if other == companion then
    return true
  elseif other and other.closed then
    core_client:unwatch(descriptor) -- its number has come again
  end
  local ok, err = core_client:watch(descriptor)
  if not ok then
    return nil, err
  end
  self._companions[descriptor] = companion
  core_client:alarm(descriptor, companion:next_timeout() or -1)
  return true
end

--- Lets go of what was attached; of anything else, too, without harm.
---@param companion table
function Client:detach(companion)
  check.type(companion, "table", 1, "detach")
  local core_client = self:_open_core "detach"
  for descriptor, other in pairs(self._companions) do
    if other == companion then
      self._companions[descriptor] = nil
      core_client:unwatch(descriptor)
      return
    end
  end
end

--- Steps one. What it raises must not end the loop of everybody else who waits here.
function Client:_step_companion(companion)
  local ok, problem = pcall(companion.step, companion)
  if not ok then
    self.companion_error = problem
    local message = "what is attached to the client failed: " .. tostring(problem)
    self:_tell_log { name = "companion_failed", time = core.time(), message = message }
  end
end

--- Steps what is attached and ready.
function Client:_step_companions()
  while not self.closed do
    local descriptor = self._core:next_ready()
    if not descriptor then
      return
    end
    local companion = self._companions[descriptor]
    if companion.closed then
      self:detach(companion)
    else
      self:_step_companion(companion)
    end
    if not self.closed and self._companions[descriptor] == companion then
      self._core:alarm(descriptor, companion:next_timeout() or -1)
    end
  end
end

--- The client's log, for what must not keep the client.
local function log_of(client)
  local held = setmetatable({ client }, { __mode = "v" })
  return function(event)
    if held[1] then
      held[1]:_tell_log(event)
    end
  end
end

local callback_options = { public_url = "string", store = "table", log = "function" }

--- Has every create carry a callbackURL of its own, and every wait for such a job end by its callback. Somebody else
--- receives the requests and hands them to the answered object, callbacks:take(path): a location of nginx (see
--- finseg.ngx), another process with the same store. In a script, client:listen() does both.
---@param options { public_url: string, store: finseg.Store?, log: function? }  public_url: where callbacks are
---   received; what follows it in the URL is the job's own. store: what the processes share; this process's memory when
---   not given. log: is told what becomes of callbacks; the client's own when not given
---@return finseg.Callbacks? callbacks
---@return table? err  `config`, or `invalid`: the client receives callbacks already
function Client:receive_callbacks(options)
  check.type(options, "table", 1, "receive_callbacks")
  local problem
  options, problem = check.options(options, callback_options, 1, "receive_callbacks")
  self:_open_core "receive_callbacks"
  if not options then
    return nil, core.error("invalid", problem)
  elseif self:_callbacks_open() then
    return nil, core.error("invalid", "this client receives callbacks already")
  end
  local store = options.store or stores.open "memory"
  local callbacks, err = Callbacks.new {
    public_url = options.public_url,
    store = store,
    log = options.log or log_of(self),
  }
  local attached = callbacks ~= nil
  if attached and store.pollfd then
    attached, err = self:attach(store)
  end
  if not attached then
    return nil, err
  end
  self._callbacks = callbacks
  return callbacks
end

--- Receives callbacks in this client's own descriptor, without a thread or a second process (see finseg.listener), and
--- has every create and every wait use them, as receive_callbacks does. Not in nginx: see finseg.ngx.
---@param options finseg.ListenOptions?
---@return finseg.Listener? listener
---@return table? err  `config`: it cannot listen there; `invalid`: the client receives callbacks already, an option is
---   none that listen has, or its value is of no use
function Client:listen(options)
  local problem
  options, problem = check.options(options, Listener.options, 1, "listen")
  self:_open_core "listen"
  if not options then
    return nil, core.error("invalid", problem)
  end
  return Listener.open(self, options)
end

--- Calls the log function, which may raise, and must not log into itself.
---@return boolean going_on
function Client:_tell_log(event)
  local log = self._log
  if not log then
    return false
  end
  self._log = nil
  local ok, problem = pcall(log, event)
  if not ok then
    self.log_error = problem
    return false
  end
  self._log = log
  return true
end

--- Calls the log function with each new event. It must not wait.
function Client:_log_events()
  local event = self._log and self._core:next_event()
  while event and self:_tell_log(event) and not self.closed do
    event = self._core:next_event()
  end
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
  self:_step_companions()
  if not self.closed then
    self:_log_events()
  end
  return count
end

--- Closes the client at once. Everything under way ends with an err of kind `cancelled`; later calls raise. Segments
--- keep their first page. Closing again does nothing. Should anything raise meanwhile, such as a driver, it is raised
--- again once everything is closed.
function Client:close()
  if self.closed then
    return
  end
  local failed, problem
  local function attempt(object, method, ...)
    local ok, raised = pcall(object[method], object, ...)
    if not ok and not failed then
      failed, problem = true, raised
    end
  end
  if self._listener then
    attempt(self._listener, "close")
  end
  if self._callbacks then
    attempt(self._callbacks, "close")
  end
  self.closed = true
  attempt(self._core, "cancel_all")
  attempt(self, "_hand_out")
  self:_fail_all(core.error("cancelled", "cancelled, because the client was closed"))
  self._core:close()
  self._core = nil
  if failed then
    error(problem, 0)
  end
end

return Client
