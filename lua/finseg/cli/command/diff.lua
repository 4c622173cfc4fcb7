-- finseg diff BEFORE AFTER: two results that were kept.

local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"
local paths = require "finseg.cli.paths"

--- A change as rows have it: who, and which amount moved from where to where.
local function flat(change)
  local item = { change = change.change, userId = change.userId }
  if change.amounts then
    item.amounts = change.amounts
  end
  return item
end

return function(session)
  local arguments = session.arguments
  local difference = exit.assert(finseg.compare.kept(paths.results(), arguments.before, arguments.after))
  local counts = {
    entered = difference.entered,
    left = difference.left,
    moved = difference.moved,
    same = difference.same,
  }
  if arguments.summary then
    format.print_one(arguments, counts)
    return
  end
  local writer = format.new(format.name(arguments), { "change", "userId", "what", "before", "after", "by" })
  for change in difference:changes() do
    local name = format.name(arguments)
    local item = (name == "table" or name == "csv") and flat(change) or change
    writer.add(format.item(item))
  end
  writer.finish()
  output.flush()
  output.note("%d entered, %d left, %d moved, %d same", counts.entered, counts.left, counts.moved, counts.same)
end
