-- Waiting: from a ticket of the core to its outcome, in whatever loop the program runs.

local Signal = require "finseg.wait.signal"
local core = require "finseg.core"
local drivers = require "finseg.driver"
local scope = require "finseg.wait.scope"

local await = {}

local function cancelled()
  return nil, core.error("cancelled", "cancelled, because another function of the same finseg.all failed")
end

--- The driver for a wait that begins here, unless none may.
---@param explicit finseg.Driver?
---@return finseg.Driver? driver
---@return table? err  no wait is possible here, or it is cancelled
local function driver_here(explicit)
  local driver, err = drivers.choose(explicit)
  local within = driver and scope.current()
  if within and within.cancelled then
    return cancelled()
  end
  return driver, err
end

--- Sleeps until waiter.done, or until `seconds` have passed (nil: no limit).
---@param driver finseg.Driver
---@param pollable finseg.Client|finseg.Signal  what ends the wait
---@param waiter table  with a method `cancel`, which must lead to waiter.done
---@param seconds number?
---@return boolean done  false when the time passed first
local function sleep_until_done(driver, pollable, waiter, seconds)
  local within = scope.current()
  local deadline = seconds and core.now() + seconds
  waiter.driver = driver
  if within then
    within.waiters[waiter] = true
    if within.cancelled then
      waiter:cancel()
    end
  end
  local awake = true
  while awake and not waiter.done do
    awake = driver.suspend(pollable, waiter, deadline and math.max(deadline - core.now(), 0))
  end
  if within then
    within.waiters[waiter] = nil
  end
  return waiter.done
end

--- An operation under way: the waiter of one ticket. client:step() finishes it.
---@class finseg.Operation
---@field client finseg.Client
---@field ticket number
---@field job finseg.Job?  the job whose cancel ends this operation
---@field next_of_job finseg.Operation?  the job's operations are a list: a table each would take more memory
---@field done boolean
---@field ok boolean
---@field value any  the result, or the err
---@field driver finseg.Driver?  while somebody waits
---@field callback_wait finseg.CallbackWait?  while the job's callback is expected
local Operation = {}
Operation.__index = Operation

function Operation:cancel()
  if not self.done and not self.client.closed then
    self.client:_cancel(self.ticket)
  end
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

--- Takes the outcome and wakes whoever waits for it, before anything else is told.
---@param ok boolean
---@param value any
function Operation:finish(ok, value)
  self.done, self.ok, self.value = true, ok, value
  if self.job then
    unlink(self.job, self)
  end
  if self.driver then
    self.driver.wake(self)
  end
  if self.callback_wait then
    self.callback_wait:finish(ok, value)
  end
end

--- Tells the core something about a wait. Where the loop cannot see by a descriptor that there is something to do now,
--- waking the waiter tells it.
---@param method "called"|"expect_callback"  of the core client
function Operation:tell(method, ...)
  local client = self.client
  if self.done or client.closed then
    return
  end
  client._core[method](client._core, self.ticket, ...)
  if self.driver then
    self.driver.wake(self)
  end
end

--- Follows a ticket. The client keeps the operation until its outcome has come, whether somebody waits or not.
---@param client finseg.Client
---@param ticket number
---@param job finseg.Job?
---@return finseg.Operation
function await.begin(client, ticket, job)
  local operation = setmetatable({ client = client, ticket = ticket, job = job, done = false }, Operation)
  client._operations[ticket] = operation
  if job then
    operation.next_of_job, job._operation = job._operation, operation
  end
  return operation
end

--- Sleeps until the operation is done, and calls f(), if there is one, every so many seconds meanwhile.
---@return boolean done
local function sleep_beside(driver, operation, seconds, f)
  while not sleep_until_done(driver, operation.client, operation, seconds) do
    if not f then
      return false
    end
    operation.driver = nil -- f may wait for something else, and nobody is to wake it out of that
    f()
  end
  return true
end

