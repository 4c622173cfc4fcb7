-- finseg kinds: what there is to ask for.

local format = require "finseg.cli.format"
local kinds = require "finseg.cli.kinds"

local function rows_of(kind)
  local list = {}
  for position, parameter in ipairs(kind.parameters) do
    list[position] = {
      kind = kind.name,
      option = "--" .. kinds.kebab_case(parameter.name),
      parameter = parameter.name,
      required = parameter.required,
      value = kinds.describe(parameter),
    }
  end
  return #list > 0 and list or { { kind = kind.name } }
end

return function(session)
  local name = format.name(session.arguments)
  local list = session.kinds
  if name == "table" or name == "csv" then
    list = {}
    for _, kind in ipairs(session.kinds) do
      for _, row in ipairs(rows_of(kind)) do
        list[#list + 1] = row
      end
    end
  end
  if name == "ndjson" or name == "json" then
    local writer = format.new(name)
    for _, kind in ipairs(list) do
      local parameters = format.texts(kind.parameters)
      writer.add(format.json_with_list({ name = kind.name, path = kind.path }, "parameters", parameters))
    end
    writer.finish()
    return
  end
  format.print_all(session.arguments, format.texts(list), { "kind", "option", "required", "value", "parameter" })
end
