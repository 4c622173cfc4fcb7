-- Where a rule file runs: with the kinds, the pure parts of the standard library, and nothing that reaches the machine.
-- It keeps accidents out; it is no wall against a rule that means harm.

local core = require "finseg.core"
local expression = require "finseg.rule.expression"
local guard = require "finseg.rule.guard"

local environment = {}

local function copy(library, except)
  local names = {}
  for name, value in pairs(library) do
    if not except[name] then
      names[name] = value
    end
  end
  return names
end

--- The global names of a rule file.
local function new_globals()
  local globals = {
    segment = expression.segment,
    assert = assert,
    error = error,
    ipairs = ipairs,
    next = next,
    pairs = pairs,
    select = select,
    tonumber = tonumber,
    tostring = tostring,
    type = type,
    unpack = table.unpack or unpack,
    math = copy(math, { random = true, randomseed = true }),
    string = copy(string, { dump = true }),
    table = copy(table, {}),
    utf8 = rawget(_G, "utf8") and copy(rawget(_G, "utf8"), {}),
  }
  return setmetatable(globals, {
    __index = function(_, name)
      error(("there is no '%s' in a rule: it has segment, math, string, table and plain Lua"):format(tostring(name)), 2)
    end,
  })
end

local function invalid(message)
  return core.error("invalid", message)
end

--- Runs a rule's text and answers what it returns. A byte order mark and a first line #!... are passed over.
---@param text string  Lua source
---@param name string  of the file, for messages
---@return finseg.Expression? root
---@return table? err  kind `invalid`; the message begins with the name and the line
function environment.run(text, name)
  text = text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")
  if text:sub(1, 1) == "\27" then
    return nil, invalid(name .. ": this is compiled Lua; a rule must be its source")
  end
  local chunk, problem = load(text, "@" .. name, "t", new_globals())
  if not chunk then
    return nil, invalid(problem)
  end
  guard.watchable(chunk)
  local ok, root, more = guard.call(function()
    return chunk()
  end)
  if not ok then
    return nil, invalid(guard.message_of(root, name))
  elseif more ~= nil then
    return nil, invalid(name .. ": the rule returns two values: join them with + (union), * (both) or - (without)")
  elseif not expression.is(root) then
    local got = root == nil and "nothing" or "a " .. type(root)
    return nil,
      invalid(
        (
          "%s: the rule returns %s: its last line must be `return` and segments, such as "
          .. "return segment.highBalance { threshold = 5000 }"
        ):format(name, got)
      )
  end
  return root
end

return environment
