-- finseg jobs: what the journal knows.

local exit = require "finseg.cli.exit"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"

local function for_people(entry)
  local row = { parameters = entry.parameters }
  for _, name in ipairs { "state", "kind", "jobId" } do
    row[name] = entry[name]
  end
  row.created = os.date("%Y-%m-%d %H:%M:%S", math.floor(entry.created_at))
  return row
end

return function(session)
  local entries = exit.assert(session:journal():list())
  if format.name(session.arguments) == "table" then
    for position, entry in ipairs(entries) do
      entries[position] = for_people(entry)
    end
  end
  format.print_all(session.arguments, format.texts(entries), { "state", "created", "created_at", "kind", "jobId" })
  if #entries == 0 and output.is_terminal() then
    output.note "No job is known here. finseg create and finseg segment make some."
  end
end
