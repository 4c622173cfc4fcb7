-- Drivers: how a wait fits the event loop of the program that finseg runs in.
--
-- A driver is a table with these members. A program may hand its own to finseg.new{ driver = ... }.
--
--   name      text, for messages
--   running() -> true when this loop runs here and the current coroutine may wait in it;
--             else false and, when the loop does run but no wait is possible at this place, a line that says why
--   suspend(client, waiter, seconds) -> true | nil, "timeout"
--             puts the current coroutine to sleep until wake(waiter), or until `seconds` have passed (nil: no limit).
--             It may return true early; the caller looks at waiter.done and comes back. While it sleeps, the driver
--             sees to it that `client` is stepped: whenever client:pollfd() is readable, client:step() is to be
--             called, by anyone. client:pollfd() is nil once the client is closed. `client` is nil for a wait that
--             has nothing to do with one (a sleep): then only wake and the time count.
--   wake(waiter)
--             ends the sleep of that waiter; does nothing when it does not sleep. It may be called from any coroutine,
--             client:step() being the usual place.
--   spawn(f)  starts f in a coroutine of the loop. An error in f is the loop's to report.
--
-- `waiter` is a table that finseg makes for each wait; `waiter.done` tells that it is over. A driver may keep one
-- field of its own in it, under its name. finseg checks waiter.done before each suspend, so a wake that comes first
-- is not lost.

local core = require "finseg.core"

---@class finseg.Driver
---@field name string
---@field running fun(): boolean, string?
---@field suspend fun(client: finseg.Client?, waiter: table, seconds: number?): boolean?, string?
---@field wake fun(waiter: table)
---@field spawn fun(f: function)

local drivers = {}

--- The drivers that finseg looks for by itself, in this order; blocking is what remains.
local shipped = { "tasks" }

local members = { name = "string", running = "function", suspend = "function", wake = "function", spawn = "function" }

local function problem_of(driver)
  for member, expected in pairs(members) do
    if type(driver[member]) ~= expected then
      return ("a driver needs `%s`, a %s (see finseg.driver)"):format(member, expected)
    end
  end
end

--- Finds the driver that a config field asks for: nil, a driver, or the name of a shipped one.
---@param wanted nil|string|finseg.Driver
---@return finseg.Driver? driver  nil without an error when nothing was asked for
---@return table? err  kind config
function drivers.named(wanted)
  if wanted == nil then
    return nil
  end
  if type(wanted) == "table" then
    local problem = problem_of(wanted)
    if problem then
      return nil, core.error("config", "config: driver: " .. problem)
    end
    return wanted
  end
  local known = wanted == "blocking"
  for _, name in ipairs(shipped) do
    known = known or wanted == name
  end
  if not known then
    local names = "blocking, " .. table.concat(shipped, ", ")
    return nil, core.error("config", "config: driver: one of " .. names .. ", or a table, expected")
  end
  return (require("finseg.driver." .. wanted))
end

--- Chooses the driver for a wait that begins now: the explicit one, else the loop that runs here, else blocking.
---@param explicit finseg.Driver?
---@return finseg.Driver? driver
---@return table? err  kind invalid: no wait is possible here
function drivers.choose(explicit)
  if explicit then
    local running, why = explicit.running()
    if running then
      return explicit
    end
    why = why or ("the driver '%s' of this client does not run here"):format(explicit.name)
    return nil, core.error("invalid", why)
  end
  for _, name in ipairs(shipped) do
    local driver = require("finseg.driver." .. name)
    local running, why = driver.running()
    if running then
      return driver
    elseif why then
      return nil, core.error("invalid", why)
    end
  end
  return (require "finseg.driver.blocking")
end

return drivers
