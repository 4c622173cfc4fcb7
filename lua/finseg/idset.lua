-- Sets of user ids, each UUID in 16 bytes.

local check = require "finseg.value.check"
local core = require "finseg.core"

--- Made by idset.new, and by ids() of a segment, a page and a rule's result. Combining two sets makes a new one. `has`
--- and `each` are other names of `contains` and `ids`.
---@class finseg.Idset
---@field add fun(self: finseg.Idset, id: string): finseg.Idset?, finseg.Err?  the set itself; `invalid`: an empty id
---@field count fun(self: finseg.Idset): integer  of different ids; also #set
---@field contains fun(self: finseg.Idset, id: string): boolean
---@field ids fun(self: finseg.Idset): fun(): string?  an iterator, ascending by bytes; nothing may be added meanwhile
---@field union fun(self: finseg.Idset, other: finseg.Idset): finseg.Idset  as set + other
---@field intersection fun(self: finseg.Idset, other: finseg.Idset): finseg.Idset  as set * other
---@field difference fun(self: finseg.Idset, other: finseg.Idset): finseg.Idset  as set - other
---@operator add(finseg.Idset): finseg.Idset
---@operator mul(finseg.Idset): finseg.Idset
---@operator sub(finseg.Idset): finseg.Idset
---@operator len: integer

local idset = {}

--- Makes a set of the ids in a list.
---@param ids string[]?
---@return finseg.Idset? set
---@return finseg.Err? err  `invalid`: an id is empty
function idset.new(ids)
  check.optional(ids, "table", 1, "new")
  local set, err = core.idset()
  for position, id in ipairs(set and ids or {}) do
    if type(id) ~= "string" then
      check.fail(1, "new", ("id %d: string expected, got %s"):format(position, type(id)))
    end
    local added
    added, err = set:add(id)
    if not added then
      return nil, err
    end
  end
  return set, err
end

return idset
