-- finseg's own scheduler, for programs without an event loop: finseg.run(f) runs f and everything it spawns as tasks,
-- coroutines that wait side by side in one thread, in one poll(2).

local Heap = require "finseg.wait.heap"
local Queue = require "finseg.wait.queue"
local Signal = require "finseg.wait.signal"
local core = require "finseg.core"

local unpack = table.unpack or unpack

---@type finseg.Driver
local tasks = { name = "tasks" }

--- What a task yields when it goes to sleep; anything else was not meant for the scheduler.
local SUSPENDED = {}

---@class finseg.Task
---@field coroutine thread
---@field scheduler finseg.Scheduler
---@field queued boolean  it is in the ready queue
---@field timed_out boolean?  its sleep ended by the clock
---@field on_failure fun(problem: any)?  takes its failure, which is the scheduler's otherwise

---@class finseg.Scheduler
---@field ready finseg.Queue  of the tasks to resume
---@field timers finseg.Heap  of waiters
---@field watched table<finseg.Client, integer>  clients with how many tasks sleep on each
---@field asleep table<table, boolean>  the waiters of the tasks that sleep
---@field ended boolean  its loop is over
---@field live integer  tasks that have not ended
---@field current finseg.Task?  the task that runs now
---@field failure any  what the first task to fail raised
local Scheduler = {}
Scheduler.__index = Scheduler

--- The scheduler that runs now in this Lua state, nil outside finseg.run.
local active

function Scheduler.new()
  return setmetatable({
    ready = Queue.new(),
    timers = Heap.new(),
    watched = {},
    asleep = {},
    ended = false,
    live = 0,
    failed = false,
  }, Scheduler)
end

function Scheduler:start(f, on_failure)
  local task = { coroutine = coroutine.create(f), scheduler = self, queued = false, on_failure = on_failure }
  self.live = self.live + 1
  self:enqueue(task)
  return task
end

function Scheduler:enqueue(task)
  if task.queued then
    return
  end
  task.queued = true
  self.ready:push(task)
end

function Scheduler:watch(client, change)
  local count = (self.watched[client] or 0) + change
  self.watched[client] = count > 0 and count or nil
end

function Scheduler:fail(task, problem)
  self.live = self.live - 1
  if type(problem) == "string" then
    problem = debug.traceback(task.coroutine, problem)
  end
  task.failed, task.problem = true, problem
  if task.on_failure then
    task.on_failure(problem)
  elseif not self.failed then
    self.failed, self.failure = true, problem
  end
end

--- Runs a task until it sleeps or ends.
function Scheduler:resume(task)
  self.current = task
  task.queued = false
  local ok, result = coroutine.resume(task.coroutine)
  self.current = nil
  if not ok then
    self:fail(task, result)
  elseif coroutine.status(task.coroutine) == "dead" then
    self.live = self.live - 1
  elseif result ~= SUSPENDED then
    self:fail(task, "a task of finseg.run called coroutine.yield itself: wait with finseg.sleep or a finseg call")
  end
end

--- Puts the tasks whose time has come into the queue.
function Scheduler:fire_timers(now)
  local due, waiter = self.timers:first()
  while due and due <= now do
    self.timers:pop()
    local task = waiter.tasks
    if task and not task.queued then
      task.timed_out = true
      self:enqueue(task)
    end
    due, waiter = self.timers:first()
  end
end

--- Seconds until the next timer; timers of waits that are over are dropped on the way.
function Scheduler:next_timer(now)
  local due, waiter = self.timers:first()
  while due and not waiter.tasks do
    self.timers:pop()
    due, waiter = self.timers:first()
  end
  return due and math.max(due - now, 0)
end

--- Whether it may wake somebody by itself. A signal does not: tasks raise it.
local function can_wake(client)
  return getmetatable(client) ~= Signal or client.raised
end

