-- A coroutine's wait for a notify of a store's key. The watch begins with the first wait, which ends at once so that
-- the caller looks again. After that nothing is missed: a notify that comes while nobody waits ends the next wait.

local Signal = require "finseg.wait.signal"
local await = require "finseg.wait.await"

---@class finseg.StoreWait
---@field store finseg.Store
---@field key string
---@field notified boolean
---@field stop_watching function?  nil until the first wait, and after stop()
---@field waiter table?  who waits
local StoreWait = {}
StoreWait.__index = StoreWait

---@param store finseg.Store
---@param key string
---@return finseg.StoreWait
function StoreWait.new(store, key)
  return setmetatable({ store = store, key = key, notified = false }, StoreWait)
end

local function finish(store_wait)
  local waiter = store_wait.waiter
  if not waiter or waiter.done then
    return
  elseif store_wait.signal then
    store_wait.signal:finish(waiter)
  else
    waiter.done = true
    waiter.driver.wake(waiter)
  end
end

local function begin_watching(store_wait)
  store_wait.stop_watching = store_wait.store:watch(store_wait.key, function()
    store_wait.notified = true
    finish(store_wait)
  end)
end

--- Waits for a notify of the key, or for `seconds`.
---@param seconds number
---@return boolean? ok  true: look again
---@return finseg.Err? err  `cancelled`, or no wait is possible here
function StoreWait:wait(seconds)
  if not self.stop_watching then
    begin_watching(self)
    return true
  end
  local err
  if not self.store.pollfd then
    self.signal, err = Signal.shared()
    if not self.signal then
      return nil, err
    end
  end
  local cancelled = false
  if not self.notified then
    self.waiter = { done = false }
    function self.waiter.cancel()
      cancelled = true
      finish(self)
    end
    local done
    done, err = await.on(self.signal or self.store, self.waiter, seconds)
    self.waiter = nil
    if done == nil then
      return nil, err
    end
  end
  self.notified = false
  if cancelled then
    return await.sleep(0) -- which says so
  end
  return true
end

function StoreWait:stop()
  if self.stop_watching then
    self.stop_watching()
    self.stop_watching = nil
  end
end

return StoreWait
