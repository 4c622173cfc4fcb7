-- Scopes: which waits belong together, so that finseg.all can cancel what its functions wait for, under every driver.
-- A scope holds the waiters of its coroutines; a waiter has a method `cancel`.

---@class finseg.Scope
---@field cancelled boolean
---@field waiters table<table, boolean>
local scope = {}

--- coroutine -> its scope
local scopes = setmetatable({}, { __mode = "k" })

---@return finseg.Scope
function scope.new()
  return { cancelled = false, waiters = {} }
end

--- The scope of the running coroutine; nil outside of any.
---@return finseg.Scope?
function scope.current()
  local running = coroutine.running()
  return running and scopes[running]
end

--- Makes the running coroutine part of a scope.
---@param entered finseg.Scope
function scope.enter(entered)
  scopes[coroutine.running()] = entered
end

--- Takes the running coroutine out of its scope. A host may use it again for something else, as nginx does.
function scope.leave()
  scopes[coroutine.running()] = nil
end

--- Ends every wait of the scope, and those still to come.
---@param cancelled finseg.Scope
function scope.cancel(cancelled)
  cancelled.cancelled = true
  local waiters = {}
  for waiter in pairs(cancelled.waiters) do
    waiters[#waiters + 1] = waiter
  end
  for _, waiter in ipairs(waiters) do
    waiter:cancel()
  end
end

return scope
