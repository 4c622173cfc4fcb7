--- Starts, ends, halts and restarts a real redis-server for tests. It keeps nothing on disk, and dies with the process
-- that started it, however that ends.
--
--   local server = redis.start { tcp = true, arguments = { "--requirepass", "secret" } }
--   local store = assert(finseg.store.open("redis", server.options { prefix = "mine:" }))
--   server.kill()      server.start()      -- on the same socket or port, and empty
--   server.pause()     server.resume()     -- SIGSTOP, SIGCONT
--   server.cli "CONFIG SET maxmemory 1"    -- what redis-cli prints
--   server.stop()

local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local redis = {}

local function free_port()
  local socket = require("socket").bind("127.0.0.1", 0)
  local _, port = socket:getsockname()
  socket:close()
  return tonumber(port)
end

-- Reads what the server says until it is ready. It says little after that, so that nobody needs to read on.
local function await_readiness(pipe)
  local said = {}
  for line in pipe:lines() do
    if line:find "eady to accept connections" then
      return true
    end
    said[#said + 1] = line
  end
  return false, table.concat(said, "\n")
end

--- Options: tcp (default: a socket in a scratch folder), arguments (of redis-server).
---@param options table?
---@return table server
function redis.start(options)
  options = options or {}
  local folder = shell.scratch()
  local server = { folder = folder, path = not options.tcp and folder .. "/redis.sock" or nil }
  local pipe

  local function launch()
    local words = { "--save", "''", "--appendonly", "no", "--dir", folder, "--port", server.port or 0 }
    if server.path then
      words[#words + 1] = "--unixsocket " .. server.path
    end
    for _, word in ipairs(options.arguments or {}) do
      words[#words + 1] = shell.quote(word)
    end
    local script = 'echo "$$"; exec redis-server ' .. table.concat(words, " ") .. " 2>&1"
    pipe = assert(io.popen("exec env -u LD_PRELOAD setpriv --pdeathsig KILL sh -c " .. shell.quote(script)))
    server.pid = tonumber(pipe:read "*l")
    local ready, said = await_readiness(pipe)
    if not ready then
      pipe:close()
      pipe = nil
    end
    return ready, said
  end

  function server.start()
    local ready, said = launch()
    if not ready then
      error("redis-server did not start: " .. said, 2)
    end
  end

  function server.kill()
    if pipe then
      sandbox.signal(server.pid, "KILL")
      pipe:close()
      pipe = nil
    end
  end

  function server.pause()
    sandbox.signal(server.pid, "STOP")
  end

  function server.resume()
    sandbox.signal(server.pid, "CONT")
  end

  function server.stop()
    server.kill()
    shell.remove(folder)
  end

  --- Options for finseg.store.open that lead here, with those given added.
  function server.options(more)
    local made = { path = server.path }
    if server.port then
      made.host, made.port = "127.0.0.1", server.port
    end
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return made
  end

  function server.cli(words)
    local where = server.path and "-s " .. server.path or "-p " .. server.port
    return shell.check(("redis-cli --no-auth-warning %s %s"):format(where, words))
  end

  if options.tcp then
    local attempts, ready, said = 0, false, nil
    while not ready and attempts < 5 do -- somebody else may take the port first
      server.port, attempts = free_port(), attempts + 1
      ready, said = launch()
    end
    assert(ready, said)
  else
    server.start()
  end
  server.guard = sandbox.guard(server.kill)
  return server
end

return redis
