-- An HTTP proxy that knows CONNECT alone: lua5.4 connect_proxy_main.lua TARGET_PORT. Wherever a client wants to go, it
-- gets to that port of this machine. Prints its own port, and then each name that was asked for.

local socket = require "socket"

local target_port = tonumber(arg[1])
local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local watched = { listener }
local peers = {}

local function forget(connection)
  for position, each in ipairs(watched) do
    if each == connection then
      table.remove(watched, position)
    end
  end
  peers[connection] = nil
  connection:close()
end

local function connect(connection)
  local line = connection:receive "*l"
  repeat
    local header = connection:receive "*l"
  until not header or header == ""
  local name = line and line:match "^CONNECT (%S+) "
  if not name then
    connection:send "HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n"
    connection:close()
    return
  end
  print(name)
  io.stdout:flush()
  local peer = assert(socket.connect("127.0.0.1", target_port))
  connection:send "HTTP/1.1 200 Connected\r\n\r\n"
  peers[connection], peers[peer] = peer, connection
  for _, each in ipairs { connection, peer } do
    each:settimeout(0)
    watched[#watched + 1] = each
  end
end

local function pass_on(connection)
  local peer = peers[connection]
  local bytes, problem, partial = connection:receive(65536)
  bytes = bytes or partial
  if peer and #bytes > 0 then
    peer:settimeout(nil)
    peer:send(bytes)
    peer:settimeout(0)
  end
  if problem == "closed" then
    forget(connection)
    if peer then
      forget(peer)
    end
  end
end

while true do
  for _, ready in ipairs((socket.select(watched))) do
    if ready == listener then
      connect(listener:accept())
    elseif peers[ready] then
      pass_on(ready)
    end
  end
end
