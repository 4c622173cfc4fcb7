-- How long after its answer was sent a waiting coroutine goes on, in each loop, while 100 other waits idle beside it.
-- Beside it, a blocking request of LuaSocket to the same server.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local hosts = require "spec.support.hosts"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local ROUNDS = 500
local IDLE = 100

-- A server whose job ids are the time at which they were sent.
local SERVER = [[
local socket = require "socket"
local listener = assert(socket.bind("127.0.0.1", 0, 512))
print((select(2, listener:getsockname())))
io.stdout:flush()
local watched = { listener }
local function serve(connection)
  local line = connection:receive "*l"
  if not line then return false end
  local length, header = 0, connection:receive "*l"
  while header and header ~= "" do
    length = tonumber(header:lower():match "^content%-length:%s*(%d+)") or length
    header = connection:receive "*l"
  end
  connection:receive(length)
  local token = line:find("token", 1, true)
  local found = line:find("^POST")
  local body = token and '{"access_token":"x","token_type":"bearer","expires_in":3600}'
    or found and ('{"jobId":"%.6f"}'):format(socket.gettime()) or "{}"
  connection:send(("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"):format(found and "200 OK" or "404 Not Found", #body, body))
  return true
end
while true do
  for _, ready in ipairs((socket.select(watched))) do
    if ready == listener then
      local connection = listener:accept()
      connection:setoption("tcp-nodelay", true)
      watched[#watched + 1] = connection
    elseif not serve(ready) then
      ready:close()
      for i, each in ipairs(watched) do
        if each == ready then table.remove(watched, i) break end
      end
    end
  end
end
]]

local function start_server()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(SERVER)
  file:close()
  local pipe = assert(io.popen("exec setpriv --pdeathsig KILL sh -c 'echo $$; exec lua5.4 " .. path .. "'"))
  local pid, port = pipe:read("*n", "*n")
  os.remove(path)
  return {
    base_url = ("http://127.0.0.1:%d/api/v1"):format(port),
    client_id = "x",
    client_secret = "x",
    stop = function()
      os.execute("kill " .. pid)
      pipe:close()
    end,
  }
end

local function print_figures(name, latencies)
  table.sort(latencies)
  local median, late = latencies[math.ceil(#latencies / 2)], latencies[math.ceil(#latencies * 0.99)]
  print(("  %-16s median %.3f ms, p99 %.3f ms"):format(name, median * 1000, late * 1000))
  return median
end

local function measure(host, server)
  local latencies = {}
  host.run(function()
    local client = connect(server, { poll = { first = 60, max = 60 } })
    local idle = {}
    for i = 1, host.concurrent and IDLE or 0 do
      idle[i] = client:job("highBalance", "idle" .. i)
      finseg.spawn(function()
        idle[i]:wait()
      end)
    end
    for round = 1, ROUNDS do
      local job = assert(client:create("highBalance", { threshold = 1 }))
      latencies[round] = socket.gettime() - tonumber(job.jobId)
    end
    client:close()
  end)
  return print_figures(host.title or host.name, latencies)
end

local function measure_luasocket(server)
  local latencies = {}
  for round = 1, ROUNDS do
    local body = {}
    http.request {
      url = server.base_url .. "/segments/highBalance",
      method = "POST",
      headers = { ["Content-Length"] = "2" },
      source = ltn12.source.string "{}",
      sink = ltn12.sink.table(body),
    }
    latencies[round] = socket.gettime() - tonumber(table.concat(body):match '"([%d.]+)"')
  end
  return print_figures("LuaSocket", latencies)
end

print(("wake: from an answer sent to its coroutine going on (%s)"):format(jit and jit.version or _VERSION))
local server = start_server()
local base = measure_luasocket(server)
for _, host in ipairs(hosts) do
  print(("  ratio of %s to LuaSocket: %.2f"):format(host.title or host.name, measure(host, server) / base))
end
server.stop()
