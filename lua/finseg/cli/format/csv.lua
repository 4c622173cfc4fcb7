-- Comma-separated values as RFC 4180 has them: a header line, lines that end with CR LF, quotes where they are needed.
--
-- A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line end) gets an apostrophe
-- before it, since ids and names come from elsewhere. Numbers stay as they are. Whoever wants the bytes unchanged takes
-- ndjson.

local core = require "finseg.core"
local exit = require "finseg.cli.exit"
local output = require "finseg.cli.output"
local sample = require "finseg.cli.format.sample"

local csv = {}

function csv.cell(value)
  if type(value) == "number" then
    return core.to_json(value)
  end
  local text = value or ""
  if text:find "^[=+%-@\t\r\n]" then
    text = "'" .. text
  end
  if text:find '[",\r\n]' then
    text = '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

local function write_line(cells)
  output.write(table.concat(cells, ","), "\r\n")
end

function csv.new(order)
  local columns
  local function begin(names)
    columns = names
    local cells = {}
    for position, name in ipairs(names) do
      cells[position] = csv.cell(name)
    end
    write_line(cells)
  end
  local function write_row(row)
    local cells = {}
    for position, name in ipairs(columns) do
      cells[position] = csv.cell(row[name])
    end
    write_line(cells)
  end
  local function surprise(name, row)
    exit.stop(
      "the user %s has the member %s, which none of the first thousand rows has, and the header is written: "
        .. "use --format ndjson, which loses nothing",
      tostring(row.userId),
      name
    )
  end
  return sample.new(order, begin, write_row, surprise)
end

return csv
