--- A small HTTP client for tests: plain requests through luasocket, and raw bytes over a socket.

local http = require("socket.http")
local ltn12 = require("ltn12")
local socket = require("socket")

local M = {}

--- One request. `options`: headers, body. Answers {status, headers (lower-case names), body}.
function M.request(method, url, options)
  options = options or {}
  local headers = {}
  for name, value in pairs(options.headers or {}) do
    headers[name] = value
  end
  if options.body then
    headers["Content-Length"] = tostring(#options.body)
  end
  local pieces = {}
  local ok, status, answer_headers = http.request({
    method = method,
    url = url,
    headers = headers,
    source = options.body and ltn12.source.string(options.body) or nil,
    sink = ltn12.sink.table(pieces),
    redirect = false,
  })
  if not ok then
    error(("%s %s: %s"):format(method, url, tostring(status)), 2)
  end
  return { status = status, headers = answer_headers, body = table.concat(pieces) }
end

local function encode(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

--- A table as application/x-www-form-urlencoded text, in the order of the names.
function M.form(fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = encode(name) .. "=" .. encode(fields[name])
  end
  return table.concat(names, "&")
end

--- A connection of luasocket to the service at `url`; the caller closes it.
function M.open(url)
  local host, port = url:match("^http://([^:/]+):(%d+)")
  return assert(socket.connect(host, tonumber(port)))
end

--- Sends bytes as they are and reads until the service closes or falls silent for `patience` seconds (default 5).
-- Answers all that came, the status of the first answer or nil, "closed" or "timeout", and in how many pieces it came.
function M.raw(url, bytes, patience)
  local connection = M.open(url)
  connection:settimeout(patience or 5)
  connection:send(bytes)
  local pieces = {}
  local problem
  local received = 0
  repeat
    local ready = socket.select({ connection }, nil, patience or 5)
    local all, part
    connection:settimeout(0)
    all, problem, part = connection:receive(65536)
    pieces[#pieces + 1] = all or part
    received = received + (#pieces[#pieces] > 0 and 1 or 0)
    if problem == "timeout" and #ready > 0 then
      problem = nil
    end
  until problem
  connection:close()
  local answer = table.concat(pieces)
  return answer, tonumber(answer:match("^HTTP/1%.%d (%d%d%d)")), problem, received
end

return M
