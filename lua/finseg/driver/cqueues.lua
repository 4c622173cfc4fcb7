-- The driver for cqueues. In each controller a thread of the driver's own steps a client while somebody waits on it.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"

---@type finseg.Driver
local driver = { name = "cqueues" }

---@class finseg.Stepper  steps one client in one controller
---@field client finseg.Client
---@field fd integer
---@field waiting integer  who sleeps on the client in this controller

local function step_while_awaited(steppers, controller, stepper)
  local client = stepper.client
  local readable = { pollfd = stepper.fd, events = "r" }
  while stepper.waiting > 0 do
    cqueues.poll(readable)
    if stepper.waiting > 0 and not client.closed then
      client:step()
    end
  end
  steppers[controller] = nil
end

--- The stepper of a client in the controller that runs now, for one more who waits.
local function enter(client)
  local steppers = client.cqueues
  if not steppers then
    steppers = setmetatable({}, { __mode = "k" })
    client.cqueues = steppers
  end
  local controller = cqueues.running()
  local stepper = steppers[controller]
  if stepper then
    stepper.waiting = stepper.waiting + 1
    return stepper
  end
  stepper = { client = client, fd = client:pollfd(), waiting = 1 }
  steppers[controller] = stepper
  controller:wrap(step_while_awaited, steppers, controller, stepper)
  return stepper
end

--- Before the client may be closed, cqueues must have let go of its descriptor: cancel() does, and wakes the stepper.
local function leave(stepper)
  stepper.waiting = stepper.waiting - 1
  if stepper.waiting == 0 then
    cqueues.cancel(stepper.fd)
  end
end

function driver.running()
  local controller, in_its_thread = cqueues.running()
  if not controller then
    return false
  elseif not in_its_thread then
    return false,
      "no wait is possible in a coroutine made inside a thread of cqueues, since its yields go elsewhere: "
        .. "wait in the thread itself, or start the function with finseg.spawn"
  end
  return true
end

function driver.suspend(client, waiter, seconds)
  local sleeper = { condition = condition.new(), stepper = enter(client), woken = false }
  waiter.cqueues = sleeper
  local deadline = seconds and cqueues.monotime() + seconds
  cqueues.poll(sleeper.condition, seconds)
  waiter.cqueues = nil
  if sleeper.woken then
    return true
  end
  leave(sleeper.stepper)
  if deadline and cqueues.monotime() >= deadline then
    return nil, "timeout"
  end
  return true
end

function driver.wake(waiter)
  local sleeper = waiter.cqueues
  if sleeper and not sleeper.woken then
    sleeper.woken = true
    leave(sleeper.stepper)
    sleeper.condition:signal()
  end
end

function driver.spawn(f)
  cqueues.running():wrap(f)
end

driver.sleep = cqueues.sleep

return driver
