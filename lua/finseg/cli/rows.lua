-- From records as they are on the wire to rows of cells: a row an account (or insurance, or label), the user's own
-- members on each of them.

local core = require "finseg.core"

local rows = {}

local FIRST = { "change", "userId", "accountId", "provider", "type", "label", "amount" }
local rank = {}
for position, name in ipairs(FIRST) do
  rank[name] = position
end

local function is_list_of_objects(value)
  return type(value) == "table" and type(value[1]) == "table" and value[1][1] == nil
end

--- Text for a member that is no list of objects; numbers stay numbers.
local function cell_of(value)
  if type(value) == "string" or type(value) == "number" then
    return value
  elseif value == core.null or value == nil then
    return ""
  elseif type(value) == "boolean" then
    return tostring(value)
  end
  return core.to_json(value) or ""
end

local function is_object(value)
  return type(value) == "table" and value[1] == nil and next(value) ~= nil
end

--- Spreads an object: its plain members into `cells`, its lists of objects into `lists`.
local function spread(object, prefix, cells, lists)
  local list_count = 0
  for _, value in pairs(object) do
    list_count = list_count + (is_list_of_objects(value) and 1 or 0)
  end
  for name, value in pairs(object) do
    if is_list_of_objects(value) then
      lists[#lists + 1] = { prefix = list_count == 1 and prefix or prefix .. name .. ".", items = value }
    elseif is_object(value) then
      spread(value, prefix .. name .. ".", cells, lists)
    elseif not (type(value) == "table" and next(value) == nil) then
      cells[prefix .. name] = cell_of(value)
    end
  end
end

--- The rows of a record, each a table column -> text or number.
---@param record table
---@return table[]
function rows.of(record)
  local cells, lists = {}, {}
  spread(record, "", cells, lists)
  local count = 1
  for _, list in ipairs(lists) do
    count = math.max(count, #list.items)
  end
  local result = {}
  for position = 1, count do
    local row = {}
    for name, value in pairs(cells) do
      row[name] = value
    end
    for _, list in ipairs(lists) do
      for name, value in pairs(list.items[position] or {}) do
        row[list.prefix .. name] = cell_of(value)
      end
    end
    result[position] = row
  end
  return result
end

local function last_part(name)
  return name:match "([^.]+)$" or name
end

--- The columns of rows: those of `order` first, as far as there are any, then by their place in segments, then by name.
---@param list table[]
---@param order string[]?
---@return string[]
function rows.columns(list, order)
  local wanted = {}
  for position, name in ipairs(order or {}) do
    wanted[name] = position
  end
  local seen, columns = {}, {}
  for _, row in ipairs(list) do
    for name in pairs(row) do
      if not seen[name] then
        seen[name] = true
        columns[#columns + 1] = name
      end
    end
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
