--- The API as bytes on the wire, without finseg: what the sandbox's own tests speak.

local cjson = require("cjson")
local http = require("spec.support.http")
local socket = require("socket")

local wire = {}

local FORM = "application/x-www-form-urlencoded"
local PATIENCE = 10 -- seconds that anything may take before a test gives up

--- Calls f until it answers something true, and answers that.
function wire.eventually(what, f)
  local deadline = socket.gettime() + PATIENCE
  repeat
    local answer = f()
    if answer then
      return answer
    end
    socket.select(nil, nil, 0.005)
  until socket.gettime() > deadline
  error("gave up waiting until " .. what, 2)
end

--- POSTs a form to the token endpoint. Answers the HTTP answer, its body decoded in `json`.
function wire.token_request(service, fields)
  local answer = http.request("POST", service.token_url, {
    headers = { ["Content-Type"] = FORM },
    body = type(fields) == "table" and http.form(fields) or fields,
  })
  answer.json = cjson.decode(answer.body)
  return answer
end

--- A token of the client, or of the user when `role` is "user".
function wire.token(service, role)
  local fields = {
    grant_type = role == "user" and "password" or "client_credentials",
    client_id = service.client_id,
    client_secret = service.client_secret,
  }
  if role == "user" then
    fields.username, fields.password = service.username, service.password
  end
  return wire.token_request(service, fields).json.access_token
end

--- One request with a token to a path below base_url; `body` may be a table. Answers the HTTP answer, its body decoded.
function wire.call(service, method, path, body, headers)
  local all = { Authorization = "Bearer " .. wire.token(service) }
  if body then
    all["Content-Type"] = "application/json"
  end
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  local answer = http.request(method, service.base_url .. path, {
    headers = all,
    body = type(body) == "table" and cjson.encode(body) or body,
  })
  answer.json = answer.body ~= "" and cjson.decode(answer.body) or nil
  return answer
end

--- Sets the service's faults anew: a list of texts.
function wire.set_faults(service, faults)
  local answer = http.request("POST", service.url .. "/__faults", {
    headers = { ["Content-Type"] = "application/json" },
    body = #faults > 0 and cjson.encode(faults) or "[]",
  })
  assert(answer.status == 200, answer.body)
  return cjson.decode(answer.body).faults
end

--- What the service has counted.
function wire.stats(service)
  return cjson.decode(http.request("GET", service.url .. "/__stats").body)
end

--- How many requests of that method the service has had below /segments.
function wire.segment_requests(service, method)
  local count = 0
  for _, request in ipairs(wire.stats(service).requests) do
    if request.method == method and request.path:find("/segments/", 1, true) then
      count = count + request.count
    end
  end
  return count
end

--- Makes a job; answers its id.
function wire.create(service, kind, parameters)
  local answer = wire.call(service, "POST", "/segments/" .. kind, parameters)
  assert(answer.status == 201, answer.body)
  return answer.json.jobId
end

--- Gets a page; `query` is text or nil.
function wire.get(service, kind, job, query)
  return wire.call(service, "GET", ("/segments/%s/%s%s"):format(kind, job, query and "?" .. query or ""))
end

--- Waits until the job is ready.
function wire.wait(service, kind, job)
  return wire.eventually("the job is ready", function()
    local answer = wire.get(service, kind, job)
    return answer.status == 200 and answer
  end)
end

--- All users of a job, page by page. Raises when a page has more users than asked or totalElements moves.
function wire.all_users(service, kind, job, size)
  local users = {}
  local total
  local number = 0
  repeat
    local page = wire.get(service, kind, job, ("number=%d&size=%d"):format(number, size)).json
    assert(#page.users <= size and (total == nil or total == page.totalElements), "a page is not as announced")
    total = page.totalElements
    for _, user in ipairs(page.users) do
      users[#users + 1] = user
    end
    number = number + 1
  until #page.users == 0
  assert(#users == total, "not as many users as announced")
  return users
end

--- Creates, waits, and reads all users.
function wire.segment(service, kind, parameters, size)
  local job = wire.create(service, kind, parameters)
  wire.wait(service, kind, job)
  return wire.all_users(service, kind, job, size or 500)
end

--- The same as one text: a line "userId accountId amount" per account, the amount as its text on the wire.
function wire.segment_text(service, kind, parameters, size)
  local job = wire.create(service, kind, parameters)
  wire.wait(service, kind, job)
  local lines = {}
  local number = 0
  repeat
    local body = wire.get(service, kind, job, ("number=%d&size=%d"):format(number, size or 500)).body
    local before = #lines
    for user, accounts in body:gmatch('{"userId":"([^"]*)","accounts":%[(.-)%]}') do
      for account, amount in accounts:gmatch('{"accountId":"([^"]*)","amount":(%-?[%d.]+)}') do
        lines[#lines + 1] = ("%s %s %s"):format(user, account, amount)
      end
    end
    number = number + 1
  until #lines == before
  return table.concat(lines, "\n")
end

--- Creates, waits, and reads all users, each number as its text on the wire.
function wire.exact_segment(service, kind, parameters, size)
  local job = wire.create(service, kind, parameters)
  wire.wait(service, kind, job)
  local users = {}
  local number = 0
  repeat
    local body = wire.get(service, kind, job, ("number=%d&size=%d"):format(number, size or 500)).body
    local page = cjson.decode((body:gsub('":(%-?[%d.]+)', '":"%1"')))
    for _, user in ipairs(page.users) do
      users[#users + 1] = user
    end
    number = number + 1
  until #page.users == 0
  return users
end

return wire