--- Sleeps until a client has work or a timer is due, and steps the clients that have.
function Scheduler:poll()
  local clients, descriptors = {}, {}
  local hopeful = false
  for client in pairs(self.watched) do
    local descriptor = client:pollfd()
    if descriptor then
      clients[#clients + 1] = client
      descriptors[#descriptors + 1] = descriptor
      hopeful = hopeful or can_wake(client)
    end
  end
  local idle = self.ready:count() == 0
  local seconds = self:next_timer(core.now())
  if idle and not seconds and not hopeful then
    error("finseg.run: every task waits, and nothing is left that could wake one", 0)
  end
  if not idle then
    seconds = 0
  end
  for _, position in ipairs(core.poll(descriptors, seconds)) do
    local client = clients[position]
    if not client.closed then
      client:step()
    end
  end
  self:fire_timers(core.now())
end

function Scheduler:loop()
  while true do
    for _ = 1, self.ready:count() do
      self:resume(self.ready:pop())
    end
    if self.live == 0 then
      return
    end
    self:poll()
  end
end

--- The loop is over. Tasks still sleep when it has failed: nobody resumes them any more, so what they wait for ends.
function Scheduler:finish()
  self.ended = true
  local waiters = {}
  for waiter in pairs(self.asleep) do
    waiters[#waiters + 1] = waiter
  end
  for _, waiter in ipairs(waiters) do
    if waiter.cancel then
      pcall(waiter.cancel, waiter) -- the failure that has ended the loop is the one to report
    end
  end
end

function tasks.running()
  if not active then
    return false
  end
  local current = active.current
  if current and current.coroutine == coroutine.running() then
    return true
  end
  return false,
    "no wait is possible in a coroutine made inside a task of finseg.run, since its yields go elsewhere: "
      .. "wait in the task itself, or start the function with finseg.spawn"
end

local function fall_asleep(waiter, seconds)
  local scheduler = active
  local task = scheduler.current
  task.timed_out = nil
  waiter.tasks = task
  scheduler.asleep[waiter] = true
  if seconds then
    scheduler.timers:push(core.now() + seconds, waiter)
  end
  return task
end

local function get_up(task, waiter)
  task.scheduler.asleep[waiter] = nil
  waiter.tasks = nil
  if task.timed_out then
    return nil, "timeout"
  end
  return true
end

--- The yields are here and nowhere deeper: each frame of a sleeping coroutine takes memory.
function tasks.suspend(client, waiter, seconds)
  local task = fall_asleep(waiter, seconds)
  task.scheduler:watch(client, 1)
  coroutine.yield(SUSPENDED)
  task.scheduler:watch(client, -1)
  return get_up(task, waiter)
end

function tasks.sleep(seconds)
  local waiter = {}
  local task = fall_asleep(waiter, seconds)
  coroutine.yield(SUSPENDED)
  get_up(task, waiter)
end

function tasks.wake(waiter)
  local task = waiter.tasks
  if task and not task.scheduler.ended then
    task.scheduler:enqueue(task)
  end
end

function tasks.spawn(f, on_failure)
  active:start(f, on_failure)
end

--- finseg.run: runs f(...) as the first task, and returns what it returned once every task has ended. When tasks
--- raised, the others are still run to their end; then f's own error is raised again, else that of the first task
--- that failed: text with the task's traceback, other values as they are.
function tasks.run(f, ...)
  if active then
    error("finseg.run inside finseg.run: use finseg.spawn or finseg.all", 0)
  end
  local arguments, results = { n = select("#", ...), ... }, { n = 0 }
  local function first()
    local function keep(...)
      results = { n = select("#", ...), ... }
    end
    keep(f(unpack(arguments, 1, arguments.n)))
  end
  local scheduler = Scheduler.new()
  local main = scheduler:start(first)
  active = scheduler
  local ok, problem = pcall(scheduler.loop, scheduler)
  active = nil
  scheduler:finish()
  if not ok then
    error(problem, 0)
  elseif main.failed then
    error(main.problem, 0)
  elseif scheduler.failed then
    error(scheduler.failure, 0)
  end
  return unpack(results, 1, results.n)
end

return tasks
