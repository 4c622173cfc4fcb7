-- The ways to print records. A writer has add(item) and finish(); an item has text(), the record as JSON, and record(),
-- the record as a table, of which a writer calls what it needs.

local core = require "finseg.core"
local output = require "finseg.cli.output"

local format = {}

--- The format that the arguments ask for; else a table on a terminal, and ndjson elsewhere.
---@param arguments table
---@return string
function format.name(arguments)
  if arguments.json then
    return "json"
  end
  return arguments.format or (output.is_terminal() and "table" or "ndjson")
end

---@param name string
---@param order string[]?  columns that come first
function format.new(name, order)
  return require("finseg.cli.format." .. name).new(order)
end

--- An item of a table.
function format.item(record)
  return {
    text = function()
      return assert(core.to_json(record))
    end,
    record = function()
      return record
    end,
  }
end

--- JSON of a record with a list in it. An empty Lua table would say {}, and a list is [] even when nothing is in it.
---@param record table  with at least one member
---@param name string
---@param list table
---@return string
function format.json_with_list(record, name, list)
  local texts = {}
  for position, element in ipairs(list) do
    texts[position] = assert(core.to_json(element))
  end
  return ('%s,"%s":[%s]}'):format(assert(core.to_json(record)):sub(1, -2), name, table.concat(texts, ","))
end

--- Prints one record: with --json the object itself, not a list of one.
function format.print_one(arguments, record, order)
  local name = format.name(arguments)
  local writer = format.new(name == "json" and "ndjson" or name, order)
  writer.add(format.item(record))
  writer.finish()
end

--- Prints a list of records.
function format.print_all(arguments, list, order)
  local writer = format.new(format.name(arguments), order)
  for _, record in ipairs(list) do
    writer.add(format.item(record))
  end
  writer.finish()
end

return format
