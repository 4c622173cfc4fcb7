-- The ways to print records. A writer has add(text), which takes a record as JSON, and finish(). Records stay text all
-- the way, so that what is printed has the bytes that came: every digit of an amount, and members in their order.

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
---@param order string[]?  columns that come first; a CSV without rows has them in its header
function format.new(name, order)
  return require("finseg.cli.format." .. name).new(order)
end

--- A list of tables as a list of JSON texts.
---@param list table[]
---@return string[]
function format.texts(list)
  local texts = {}
  for position, record in ipairs(list) do
    texts[position] = assert(core.to_json(record))
  end
  return texts
end

--- JSON of a record with a list in it. An empty Lua table would say {}, and a list is [] even when nothing is in it.
---@param record table  with at least one member
---@param name string
---@param texts string[]  the elements as JSON
---@return string
function format.json_with_list(record, name, texts)
  return ('%s,"%s":[%s]}'):format(assert(core.to_json(record)):sub(1, -2), name, table.concat(texts, ","))
end

--- Prints one record, given as JSON: with --json the object itself, not a list of one.
function format.print_text(arguments, text, order)
  local name = format.name(arguments)
  local writer = format.new(name == "json" and "ndjson" or name, order)
  writer.add(text)
  writer.finish()
end

--- Prints one record.
function format.print_one(arguments, record, order)
  format.print_text(arguments, assert(core.to_json(record)), order)
end

--- Prints records.
---@param arguments table
---@param texts string[]
---@param order string[]?
function format.print_all(arguments, texts, order)
  local writer = format.new(format.name(arguments), order)
  for _, text in ipairs(texts) do
    writer.add(text)
  end
  writer.finish()
end

return format
