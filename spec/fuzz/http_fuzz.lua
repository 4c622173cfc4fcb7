--- Mutated requests to finseg-sandbox over real sockets: lua5.4 spec/fuzz/http_fuzz.lua [SECONDS [SEED]]
--
-- Rounds without faults check each answer: a documented status, and JSON unless the HTTP library itself has answered.
-- Rounds with faults only try to bring the service down. At the end it must still answer, and stop with status 0:
-- under a sanitizer ($FINSEG_SANDBOX names the program) that says that nothing was misread and nothing leaked.

local cjson = require("cjson")
local sandbox = require("spec.support.sandbox")
local socket = require("socket")
local wire = require("spec.support.wire")

local seconds = tonumber(arg[1] or 60)
local seed = tonumber(arg[2] or os.time())

local PATIENCE, HURRY = 0.05, 0.005 -- seconds to wait for an answer that may never come
local ROUND = 200 -- requests
local JSON_STATUSES = { 200, 201, 400, 401, 403, 404, 405, 413, 415, 422 }
-- What the HTTP library answers by itself, as a page of HTML.
local HTML_STATUSES = { 400, 411, 413, 414, 431, 500, 501, 505 }
local FAULTS = {
  "401",
  "429",
  "429-date",
  "500",
  "502",
  "503",
  "token-expires",
  "job-stuck",
  "job-fails",
  "job-vanishes",
  "callback-twice",
  "page-repeats",
  "total-moves",
  "truncated-json",
  "garbage",
  "length-less",
  "length-more",
  "drop-before",
  "drop-amid",
  "drop-after",
  "trickle",
  "stall",
  "silence",
  "huge-body",
}

local INTERESTING = {
  "\0",
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "%",
  "%00",
  "%FF",
  "%C3%28",
  "%2e%2e/",
  "/",
  "//",
  "?",
  "&",
  "=",
  "#",
  "+",
  "-1",
  "0",
  "00",
  "1e999",
  "-0.0",
  "4294967296",
  "18446744073709551616",
  "99999999999999999999",
  "\255",
  "\192\128",
  "\237\160\128",
  "\239\187\191",
  "\\u0000",
  "\\ud800",
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  "null",
  "NaN",
  "number=",
  "size=",
  "size=0&size=1",
  "Content-Length: 5\r\n",
  "Content-Length: -1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Expect: 100-continue\r\n",
  "Connection: keep-alive\r\n",
  "Host:\r\n",
  "Upgrade: h2c\r\n",
  "Authorization: Bearer \255\r\n",
  "X-Request-Id: \1\r\n",
  " folded: header\r\n",
  "HTTP/0.9",
  "HTTP/1.0",
  "HTTP/2.0",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ("["):rep(2000),
  ('{"a":'):rep(300),
  ("a"):rep(5000),
  ("a"):rep(70000),
  ("%41"):rep(4000),
  ("x=1&"):rep(100),
}

local function set(list)
  local members = {}
  for _, value in ipairs(list) do
    members[value] = true
  end
  return members
end

local json_statuses, html_statuses = set(JSON_STATUSES), set(HTML_STATUSES)

