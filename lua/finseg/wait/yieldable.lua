-- Whether a wait is possible here: whether the running coroutine can be left and come back to.

local core = require "finseg.core"

local yieldable = {}

--- True when the running coroutine may yield, as far as Lua can tell.
---@return boolean may
---@return string? why  it may not
function yieldable.may_yield()
  if core.is_yieldable() then
    return true
  end
  return false,
    "no wait is possible here, inside a C function that cannot be left and come back to (require, table.sort, "
      .. "string.gsub, ...): call finseg outside of it"
end

--- True in the thread that Lua began with, which is no coroutine.
---@return boolean
function yieldable.is_main()
  local running, main = coroutine.running()
  return not running or main == true
end

return yieldable
