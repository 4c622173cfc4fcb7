-- The driver for luv. Its loop knows callbacks and no coroutines, so a wait is possible
--
--   in a coroutine that somebody has started and then leaves alone: the loop resumes it when the wait is over;
--   in the main chunk, while the loop does not run: the wait runs it, and all that is in it goes on.
--
-- A generator that waits would hand what the wait yields to its caller. That is refused where the driver sees it, and
-- else what is yielded raises when it is used.

local yieldable = require "finseg.wait.yieldable"
local uv = require "luv"

---@type finseg.Driver
local driver = { name = "luv" }

---@class finseg.Sleeper
---@field coroutine thread?  nil in the main chunk
---@field asleep boolean
---@field woken boolean

---@class finseg.Watch  a client that the loop watches while somebody sleeps on it
---@field client finseg.Client
---@field handle userdata
---@field sleeping integer

-- ---- coroutines ----------------------------------------------------------------------------------------------

local MISTAKEN = "this coroutine waits under luv, and only luv's loop may resume it: wait outside of a generator, or "
  .. "start the function with finseg.spawn"

local NESTED = "no wait is possible in a coroutine made inside another that luv's loop resumes: "
  .. "wait in that one itself, or start the function with finseg.spawn"

local function raise_mistaken()
  error("finseg: " .. MISTAKEN, 2)
end

--- What a wait yields: nobody can take it for a value.
local WAITING = {}
for event in ("add call concat div eq index le len lt mod mul newindex pow sub tostring unm"):gmatch "%a+" do
  WAITING["__" .. event] = raise_mistaken
end
setmetatable(WAITING, WAITING)

local ready = {} -- sleepers to resume, first come, first served
local resumer = uv.new_timer()
local resume_ready
local resumed -- the coroutine that the driver has resumed and that has not yielded since

local function enqueue(sleeper)
  ready[#ready + 1] = sleeper
  if not resumer:is_active() then
    resumer:start(0, 0, resume_ready)
  end
end

local function resume(sleeper)
  if not sleeper.asleep then
    return true
  end
  sleeper.asleep = false
  local outer = resumed
  resumed = sleeper.coroutine
  local ok, problem = coroutine.resume(sleeper.coroutine)
  resumed = outer
  return ok, problem
end

--- An error in a callback is luv's to report. The coroutines that are still to be resumed get their turn before.
function resume_ready()
  local batch = ready
  ready = {}
  local failed, failure
  for _, sleeper in ipairs(batch) do
    local ok, problem = resume(sleeper)
    if not ok and not failed then
      failed, failure = true, debug.traceback(sleeper.coroutine, tostring(problem))
    end
  end
  if failed then
    error(failure, 0)
  end
end

local function new_sleeper()
  return { coroutine = not yieldable.is_main() and coroutine.running() or nil, asleep = true, woken = false }
end

local function wake(sleeper)
  sleeper.woken = true
  if sleeper.coroutine then
    enqueue(sleeper)
  end
end

--- Sleeps until woken. When somebody else resumes the coroutine, sleeper.asleep is still true.
local function sleep(sleeper)
  if sleeper.coroutine then
    coroutine.yield(WAITING)
  else
    while not sleeper.woken do
      uv.run "once"
    end
    sleeper.asleep = false
  end
end

--- After a sleep that somebody else has ended.
local function refuse_stranger(sleeper)
  if sleeper.asleep then
    sleeper.asleep = false
    error("finseg: " .. MISTAKEN, 0)
  end
end

--- A timer of luv counts whole milliseconds, and from a clock that may be one behind.
local function start_timer(seconds, expired)
  uv.update_time()
  local timer = uv.new_timer()
  timer:start(math.ceil(seconds * 1000) + (seconds > 0 and 1 or 0), 0, expired)
  return timer
end

-- ---- clients -------------------------------------------------------------------------------------------------

local function watch(client)
  local watched = client.luv
  if not watched then
    watched = { client = client, handle = uv.new_poll(client:pollfd()), sleeping = 0 }
    client.luv = watched
    watched.handle:start("r", function()
      if not client.closed then
        client:step()
      end
    end)
  end
  watched.sleeping = watched.sleeping + 1
  return watched
end

--- libuv must have let go of a descriptor before it is closed.
local function unwatch(watched)
  watched.sleeping = watched.sleeping - 1
  if watched.sleeping == 0 then
    watched.client.luv = nil
    watched.handle:stop()
    watched.handle:close()
  end
end

-- ---- the driver ----------------------------------------------------------------------------------------------

function driver.running()
  if not yieldable.is_main() then
    if resumed and coroutine.status(resumed) == "normal" then
      return false, NESTED
    end
  elseif uv.loop_mode() then
    return false,
      "no wait is possible in a callback of luv, outside of any coroutine: start one with "
        .. "coroutine.wrap(function() ... end)()"
  end
  return true
end

function driver.suspend(client, waiter, seconds)
  local sleeper = new_sleeper()
  local timed_out = false
  local timer = seconds and start_timer(seconds, function()
    timed_out = true
    driver.wake(waiter)
  end)
  sleeper.watched = watch(client)
  waiter.luv = sleeper
  sleep(sleeper)
  waiter.luv = nil
  if timer then
    timer:close()
  end
  if not sleeper.woken then
    unwatch(sleeper.watched)
  end
  refuse_stranger(sleeper)
  if timed_out then
    return nil, "timeout"
  end
  return true
end

function driver.wake(waiter)
  local sleeper = waiter.luv
  if sleeper and not sleeper.woken then
    unwatch(sleeper.watched)
    wake(sleeper)
  end
end

--- In a turn of its own, so that its errors do not hit who started it.
function driver.spawn(f)
  enqueue { coroutine = coroutine.create(f), asleep = true }
end

function driver.sleep(seconds)
  local sleeper = new_sleeper()
  local timer = start_timer(seconds, function()
    wake(sleeper)
  end)
  sleep(sleeper)
  timer:close()
  refuse_stranger(sleeper)
end

return driver
