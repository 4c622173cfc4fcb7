-- Sets of user ids. The one place that knows how they are kept: in the core, as sorted ids of 16 bytes (text where they
-- are no UUIDs), so that no set ever becomes Lua strings.
--
-- A set under construction takes ids in any order, some perhaps twice. The operations make new sets, and cost one walk
-- over both.

local core = require "finseg.core"

---@class finseg.UserSet
---@field core userdata
local UserSet = {}
UserSet.__index = UserSet

local function wrap(core_set)
  return setmetatable({ core = core_set }, UserSet)
end

---@return finseg.UserSet
function UserSet.new()
  return wrap(core.idset())
end

---@param id string
function UserSet:add(id)
  self.core:add(id)
end

--- Adds the users of a page.
---@param page userdata
function UserSet:add_page(page)
  self.core:add_page(page)
end

---@return integer
function UserSet:count()
  local count = self.core:count()
  return math.floor(count)
end

---@param id string
---@return boolean
function UserSet:has(id)
  return self.core:has(id)
end

--- Iterates over the ids, sorted by their bytes. Nothing may be added meanwhile.
---@return fun(): string?
function UserSet:each()
  return self.core:each()
end

--- Who is in either.
---@return finseg.UserSet
function UserSet.__add(left, right)
  return wrap(left.core:union(right.core))
end

--- Who is in both.
---@return finseg.UserSet
function UserSet.__mul(left, right)
  return wrap(left.core:intersection(right.core))
end

--- Who is in the left one and not in the right one.
---@return finseg.UserSet
function UserSet.__sub(left, right)
  return wrap(left.core:difference(right.core))
end

return UserSet
