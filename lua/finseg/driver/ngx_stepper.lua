-- What steps a client in nginx, in place of an event loop that watches its descriptor: a timer of the worker's, which
-- runs while anything is under way, and ends when nothing is.
--
-- ngx_lua cannot watch a descriptor that it has not opened. So the stepper looks at the client: again soon after a step
-- that had work to do, a few milliseconds later while transfers are under way and silent, and not before the client's
-- next timer when there are none. So waiting for a job costs nothing between two questions to the service. It goes on
-- in a worker that is about to exit, since those who wait still wait.

local Pollable = require "finseg.wait.pollable"
local Timer = require "finseg.driver.ngx_timer"
local core = require "finseg.core"

--- Seconds of work after which other requests have their turn.
local LONGEST_TURN = 0.001

--- Seconds between looks while transfers are silent: the first and the longest.
local FIRST_REST, LONGEST_REST = 0.001, 0.004

--- The longest sleep, when the client plans nothing. (Whatever makes a plan wakes the stepper.)
local LONG = 3600

--- Seconds between two looks for waits whose request is gone.
local REAPING = 1

--- Seconds of rest after a step that raised.
local AFTER_FAILURE = 0.1

---@class finseg.ngx.Stepper
---@field timer finseg.ngx.Timer
---@field alarm table  the semaphore in which the timer sleeps
---@field resting boolean  it does
---@field descriptors integer[]  for core.poll
---@field waiters table<table, boolean>  those that sleep; they alone may refer to the client, see `steppers`
---@field reaped_at number
local Stepper = {}
Stepper.__index = Stepper

--- The steppers by client. A stepper whose client nobody refers to any more must not refer to it either, or neither is
--- ever collected: LuaJIT has no ephemerons.
---@type table<finseg.Client, finseg.ngx.Stepper>
local steppers = setmetatable({}, { __mode = "k" })

--- The stepper of a client, which is made at the first wait.
---@param client finseg.Client
---@return finseg.ngx.Stepper
function Stepper.of(client)
  local stepper = steppers[client]
  if not stepper then
    stepper = setmetatable({
      timer = Timer.new(),
      alarm = assert(require("ngx.semaphore").new(0)),
      resting = false,
      descriptors = { client:pollfd() },
      waiters = {},
      reaped_at = core.now(),
    }, Stepper)
    steppers[client] = stepper
  end
  return stepper
end

function Stepper:enter(waiter)
  waiter.ngx.stepper = self
  self.waiters[waiter] = true
end

function Stepper:leave(waiter)
  self.waiters[waiter] = nil
end

--- Ends the timer's rest, because there is something new to look at.
function Stepper:nudge()
  if self.resting then
    self.resting = false
    self.alarm:post(1)
  end
end

--- True when the client has something to do now.
function Stepper:has_work()
  return core.poll(self.descriptors, 0)[1] ~= nil
end

--- Sleeps until the client is worth a look: at its next timer, or after `silence` seconds while a transfer is under
--- way.
function Stepper:rest(client, silence)
  local seconds = client:next_timeout() or LONG
  if client:transfers() > 0 then
    seconds = math.min(seconds, silence)
  end
  self.resting = true
  self.alarm:wait(math.max(math.min(seconds, LONG), FIRST_REST))
  self.resting = false
end

--- Whether the request of a waiter that was not woken yet is gone: then nobody sleeps in its semaphore any more.
function Stepper.is_gone(waiter)
  return waiter.ngx.semaphore:count() >= 0
end

--- Finds waits whose request is gone. A wait for a job ends here; the job lives on at the service. What else is under
--- way ends soon by itself, and a create above all has to: its job would be lost.
function Stepper:reap()
  local now = core.now()
  if now - self.reaped_at < REAPING then
    return
  end
  self.reaped_at = now
  local gone = {}
  for waiter in pairs(self.waiters) do
    if Stepper.is_gone(waiter) then
      gone[#gone + 1] = waiter
    end
  end
  for _, waiter in ipairs(gone) do
    self.waiters[waiter] = nil
    if waiter.job then
      waiter:cancel()
    end
  end
end

--- The waiter has its outcome. When its request is gone, a job that was created for it must not be lost with it.
function Stepper:woken(waiter)
  self:leave(waiter)
  self:nudge()
  local created = waiter.ngx.gone and waiter.ok and type(waiter.value) == "userdata" and waiter.value.id
  if created then
    local kind, id = waiter.value:kind(), waiter.value:id()
    ngx.log(ngx.WARN, ("finseg: job %s/%s was created after its request was gone"):format(kind, id))
  end
end

--- Steps until the client has nothing to do at this moment, or others must have their turn.
---@return boolean going_on  false: everything under way has ended with an error
local function step_for_a_while(stepper, client)
  local started = core.now()
  repeat
    if not client:step() then
      return false
    end
  until client.closed or core.now() - started > LONGEST_TURN or not stepper:has_work()
  return true
end

--- True while something is under way, in what is attached to the client, too; and while a store that is gone tries to
--- come back, which is no reason for a worker to stay. (A store of the program's own may lack both questions.)
local function is_busy(client)
  if client.closed then
    return false
  elseif client.is_recovering and client:is_recovering() and not ngx.worker.exiting() then
    return true
  end
  return (client.is_busy or Pollable.is_busy)(client)
end

--- Steps while anything is under way.
function Stepper:work(client)
  local silence = FIRST_REST
  while is_busy(client) do
    self:reap()
    if self:has_work() then
      if not step_for_a_while(self, client) then
        return
      end
      silence = FIRST_REST
    end
    if is_busy(client) then
      self:rest(client, silence)
      silence = math.min(silence * 2, LONGEST_REST)
    end
  end
end

--- What a step calls back may raise, as a watcher of a store: that is no reason to end what others wait for. The log
--- is told, and the stepping goes on, not at once, in case it is always the same.
function Stepper:run(client)
  local ok, problem = pcall(self.work, self, client)
  while not ok do
    ngx.log(ngx.ERR, "finseg: stepping the client failed: ", tostring(problem))
    ngx.sleep(AFTER_FAILURE)
    ok, problem = pcall(self.work, self, client)
  end
end

--- Sees to it that the client is stepped from now on.
---@param client finseg.Client
---@return boolean served  false: nobody else may step the client, so the caller has to, once
---@return number? patience  seconds after which to call again if nothing has happened
function Stepper:serve(client)
  local state = self.timer:start(self.run, self, client)
  if state == "running" then
    self:nudge()
    return true, math.huge
  end
  return state == "granted", Timer.PATIENCE
end

return Stepper
