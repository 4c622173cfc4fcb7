--- Starts and stops finseg-sandbox, the real stand-in service, for tests.
--
--   local sandbox = require "spec.support.sandbox"
--   local service = sandbox.start { users = 50, seed = 7, today = "2024-04-01", delay = 0.2 }
--   finally(service.stop)
--   finseg.new { base_url = service.base_url, client_id = service.client_id, client_secret = service.client_secret }
--
-- The program is $FINSEG_SANDBOX, or build/finseg-sandbox. It dies with the process that started it, however that ends.

local shell = require("spec.support.shell")

local sandbox = {}

local quote = shell.quote

local DEFAULTS = {
  client_id = "sandbox-client",
  client_secret = "sandbox-secret",
  username = "sandbox-user",
  password = "sandbox-password",
}

-- Options of start() that are handed to the program as --name VALUE.
local PROGRAM_OPTIONS = {
  "port",
  "db",
  "import",
  "users",
  "seed",
  "today",
  "delay",
  "client_id",
  "client_secret",
  "username",
  "password",
  "role",
  "token_ttl",
  "job_ttl",
  "tls_cert",
  "tls_key",
  "unix",
  "fault",
  "callback_allow",
  "callback_patience",
}

-- Tells the program's pid, waits for its end and tells how it ended. setpriv ties each process to its parent.
-- The pid is told by the process that becomes the program, so that it comes before whatever the program prints.
-- LD_PRELOAD (the sanitizers' library, in `make asan`) is for Lua, not for the shell.
local LAUNCHER = [[
  sh -c 'echo "pid $$"; exec setpriv --pdeathsig TERM "$@" 2>"$ERRORS"' sh "$@" &
  wait $! 2>/dev/null
  echo "exit $?"
]]

--- An object that calls f when it is collected, or when Lua ends.
function sandbox.guard(f)
  if _VERSION ~= "Lua 5.1" then
    return setmetatable({}, { __gc = f })
  end
  local proxy = newproxy(true) -- luacheck: ignore 113 (Lua 5.1 only)
  getmetatable(proxy).__gc = f
  return proxy
end

--- Sends a signal ("TERM", "KILL", "STOP", "CONT") to a process.
function sandbox.signal(pid, name)
  os.execute(("exec env -u LD_PRELOAD sh -c 'kill -%s %d 2>/dev/null'"):format(name, pid))
end

--- The program's path.
function sandbox.program()
  return os.getenv("FINSEG_SANDBOX") or "build/finseg-sandbox"
end

--- The command line's words after the program, from the options of start().
function sandbox.arguments(options)
  local words = {}
  local function add(name, value)
    words[#words + 1] = "--" .. name:gsub("_", "-")
    words[#words + 1] = tostring(value)
  end
  for _, name in ipairs(PROGRAM_OPTIONS) do
    local value = options[name]
    if type(value) == "table" then
      for _, each in ipairs(value) do
        add(name, each)
      end
    elseif value ~= nil then
      add(name, value)
    end
  end
  for _, word in ipairs(options.arguments or {}) do
    words[#words + 1] = word
  end
  return words
end

-- `before` is put before the program's name.
local function command_line(before, words, errors)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = quote(word)
  end
  return ("exec env -u LD_PRELOAD ERRORS=%s setpriv --pdeathsig KILL sh -c %s sh %s %s %s"):format(
    quote(errors),
    quote(LAUNCHER),
    before,
    quote(sandbox.program()),
    table.concat(quoted, " ")
  )
end

--- Runs the program to its end. Answers its exit status (124 when it did not end by itself), what it printed and what
-- it said on stderr.
function sandbox.run(words)
  local errors = os.tmpname()
  local pipe = assert(io.popen(command_line("timeout 60", words, errors), "r"))
  local output = pipe:read("*a")
  pipe:close()
  local said = shell.read_file(errors, "")
  os.remove(errors)
  local printed, status = output:match("^pid %d+\n(.*)exit (%d+)\n$")
  return tonumber(status), printed or output, said
end

--- Starts a service and waits until it accepts connections. Raises with what it said on stderr when it does not.
--
-- Options: port (default 0: any), db, import ("berka=DIR", or a list), users, seed, today, delay, client_id,
-- client_secret, username, password, role, token_ttl, job_ttl, tls_cert, tls_key, unix, fault (or a list),
-- callback_allow (or a list), callback_patience, and `arguments`, further words.
--
-- The service has url, base_url, token_url, pid, client_id, client_secret, username, password;
-- stop(), which may be called twice and raises when the program did not end cleanly;
-- kill(), which ends it at once (SIGKILL); errors(), what it has said on stderr.
-- It runs until then, or until nothing refers to the service or its functions any more.
function sandbox.start(options)
  options = options or {}
  local errors = os.tmpname()
  local port = options.port or (not options.unix and 0) or nil
  local words = sandbox.arguments(setmetatable({ port = port }, { __index = options }))
  local pipe = assert(io.popen(command_line("", words, errors), "r"))
  local pid = tonumber((pipe:read("*l") or ""):match("^pid (%d+)$"))
  local line = pipe:read("*l") or ""
  local url = line:match("^listening on (%S+)$")
  if not url then
    local said = shell.read_file(errors, "")
    if pid and not line:match("^exit") then
      sandbox.signal(pid, "KILL")
    end
    pipe:close()
    os.remove(errors)
    error(("%s did not start (%s): %s"):format(sandbox.program(), line, said), 2)
  end

  local service = {
    url = url,
    base_url = url .. "/api/v1",
    token_url = url .. "/api/v2/oauth/token",
    pid = pid,
  }
  for name, default in pairs(DEFAULTS) do
    service[name] = options[name] or default
  end

  local ended_by_collection
  local function finish(signal)
    if not pipe then
      ended_by_collection = nil
      return 0, ""
    end
    sandbox.signal(pid, signal)
    local status = tonumber(pipe:read("*a"):match("exit (%d+)\n$"))
    pipe:close()
    pipe = nil
    local said = shell.read_file(errors, "")
    os.remove(errors)
    return status, said
  end

  function service.stop()
    local status, said = finish("TERM")
    if status ~= 0 then
      error(("finseg-sandbox ended with status %s: %s"):format(tostring(status), said), 2)
    end
  end

  function service.kill()
    finish("KILL")
  end

  function service.errors()
    return shell.read_file(errors, "")
  end

  ended_by_collection = sandbox.guard(function()
    finish("TERM")
  end)
  service.guard = ended_by_collection
  return service
end

return sandbox
