--- A service for benches of callbacks: lua5.4 callback_service.lua AFTER. Prints its port and process id.
--
-- It makes a job of each create and calls its callbackURL AFTER seconds later, over a connection of its own; or, when
-- AFTER is "told", once POST /go/RATE asks for it: then all of them, one after the other, RATE a second, over a few
-- connections. A job is ready when its callback was sent; its page says when that was: `calledAt`, seconds since 1970.
-- GET /counts tells, as Lua source, what it was asked and what the receiver answered.

local socket = require "socket"

local after = tonumber(arg[1]) -- nil: when told
local CONNECTIONS = 8

local jobs = {} -- { path, called_at }
local due, head, tail = {}, 1, 0 -- { at, job }, the next first
local counts = { creates = 0, gets = 0, tokens = 0, accepted = 0, refused = 0 }
local receiver_host, receiver_port
local senders, sender = {}, 0
local watched = {}

local function read_request(connection)
  local line = connection:receive "*l"
  if not line then
    return nil
  end
  local length, header = 0, connection:receive "*l"
  while header and header ~= "" do
    length = tonumber(header:lower():match "^content%-length:%s*(%d+)") or length
    header = connection:receive "*l"
  end
  return line, length > 0 and connection:receive(length) or ""
end

local function call_at(at, job)
  tail = tail + 1
  due[tail] = { at = at, job = job }
end

local function create(body)
  local host, port, path = body:match '"callbackURL":"http://([^:/]+):(%d+)([^"]*)"'
  local job = { path = path }
  jobs[#jobs + 1] = job
  if path then
    receiver_host, receiver_port = host, tonumber(port)
  end
  if after then
    call_at(socket.gettime() + after, job)
  end
  return ('{"jobId":"%d"}'):format(#jobs)
end

local function send_all(rate)
  local start = socket.gettime() + 0.1
  for position, job in ipairs(jobs) do
    call_at(start + position / rate, job)
  end
end

-- Answers the status and the body.
local function answer(line, body)
  if line:find("token", 1, true) then
    counts.tokens = counts.tokens + 1
    return "200 OK", '{"access_token":"x","token_type":"bearer","expires_in":3600}'
  elseif line:find "^POST /go/" then
    send_all(tonumber(line:match "^POST /go/(%d+)"))
    return "200 OK", "{}"
  elseif line:find "^POST" then
    counts.creates = counts.creates + 1
    return "201 Created", create(body)
  elseif line:find "^GET /counts" then
    local members = {}
    for name, count in pairs(counts) do
      members[#members + 1] = ("%s=%d"):format(name, count)
    end
    return "200 OK", "{" .. table.concat(members, ",") .. "}"
  end
  counts.gets = counts.gets + 1
  local job = jobs[tonumber(line:match "/(%d+)[? ]")]
  if not job or not job.called_at then
    return "404 Not Found", "{}"
  end
  return "200 OK", ('{"users":[],"calledAt":"%.6f"}'):format(job.called_at)
end

local function unwatch(connection)
  for position, each in ipairs(watched) do
    if each == connection then
      table.remove(watched, position)
      break
    end
  end
  connection:close()
end

local function serve(connection)
  local line, body = read_request(connection)
  if not line then
    return unwatch(connection)
  end
  local status, page = answer(line, body)
  connection:send(("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"):format(status, #page, page))
end

-- ---- callbacks --------------------------------------------------------------------------------------------------

local function read_answers(connection)
  connection:settimeout(0)
  local all, problem, part = connection:receive(65536)
  connection:settimeout(nil)
  for status in (all or part):gmatch "HTTP/1%.1 (%d+)" do
    local name = status == "204" and "accepted" or "refused"
    counts[name] = counts[name] + 1
  end
  if after or problem == "closed" then
    senders[connection] = nil
    unwatch(connection)
  end
end

local function open_sender()
  local connection = assert(socket.connect(receiver_host, receiver_port))
  connection:setoption("tcp-nodelay", true)
  watched[#watched + 1] = connection
  senders[connection] = true
  return connection
end

local pool = {}

local function choose_sender()
  if after then
    return open_sender()
  end
  sender = sender % CONNECTIONS + 1
  if not senders[pool[sender] or false] then
    pool[sender] = open_sender()
  end
  return pool[sender]
end

local function send_due()
  local now = socket.gettime()
  while due[head] and due[head].at <= now do
    local job = due[head].job
    due[head] = nil
    head = head + 1
    job.called_at = socket.gettime()
    if job.path then
      choose_sender():send(
        ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"):format(
          job.path
        )
      )
    end
  end
end

local function process_id()
  local stat = assert(io.open "/proc/self/stat")
  local id = stat:read "*n"
  stat:close()
  return id
end

local listener = assert(socket.bind("127.0.0.1", 0, 512))
print(("%d %d"):format(select(2, listener:getsockname()), process_id()))
io.stdout:flush()
watched[1] = listener

while true do
  local pause = due[head] and math.max(due[head].at - socket.gettime(), 0)
  for _, ready in ipairs((socket.select(watched, nil, pause))) do
    if ready == listener then
      local connection = listener:accept()
      connection:setoption("tcp-nodelay", true)
      watched[#watched + 1] = connection
    elseif senders[ready] then
      read_answers(ready)
    else
      serve(ready)
    end
  end
  send_due()
end
