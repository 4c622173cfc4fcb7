-- The driver for nginx (ngx_lua, OpenResty): a wait sleeps in a semaphore of its own, and the worker goes on.
--
-- ngx_lua cannot watch a descriptor that it has not opened. So each client has a stepper (finseg.driver.ngx_stepper), a
-- timer that steps it while anything is under way; whoever waits only waits to be woken.

local Signal = require "finseg.wait.signal"
local Stepper = require "finseg.driver.ngx_stepper"

---@type finseg.Driver
local driver = { name = "ngx" }

--- The phases in which ngx_lua lets a coroutine sleep.
local may_wait = {
  rewrite = true,
  server_rewrite = true,
  access = true,
  content = true,
  timer = true,
  ssl_cert = true,
  ssl_session_fetch = true,
  ssl_client_hello = true,
}

--- What to do instead, where the phase is one of nginx's starting up.
local starting = {
  init = "a worker makes its client and waits later, in a request or in a timer",
  init_worker = "start a timer there, ngx.timer.at(0, f), and wait in it",
}

--- The longest sleep, in seconds; who sleeps longer goes to sleep again. ngx_lua counts milliseconds in 31 bits.
local LONGEST = 86400

--- Seconds between looks at the client where no timer can be had to step it.
local TICK = 0.004

---@class finseg.ngx.Sleep  what the driver keeps in a waiter
---@field semaphore table
---@field asleep boolean
---@field gone boolean?  its request was aborted while it slept
---@field stepper finseg.ngx.Stepper?

local function no_wait_in(phase)
  local instead = starting[phase] or "wait in rewrite, access or content, or in a timer"
  return ("no wait is possible in nginx's phase %s: %s"):format(phase, instead)
end

function driver.running()
  local ngx = rawget(_G, "ngx")
  if type(ngx) ~= "table" or type(ngx.get_phase) ~= "function" then
    return false
  end
  local phase = ngx.get_phase()
  if not may_wait[phase] then
    return false, no_wait_in(phase)
  end
  return true
end

--- Gives the waiter what the driver keeps in it, at its first sleep.
local function prepare(waiter)
  if waiter.ngx then
    return
  end
  local semaphore, problem = require("ngx.semaphore").new(0)
  if not semaphore then
    error("finseg: nginx has no semaphore for a wait: " .. tostring(problem), 0)
  end
  waiter.ngx = { semaphore = semaphore, asleep = false }
end

--- Sleeps until woken. False when the time passed first.
local function sleep(waiter, seconds)
  local own = waiter.ngx
  own.asleep = true
  local woken, problem = own.semaphore:wait(math.ceil(seconds * 1000) / 1000)
  own.asleep = false
  if not woken and problem ~= "timeout" then
    error("finseg: nginx refuses to wait here: " .. tostring(problem), 0)
  end
  return woken
end

--- Sleeps while the client is stepped; perhaps less than `seconds`, which is the second answer.
local function sleep_beside(client, waiter, seconds)
  local stepper = Stepper.of(client)
  local served, patience = stepper:serve(client)
  local piece = math.min(seconds, served and patience or TICK)
  stepper:enter(waiter)
  local woken = sleep(waiter, piece)
  stepper:leave(waiter)
  if not served and not waiter.done and not client.closed then
    client:step()
  end
  return woken, piece < seconds
end

function driver.suspend(client, waiter, seconds)
  prepare(waiter)
  local limit = math.min(seconds or LONGEST, LONGEST)
  local woken, early
  -- A signal wakes its waiters itself, a client has to be stepped.
  if getmetatable(client) == Signal then
    woken, early = sleep(waiter, limit), false
  else
    woken, early = sleep_beside(client, waiter, limit)
  end
  if woken or early or limit ~= seconds then
    return true
  end
  return nil, "timeout"
end

function driver.wake(waiter)
  local own = waiter.ngx
  if not own then
    return
  end
  if own.asleep then
    own.asleep = false
    own.gone = Stepper.is_gone(waiter)
    own.semaphore:post(1)
  end
  if own.stepper then
    own.stepper:woken(waiter)
  end
end

local function with_traceback(problem)
  return type(problem) == "string" and debug.traceback(problem, 2) or tostring(problem)
end

function driver.spawn(f)
  local function run()
    local ok, problem = xpcall(f, with_traceback)
    if not ok then
      ngx.log(ngx.ERR, "finseg: a light thread failed: ", problem)
    end
  end
  assert(ngx.thread.spawn(run))
end

function driver.sleep(seconds)
  repeat
    local piece = math.min(seconds, LONGEST)
    ngx.sleep(piece)
    seconds = seconds - piece
  until seconds <= 0
end

return driver
