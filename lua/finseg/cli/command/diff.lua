-- finseg diff BEFORE AFTER: two results that were kept.

local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"
local paths = require "finseg.cli.paths"

--- A change as rows have it: who, and which amount moved from where to where.
local function flat(change)
  return { change = change.change, userId = change.userId, amounts = change.amounts }
end

--- A change as JSON has it: with the records, and the userId at the top level alone.
local function whole(change)
  for _, side in ipairs { "before", "after" } do
    if change[side] then
      change[side].userId = nil
    end
  end
  return change
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
  local name = format.name(arguments)
  local writer = format.new(name, { "change", "userId", "what", "before", "after", "by" })
  local item_of = (name == "table" or name == "csv") and flat or whole
  for change in difference:changes() do
    writer.add(format.item(item_of(change)))
  end
  writer.finish()
  output.flush()
  output.note("%d entered, %d left, %d moved, %d same", counts.entered, counts.left, counts.moved, counts.same)
end
