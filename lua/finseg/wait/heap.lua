-- A binary heap of values by time, earliest first; equal times in no particular order.

---@class finseg.Heap
local Heap = {}
Heap.__index = Heap

---@return finseg.Heap
function Heap.new()
  return setmetatable({ times = {}, values = {}, count = 0 }, Heap)
end

---@param time number
---@param value any
function Heap:push(time, value)
  local times, values = self.times, self.values
  local at = self.count + 1
  self.count = at
  while at > 1 do
    local parent = (at - at % 2) / 2
    if times[parent] <= time then
      break
    end
    times[at], values[at] = times[parent], values[parent]
    at = parent
  end
  times[at], values[at] = time, value
end

--- The earliest time and its value; nil when the heap is empty.
---@return number? time
---@return any value
function Heap:first()
  return self.times[1], self.values[1]
end

--- Takes out what first() answers.
---@return number? time
---@return any value
function Heap:pop()
  local times, values, count = self.times, self.values, self.count
  if count == 0 then
    return nil
  end
  local first_time, first_value = times[1], values[1]
  local time, value = times[count], values[count]
  times[count], values[count] = nil, nil
  count = count - 1
  self.count = count
  if count == 0 then
    return first_time, first_value
  end
  local at = 1
  while true do
    local child = at * 2
    if child > count then
      break
    end
    if child < count and times[child + 1] < times[child] then
      child = child + 1
    end
    if time <= times[child] then
      break
    end
    times[at], values[at] = times[child], values[child]
    at = child
  end
  times[at], values[at] = time, value
  return first_time, first_value
end

return Heap
