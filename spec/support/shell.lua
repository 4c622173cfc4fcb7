--- Runs commands of the shell for tests, and makes scratch folders.

local shell = {}

--- The Lua that runs the tests, by the name of its program.
shell.lua = rawget(_G, "jit") and "luajit" or "lua5.4"

function shell.quote(text)
  return "'" .. tostring(text):gsub("'", [['\'']]) .. "'"
end

--- Runs a script of the shell, until its first command that fails. Answers its exit status and all that it printed.
-- `make asan` preloads the sanitizers' library into Lua; the shell and the tools it starts do without.
function shell.run(script)
  local whole = "(set -e\n" .. script .. '\n) 2>&1; echo "exit $?"'
  local pipe = assert(io.popen("exec env -u LD_PRELOAD sh -c " .. shell.quote(whole)))
  local output = pipe:read("*a")
  pipe:close()
  local printed, status = output:match("^(.*)exit (%d+)\n$")
  return tonumber(status), printed or output
end

--- The same, and raises with what was printed when the script fails.
function shell.check(script)
  local status, printed = shell.run(script)
  if status ~= 0 then
    error(("status %s of: %s\n%s"):format(tostring(status), script, printed), 2)
  end
  return printed
end

--- A new folder, its name without a trailing slash. The caller removes it.
function shell.scratch()
  return (shell.check("mktemp -d"):gsub("\n", ""))
end

function shell.remove(folder)
  shell.check("rm -rf " .. shell.quote(folder))
end

--- The content of a file. When it cannot be opened: `otherwise` if that is given, an error if not.
function shell.read_file(path, otherwise)
  local file, problem = io.open(path, "rb")
  if not file then
    return otherwise or error(problem, 2)
  end
  local text = file:read("*a")
  file:close()
  return text
end

function shell.write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

return shell
