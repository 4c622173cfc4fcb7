-- A bell: a watch of a store's key that a coroutine waits for. It is hung up at the first wait, which ends at once so
-- that the caller looks again; after that nothing is missed, since what rings while nobody waits ends the next wait.

local Signal = require "finseg.wait.signal"
local await = require "finseg.wait.await"

---@class finseg.Bell
---@field store finseg.Store
---@field key string
---@field rung boolean
---@field stop_watching function?  nil until the first wait, and after stop()
---@field waiter table?  who waits
local Bell = {}
Bell.__index = Bell

---@param store finseg.Store
---@param key string
---@return finseg.Bell
function Bell.new(store, key)
  return setmetatable({ store = store, key = key, rung = false }, Bell)
end

local function finish(bell)
  local waiter = bell.waiter
  if not waiter or waiter.done then
    return
  elseif bell.signal then
    bell.signal:finish(waiter)
  else
    waiter.done = true
    waiter.driver.wake(waiter)
  end
end

local function hang_up(bell)
  bell.stop_watching = bell.store:watch(bell.key, function()
    bell.rung = true
    finish(bell)
  end)
end

--- Waits for a notify of the key, or for `seconds`.
---@param seconds number
---@return boolean? ok  true: look again
---@return finseg.Err? err  `cancelled`, or no wait is possible here
function Bell:wait(seconds)
  if not self.stop_watching then
    hang_up(self)
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
  if not self.rung then
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
  self.rung = false
  if cancelled then
    return await.sleep(0) -- which says so
  end
  return true
end

function Bell:stop()
  if self.stop_watching then
    self.stop_watching()
    self.stop_watching = nil
  end
end

return Bell
