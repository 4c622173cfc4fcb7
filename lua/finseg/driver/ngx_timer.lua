-- A timer of nginx that does a piece of work: granted, running, or dropped.

local core = require "finseg.core"

--- A timer that was granted runs at once. nginx drops it, though, with no more than a line in its log, when
--- lua_max_running_timers others run; after so many seconds it counts as dropped.
local PATIENCE = 0.1

---@class finseg.ngx.Timer
---@field state "stopped"|"granted"|"running"
---@field granted_at number  when nginx granted it, for "granted"
local Timer = { PATIENCE = PATIENCE }
Timer.__index = Timer

---@return finseg.ngx.Timer
function Timer.new()
  return setmetatable({ state = "stopped" }, Timer)
end

function Timer:run(f, ...)
  self.state = "running"
  local ok, problem = pcall(f, ...)
  self.state = "stopped"
  if not ok then
    ngx.log(ngx.ERR, "finseg: a timer failed: ", tostring(problem))
  end
end

--- Has f(...) run in the timer, unless it runs already or was granted a moment ago.
---@param f function
---@param ... any
---@return "running"|"granted"|"dropped"|"refused" state  "dropped": nginx never ran the last one, and was asked again
---@return string? problem  why nginx has refused it
function Timer:start(f, ...)
  if self.state == "running" then
    return "running"
  end
  local dropped = self.state == "granted" and core.now() - self.granted_at >= PATIENCE
  if self.state == "granted" and not dropped then
    return "granted"
  end
  local granted, problem = ngx.timer.at(0, function(_, ...)
    -- nginx calls it early in a worker that is about to exit. It runs all the same: those who wait still wait.
    if self.state ~= "running" then
      self:run(f, ...)
    end
  end, ...)
  if not granted then
    return "refused", problem
  end
  self.state, self.granted_at = "granted", core.now()
  return dropped and "dropped" or "granted"
end

return Timer
