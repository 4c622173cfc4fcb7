-- The process behind scripted_server.lua: lua5.4 scripted_server_main.lua SCRIPT. Prints its port and process id.

local socket = require "socket"

local script = dofile(arg[1])
local given = {} -- route -> answers given so far
local requests = {} -- as Lua source, one table each
local reasons = { [200] = "OK", [201] = "Created", [204] = "No Content", [400] = "Bad Request", [404] = "Not Found" }

local function process_id()
  local stat = assert(io.open "/proc/self/stat")
  local id = stat:read "*n"
  stat:close()
  return id
end

local function read_request(connection)
  local line = connection:receive "*l"
  if not line then
    return nil
  end
  local method, target = line:match "^(%S+) (%S+)"
  local request = { method = method, path = target:match "^[^?]*", query = target:match "?(.*)$" or "", headers = {} }
  local header = connection:receive "*l"
  while header and header ~= "" do
    local name, value = header:match "^([^:]+):%s*(.*)$"
    request.headers[name:lower()] = value
    header = connection:receive "*l"
  end
  local length = tonumber(request.headers["content-length"] or 0)
  request.body = length > 0 and connection:receive(length) or ""
  return request
end

local function record(request)
  local headers = {}
  for name, value in pairs(request.headers) do
    headers[#headers + 1] = ("[%q]=%q"):format(name, value)
  end
  requests[#requests + 1] = ("{method=%q,path=%q,query=%q,body=%q,headers={%s}}"):format(
    request.method,
    request.path,
    request.query,
    request.body,
    table.concat(headers, ",")
  )
end

local function choose_answer(request)
  if request.path == "/requests" then
    return { body = "return {" .. table.concat(requests, ",") .. "}" }
  end
  record(request)
  local route = request.method .. " " .. request.path
  local answers = script[route]
  if not answers then
    return { status = 501, body = "no route " .. route }
  end
  given[route] = (given[route] or 0) + 1
  return answers[math.min(given[route], #answers)]
end

local function format_answer(answer)
  local status, body = answer.status or 200, answer.body or ""
  local lines = { ("HTTP/1.1 %d %s"):format(status, reasons[status] or "Other") }
  for name, value in pairs(answer.headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  if status ~= 204 then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- Answers one request. False when the connection is to be closed.
local function serve(connection)
  local request = read_request(connection)
  if not request then
    return false
  end
  local answer = choose_answer(request)
  if answer.hold then
    return true
  end
  connection:send(answer.raw or format_answer(answer))
  return not answer.raw
end

local listener = assert(socket.bind("127.0.0.1", 0, 512))
local _, port = listener:getsockname()
print(("%d %d"):format(port, process_id()))
io.stdout:flush()

local watched = { listener }
while true do
  for _, ready in ipairs((socket.select(watched))) do
    if ready == listener then
      local connection = listener:accept()
      connection:setoption("tcp-nodelay", true)
      watched[#watched + 1] = connection
    elseif not serve(ready) then
      ready:close()
      for position, connection in ipairs(watched) do
        if connection == ready then
          table.remove(watched, position)
          break
        end
      end
    end
  end
end
