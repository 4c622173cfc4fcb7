-- A server that begins to answer every request and then sends a byte now and then, for ever. Prints its port.

local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local trickling = {}
while true do
  if socket.select({ listener }, nil, 0.01)[1] then
    local connection = listener:accept()
    repeat
      local line = connection:receive "*l"
    until not line or line == ""
    connection:setoption("tcp-nodelay", true)
    connection:send 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"users":['
    trickling[#trickling + 1] = connection
  end
  for position = #trickling, 1, -1 do
    if not trickling[position]:send " " then
      table.remove(trickling, position):close()
    end
  end
end
