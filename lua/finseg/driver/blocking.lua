-- The driver for a program without an event loop: a wait sleeps in poll(2) and the whole program with it.

local core = require "finseg.core"

---@type finseg.Driver
local blocking = { name = "blocking" }

function blocking.running()
  return true
end

function blocking.suspend(client, waiter, seconds)
  local deadline = seconds and core.now() + seconds
  while not waiter.done do
    local left = deadline and deadline - core.now()
    if left and left <= 0 then
      return nil, "timeout"
    end
    core.poll({ client:pollfd() }, left)
    if not waiter.done then
      client:step()
    end
  end
  return true
end

function blocking.wake() end

function blocking.spawn()
  error("finseg.spawn needs a scheduler: call it inside finseg.run(function() ... end)", 0)
end

function blocking.sleep(seconds)
  local deadline = core.now() + seconds
  repeat
    core.poll({}, deadline - core.now())
  until core.now() >= deadline
end

return blocking
