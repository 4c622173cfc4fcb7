-- The segment kinds that the command line knows: finseg's own, and those that the user has defined in a file.

local core = require "finseg.core"
local exit = require "finseg.cli.exit"
local paths = require "finseg.cli.paths"

local kinds = {}

--- What the user defined, as the config field `kinds`. $FINSEG_KINDS names the file; else kinds.json beside the
--- credentials, if it is there.
---@return table<string, table>?
function kinds.definitions()
  local asked = os.getenv "FINSEG_KINDS"
  local folder = paths.config()
  local path = asked or (folder and folder .. "/kinds.json")
  if not path then
    return nil
  end
  local text, reason = paths.read(path)
  if not text then
    if asked then
      exit.fail("config", "FINSEG_KINDS: %s cannot be read (%s)", path, reason)
    end
    return nil
  end
  local definitions, err = core.from_json(text)
  if type(definitions) ~= "table" then
    exit.fail("config", '%s: a JSON object {"kind": {"parameters": ...}} expected (%s)', path, err or "it is none")
  end
  return definitions
end

--- The list of kinds.
---@param definitions table?
---@return table[]
function kinds.list(definitions)
  return (exit.assert(core.kinds { kinds = definitions }))
end

--- accountType -> account-type, callbackURL -> callback-url
function kinds.kebab_case(name)
  return (name:gsub("(%l)(%u)", "%1-%2"):gsub("_", "-"):lower())
end

local callback = { name = "callbackURL", type = "url", required = false }

--- The parameters of a kind with the one that every kind takes.
function kinds.parameters(kind)
  local list = {}
  for position, parameter in ipairs(kind.parameters) do
    list[position] = parameter
  end
  list[#list + 1] = callback
  return list
end

--- What a parameter may be, for people.
function kinds.describe(parameter)
  if parameter.values then
    return table.concat(parameter.values, ", ")
  elseif parameter.type == "integer" and parameter.minimum and parameter.maximum then
    return ("%d to %d"):format(parameter.minimum, parameter.maximum)
  elseif parameter.type == "integer" then
    return "a whole number"
  elseif parameter.type == "amount" then
    return "an amount, 5000 or -100.50"
  elseif parameter.type == "texts" then
    return "a list, A,B,C"
  end
  return parameter.type == "url" and "a URL" or "text"
end

--- What a word of the command line means for a parameter.
---@return any value
---@return string? problem
function kinds.convert(parameter, word)
  if parameter.type == "integer" then
    local number = tonumber(word)
    if not number or not word:match "^%-?%d+$" then
      return nil, ("--%s: a whole number expected, not '%s'"):format(kinds.kebab_case(parameter.name), word)
    end
    return number
  elseif parameter.type == "texts" then
    local list = {}
    for item in word:gmatch "[^,]+" do
      list[#list + 1] = item
    end
    return list
  end
  return word -- an amount stays decimal text: no digit is lost
end

return kinds
