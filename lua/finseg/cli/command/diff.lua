-- finseg diff BEFORE AFTER: two results that were kept.

local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"
local paths = require "finseg.cli.paths"

return function(session)
  local arguments = session.arguments
  paths.secure_results()
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
  for text in difference:texts { records = name == "json" or name == "ndjson" } do
    writer.add(text)
  end
  writer.finish()
  output.flush()
  output.note("%d entered, %d left, %d moved, %d same", counts.entered, counts.left, counts.moved, counts.same)
end
