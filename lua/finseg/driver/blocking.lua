-- The driver for a program without an event loop: a wait sleeps in poll(2) and the whole program with it.

local core = require "finseg.core"

local blocking = { name = "blocking" }

function blocking.running()
  return true
end

function blocking.suspend(client, waiter, seconds)
  local deadline = seconds and core.now() + seconds
  local descriptors = { client and client:pollfd() }
  if not deadline and #descriptors == 0 then
    error("finseg: nothing can end this wait; start it inside finseg.run", 0)
  end
  while not waiter.done do
    local left = deadline and deadline - core.now()
    if left and left <= 0 then
      return nil, "timeout"
    end
    core.poll(descriptors, left)
    if client and not waiter.done then
      client:step()
    end
  end
  return true
end

function blocking.wake() end

function blocking.spawn()
  error("finseg.spawn needs a scheduler: call it inside finseg.run(function() ... end)", 0)
end

return blocking
