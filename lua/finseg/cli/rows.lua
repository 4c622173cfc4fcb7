-- From records as they are on the wire to rows of cells: a row an account (or insurance, or label), the user's own
-- members on each of them. A cell is the JSON text of its value, so that no number changes on the way.

local json_text = require "finseg.value.json_text"

local rows = {}

local FIRST = { "change", "userId", "accountId", "provider", "type", "label", "amount" }
local rank = {}
for position, name in ipairs(FIRST) do
  rank[name] = position
end

--- The elements of a list that holds objects alone; nil for anything else.
local function objects_of(text)
  if not json_text.is_list(text) then
    return nil
  end
  local elements = json_text.elements(text)
  for _, element in ipairs(elements) do
    if not json_text.is_object(element) then
      return nil
    end
  end
  return elements[1] and elements
end

local function is_empty(text)
  return text:find "^[%[{]%s*[%]}]$" ~= nil
end

--- A member's name as part of a column's: {"a.b":1} is no {"a":{"b":1}}.
local function escape(name)
  return (name:gsub("[\\.]", "\\%0"))
end

--- Spreads an object: its plain members into `cells`, its lists of objects into `lists`.
local function spread(object, parent, cells, lists)
  for name, value in json_text.members(object) do
    local column = parent .. escape(name)
    local objects = objects_of(value)
    if objects then
      lists[#lists + 1] = { name = column, parent = parent, items = objects }
    elseif json_text.is_object(value) and not is_empty(value) then
      spread(value, column .. ".", cells, lists)
    elseif not is_empty(value) then
      cells[column] = value
    end
  end
end

local function copy(cells)
  local other = {}
  for name, value in pairs(cells) do
    other[name] = value
  end
  return other
end

---@class finseg.cli.Layout  which columns records have, as learned from them
---@field own table<string, boolean>  columns of members that are in no list
---@field lists table<string, { parent: string, members: table<string, boolean> }>  by name
---@field only table<string, string|false>  parent -> the name of its list; false when it has several
local Layout = {}
Layout.__index = Layout

---@return finseg.cli.Layout
function rows.layout()
  return setmetatable({ own = {}, lists = {}, only = {} }, Layout)
end

--- Learns the columns of a record; answers how many rows it makes.
---@param record string  JSON
---@return integer
function Layout:learn(record)
  local cells, lists, count = {}, {}, 1
  spread(record, "", cells, lists)
  for column in pairs(cells) do
    self.own[column] = true
  end
  for _, list in ipairs(lists) do
    local known = self.lists[list.name] or { parent = list.parent, members = {} }
    self.lists[list.name] = known
    local only = self.only[list.parent]
    self.only[list.parent] = (only == nil or only == list.name) and list.name
    for _, item in ipairs(list.items) do
      for member in json_text.members(item) do
        known.members[escape(member)] = true
      end
    end
    count = math.max(count, #list.items)
  end
  return count
end

--- The column of a list's member. It goes without the list's name where that leaves no doubt: the list is its parent's
--- only one, and no other member has the column.
function Layout:column_of(list_name, parent, member)
  local column = parent .. member
  if self.only[parent] == list_name and not self.own[column] then
    return column
  end
  return list_name .. "." .. member
end

--- The columns learned.
---@return table<string, boolean>
function Layout:columns()
  local columns = copy(self.own)
  for name, list in pairs(self.lists) do
    for member in pairs(list.members) do
      columns[self:column_of(name, list.parent, member)] = true
    end
  end
  return columns
end

--- The rows of a record, each a table column -> JSON of the cell.
---@param record string  JSON
---@return table<string, string>[]
function Layout:rows(record)
  local cells, lists, count = {}, {}, 1
  spread(record, "", cells, lists)
  for _, list in ipairs(lists) do
    count = math.max(count, #list.items)
  end
  local result = {}
  for position = 1, count do
    local row = position < count and copy(cells) or cells
    for _, list in ipairs(lists) do
      for name, value in json_text.members(list.items[position]) do
        local member = escape(name)
        local column = self:column_of(list.name, list.parent, member)
        -- A record that was not learned from may have a member of its own there.
        row[row[column] and list.name .. "." .. member or column] = value
      end
    end
    result[position] = row
  end
  return result
end

--- What a cell says, for people: a string without its quotes, nothing for null.
---@param json string?
---@return string
function rows.text_of(json)
  if not json or json == "null" then
    return ""
  end
  return json_text.string(json) or json
end

local function last_part(name)
  return name:match "([^.]+)$" or name
end

--- Columns in order: those of `order` first, as far as there are any, then by their place in segments, then by name.
---@param seen table<string, boolean>
---@param order string[]?
---@return string[]
function rows.order(seen, order)
  local wanted, columns = {}, {}
  for position, name in ipairs(order or {}) do
    wanted[name] = position
  end
  for name in pairs(seen) do
    columns[#columns + 1] = name
  end
  local function place(name)
    return wanted[name] or 1000, name:match "^(.-)[^.]*$", rank[last_part(name)] or 100, name
  end
  table.sort(columns, function(a, b)
    local wanted_a, prefix_a, rank_a = place(a)
    local wanted_b, prefix_b, rank_b = place(b)
    if wanted_a ~= wanted_b then
      return wanted_a < wanted_b
    elseif prefix_a ~= prefix_b then
      return prefix_a < prefix_b
    elseif rank_a ~= rank_b then
      return rank_a < rank_b
    end
    return a < b
  end)
  return columns
end

return rows
