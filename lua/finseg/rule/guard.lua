-- Keeps a rule's own code from running for ever: a count hook stops it, at the line where it is.
--
-- What it cannot stop is one call of a C function that takes long (a pathological string.find). In LuaJIT the hook does
-- not fire in compiled code, so a rule's code is not compiled there (see guard.watchable).

local unpack = table.unpack or unpack

local guard = {}

--- Instructions between two looks, and looks until a rule is stopped: about half a second in Lua 5.4.
local SLICE, LIMIT = 1000000, 100

local ask = function() end

--- Has f be called at every look. A program that catches Ctrl-C by itself may raise "interrupted!" in it, as lua's own
--- do, in whatever coroutine the rule runs. (In Lua 5.4 each coroutine has its own hook.)
---@param f fun()
function guard.at_looks(f)
  ask = f
end

--- Prepares a function, and every function written in it, for the hook.
---@param f function
---@return function f
function guard.watchable(f)
  local jit = rawget(_G, "jit")
  if jit then
    jit.off(f, true)
  end
  return f
end

--- Ctrl-C, as lua's own programs report it: by an error, after they have taken every hook away. It is not for a rule to
--- catch. To be asked before a hook is set again.
local function is_interrupt(problem)
  if type(problem) ~= "string" or not problem:find "interrupted!$" then
    return false
  end
  local _, mask, count = debug.gethook()
  return (mask or "") == "" and (count or 0) == 0
end

--- Calls f(renew, ...) as pcall does. The code in it is stopped after a while by an error at its line; each call of
--- renew() gives it that while again.
---@return boolean ok
---@return any ...
function guard.call(f, ...)
  local hook, mask, count = debug.gethook()
  if type(hook) == "string" then
    -- A hook of C's (a debugger, or Ctrl-C on its way): it cannot be put back from Lua, so it stays.
    return pcall(f, function() end, ...)
  end
  local looks = 0
  local function look()
    ask()
    looks = looks + 1
    if looks > LIMIT then
      looks = 0
      error(("stopped after %d million steps: does the loop here end?"):format(SLICE * LIMIT / 1e6), 2)
    end
  end
  local function renew()
    looks = 0
  end
  debug.sethook(look, "", SLICE)
  local results = { pcall(f, renew, ...) }
  local interrupted = not results[1] and is_interrupt(results[2])
  debug.sethook(hook, mask, count)
  if interrupted then
    error(results[2], 0)
  end
  return unpack(results, 1, 8)
end

guard.is_interrupt = is_interrupt

--- What a rule's code raised, for people; error({}) and error() say nothing themselves.
---@param problem any
---@param place string  of the code, for what does not tell its own
---@return string
function guard.message_of(problem, place)
  if type(problem) ~= "string" then
    local what = problem == nil and "nothing" or "a " .. type(problem)
    return ("%s: error was called with %s instead of a message"):format(place, what)
  end
  -- A call in a `return` leaves no trace of its line.
  return problem:find ":%d+: " and problem or place .. ": " .. problem
end

return guard
