-- Sets of user ids. The one place that knows how they are kept: here, as sorted lists of text.
--
-- A set under construction takes ids in any order, some perhaps twice; the first question sorts it. The operations make
-- new sets, and cost one walk over both.

---@class finseg.UserSet
---@field ids string[]
---@field sorted boolean
local UserSet = {}
UserSet.__index = UserSet

---@return finseg.UserSet
function UserSet.new()
  return setmetatable({ ids = {}, sorted = true }, UserSet)
end

--- A set of ids that are sorted by their bytes and differ.
---@param ids string[]  which the set keeps
---@return finseg.UserSet
function UserSet.of_sorted(ids)
  return setmetatable({ ids = ids, sorted = true }, UserSet)
end

---@param id string
function UserSet:add(id)
  local ids = self.ids
  local count = #ids
  ids[count + 1] = id
  if count > 0 and ids[count] >= id then
    self.sorted = false
  end
end

--- Adds the users of a page.
---@param page userdata
function UserSet:add_page(page)
  for position = 1, page:user_count() do
    self:add(page:user_id(position))
  end
end

local function sorted_ids(self)
  if not self.sorted then
    table.sort(self.ids)
    local distinct = {}
    for _, id in ipairs(self.ids) do
      if distinct[#distinct] ~= id then
        distinct[#distinct + 1] = id
      end
    end
    self.ids, self.sorted = distinct, true
  end
  return self.ids
end

---@return integer
function UserSet:count()
  return #sorted_ids(self)
end

---@param id string
---@return boolean
function UserSet:has(id)
  local ids = sorted_ids(self)
  local low, high = 1, #ids
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if ids[middle] == id then
      return true
    elseif ids[middle] < id then
      low = middle + 1
    else
      high = middle - 1
    end
  end
  return false
end

--- Iterates over the ids, sorted by their bytes.
---@return fun(): string?
function UserSet:each()
  local ids, position = sorted_ids(self), 0
  return function()
    position = position + 1
    return ids[position]
  end
end

--- Walks both and keeps what stands only left, in both, only right, as asked.
local function merge(left, right, keep_left, keep_both, keep_right)
  local a, b = sorted_ids(left), sorted_ids(right)
  local kept, count = {}, 0
  local i, j, a_count, b_count = 1, 1, #a, #b
  while i <= a_count and j <= b_count do
    local x, y = a[i], b[j]
    local id
    if x == y then
      id = keep_both and x
      i, j = i + 1, j + 1
    elseif x < y then
      id = keep_left and x
      i = i + 1
    else
      id = keep_right and y
      j = j + 1
    end
    if id then
      count = count + 1
      kept[count] = id
    end
  end
  for rest = i, keep_left and a_count or 0 do
    count = count + 1
    kept[count] = a[rest]
  end
  for rest = j, keep_right and b_count or 0 do
    count = count + 1
    kept[count] = b[rest]
  end
  return UserSet.of_sorted(kept)
end

---@return finseg.UserSet
function UserSet.__add(left, right)
  return merge(left, right, true, true, true)
end

---@return finseg.UserSet
function UserSet.__mul(left, right)
  return merge(left, right, false, true, false)
end

---@return finseg.UserSet
function UserSet.__sub(left, right)
  return merge(left, right, true, false, false)
end

return UserSet
