-- A patrol: has waits look for themselves now and then, where a store's notifies cannot reach this process from
-- another. It lives in a client's descriptor (see Client:attach) and keeps neither the client nor the waits.

local Signal = require "finseg.wait.signal"
local core = require "finseg.core"

--- Looks at one time. Where more waits are under way, each has its turn less often.
local LOOKS = 250

---@class finseg.Patrol
---@field interval number  seconds
---@field closed boolean
---@field waits table<integer, finseg.CallbackWait>  1 to count, in no order; weak, so there are gaps
---@field count integer
---@field position integer  of the wait whose turn it is
---@field due number?  by core.now(); nil while there is no wait
---@field signal finseg.Signal
local Patrol = {}
Patrol.__index = Patrol

---@param interval number
---@return finseg.Patrol? patrol
---@return table? err  kind network: no descriptor is left
function Patrol.new(interval)
  local signal, err = Signal.new()
  if not signal then
    return nil, err
  end
  return setmetatable({
    interval = interval,
    closed = false,
    waits = setmetatable({}, { __mode = "v" }),
    count = 0,
    position = 1,
    signal = signal,
  }, Patrol)
end

--- Has a wait look every interval, until it is over.
---@param wait finseg.CallbackWait
function Patrol:add(wait)
  self.count = self.count + 1
  self.waits[self.count] = wait
  if not self.due then
    self.due = core.now() + self.interval
    self.signal:rouse() -- the client asks anew when it is due
  end
end

--- Takes the wait at the position out if it is over, or looks.
function Patrol:visit()
  local waits, position = self.waits, self.position
  local wait = waits[position]
  if wait and not wait:is_over() then
    self.position = position + 1
    wait:look()
  else
    waits[position], waits[self.count] = waits[self.count], nil
    self.count = self.count - 1
  end
end

--- Does what is due.
---@return integer count
function Patrol:step()
  self.signal:step()
  if not self.due or core.now() < self.due then
    return 0
  end
  local looks = math.min(self.count, LOOKS)
  for _ = 1, looks do
    if self.position > self.count then
      self.position = 1
    end
    self:visit()
  end
  self.due = self.count > 0 and core.now() + self.interval or nil
  return looks
end

--- The client lets go of it at its next step.
function Patrol:close()
  self.closed = true
  self.signal:rouse()
end

function Patrol:pollfd()
  return self.signal:pollfd()
end

function Patrol.events()
  return "r"
end

function Patrol.timeout()
  return nil
end

--- Seconds until step() has something to do; nil: nothing is planned.
---@return number?
function Patrol:next_timeout()
  return self.due and math.max(self.due - core.now(), 0)
end

function Patrol.pending()
  return 0
end

function Patrol.transfers()
  return 0
end

return Patrol
