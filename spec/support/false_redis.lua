--- Something that speaks the protocol of a Redis and answers some command as no Redis does, for tests.
--
--   local server = false_redis.start { GET = "*1\r\n$1\r\nx\r\n" }
--   finseg.store.open("redis", { path = server.path })
--   server.stop()
--
-- It answers a command that is not named as a Redis would that holds nothing; what `message` says follows the answer to
-- SUBSCRIBE. It runs as a process of its own and dies with the one that started it.

local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local false_redis = {}

local PROGRAM = [[
  local socket, unix = require "socket", require "socket.unix"
  local answers = ANSWERS
  local listener = assert(unix())
  assert(listener:bind(PATH))
  assert(listener:listen(8))
  io.stdout:setvbuf "no"
  print(io.open("/proc/self/stat"):read "*n")

  local function read_command(connection)
    local count = (connection:receive "*l" or ""):match "^%*(%d+)"
    local words = {}
    for position = 1, tonumber(count) or 0 do
      local length = tonumber(connection:receive("*l"):sub(2))
      words[position] = connection:receive(length + 2):sub(1, -3)
    end
    return words
  end

  local usual = { PING = "+PONG\r\n", SET = "+OK\r\n", GET = "$-1\r\n" }

  local function answer(words)
    local name = words[1]
    if name == "SUBSCRIBE" then
      return ("*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n"):format(#words[2], words[2]) .. (answers.message or "")
    end
    return answers[name] or usual[name] or ":1\r\n"
  end

  local connections = { listener }
  while true do
    for _, ready in ipairs((socket.select(connections))) do
      if ready == listener then
        connections[#connections + 1] = listener:accept()
      else
        local words = read_command(ready)
        if words[1] then
          ready:send(answer(words))
        else
          for position, each in ipairs(connections) do
            if each == ready then
              table.remove(connections, position):close()
              break
            end
          end
        end
      end
    end
  end
]]

---@param answers table<string, string>  by command, as they are on the wire
function false_redis.start(answers)
  local folder = shell.scratch()
  local path = folder .. "/redis.sock"
  local members = {}
  for name, text in pairs(answers) do
    members[#members + 1] = ("[%q] = %q"):format(name, text)
  end
  local values = { ANSWERS = "{ " .. table.concat(members, ", ") .. " }", PATH = ("%q"):format(path) }
  shell.write_file(folder .. "/main.lua", (PROGRAM:gsub("%u%u%u%u+", values)))
  local command = "exec env -u LD_PRELOAD -u LUA_CPATH -u LUA_PATH setpriv --pdeathsig KILL lua5.4 "
  local pipe = assert(io.popen(command .. shell.quote(folder .. "/main.lua")))
  local pid = assert(pipe:read "*n", "the false Redis did not start")
  local server = { path = path }

  function server.stop()
    sandbox.signal(pid, "KILL")
    pipe:close()
    shell.remove(folder)
  end

  server.guard = sandbox.guard(function()
    sandbox.signal(pid, "KILL")
  end)
  return server
end

return false_redis
