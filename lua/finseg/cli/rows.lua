-- From records as they are on the wire to rows of cells: a row an account (or insurance, or label), the user's own
-- members on each of them. A cell is the JSON text of its value, so that no number changes on the way.

local json_text = require "finseg.json_text"

local rows = {}

local FIRST = { "change", "userId", "accountId", "provider", "type", "label", "amount" }
local rank = {}
for position, name in ipairs(FIRST) do
  rank[name] = position
end

--- The elements of a list of objects; nil for anything else.
local function objects_of(text)
  if json_text.is_list(text) then
    local elements = json_text.elements(text)
    return elements[1] and json_text.is_object(elements[1]) and elements or nil
  end
end

local function is_empty(text)
  return text:find "^[%[{]%s*[%]}]$" ~= nil
end

--- Spreads an object: its plain members into `cells`, its lists of objects into `lists`.
local function spread(object, prefix, cells, lists)
  local found = {}
  for name, value in json_text.members(object) do
    local objects = objects_of(value)
    if objects then
      found[#found + 1] = { name = name, items = objects }
    elseif json_text.is_object(value) then
      spread(value, prefix .. name .. ".", cells, lists)
    elseif not is_empty(value) then
      cells[prefix .. name] = value
    end
  end
  for _, list in ipairs(found) do
    lists[#lists + 1] = { prefix = #found == 1 and prefix or prefix .. list.name .. ".", items = list.items }
  end
end

local function copy(cells)
  local other = {}
  for name, value in pairs(cells) do
    other[name] = value
  end
  return other
end

--- The rows of a record, each a table column -> JSON of the cell.
---@param record string  JSON
---@return table<string, string>[]
function rows.of(record)
  local cells, lists = {}, {}
  spread(record, "", cells, lists)
  local count = 1
  for _, list in ipairs(lists) do
    count = math.max(count, #list.items)
  end
  local result = {}
  for position = 1, count do
    local row = position < count and copy(cells) or cells
    for _, list in ipairs(lists) do
      for name, value in json_text.members(list.items[position]) do
        row[list.prefix .. name] = value
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

--- Adds the columns that rows have to those seen before.
---@param seen table<string, boolean>
---@param list table[]
function rows.add_columns(seen, list)
  for _, row in ipairs(list) do
    for name in pairs(row) do
      seen[name] = true
    end
  end
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
