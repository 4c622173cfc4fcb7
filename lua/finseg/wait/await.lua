-- Waiting in whatever loop the program runs: for what sets a waiter's `done`.

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
---@return finseg.Err? err  no wait is possible here, or it is cancelled
function await.driver(explicit)
  local driver, err = drivers.choose(explicit)
  local within = driver and scope.current()
  if within and within.cancelled then
    return cancelled()
  end
  return driver, err
end

--- Sleeps until waiter.done, or until `seconds` have passed (nil: no limit).
---@param driver finseg.Driver
---@param pollable finseg.Pollable  stepping it ends the wait
---@param waiter table  with a method `cancel`, which must lead to waiter.done
---@param seconds number?
---@return boolean done  false when the time passed first
function await.sleep_until_done(driver, pollable, waiter, seconds)
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

--- What to answer when a driver has ended a wait before its time.
---@param driver finseg.Driver
---@return finseg.Err
function await.given_up(driver)
  return core.error("timeout", ("the driver '%s' gave up the wait"):format(driver.name))
end

--- Waits on something pollable that counts who waits on it, for what sets waiter.done and wakes the waiter's driver.
---@param pollable table  a signal, or a store whose calls wait
---@param waiter table  with a method `cancel`
---@param seconds number?
---@return boolean? done  false when the time passed first
---@return finseg.Err? err  no wait is possible here, or it is cancelled
function await.on(pollable, waiter, seconds)
  local driver, err = await.driver()
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
---@return finseg.Err? err
function await.call(store, method, ...)
  local driver, err = await.driver()
  if not driver then
    return nil, err
  end
  local call = setmetatable({ done = false }, Call)
  store:begin(method, function(...)
    call:finish(...)
  end, ...)
  if not call.done and not await.signal(driver, store, call) then
    call:finish(nil, await.given_up(driver))
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
  local done = await.sleep_until_done(driver, signal, waiter, seconds)
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
---@return finseg.Err? err  kind cancelled, or invalid where no wait is possible
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
