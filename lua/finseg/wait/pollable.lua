-- The base of all that an event loop can watch and step: clients, signals, and what is attached to a client. A class
-- redefines what differs from the answers here.

---@class finseg.Pollable
---@field closed boolean
---@field _core userdata?  what has the descriptor, by fd(); nil once closed
local Pollable = {}

--- A class with this base.
---@return table
function Pollable.new_class()
  local Class = setmetatable({}, { __index = Pollable })
  Class.__index = Class
  return Class
end

--- The descriptor to watch for reading (level-triggered), the same while the object is open; nil once it is closed.
---@return integer?
function Pollable:pollfd()
  if not self.closed then
    return self._core:fd()
  end
end

--- What to watch the descriptor for: always "r".
---@return string
function Pollable.events()
  return "r"
end

--- Seconds after which a loop must call step() in any case: nil, since timers make the descriptor readable.
---@return nil
function Pollable.timeout()
  return nil
end

--- Seconds until step() has something to do by the clock alone, for loops that cannot watch a descriptor; nil: nothing
--- is planned.
---@return number?
function Pollable.next_timeout()
  return nil
end

--- Operations under way, or finished and not yet handed out.
---@return integer
function Pollable.pending()
  return 0
end

--- How many things may make the descriptor readable soon.
---@return integer
function Pollable.transfers()
  return 0
end

--- Whether stepping is of use: something is under way.
---@return boolean
function Pollable:is_busy()
  return self:pending() > 0
end

--- Whether it is out of order for now and tries to mend that: whoever steps it only while it is busy goes on for that.
---@return boolean
function Pollable.is_recovering()
  return false
end

return Pollable
