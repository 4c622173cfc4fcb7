-- A queue: first in, first out. What is in it is neither nil nor false.

---@class finseg.Queue
---@field head integer
---@field tail integer
local Queue = {}
Queue.__index = Queue

---@return finseg.Queue
function Queue.new()
  return setmetatable({ head = 1, tail = 0 }, Queue)
end

function Queue:push(item)
  self.tail = self.tail + 1
  self[self.tail] = item
end

--- The item that is taken next, which stays; nil when there is none.
function Queue:first()
  return self[self.head]
end

--- Takes an item; nil when there is none.
function Queue:pop()
  local item = self[self.head]
  if item then
    self[self.head] = nil
    self.head = self.head + 1
  end
  return item
end

---@return integer
function Queue:count()
  return self.tail - self.head + 1
end

return Queue
