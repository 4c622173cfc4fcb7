-- finseg.all: functions side by side, their results in order, or the first failure.

local Signal = require "finseg.wait.signal"
local await = require "finseg.wait.await"
local drivers = require "finseg.driver"
local run = require "finseg.wait.run"
local scope = require "finseg.wait.scope"
local tasks = require "finseg.driver.tasks"

local unpack = table.unpack or unpack

---@class finseg.Group  the functions of one finseg.all; itself the waiter of who called it
local Group = {}
Group.__index = Group

--- Somebody outside wants an end: end what the functions wait for. They then end by themselves, and the group with
--- them.
function Group:cancel()
  scope.cancel(self.scope)
end

function Group:fail(err)
  if not self.failed then
    self.failed, self.failure = true, err
    scope.cancel(self.scope)
  end
end

function Group:run(position, f)
  scope.enter(self.scope)
  local ok, result, err = pcall(f)
  scope.leave()
  if not ok then
    self:fail(result)
  elseif result == nil and err ~= nil then
    self:fail(err)
  else
    self.results[position] = result
  end
  self:count_out()
end

function Group:count_out()
  self.running = self.running - 1
  if self.running == 0 then
    self.signal:finish(self)
  end
end

local function run_all(driver, functions)
  local signal, err = Signal.shared()
  if not signal then
    return nil, err
  end
  local count = #functions
  local group = setmetatable({
    scope = scope.new(),
    signal = signal,
    results = {},
    running = count,
    failed = false,
    done = false,
  }, Group)
  for position, f in ipairs(functions) do
    run.spawn(driver, function()
      group:run(position, f)
    end, function(problem)
      group:fail(problem)
      group:count_out()
    end)
  end
  if count > 0 then
    await.signal(driver, signal, group)
  end
  if group.failed then
    return nil, group.failure
  end
  return unpack(group.results, 1, count)
end

---@param functions function[]
local function all(functions)
  local driver, err = drivers.choose()
  if not driver then
    return nil, err
  end
  if driver == drivers.blocking then
    return tasks.run(run_all, tasks, functions)
  end
  return run_all(driver, functions)
end

return all
