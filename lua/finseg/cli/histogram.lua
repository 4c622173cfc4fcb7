-- The amounts of a result as bars.

local core = require "finseg.core"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"

local histogram = {}

local BARS = 12

--- Greater amounts count as this, so that no range ends beyond what a number can be.
local GREATEST = 1e308

local function clamp(amount)
  return math.max(-GREATEST, math.min(GREATEST, amount))
end

--- A round number that is at least `width`: 1, 2, 2.5 or 5 times a power of ten.
local function round_up(width)
  local power = 10 ^ math.floor(math.log(width) / math.log(10))
  for _, factor in ipairs { 1, 2, 2.5, 5 } do
    if power * factor >= width then
      return power * factor
    end
  end
  return power * 10
end

--- Sorts amounts into about a dozen ranges of equal width. Each holds its lower end and not its upper one.
---@param amounts number[]
---@return { from: number, to: number, count: integer }[]
function histogram.ranges(amounts)
  local low, high = math.huge, -math.huge
  for _, amount in ipairs(amounts) do
    low, high = math.min(low, clamp(amount)), math.max(high, clamp(amount))
  end
  if #amounts == 0 then
    return {}
  end
  local width = round_up(high > low and high / BARS - low / BARS or 1)
  local first = math.floor(low / width)
  local ranges = {}
  for position = 1, math.floor(high / width) - first + 1 do
    local from = (first + position - 1) * width
    ranges[position] = { from = from, to = from + width, count = 0 }
  end
  for _, amount in ipairs(amounts) do
    local range = ranges[math.floor(clamp(amount) / width) - first + 1]
    range.count = range.count + 1
  end
  return ranges
end

local function bar(share)
  return ("#"):rep(math.floor(share + 0.5))
end

--- Whether the arguments ask for bars, as they do unless they name a format for programs.
---@param arguments table
---@return boolean
function histogram.is_drawn(arguments)
  return not arguments.json and (arguments.format == nil or arguments.format == "table")
end

--- The ranges as JSON.
---@param name string?  what the amounts are of
---@param amounts number[]
---@return string
function histogram.json(name, amounts)
  local ranges = format.texts(histogram.ranges(amounts))
  return format.json_with_list({ name = name, amounts = #amounts }, "ranges", ranges)
end

--- Draws the ranges.
---@param name string?
---@param amounts number[]
function histogram.draw(name, amounts)
  local ranges = histogram.ranges(amounts)
  local most, lines, wide = 1, {}, 0
  for position, range in ipairs(ranges) do
    most = math.max(most, range.count)
    lines[position] = ("%s to %s"):format(core.to_json(range.from), core.to_json(range.to))
    wide = math.max(wide, #lines[position])
  end
  if name then
    output.write(name, "\n")
  end
  local room = math.max(output.columns() - wide - #tostring(most) - 4, 10)
  for position, range in ipairs(ranges) do
    local label = (" "):rep(wide - #lines[position]) .. lines[position]
    local count = (" "):rep(#tostring(most) - #tostring(range.count)) .. range.count
    output.write((("%s  %s  %s"):format(label, count, bar(range.count / most * room)):gsub("%s+$", "")), "\n")
  end
end

return histogram
