-- A driver of one's own: finseg under copas (1.1.7, as Debian has it, on Lua 5.1 to 5.4 and LuaJIT).
--
--   local copas_driver = require "driver_copas"
--   finseg.add_driver(copas_driver)                   -- or finseg.new{ driver = copas_driver }
--   copas.addthread(function() ... client:segment(...) ... end)
--   copas_driver.loop()                               -- instead of copas.loop()
--
-- copas knows sockets and nothing else. So a client is shown to it as a socket: a table with getfd() and dirty(), which
-- is what socket.select asks for, and with a receive() for copas itself. A coroutine that waits is taken out of copas
-- and put back by copas.addthread. copas 1.1.7 has no timers either: loop() below looks after those.
-- A wait must be in a thread of copas itself, not in a coroutine made inside one; copas has no way to tell.

local copas = require "copas"
local socket = require "socket"

local driver = { name = "copas" }

local asleep = 0 -- waits and sleeps under way
local ready = {} -- coroutines to put back, first come, first served
local timers = {} -- set of { due, expired }

-- copas hands a coroutine to the queue that it yields: this one lets it rest.
local rest = { insert = function() end }
function rest.push(_, sleeper, thread)
  sleeper.thread = thread
end

local function sleep(sleeper)
  asleep = asleep + 1
  coroutine.yield(sleeper, rest)
  asleep = asleep - 1
end

local function put_back_ready()
  while ready[1] do
    copas.addthread(table.remove(ready, 1))
  end
end

local function start_timer(seconds, expired)
  local timer = { due = socket.gettime() + seconds, expired = expired }
  timers[timer] = true
  return timer
end

local function fire_timers()
  local due = {}
  for timer in pairs(timers) do
    if timer.due <= socket.gettime() then
      due[#due + 1] = timer
    end
  end
  table.sort(due, function(a, b)
    return a.due < b.due
  end)
  for _, timer in ipairs(due) do
    timers[timer] = nil
    timer.expired()
  end
end

local function until_next_timer()
  local seconds
  for timer in pairs(timers) do
    local left = math.max(timer.due - socket.gettime(), 0)
    seconds = math.min(seconds or left, left)
  end
  return seconds
end

-- The client as copas sees it. `dirty` has it come back at once: somebody is to be put back, or nobody waits any more.
local function new_socket(stepper)
  local shown, waited = {}, false
  function shown.getfd()
    return stepper.client:pollfd() or 0
  end
  function shown.dirty()
    return stepper.waiting == 0 or ready[1] ~= nil
  end
  function shown.receive()
    waited = not waited
    if waited then
      return nil, "timeout"
    end
    return true
  end
  function shown.settimeout() end
  function shown.close() end
  return shown
end

local function step_while_awaited(stepper)
  local client, shown = stepper.client, new_socket(stepper)
  while stepper.waiting > 0 do
    copas.receive(shown)
    if stepper.waiting > 0 and not client.closed then
      client:step()
    end
    put_back_ready()
  end
  client.copas = nil
end

local function enter(client)
  local stepper = client.copas
  if not stepper then
    stepper = { client = client, waiting = 1 }
    client.copas = stepper
    copas.addthread(function()
      step_while_awaited(stepper)
    end)
  else
    stepper.waiting = stepper.waiting + 1
  end
  return stepper
end

function driver.running()
  local thread, is_main = coroutine.running()
  return thread ~= nil and is_main ~= true
end

function driver.suspend(client, waiter, seconds)
  local timed_out = false
  local timer = seconds and start_timer(seconds, function()
    timed_out = true
    driver.wake(waiter)
  end)
  local sleeper = { stepper = enter(client) }
  waiter.copas = sleeper
  sleep(sleeper)
  if timer then
    timers[timer] = nil
  end
  if timed_out then
    return nil, "timeout"
  end
  return true
end

function driver.wake(waiter)
  local sleeper = waiter.copas
  if sleeper then
    waiter.copas = nil
    sleeper.stepper.waiting = sleeper.stepper.waiting - 1
    ready[#ready + 1] = sleeper.thread
  end
end

function driver.spawn(f)
  copas.addthread(f)
end

function driver.sleep(seconds)
  local sleeper = {}
  start_timer(seconds, function()
    ready[#ready + 1] = sleeper.thread
  end)
  sleep(sleeper)
end

--- How many wait or sleep in finseg now.
function driver.asleep()
  return asleep
end

--- copas.loop() with timers. Like that it never ends, since copas does not tell whether anybody waits on a socket of
--- its own; or it ends when ended() says so.
function driver.loop(ended)
  while not (ended and ended()) do
    copas.step(until_next_timer())
    fire_timers()
    put_back_ready()
  end
  copas.step(0) -- what steps the clients ends, too
end

return driver
