-- A client: the account at the service, and everything under way with it. It is pollable (see finseg.wait.pollable):
-- an event loop watches its descriptor, and step() does the work.

local Attached = require "finseg.wait.attached"
local Callbacks = require "finseg.callback"
local Job = require "finseg.job"
local Listener = require "finseg.callback.listener"
local Operations = require "finseg.wait.operations"
local Pollable = require "finseg.wait.pollable"
local check = require "finseg.value.check"
local core = require "finseg.core"
local drivers = require "finseg.driver"
local log_guard = require "finseg.value.log_guard"
local stores = require "finseg.store"

---@class finseg.Client: finseg.Pollable
---@field closed boolean
---@field log_error any  what the log function raised, after which it is called no more
---@field attached_error any  what something attached raised last when it was stepped
---@field operations finseg.Operations  everything under way
---@field first_page integer  the number of a segment's first page
---@field _attached finseg.Attached
---@field _log (fun(event: table): boolean)?
---@field _listener finseg.Listener?  the last one, to be closed with the client
---@field _callbacks finseg.Callbacks?
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
---@return finseg.Err? err  kind `config`
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
  local client = setmetatable({
    closed = false,
    first_page = core_client:first_page(),
    _core = core_client,
  }, Client)
  client.operations = Operations.new(client, core_client, driver)
  client._attached = Attached.new(core_client, function(problem)
    client.attached_error = problem
    local message = "what is attached to the client failed: " .. tostring(problem)
    client:_tell_log { name = "attached_failed", time = core.time(), message = message }
  end)
  client._log = log and log_guard(client, log)
  return client
end

function Client:__tostring()
  return self.closed and "finseg client (closed)" or ("finseg client (%d under way)"):format(self._core:pending())
end

--- The core client; raises when the client is closed, in the name of the public function that was called.
---@param name string
---@return userdata
function Client:open_core(name)
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
function Client:open_callbacks()
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
  local callbacks = self:open_callbacks()
  local expectation, err
  if callbacks and not (parameters and parameters.callbackURL) then
    expectation, err = callbacks:expect()
    if not expectation then
      return nil, err
    end
    text = with_callback(parameters, expectation.url)
  end
  local operation, core_job
  operation, err = self.operations:start("start_create", kind, text)
  if operation then
    core_job, err = operation:wait(seconds, f)
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
---@return finseg.Err? err  `invalid`: nothing was sent, or the service refused it; err.maybe_created: it may exist
function Client:create(kind, parameters)
  local text = encode_request(kind, parameters, "create")
  self:open_core "create"
  return self:_create(kind, parameters, text)
end

--- The same, and calls f() every so many seconds meanwhile. It may wait.
---@param seconds number
---@param f function
function Client:create_while(kind, parameters, seconds, f)
  return self:_create(kind, parameters, encode_request(kind, parameters, "create"), seconds, f)
end

local job_options = { created_at = "number", callback = "string" }

--- Picks up a job that was made earlier, perhaps elsewhere. Asks nobody. With created_at, a job that is gone is
--- `expired` when it was over 14 days old, else `not_found`. With callback, what the job's field of that name said
--- where it was made, a callback ends the wait here, too.
---@param kind string
---@param job_id string
---@param options { created_at: number?, callback: string? }?  created_at: seconds since 1970
---@return finseg.Job? job
---@return finseg.Err? err  kind `invalid`
function Client:job(kind, job_id, options)
  check.type(kind, "string", 1, "job")
  check.type(job_id, "string", 2, "job")
  local problem
  options, problem = check.options(options, job_options, 3, "job")
  local core_client = self:open_core "job"
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
---@return finseg.Err? err  with the job in err.job when it was created but the wait failed
function Client:segment(kind, parameters, options)
  local text = encode_request(kind, parameters, "segment")
  local timeout, err = Job.read_timeout(check.options(options, Job.wait_options, 3, "segment"))
  self:open_core "segment"
  if not timeout then
    return nil, err
  end
  local job, segment
  job, err = self:_create(kind, parameters, text)
  if not job then
    return nil, err
  end
  segment, err = job:wait(options)
  if not segment then
    err.job = job
    return nil, err
  end
  return segment
end

--- Operations under way, or finished and not yet handed out.
---@return integer
function Client:pending()
  return self:open_core("pending"):pending()
end

--- Whether stepping is of use: something is under way, here or in what is attached.
---@return boolean
function Client:is_busy()
  return self:open_core("is_busy"):pending() > 0 or self._attached:is_busy()
end

--- What may become readable soon: HTTP transfers under way now (waits between polls are none), and the like of what is
--- attached.
---@return integer
function Client:transfers()
  return self:open_core("transfers"):transfers() + self._attached:transfers()
end

--- Seconds until step() has something to do by the clock alone, for loops that cannot watch a descriptor; nil:
--- nothing is planned.
---@return number?
function Client:next_timeout()
  return self:open_core("next_timeout"):next_timeout()
end

--- Has something else live in the client's descriptor: whoever steps the client steps it, too, and the log is told what
--- it raises then. It is pollable as a client is: a table with pollfd(), step(), next_timeout() (seconds until it wants
--- a step in any case, or nil), transfers() and `closed`. Stores that need a connection are such objects (see
--- finseg.store).
---@param pollable table
---@return boolean? ok
---@return finseg.Err? err
function Client:attach(pollable)
  check.type(pollable, "table", 1, "attach")
  self:open_core "attach"
  return self._attached:add(pollable)
end

--- Lets go of what was attached; of anything else, too, without harm.
---@param pollable table
function Client:detach(pollable)
  check.type(pollable, "table", 1, "detach")
  self:open_core "detach"
  self._attached:remove(pollable)
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
---@return finseg.Err? err  `config`, or `invalid`: the client receives callbacks already
function Client:receive_callbacks(options)
  check.type(options, "table", 1, "receive_callbacks")
  local problem
  options, problem = check.options(options, callback_options, 1, "receive_callbacks")
  self:open_core "receive_callbacks"
  if not options then
    return nil, core.error("invalid", problem)
  elseif self:open_callbacks() then
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
---@return finseg.Err? err  `config`: it cannot listen there; `invalid`: the client receives callbacks already, or an
---   option is unknown or of no use
function Client:listen(options)
  local problem
  options, problem = check.options(options, Listener.options, 1, "listen")
  self:open_core "listen"
  if not options then
    return nil, core.error("invalid", problem)
  end
  local listener, err = Listener.open(self, options)
  self._listener = listener or self._listener
  return listener, err
end

--- Tells the log function, if there is one.
---@return boolean going_on
function Client:_tell_log(event)
  return self._log ~= nil and self._log(event)
end

--- Calls the log function with each new event. It must not wait.
function Client:_log_events()
  local event = self._log and self._core:next_event()
  while event and self._log(event) and not self.closed do
    event = self._core:next_event()
  end
end

--- Does the work that is ready, without waiting, and wakes the coroutines whose operations have finished.
---@return integer? count  of operations finished
---@return finseg.Err? err  the client cannot go on; every operation has ended with it
function Client:step()
  local finished, err = self:open_core("step"):step()
  if not finished then
    self.operations:fail_all(err)
    return nil, err
  end
  local count = self.operations:hand_out()
  self._attached:step()
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
  self._attached:close()
  attempt(self.operations, "close")
  self._core:close()
  self._core = nil
  if failed then
    error(problem, 0)
  end
end

return Client