--- Waits for an operation's outcome.
---@param operation finseg.Operation
---@param seconds number?
---@param f function?  called every so many seconds meanwhile; it may wait
---@return any value
---@return table? err
function await.finish(operation, seconds, f)
  if not operation.done then
    local driver, err = drivers.choose(operation.client._driver)
    if not driver then
      operation:cancel()
      return nil, err
    end
    if not sleep_beside(driver, operation, seconds, f) then
      operation:cancel()
      return nil, core.error("timeout", ("the driver '%s' gave up the wait"):format(driver.name))
    end
  end
  if operation.ok then
    return operation.value
  end
  return nil, operation.value
end

--- Starts an operation of the core.
---@param client finseg.Client
---@param job finseg.Job?  whose cancel ends the operation
---@param method string  of the core client, answering a ticket
---@return finseg.Operation? operation
---@return table? err
function await.start(client, job, method, ...)
  local driver, err = driver_here(client._driver)
  if not driver then
    return nil, err
  end
  local ticket
  ticket, err = client._core[method](client._core, ...)
  if not ticket then
    return nil, err
  end
  return await.begin(client, ticket, job)
end

--- Starts an operation of the core and waits for its outcome.
---@param client finseg.Client
---@param job finseg.Job?  whose cancel ends the operation
---@param method string  of the core client, answering a ticket
---@return any value
---@return table? err
function await.run(client, job, method, ...)
  local operation, err = await.start(client, job, method, ...)
  if not operation then
    return nil, err
  end
  return await.finish(operation)
end

--- Waits on something pollable that counts who waits on it, for what sets waiter.done and wakes the waiter's driver.
---@param pollable table  a signal, or a store whose calls wait
---@param waiter table  with a method `cancel`
---@param seconds number?
---@return boolean? done  false when the time passed first
---@return table? err  no wait is possible here, or it is cancelled
function await.on(pollable, waiter, seconds)
  local driver, err = driver_here()
  if not driver then
    return nil, err
  end
  return await.signal(driver, pollable, waiter, seconds)
end

--- A call of a store under way: the waiter of its results.
---@class finseg.Call
---@field done boolean
local Call = {}
Call.__index = Call

--- Takes the results. Those that come after a cancel find nobody.
function Call:finish(value, err)
  if self.done then
    return
  end
  self.done, self.value, self.err = true, value, err
  if self.driver then
    self.driver.wake(self)
  end
end

function Call:cancel()
  self:finish(cancelled())
end

--- Calls a method of a store whose calls wait, and waits for its results.
---@param store finseg.Store  with `begin`
---@param method string
---@param ... any  the method's arguments
---@return any value
---@return table? err
function await.call(store, method, ...)
  local driver, err = driver_here()
  if not driver then
    return nil, err
  end
  local call = setmetatable({ done = false }, Call)
  store:begin(method, function(...)
    call:finish(...)
  end, ...)
  if not call.done and not await.signal(driver, store, call) then
    call:finish(nil, core.error("timeout", ("the driver '%s' gave up the wait"):format(driver.name)))
  end
  return call.value, call.err
end

--- Waits on the signal, for what ends by signal:finish(waiter).
---@param driver finseg.Driver
---@param signal finseg.Signal
---@param waiter table  with a method `cancel`
---@param seconds number?
---@return boolean done  false when the time passed first
function await.signal(driver, signal, waiter, seconds)
  signal.waiting = signal.waiting + 1
  local done = sleep_until_done(driver, signal, waiter, seconds)
  signal.waiting = signal.waiting - 1
  return done
end

--- Sleeps inside a finseg.all, which may end the sleep early.
local function sleep_within(driver, seconds)
  local signal, err = Signal.shared()
  if not signal then
    return nil, err
  end
  local waiter = { done = false }
  function waiter.cancel()
    signal:finish(waiter)
  end
  if await.signal(driver, signal, waiter, seconds) then
    return cancelled()
  end
  return true
end

--- Sleeps for that long without a client.
---@param seconds number
---@return boolean? ok
---@return table? err  kind cancelled, or invalid where no wait is possible
function await.sleep(seconds)
  local driver, err = drivers.choose()
  if not driver then
    return nil, err
  end
  local within = scope.current()
  if not within then
    driver.sleep(seconds)
    return true
  elseif within.cancelled then
    return cancelled()
  end
  return sleep_within(driver, seconds)
end

return await
