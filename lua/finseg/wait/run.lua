-- finseg.run and finseg.spawn: functions side by side, in finseg's own scheduler, or in the loop that runs already.

local Signal = require "finseg.wait.signal"
local await = require "finseg.wait.await"
local drivers = require "finseg.driver"
local tasks = require "finseg.driver.tasks"

local unpack = table.unpack or unpack

local run = {}

--- What one finseg.run has started in a loop that is not finseg's; itself the waiter of who called it.
---@class finseg.RunGroup
---@field signal finseg.Signal
---@field live integer  functions that have not ended
---@field failed boolean
---@field failure any  what the first one to fail raised
---@field done boolean
local RunGroup = {}
RunGroup.__index = RunGroup

--- coroutine -> the group it belongs to
local groups = setmetatable({}, { __mode = "k" })

local function group_here()
  local running = coroutine.running()
  return running and groups[running]
end

local function with_traceback(problem)
  return type(problem) == "string" and debug.traceback(problem, 2) or problem
end

function RunGroup:fail(problem)
  if not self.failed then
    self.failed, self.failure = true, problem
  end
end

function RunGroup:count_out()
  self.live = self.live - 1
  if self.live == 0 then
    self.signal:finish(self)
  end
end

---@param on_failure fun(problem: any)?  takes what f raised, or why the loop gave it up; else the group does
function RunGroup:start(driver, f, on_failure)
  self.live = self.live + 1
  local function failed(problem)
    if on_failure then
      on_failure(problem)
    else
      self:fail(problem)
    end
    self:count_out()
  end
  driver.spawn(function()
    groups[coroutine.running()] = self
    local ok, problem = xpcall(f, with_traceback)
    groups[coroutine.running()] = nil -- the host may use the coroutine again, as nginx does
    if ok then
      self:count_out()
    else
      failed(problem)
    end
  end, failed)
end

--- Somebody outside wants an end: the functions are not finseg's to end, so it is theirs.
function RunGroup.cancel() end

local function run_in(driver, f, ...)
  local signal, err = Signal.shared()
  if not signal then
    error(err, 0)
  end
  local group = setmetatable({ signal = signal, live = 0, failed = false, done = false }, RunGroup)
  local arguments, count = { ... }, select("#", ...)
  local results, main_failure
  local function keep(...)
    results = { n = select("#", ...), ... }
  end
  group:start(driver, function()
    keep(f(unpack(arguments, 1, count)))
  end, function(problem)
    main_failure = { problem }
  end)
  await.signal(driver, signal, group)
  if main_failure then
    error(main_failure[1], 0)
  elseif group.failed then
    error(group.failure, 0)
  end
  return unpack(results, 1, results.n)
end

--- See finseg.run.
function run.run(f, ...)
  local driver, err = drivers.choose()
  if not driver then
    error(err, 0)
  elseif driver == drivers.blocking then
    return tasks.run(f, ...)
  end
  return run_in(driver, f, ...)
end

--- Starts f beside the caller, as part of what the caller is part of.
---@param driver finseg.Driver
---@param f function
---@param on_failure fun(problem: any)?  for an f that never raises: the loop gave it up
function run.spawn(driver, f, on_failure)
  local group = group_here()
  if group then
    group:start(driver, f, on_failure)
  else
    driver.spawn(f, on_failure)
  end
end

return run
