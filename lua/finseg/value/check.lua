-- Argument checks of the public functions: a wrong Lua type is the caller's mistake and raises, naming the argument.

local check = {}

-- `depth`: how many functions stand between the check and the public function whose caller is to blame.
local function complain(position, name, problem, depth)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, problem), 4 + (depth or 0))
end

--- Raises unless `value` has the Lua type `expected`. The error points at the caller of the public function `name`.
---@param value any
---@param expected string
---@param position integer  1 for the first argument, self not counted
---@param name string
---@param depth integer?  1 when the check is made in a helper of the public function
function check.type(value, expected, position, name, depth)
  if type(value) ~= expected then
    local got = value == nil and "no value" or type(value)
    complain(position, name, ("%s expected, got %s"):format(expected, got), depth)
  end
end

--- Like check.type, and nil is fine.
function check.optional(value, expected, position, name, depth)
  if value ~= nil and type(value) ~= expected then
    complain(position, name, ("%s expected, got %s"):format(expected, type(value)), depth)
  end
end

--- Raises with a problem of the caller's own finding.
function check.fail(position, name, problem, depth)
  complain(position, name, problem, depth)
end

--- What is wrong with an option that there is not: "wait has no option x, only timeout".
local function problem_of_unknown(key, known, name)
  local names = {}
  for other in pairs(known) do
    names[#names + 1] = other
  end
  table.sort(names)
  local last = table.remove(names)
  local list = #names > 0 and table.concat(names, ", ") .. " and " .. last or last
  return ("%s has no option %s, only %s"):format(name, tostring(key), list)
end

--- Checks a table of options (or nil) against `known`, name -> Lua type.
--- A wrong Lua type raises; an unknown name is answered as nil and a message.
---@param options table?
---@param known table<string, string>
---@return table? options  never nil when all is well
---@return string? problem
function check.options(options, known, position, name)
  if options == nil then
    return {}
  end
  if type(options) ~= "table" then
    complain(position, name, ("table expected, got %s"):format(type(options)))
  end
  for key, value in pairs(options) do
    local expected = known[key]
    if not expected then
      return nil, problem_of_unknown(key, known, name)
    end
    if type(value) ~= expected then
      complain(position, name, ("%s: %s expected, got %s"):format(key, expected, type(value)))
    end
  end
  return options
end

return check
