-- Tables and CSV name their columns before the first row, so they look at the first records before they print any.

local rows = require "finseg.cli.rows"

local SIZE = 1000

local sample = {}

--- A writer that hands `begin` the columns and rows of the sample, and then `row` each row.
---@param order string[]?  columns that come first
---@param begin fun(columns: string[], sample: table[])
---@param write_row fun(row: table)
---@param surprise fun(column: string, row: table)  a column that the sample did not have
function sample.new(order, begin, write_row, surprise)
  local waiting, known = {}, nil

  local function write(row)
    for name in pairs(row) do
      if not known[name] then
        surprise(name, row)
      end
    end
    write_row(row)
  end

  local function start()
    local columns = rows.columns(waiting, order)
    known = {}
    for _, name in ipairs(columns) do
      known[name] = true
    end
    begin(columns, waiting)
    for _, row in ipairs(waiting) do
      write(row)
    end
    waiting = nil
  end

  return {
    add = function(item)
      for _, row in ipairs(rows.of(item.record())) do
        if known then
          write(row)
        else
          waiting[#waiting + 1] = row
        end
      end
      if not known and #waiting >= SIZE then
        start()
      end
    end,
    finish = function()
      if not known and #waiting > 0 then
        start()
      end
    end,
  }
end

return sample
