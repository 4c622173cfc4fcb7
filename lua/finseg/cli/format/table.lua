-- An aligned table for people: texts to the left, numbers to the right, nothing that a terminal could obey.
--
-- Columns and their widths are those of the first records; a member that only comes later is told of at the end.

local json_text = require "finseg.value.json_text"
local output = require "finseg.cli.output"
local rows = require "finseg.cli.rows"

local aligned = {}

--- Rows that are looked at before the first is printed.
local SAMPLE = 1000

--- Text without control characters: those of a name must not move the cursor.
function aligned.plain(text)
  return (text:gsub("[%c\127]", "?"):gsub("\194[\128-\159]", "?"))
end

--- Characters, not bytes.
local function width_of(text)
  return #text - select(2, text:gsub("[\128-\191]", ""))
end

local function decimals_of(number)
  return number:match "^%-?%d+%.?(%d*)$"
end

--- Whether the numbers of a column are written with two decimals: when that is enough for all and some have any.
local function are_cents(list, name)
  local any = false
  for _, row in ipairs(list) do
    local value = row[name]
    if value and json_text.is_number(value) then
      local decimals = decimals_of(value)
      if not decimals or #decimals > 2 then
        return false
      end
      any = any or #decimals > 0
    end
  end
  return any
end

--- A number as its column has it; no digit is taken away.
local function number_text(number, column)
  local decimals = column.cents and decimals_of(number)
  if not decimals or #decimals >= 2 then
    return number
  end
  return number .. (decimals == "" and "." or "") .. ("0"):rep(2 - #decimals)
end

local function cell_text(json, column)
  if json and json_text.is_number(json) then
    return number_text(json, column)
  end
  return aligned.plain(rows.text_of(json))
end

local function column_of(list, name)
  local column = { name = name, width = width_of(name), right = true, cents = are_cents(list, name) }
  for _, row in ipairs(list) do
    local text = cell_text(row[name], column)
    column.width = math.max(column.width, width_of(text))
    column.right = column.right and (text == "" or json_text.is_number(row[name]))
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

local function write_cells(columns, text_of)
  local cells = {}
  for position, column in ipairs(columns) do
    cells[position] = pad(text_of(column), column, position == #columns)
  end
  output.write((table.concat(cells, "  "):gsub("%s+$", "")), "\n")
end

function aligned.new(order)
  local layout, waiting, count = rows.layout(), {}, 0
  local columns, seen, hidden

  local function write_row(row)
    for name in pairs(row) do
      hidden = hidden or (not seen[name] and name or nil)
    end
    write_cells(columns, function(column)
      return cell_text(row[column.name], column)
    end)
  end

  local function begin()
    local list = {}
    for _, text in ipairs(waiting) do
      for _, row in ipairs(layout:rows(text)) do
        list[#list + 1] = row
      end
    end
    columns, seen = {}, layout:columns()
    for position, name in ipairs(rows.order(seen, order)) do
      columns[position] = column_of(list, name)
    end
    write_cells(columns, function(column)
      return aligned.plain(column.name)
    end)
    for _, row in ipairs(list) do
      write_row(row)
    end
    waiting = {}
  end

  return {
    add = function(text)
      if columns then
        for _, row in ipairs(layout:rows(text)) do
          write_row(row)
        end
        return
      end
      waiting[#waiting + 1] = text
      count = count + layout:learn(text)
      if count >= SAMPLE then
        begin()
      end
    end,
    finish = function()
      if #waiting > 0 then
        begin()
      end
      if hidden then
        output.note("finseg: %s and perhaps more did not fit the table; --format ndjson shows everything", hidden)
      end
    end,
  }
end

return aligned
