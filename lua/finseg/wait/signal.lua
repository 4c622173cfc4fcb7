-- The signal: what a wait is about that has no client. It is pollable as a client is, so that a driver needs one way to
-- wait and not two.

local Pollable = require "finseg.wait.pollable"
local core = require "finseg.core"

---@class finseg.Signal: finseg.Pollable
---@field closed boolean  always false: a signal lives as long as somebody refers to it
---@field waiting integer  how many wait on it
---@field raised boolean  a wait has ended since the last step
local Signal = Pollable.new_class()

---@return finseg.Signal? signal
---@return finseg.Err? err  no descriptor is left
function Signal.new()
  local core_signal, err = core.signal()
  if not core_signal then
    return nil, err
  end
  return setmetatable({ closed = false, waiting = 0, raised = false, _core = core_signal }, Signal)
end

local shared

--- The signal that all waits of this Lua state share, since a wait costs no descriptor then.
---@return finseg.Signal? signal
---@return finseg.Err? err
function Signal.shared()
  if shared and shared._core:is_own() then
    return shared
  end
  local err
  shared, err = Signal.new()
  return shared, err
end

--- Makes the descriptor readable until the next step.
function Signal:rouse()
  self._core:raise()
end

--- Ends a wait: its waiter is done, and whoever polls the signal sees it.
---@param waiter table
function Signal:finish(waiter)
  waiter.done = true
  self.raised = true
  self:rouse()
  if waiter.driver then
    waiter.driver.wake(waiter)
  end
end

--- Takes note that waits have ended; finish() has woken their waiters already.
---@return integer count
function Signal:step()
  self._core:clear()
  local count = self.raised and 1 or 0
  self.raised = false
  return count
end

function Signal:pending()
  return self.waiting
end

function Signal:next_timeout()
  return self.raised and 0 or nil
end

return Signal
