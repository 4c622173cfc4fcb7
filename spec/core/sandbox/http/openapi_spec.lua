-- The sandbox and its OpenAPI description: every answer that is described is provoked, and held against the description
-- by validators from npm (spec/tools/openapi_check.cjs), so that neither can change alone.

local cjson = require("cjson")
local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local scripted_server = require("spec.support.scripted_server")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local JSON = "application/json"
local FORM = "application/x-www-form-urlencoded"

local PARAMETERS = {
  highBalance = { threshold = -1000000, accountType = "checking" },
  lowBalance = { threshold = 1000000, durationInMonth = 3 },
  incomeSpendingSummary = { durationInMonth = 3 },
  insuranceSpending = { durationInMonth = 12 },
  financialBreakdown = { durationInMonth = 3, labels = { "SALARY", "INSURANCE" } },
}
local KINDS = {}
for kind in pairs(PARAMETERS) do
  KINDS[#KINDS + 1] = kind
end
table.sort(KINDS)

local STATUS_FAULTS =
  { "400", "401", "403", "404", "423", "429", "429-date", "500", "502", "503", "503-date", "503-bare" }

local function copy(fields, changes)
  local all = {}
  for name, value in pairs(fields) do
    all[name] = value
  end
  for name, value in pairs(changes) do
    all[name] = value
  end
  return all
end

-- What asks a service, and keeps all that it answers.
local function recorder(service)
  local record = { answers = {} }

  function record.ask(method, path, headers, body)
    local answer = http.request(method, service.url .. path, { headers = headers, body = body })
    record.answers[#record.answers + 1] = {
      method = method,
      path = path,
      status = answer.status,
      headers = answer.headers,
      body = answer.body,
    }
    return answer
  end

  function record.call(method, path, body, changes)
    local headers = copy({ Authorization = "Bearer " .. wire.token(service), ["Content-Type"] = JSON }, changes or {})
    return record.ask(method, "/api/v1" .. path, headers, type(body) == "table" and cjson.encode(body) or body)
  end

  -- The same request with each fault that answers instead of the service.
  function record.with_faults(place, request)
    for _, fault in ipairs(STATUS_FAULTS) do
      wire.set_faults(service, { ("%s:1@%s"):format(fault, place) })
      assert.equal(tonumber(fault:match("^%d+")), request().status)
    end
    wire.set_faults(service, {})
  end

  return record
end

local function ask_for_tokens(service, record)
  local function token(fields, content_type)
    local body = type(fields) == "table" and http.form(fields) or fields
    return record.ask("POST", "/api/v2/oauth/token", { ["Content-Type"] = content_type or FORM }, body)
  end
  local client = {
    grant_type = "client_credentials",
    client_id = service.client_id,
    client_secret = service.client_secret,
  }
  local user = copy(client, { grant_type = "password", username = service.username, password = service.password })
  assert.equal(200, token(client).status)
  local answer = token(user)
  assert.equal(200, answer.status)
  local refresh_token = cjson.decode(answer.body).refresh_token
  assert.equal(200, token(copy(client, { grant_type = "refresh_token", refresh_token = refresh_token })).status)
  assert.equal(401, token(copy(client, { client_secret = "wrong" })).status)
  assert.equal(401, token(copy(user, { password = "wrong" })).status)
  assert.equal(400, token("grant_type=magic").status)
  assert.equal(400, token("%").status)
  assert.equal(415, token("{}", JSON).status)
  assert.equal(413, token(("x"):rep(1024 * 1024 + 1)).status)
  assert.equal(405, record.ask("GET", "/api/v2/oauth/token").status)
  record.with_faults("token", function()
    return token(client)
  end)
end

local function create(record, kind, parameters)
  local answer = record.call("POST", "/segments/" .. kind, parameters)
  assert.equal(201, answer.status, kind .. ": " .. answer.body)
  return cjson.decode(answer.body).jobId
end

-- The answers to HEAD, at a job that is ready and at one that has failed.
local function probe_jobs(record, path, job, failing)
  assert.equal(200, record.call("HEAD", path .. "/" .. job).status)
  assert.equal(400, record.call("HEAD", path .. "/unknown").status)
  assert.equal(404, record.call("HEAD", path .. "/" .. job .. "/more").status)
  assert.equal(405, record.call("HEAD", path).status)
  assert.equal(422, record.call("HEAD", path .. "/" .. failing).status)
  record.with_faults("retrieve", function()
    return record.call("HEAD", path .. "/" .. job)
  end)
end

local function walk_through_kind(service, record, kind)
  local path = "/segments/" .. kind
  local job = create(record, kind, PARAMETERS[kind])
  assert.equal(404, record.call("GET", path .. "/" .. job).status)
  assert.truthy(#wire.wait(service, kind, job).json.users > 0, kind .. ": no record is held against the description")
  assert.equal(200, record.call("GET", path .. "/" .. job).status)
  assert.equal(200, record.call("GET", path .. "/" .. job .. "?number=1&size=500").status)
  assert.equal(400, record.call("GET", path .. "/" .. job .. "?size=501").status)
  assert.equal(400, record.call("GET", path .. "/unknown").status)
  assert.equal(405, record.call("DELETE", path .. "/" .. job).status)
  assert.equal(405, record.call("GET", path).status)
  assert.equal(405, record.call("PUT", path, "{}").status)
  local wrong = '{"durationInMonth":0,"threshold":"x","labels":7,"callbackURL":"ftp://x/"}'
  for _, body in ipairs({ "", "{}", "[]", wrong }) do
    assert.equal(400, record.call("POST", path, body).status, body)
  end
  assert.equal(413, record.call("POST", path, ("x"):rep(1024 * 1024 + 1)).status)
  assert.equal(415, record.call("POST", path, "{}", { ["Content-Type"] = "text/plain" }).status)
  for _, authorization in ipairs({ "Bearer unknown", "Basic eDp5" }) do
    assert.equal(401, record.call("POST", path, "{}", { Authorization = authorization }).status)
    assert.equal(401, record.call("GET", path .. "/" .. job, nil, { Authorization = authorization }).status)
  end
  record.with_faults("create", function()
    return record.call("POST", path, PARAMETERS[kind])
  end)
  record.with_faults("retrieve", function()
    return record.call("GET", path .. "/" .. job)
  end)
  wire.set_faults(service, { "job-fails:1" })
  local failing = create(record, kind, PARAMETERS[kind])
  wire.eventually("the job has failed", function()
    return record.call("GET", path .. "/" .. failing).status == 422
  end)
  probe_jobs(record, path, job, failing)
end

-- Answers of GET and POST at /__faults, /__stats and /openapi.json, and at paths that are none.
local function ask_elsewhere(service, record)
  assert.equal(200, record.ask("POST", "/__faults", { ["Content-Type"] = JSON }, '["503:0%","429:0@/nowhere"]').status)
  assert.equal(200, record.ask("GET", "/__faults").status)
  assert.equal(200, record.ask("POST", "/__faults", { ["Content-Type"] = JSON }, "[]").status)
  for _, body in ipairs({ "", "{}", "[7]", '["nonsense"]', '["503:x"]', '["503@nowhere"]', '["\\u0000"]', '[""]' }) do
    assert.equal(400, record.ask("POST", "/__faults", { ["Content-Type"] = JSON }, body).status, body)
  end
  assert.equal(415, record.ask("POST", "/__faults", { ["Content-Type"] = FORM }, "[]").status)
  assert.equal(413, record.ask("POST", "/__faults", { ["Content-Type"] = JSON }, (" "):rep(1024 * 1024 + 1)).status)
  assert.equal(405, record.ask("DELETE", "/__faults").status)
  assert.equal(200, record.ask("GET", "/__stats").status)
  assert.equal(405, record.ask("POST", "/__stats", {}, "").status)
  assert.equal(405, record.ask("POST", "/openapi.json", {}, "").status)
  assert.equal(405, record.ask("HEAD", "/openapi.json").status)
  assert.equal(404, record.ask("GET", "/").status)
  assert.equal(404, record.call("GET", "/segments/poorBalance").status)
  assert.equal(400, record.ask("GET", "/%FF").status)
  for _, path in ipairs({ "/__stats", "/__faults", "/openapi.json" }) do
    local request = "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: a\r\ncontent-type: b\r\n\r\n"
    local text, status = http.raw(service.url, request:format(path))
    assert.equal(400, status)
    local head, body = text:match("^(.-)\r\n\r\n(.*)$")
    local headers = {}
    for name, value in head:gmatch("\r\n([%w-]+): ([^\r]*)") do
      headers[name:lower()] = value
    end
    record.answers[#record.answers + 1] =
      { method = "GET", path = path, status = status, headers = headers, body = body }
  end
end

-- The bodies that a receiver gets for a job that is ready and one that fails.
local function receive_callbacks(service, record)
  local receiver = scripted_server.start({ ["POST /callback"] = { { status = 204 } } })
  local url = receiver.url .. "/callback"
  for _, kind in ipairs(KINDS) do
    create(record, kind, copy(PARAMETERS[kind], { callbackURL = url }))
  end
  wire.set_faults(service, { "job-fails:1" })
  create(record, KINDS[1], copy(PARAMETERS[KINDS[1]], { callbackURL = url }))
  local requests = wire.eventually("all callbacks have come", function()
    local requests = receiver.requests()
    return #requests == #KINDS + 1 and requests
  end)
  receiver.stop()
  for _, request in ipairs(requests) do
    record.answers[#record.answers + 1] = {
      callback = "/api/v1/segments/" .. cjson.decode(request.body).segment,
      headers = request.headers,
      body = request.body,
    }
  end
end

describe("the sandbox's OpenAPI description", function()
  it("is the file beside the sources", function()
    local service = sandbox.start()
    finally(service.stop)
    local answer = http.request("GET", service.url .. "/openapi.json")
    assert.equal(200, answer.status)
    assert.equal(JSON, answer.headers["content-type"])
    assert.equal(shell.read_file("core/sandbox/http/openapi.json"), answer.body)
    local _, version = sandbox.run({ "--version" })
    assert.equal(version:match("(%S+)\n"), cjson.decode(answer.body).info.version)
  end)

  it("is valid, and describes every answer of the sandbox", function()
    local service = sandbox.start({ users = 40, today = "2024-04-15", delay = 0.5 })
    finally(service.stop)
    local record = recorder(service)
    local document = record.ask("GET", "/openapi.json").body
    ask_for_tokens(service, record)
    for _, kind in ipairs(KINDS) do
      walk_through_kind(service, record, kind)
    end
    ask_elsewhere(service, record)
    receive_callbacks(service, record)

    local folder = shell.scratch()
    finally(function()
      service.stop()
      shell.remove(folder)
    end)
    local file = folder .. "/answers.json"
    shell.write_file(file, ('{"document":%s,"answers":%s}'):format(document, cjson.encode(record.answers)))
    local status, printed = shell.run("node spec/tools/openapi_check.cjs " .. file)
    assert.equal("", printed)
    assert.equal(0, status)
  end)

  it("is what the check holds answers against", function()
    local document = cjson.decode(shell.read_file("core/sandbox/http/openapi.json"))
    local answer = {
      method = "POST",
      path = "/api/v2/oauth/token",
      status = 200,
      headers = { ["content-type"] = JSON, ["x-request-id"] = "1" },
      body = '{"access_token":"a","token_type":"bearer","expires_in":"soon","scope":"all"}',
    }
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    local function check(answers)
      shell.write_file(folder .. "/answers.json", cjson.encode({ document = document, answers = answers }))
      return shell.run("node spec/tools/openapi_check.cjs " .. folder .. "/answers.json")
    end
    local status, printed = check({ answer })
    assert.equal(1, status)
    assert.truthy(printed:find("expires_in must be integer", 1, true), printed)
    assert.truthy(printed:find("unseen GET /__stats 200", 1, true), printed)
    assert.equal(1, (check({ copy(answer, { status = 299 }) })))
    for _, other in ipairs({
      { method = "DELETE", path = "/__stats", status = 405 },
      { method = "DELETE", path = "/__stats", status = 404 },
      { method = "GET", path = "/nowhere", status = 405 },
      { method = "HEAD", path = "/api/v1/segments/lowBalance/x", status = 500, body = "{}" },
    }) do
      local name = ("wrong %s %s %d"):format(other.method, other.path, other.status)
      status, printed = check({ copy(answer, other) })
      assert.equal(1, status)
      assert.truthy(printed:find(name, 1, true), printed)
    end
    assert.equal(1, (check({ copy(answer, { headers = { ["content-type"] = JSON } }) })))
  end)
end)
