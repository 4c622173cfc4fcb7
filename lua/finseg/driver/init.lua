-- Drivers: how a wait fits the event loop of the program that finseg runs in.
--
-- A driver is a table with these members. A program hands its own to finseg.add_driver, and every wait looks for its
-- loop; or to finseg.new{ driver = ... }, which does the same and has that client wait nowhere else.
--
--   name      text, for messages
--   running() -> true when this loop runs here and the current coroutine may wait in it;
--             else false and, when the loop does run but no wait is possible at this place, a line that says why.
--             finseg looks itself whether the coroutine may yield, unless it is the main thread, which never may:
--             who waits there has another way.
--   suspend(client, waiter, seconds) -> true | nil, "timeout"
--             puts the current coroutine to sleep until wake(waiter), or until `seconds` have passed (nil: no limit).
--             It may return true early; finseg looks at waiter.done and comes back. While anybody sleeps on it, the
--             driver sees to it that `client` is stepped: whenever client:pollfd() is readable, client:step() is to
--             be called, by anyone.
--   wake(waiter)
--             ends the sleep of that waiter; does nothing when it does not sleep. It may be called from anywhere,
--             client:step() being the usual yieldable. The sleeper should go on later, not inside wake().
--   spawn(f, on_failure)
--             starts f in a coroutine of the loop. An error in f is the loop's to report. A loop that gives a coroutine
--             up for another reason, such as a yield that it does not know, may call on_failure(problem).
--   sleep(seconds)
--             puts the current coroutine to sleep for that long.
--
-- `client` is something pollable (see finseg.wait.pollable): a client, a store that has a connection, or finseg's own
-- signal. It has pollfd(), step() and `closed`, and for loops that cannot watch a descriptor next_timeout(),
-- transfers() and pending(). Its descriptor is closed by client:close(), which has woken every waiter before:
-- a driver lets go of the descriptor when its last waiter is woken or has timed out, so that it watches no stale one.
--
-- `waiter` is a table that finseg makes for each wait; `waiter.done` tells that it is over. finseg checks waiter.done
-- before each suspend, so a wake that comes first is not lost. A driver may keep one field of its own in the waiter and
-- one in the client, under its name.

local blocking = require "finseg.driver.blocking"
local core = require "finseg.core"
local yieldable = require "finseg.wait.yieldable"
local tasks = require "finseg.driver.tasks"

---@class finseg.Driver  its members are described above
---@field name string
---@field running fun(): boolean, string?
---@field suspend fun(client: finseg.Pollable, waiter: table, seconds: number?): boolean?, string?
---@field wake fun(waiter: table)
---@field spawn fun(f: function, on_failure: fun(problem: any)?)
---@field sleep fun(seconds: number)

local drivers = { blocking = blocking }

--- Where finseg looks for a loop that runs, in this order; blocking is what remains. A loop that runs has been loaded
--- (`host`: its module): finseg never loads one that nobody asked for.
local candidates = {
  { name = "tasks", driver = tasks },
  { name = "ngx", host = "ngx" },
  { name = "cqueues", host = "cqueues" },
  { name = "luv", host = "luv" },
}
local names = { blocking = true }
for _, candidate in ipairs(candidates) do
  names[candidate.name] = true
end

--- In the order in which a driver that lacks several is told of one.
local members = {
  { "name", "string" },
  { "running", "function" },
  { "suspend", "function" },
  { "wake", "function" },
  { "spawn", "function" },
  { "sleep", "function" },
}

local function problem_of(driver)
  for _, member in ipairs(members) do
    local name, expected = member[1], member[2]
    if type(driver[name]) ~= expected then
      return ("a driver needs `%s`, a %s (see finseg.driver)"):format(name, expected)
    end
  end
end

local function sorted_names()
  local sorted = {}
  for name in pairs(names) do
    sorted[#sorted + 1] = name
  end
  table.sort(sorted)
  return table.concat(sorted, ", ")
end

local function first_line(problem)
  return (tostring(problem):match "^[^\n]*")
end

--- Finds the driver that a config field asks for: nil, a driver, or the name of a shipped one.
---@param wanted nil|string|finseg.Driver
---@return finseg.Driver? driver  nil without an error when nothing was asked for
---@return finseg.Err? err  kind config
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
  if not names[wanted] then
    return nil, core.error("config", "config: driver: one of " .. sorted_names() .. ", or a table, expected")
  end
  local loaded, driver = pcall(require, "finseg.driver." .. wanted)
  if not loaded then
    return nil, core.error("config", ("config: driver: %s cannot be loaded: %s"):format(wanted, first_line(driver)))
  end
  return driver
end

local function is_known(driver)
  for _, candidate in ipairs(candidates) do
    if driver == (candidate.driver or package.loaded["finseg.driver." .. candidate.name]) then
      return true
    end
  end
  return driver == blocking
end

--- Has finseg look for the loop of a program's own driver, too, before it looks for those it knows. Adding it again
--- does nothing.
---@param driver finseg.Driver
---@return boolean? ok
---@return finseg.Err? err  kind config
function drivers.add(driver)
  local _, err = drivers.named(driver)
  if err then
    return nil, err
  end
  if not is_known(driver) then
    table.insert(candidates, 2, { name = driver.name, driver = driver }) -- finseg.run comes first, where it runs
  end
  return true
end

--- Whether a wait can begin here in the driver's loop; when not, perhaps why.
local function can_wait(driver)
  local running, why = driver.running()
  if running and driver ~= blocking and not yieldable.is_main() then
    return yieldable.may_yield()
  end
  return running, why
end

local function choose_explicit(driver)
  local running, why = can_wait(driver)
  if running and driver ~= tasks and driver ~= blocking and tasks.running() then
    -- Many a loop can only tell that it is in a coroutine. What this one yields goes to finseg.run.
    running = false
    why = ("the driver '%s' of this client cannot wait in a task of finseg.run: start finseg.run in its loop"):format(
      driver.name
    )
  end
  if running then
    return driver
  end
  why = why or ("the driver '%s' of this client does not run here"):format(driver.name)
  return nil, core.error("invalid", why)
end

--- Chooses the driver for a wait that begins now: the explicit one, else the loop that runs here, else blocking.
---@param explicit finseg.Driver?
---@return finseg.Driver? driver
---@return finseg.Err? err  kind invalid: no wait is possible here
function drivers.choose(explicit)
  if explicit then
    return choose_explicit(explicit)
  end
  for _, candidate in ipairs(candidates) do
    if candidate.driver or package.loaded[candidate.host] then
      local driver = candidate.driver or require("finseg.driver." .. candidate.name)
      local running, why = can_wait(driver)
      if running then
        return driver
      elseif why then
        return nil, core.error("invalid", why)
      end
    end
  end
  return blocking
end

return drivers