local function pick(list)
  return list[math.random(#list)]
end

-- ---- requests ------------------------------------------------------------------------------------------------

local BODIES = {
  highBalance = '{"threshold":100.25,"accountType":"checking"}',
  lowBalance = '{"threshold":-100,"durationInMonth":3,"note":{"deep":[[[1]]]}}',
  incomeSpendingSummary = '{"durationInMonth":12}',
  insuranceSpending = '{"durationInMonth":12,"callbackURL":"http://127.0.0.1:9/x"}',
  financialBreakdown = '{"labels":["SALARY","INSURANCE"],"durationInMonth":6}',
}

-- Sound requests: {line, headers, body}.
local function sound_requests(service, jobs)
  local authorization = "Authorization: Bearer " .. wire.token(service) .. "\r\n"
  local requests = {}
  local function add(line, headers, body)
    requests[#requests + 1] = { line = line .. " HTTP/1.1\r\n", headers = "Host: x\r\n" .. headers, body = body or "" }
  end
  for kind, body in pairs(BODIES) do
    add("POST /api/v1/segments/" .. kind, authorization .. "Content-Type: application/json\r\n", body)
    add("GET /api/v1/segments/" .. kind .. "/" .. jobs[kind] .. "?number=1&size=3", authorization)
    add("HEAD /api/v1/segments/" .. kind .. "/" .. jobs[kind], authorization)
  end
  local form = "grant_type=password&client_id=sandbox-client&client_secret=sandbox-secret&username=sandbox-user"
  add(
    "POST /api/v2/oauth/token",
    "Content-Type: application/x-www-form-urlencoded\r\nX-Request-Id: fuzz\r\n",
    form .. "&password=sandbox-password"
  )
  add("GET /__stats", "")
  add("GET /__faults", "")
  add("GET /openapi.json", "")
  table.sort(requests, function(a, b)
    return a.line < b.line
  end)
  return requests
end

-- ---- mutations -----------------------------------------------------------------------------------------------

local function at_random(text)
  return math.random(0, #text)
end

local mutations = {
  function(text) -- another byte
    local at = at_random(text)
    return text:sub(1, at) .. string.char(math.random(0, 255)) .. text:sub(at + 2)
  end,
  function(text) -- a piece less
    local at = at_random(text)
    return text:sub(1, at) .. text:sub(at + 1 + math.random(1, 8))
  end,
  function(text) -- a piece twice
    local from, to = at_random(text), at_random(text)
    return text:sub(1, to) .. text:sub(from, to) .. text:sub(to + 1)
  end,
  function(text) -- something that is known to be awkward
    local at = at_random(text)
    return text:sub(1, at) .. pick(INTERESTING) .. text:sub(at + 1)
  end,
  function(text) -- the same in the place of a word
    local from, to = text:find("[%w.-]+", math.random(1, #text + 1))
    return from and text:sub(1, from - 1) .. pick(INTERESTING) .. text:sub(to + 1) or text
  end,
  function(text) -- cut off
    return text:sub(1, at_random(text))
  end,
}

local function mutate(text)
  for _ = 1, pick({ 0, 1, 1, 2, 4 }) do
    text = pick(mutations)(text)
  end
  return text
end

local function chunked(body)
  local pieces = {}
  while #body > 0 do
    local length = math.random(1, #body)
    pieces[#pieces + 1] = ("%x\r\n%s\r\n"):format(length, body:sub(1, length))
    body = body:sub(length + 1)
  end
  return table.concat(pieces) .. "0\r\n\r\n"
end

local function compose(requests)
  local request = pick(requests)
  local line, headers, body = request.line, request.headers, request.body
  local part = math.random(4)
  if part == 1 then
    line = mutate(line)
  elseif part == 2 then
    headers = mutate(headers)
  else
    body = mutate(part == 4 and pick(requests).body or body)
  end
  local length = ""
  if #body > 0 then
    if math.random(8) == 1 then
      length, body = "Transfer-Encoding: chunked\r\n", chunked(body)
    else
      length = ("Content-Length: %d\r\n"):format(#body)
    end
  end
  local whole = line .. headers .. "Connection: close\r\n" .. length .. "\r\n" .. body
  return math.random(10) == 1 and mutate(whole) or whole
end

-- ---- answers -------------------------------------------------------------------------------------------------

local address, port
local seen = {}

local function exchange(bytes, patience)
  local connection = assert(socket.connect(address, port), "the service accepts no connection any more")
  connection:settimeout(patience)
  connection:send(bytes)
  local answer, problem, part = connection:receive("*a")
  connection:close()
  return answer or part, problem
end

local function check(bytes, answer)
  local status = tonumber(answer:match("^HTTP/1%.[01] (%d%d%d) "))
  seen[status or 0] = (seen[status or 0] or 0) + 1
  if status == nil or status == 100 then
    return -- closed, or still waiting for the rest
  end
  local head, body = answer:match("^(.-\r\n)\r\n(.*)$")
  local kind = head and head:match("\r\nContent%-Type: ([^\r]*)")
  local sound
  if kind == "application/json" then
    local length = tonumber(head:match("\r\nContent%-Length: (%d+)"))
    local complete = length == #body
    sound = json_statuses[status] and (not complete or #body == 0 or pcall(cjson.decode, body))
  else
    sound = html_statuses[status]
  end
  if not sound then
    error(("seed %d: an answer that is not described\n%q\n%q"):format(seed, bytes, answer), 0)
  end
end

local function set_random_faults(service)
  local faults = {}
  for i = 1, math.random(3) do
    faults[i] = pick(FAULTS) .. pick({ ":30%", ":3", "" }) .. pick({ "", "@retrieve", "@create", "@token" })
  end
  wire.set_faults(service, faults)
end

-- ---- the run -------------------------------------------------------------------------------------------------

math.randomseed(seed)
local service = sandbox.start({ users = 20, today = "2024-04-15", callback_patience = 0.5, seed = seed })
address, port = service.url:match("^http://([^:]+):(%d+)$")
local jobs = {}
for kind, body in pairs(BODIES) do
  jobs[kind] = wire.create(service, kind, body)
end

local ends = socket.gettime() + seconds
local count, round = 0, 0
while socket.gettime() < ends do
  wire.set_faults(service, {})
  local requests = sound_requests(service, jobs)
  local faulty = round % 4 == 3
  if faulty then
    set_random_faults(service)
  end
  for _ = 1, ROUND do
    local bytes = compose(requests)
    local answer = exchange(bytes, faulty and HURRY or PATIENCE)
    if not faulty then
      check(bytes, answer)
    end
    count = count + 1
  end
  round = round + 1
end

wire.set_faults(service, {})
wire.wait(service, "highBalance", wire.create(service, "highBalance", BODIES.highBalance))
service.stop()

local lines = {}
for status, times in pairs(seen) do
  lines[#lines + 1] = ("%s: %d"):format(status == 0 and "closed" or status, times)
end
table.sort(lines)
print(("%d requests, seed %d; %s"):format(count, seed, table.concat(lines, ", ")))
