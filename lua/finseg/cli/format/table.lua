-- An aligned table for people: texts to the left, numbers to the right, nothing that a terminal could obey.

local core = require "finseg.core"
local output = require "finseg.cli.output"
local sample = require "finseg.cli.format.sample"

local aligned = {}

--- Text without control characters: those of a name must not move the cursor.
function aligned.plain(text)
  return (text:gsub("[%c\127]", "?"):gsub("\194[\128-\159]", "?"))
end

--- Characters, not bytes.
local function width_of(text)
  return #text - select(2, text:gsub("[\128-\191]", ""))
end

--- How the numbers of a column are written: with two decimals when that is enough for all and some have any.
local function number_format(list, name)
  local cents = false
  for _, row in ipairs(list) do
    local value = row[name]
    if type(value) == "number" then
      local decimals = core.to_json(value):match "^%-?%d+%.?(%d*)$"
      if not decimals or #decimals > 2 then
        return core.to_json
      end
      cents = cents or #decimals > 0
    end
  end
  return function(value)
    return cents and math.abs(value) < 1e15 and ("%.2f"):format(value) or core.to_json(value)
  end
end

local function column_of(list, name)
  local column = { name = name, width = width_of(name), right = true, format = number_format(list, name) }
  for _, row in ipairs(list) do
    local value = row[name]
    if type(value) == "number" then
      column.width = math.max(column.width, #column.format(value))
    elseif value and value ~= "" then
      column.right = false
      column.width = math.max(column.width, width_of(aligned.plain(value)))
    end
  end
  return column
end

local function pad(text, column, last)
  local spaces = (" "):rep(column.width - width_of(text))
  if column.right then
    return spaces .. text
  end
  return last and text or text .. spaces
end

function aligned.new(order)
  local columns = {}
  local hidden
  local function write_cells(text_of)
    local cells = {}
    for position, column in ipairs(columns) do
      cells[position] = pad(text_of(column), column, position == #columns)
    end
    output.write((table.concat(cells, "  "):gsub("%s+$", "")), "\n")
  end
  local function begin(names, list)
    for position, name in ipairs(names) do
      columns[position] = column_of(list, name)
    end
    write_cells(function(column)
      return aligned.plain(column.name)
    end)
  end
  local function write_row(row)
    write_cells(function(column)
      local value = row[column.name]
      return type(value) == "number" and column.format(value) or aligned.plain(value or "")
    end)
  end
  local writer = sample.new(order, begin, write_row, function(name)
    hidden = hidden or name
  end)
  local finish = writer.finish
  function writer.finish()
    finish()
    if hidden then
      output.note("finseg: %s and perhaps more did not fit the table; --format ndjson shows everything", hidden)
    end
  end
  return writer
end

return aligned
