-- Comma-separated values as RFC 4180 has them: a header line, lines that end with CR LF, quotes where they are needed.
--
-- A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line end) gets an apostrophe
-- before it, since ids and names come from elsewhere. Numbers stay as they are. Whoever wants the bytes unchanged takes
-- ndjson.
--
-- The header names every column, so all records are seen before the first line is printed. Meanwhile a few are kept in
-- memory, many in a temporary file.

local SpillList = require "finseg.value.spill_list"
local exit = require "finseg.cli.exit"
local json_text = require "finseg.value.json_text"
local output = require "finseg.cli.output"
local rows = require "finseg.cli.rows"

local csv = {}

--- Bytes of records that are kept in memory.
local MEMORY = 4 * 1024 * 1024

local function quote(text)
  if text:find '[",\r\n]' then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

--- A text of somebody else's.
local function plain(text)
  return quote(text:find "^[=+%-@\t\r\n]" and "'" .. text or text)
end

--- A cell, of its JSON.
local function cell_of(json)
  if json and json_text.is_number(json) then
    return json
  end
  return plain(rows.text_of(json))
end

local function write_line(cells)
  output.write(table.concat(cells, ","), "\r\n")
end

local function write_header(columns)
  local cells = {}
  for position, name in ipairs(columns) do
    cells[position] = plain(name)
  end
  write_line(cells)
end

local function write_row(columns, row)
  local cells = {}
  for position, name in ipairs(columns) do
    cells[position] = cell_of(row[name])
  end
  write_line(cells)
end

function csv.new(order)
  local records, layout = SpillList.new { left = MEMORY }, rows.layout()
  return {
    add = function(text)
      layout:learn(text)
      exit.assert(records:add(text))
    end,
    finish = function()
      local seen = layout:columns()
      local columns = next(seen) and rows.order(seen, order) or order or { "userId" }
      write_header(columns)
      for text in records:each() do
        for _, row in ipairs(layout:rows(text)) do
          write_row(columns, row)
        end
      end
    end,
  }
end

return csv
