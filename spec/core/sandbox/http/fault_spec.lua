-- What the sandbox does wrong on demand, as bytes on the wire: rules, how often and where, and each type of fault.
-- How finseg bears them is in the specs of lua/.

local cjson = require("cjson")
local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local ANYONE = { threshold = -1000000 }

local function start(finally, options)
  options = options or {}
  options.today = "2024-04-15"
  options.users = options.users or 9
  local service = sandbox.start(options)
  finally(service.stop)
  return service
end

-- A service with a job that is ready, and the job's path.
local function with_job(finally, options)
  local service = start(finally, options)
  local job = wire.create(service, "highBalance", ANYONE)
  wire.wait(service, "highBalance", job)
  return service, "/segments/highBalance/" .. job, job
end

-- The bytes that come for GET `path` on a new connection, until it is closed or silent for `patience` seconds.
local function raw_get(service, path, patience)
  local request = "GET /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"
  local bytes, status, ended = http.raw(service.url, request:format(path, wire.token(service)), patience)
  local head, body = bytes:match("^(.-\r\n)\r\n(.*)$")
  return { status = status, head = head or "", body = body or "", ended = ended }
end

local function statuses(service, path, count)
  local list = {}
  for i = 1, count do
    list[i] = wire.call(service, "GET", path).status
  end
  return table.concat(list, " ")
end

describe("a fault's rule", function()
  it("strikes always, so many times, or never", function()
    local service, path = with_job(finally)
    wire.set_faults(service, { "500@retrieve" })
    assert.equal("500 500 500", statuses(service, path, 3))
    wire.set_faults(service, { "500:2@retrieve" })
    assert.equal("500 500 200 200", statuses(service, path, 4))
    wire.set_faults(service, { "500:0", "423:0%" })
    assert.equal("200 200 200", statuses(service, path, 3))
    wire.set_faults(service, { "500:100%@retrieve" })
    assert.equal("500 500", statuses(service, path, 2))
    wire.set_faults(service, {})
    assert.equal("200", statuses(service, path, 1))
  end)

  it("strikes at its rate, the same requests for the same seed", function()
    local function run(seed)
      local service, path = with_job(finally, { seed = seed, fault = "500:30%@retrieve" })
      return statuses(service, path, 200)
    end
    -- The wait for the job meets the fault too, so the runs are compared from a fresh rule on.
    local function fresh(seed)
      local service, path = with_job(finally, { seed = seed })
      wire.set_faults(service, { "500:30%@retrieve" })
      return statuses(service, path, 200)
    end
    local first = fresh(7)
    local _, struck = first:gsub("500", "")
    assert.truthy(struck > 30 and struck < 90, struck)
    assert.equal(first, fresh(7))
    assert.not_equal(first, fresh(8))
    assert.truthy(run(7):find("500", 1, true), "the command line's rule strikes too")
  end)

  it("has a place", function()
    local service, path = with_job(finally)
    local function seen(place)
      wire.set_faults(service, { "503@" .. place })
      local token = wire.token_request(service, {
        grant_type = "client_credentials",
        client_id = service.client_id,
        client_secret = service.client_secret,
      }).status
      wire.set_faults(service, {})
      local header = "Bearer " .. wire.token(service)
      wire.set_faults(service, { "503@" .. place })
      local function status(method, at, body)
        return http.request(method, service.base_url .. at, {
          headers = { Authorization = header, ["Content-Type"] = "application/json" },
          body = body,
        }).status
      end
      local list = {
        token,
        status("POST", "/segments/highBalance", '{"threshold":1}'),
        status("POST", "/segments/lowBalance", '{"threshold":1,"durationInMonth":1}'),
        status("GET", path),
      }
      wire.set_faults(service, {})
      return table.concat(list, " ")
    end
    assert.equal("503 201 201 200", seen("token"))
    assert.equal("200 503 503 200", seen("create"))
    assert.equal("200 201 201 503", seen("retrieve"))
    assert.equal("200 503 201 503", seen("/api/v1/segments/highBalance"))
    assert.equal("200 201 201 503", seen("/api/v1/segments/highBalance/"))
    assert.equal("503 503 503 503", seen("/"))
    assert.equal("200 201 201 200", seen("/elsewhere"))
  end)

  it("strikes on retrieve alone when it speaks of a job and names no place", function()
    local service, path = with_job(finally)
    for _, fault in ipairs({ "400", "404", "423", "400:100%", "404:9" }) do
      wire.set_faults(service, { fault })
      local token = wire.token_request(service, {
        grant_type = "client_credentials",
        client_id = service.client_id,
        client_secret = service.client_secret,
      })
      assert.equal(200, token.status, fault)
      assert.equal(201, wire.call(service, "POST", "/segments/highBalance", '{"threshold":1}').status, fault)
      assert.equal(tonumber(fault:match("^%d+")), wire.call(service, "GET", path).status)
    end
    wire.set_faults(service, { "423@/api/v1" })
    assert.equal(423, wire.call(service, "POST", "/segments/highBalance", '{"threshold":1}').status)
  end)

  it("is tried in order, and told with its counts", function()
    local service, path = with_job(finally)
    local set = wire.set_faults(service, { "500:1@retrieve", "423@retrieve", "429:5@create" })
    assert.same({ { fault = "500:1@retrieve", met = 0, struck = 0 } }, { set[1] })
    assert.equal("500 423 423", statuses(service, path, 3))
    local told = cjson.decode(http.request("GET", service.url .. "/__faults").body).faults
    assert.same({ fault = "423@retrieve", met = 2, struck = 2 }, told[2])
    assert.equal(1, told[1].struck)
    local counts = wire.stats(service).faults
    assert.equal(1, counts["500"])
    assert.equal(2, counts["423"])
  end)

  it("is refused when it is none, on the command line and at run time", function()
    local service = start(finally, { fault = { "503:0", "429:0%" } })
    assert.equal(2, #cjson.decode(http.request("GET", service.url .. "/__faults").body).faults)
    local wrong = {
      "",
      ":",
      "600",
      "503:",
      "503:x",
      "503:%",
      "503:101%",
      "503:-1",
      "503:1.5",
      "503@",
      "503@here",
      "503:1@retrieve:2",
      " 503",
      "503:99999999999999999999%",
      ("x"):rep(300),
      "503@/" .. ("x"):rep(300),
    }
    for _, rule in ipairs(wrong) do
      local status, _, said = sandbox.run({ "--fault", rule })
      assert.equal(2, status, rule)
      assert.truthy(said:find("--fault", 1, true), rule)
      local answer = http.request("POST", service.url .. "/__faults", {
        headers = { ["Content-Type"] = "application/json" },
        body = cjson.encode({ "500", rule }),
      })
      assert.equal(400, answer.status, rule)
    end
    local many = {}
    for i = 1, 65 do
      many[i] = "503:0"
    end
    assert.has_error(function()
      wire.set_faults(service, many)
    end)
    local told = cjson.decode(http.request("GET", service.url .. "/__faults").body).faults
    assert.equal(2, #told, "what is refused changes nothing")
  end)

  it("leaves the sandbox's own paths alone", function()
    local service = start(finally, { fault = { "500", "drop-before" } })
    for _, path in ipairs({ "/__faults", "/__stats", "/openapi.json" }) do
      assert.equal(200, http.request("GET", service.url .. path).status, path)
    end
  end)

  it("is described in --help by every kind", function()
    local _, printed = sandbox.run({ "--help" })
    for _, kind in ipairs({ "401", "503", "job-vanishes", "huge-body", "length-less", "drop-amid", "trickle" }) do
      assert.truthy(printed:find("\n  " .. kind .. " ", 1, true), kind)
    end
  end)
end)

describe("an answer instead of the service's", function()
  it("has the status and the body of its kind", function()
    local service, path = with_job(finally)
    for _, status in ipairs({ 400, 404, 423, 429, 500, 503 }) do
      wire.set_faults(service, { tostring(status) .. "@retrieve" })
      local answer = wire.call(service, "GET", path)
      assert.equal(status, answer.status)
      assert.is_string(answer.json.errors[1].code)
      assert.equal((status == 429 or status == 503) and "1" or nil, answer.headers["retry-after"])
    end
    for _, status in ipairs({ "429", "503" }) do
      wire.set_faults(service, { status .. "-date:1@retrieve" })
      local date = wire.call(service, "GET", path).headers["retry-after"]
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", date)
    end
    wire.set_faults(service, { "503-bare:1@retrieve" })
    assert.is_nil(wire.call(service, "GET", path).headers["retry-after"])
    for _, status in ipairs({ 401, 403 }) do
      wire.set_faults(service, { tostring(status) .. "@retrieve" })
      local answer = wire.call(service, "GET", path)
      assert.equal(status, answer.status)
      assert.is_string(answer.json.error)
      assert.matches("^Bearer error=", answer.headers["www-authenticate"])
    end
    wire.set_faults(service, { "502@retrieve" })
    local answer = http.request("GET", service.base_url .. path, {
      headers = { Authorization = "Bearer " .. wire.token(service) },
    })
    assert.equal(502, answer.status)
    assert.equal("text/html", answer.headers["content-type"])
    assert.matches("^<html>", answer.body)
  end)

  it("keeps the service from doing what was asked for", function()
    local service = start(finally)
    wire.set_faults(service, { "500@create" })
    assert.equal(500, wire.call(service, "POST", "/segments/highBalance", ANYONE).status)
    assert.equal(0, wire.stats(service).jobs.made)
  end)
end)

describe("a token that ends early", function()
  it("is refused until there is a new one", function()
    local service, path = with_job(finally)
    local token = wire.token(service)
    wire.set_faults(service, { "token-expires:1" })
    local function status(bearer)
      return http.request("GET", service.base_url .. path, { headers = { Authorization = "Bearer " .. bearer } }).status
    end
    assert.equal(401, status(token))
    assert.equal(401, status(token))
    local fresh = wire.token(service)
    assert.not_equal(token, fresh)
    assert.equal(200, status(fresh))
    assert.equal(1, wire.stats(service).tokens.revoked)
  end)
end)

describe("a job's fault", function()
  it("keeps it pending, fails it, or lets it vanish", function()
    local service = start(finally, { fault = { "job-stuck:1", "job-fails:1", "job-vanishes:1" } })
    local stuck = wire.create(service, "highBalance", ANYONE)
    local failing = wire.create(service, "highBalance", ANYONE)
    local vanishing = wire.create(service, "highBalance", ANYONE)
    local sound = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", sound) -- jobs are computed in order, so all have been
    assert.equal(422, wire.get(service, "highBalance", failing).status)
    assert.equal(400, wire.get(service, "highBalance", vanishing).status)
    assert.equal(404, wire.get(service, "highBalance", stuck).status)
    assert.equal(1, wire.stats(service).jobs.failed)
  end)

  it("lets it vanish only when it should be ready", function()
    local service = start(finally, { delay = 1, fault = "job-vanishes" })
    local job = wire.create(service, "highBalance", ANYONE)
    assert.equal(404, wire.get(service, "highBalance", job).status)
    wire.eventually("the job has vanished", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
  end)

  it("survives a restart", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    local options =
      { db = folder .. "/bank.db", today = "2024-04-15", users = 3, fault = { "job-stuck:1", "job-fails" } }
    local service = sandbox.start(options)
    local stuck = wire.create(service, "highBalance", ANYONE)
    local failing = wire.create(service, "highBalance", ANYONE)
    service.kill()
    options.fault = nil
    service = sandbox.start(options)
    local first, second =
      wire.get(service, "highBalance", stuck).status, wire.get(service, "highBalance", failing).status
    service.stop()
    assert.equal("404 422", first .. " " .. second)
  end)
end)

describe("a page's fault", function()
  it("serves the page before once more", function()
    local service, _, job = with_job(finally)
    local second = wire.get(service, "highBalance", job, "number=1&size=3").body
    wire.set_faults(service, { "page-repeats:1" })
    assert.not_equal(second, wire.get(service, "highBalance", job, "number=0&size=3").body)
    assert.equal(second, wire.get(service, "highBalance", job, "number=2&size=3").body)
  end)

  it("moves totalElements", function()
    local service, _, job = with_job(finally, { users = 9 })
    wire.set_faults(service, { "total-moves:1" })
    assert.equal(10, wire.get(service, "highBalance", job).json.totalElements)
    assert.equal(9, wire.get(service, "highBalance", job).json.totalElements)
  end)

  it("moves totalElements from page to page when it strikes always", function()
    local service, _, job = with_job(finally, { users = 9 })
    wire.set_faults(service, { "total-moves" })
    local totals = {}
    for number = 0, 3 do
      local page = wire.get(service, "highBalance", job, ("number=%d&size=2"):format(number)).json
      totals[#totals + 1] = page.totalElements
    end
    assert.same({ 10, 11, 10, 11 }, totals)
  end)

  it("does not use itself up on answers that are no page", function()
    local service, _, job = with_job(finally, { users = 9 })
    wire.set_faults(service, { "total-moves:1" })
    assert.equal(400, wire.get(service, "highBalance", "unknown").status)
    assert.equal(10, wire.get(service, "highBalance", job).json.totalElements)
  end)
end)

describe("a fault of the bytes", function()
  local function spoilt(finally_of_test, fault, patience)
    local service, path = with_job(finally_of_test)
    local whole = raw_get(service, path, 0.2)
    assert.equal(200, whole.status)
    wire.set_faults(service, { fault .. "@retrieve" })
    local answer = raw_get(service, path, patience or 2)
    wire.set_faults(service, {})
    assert.equal(200, wire.call(service, "GET", path).status, "the service goes on")
    return answer, whole
  end
  local function announced(answer)
    return tonumber(answer.head:match("Content%-Length: (%d+)"))
  end

  it("truncates the JSON and says its length", function()
    local answer, whole = spoilt(finally, "truncated-json", 0.2)
    assert.equal(200, answer.status)
    assert.equal(math.floor(#whole.body / 2), #answer.body)
    assert.equal(#answer.body, announced(answer))
  end)

  it("sends garbage", function()
    local answer = spoilt(finally, "garbage", 0.2)
    assert.equal(200, answer.status)
    assert.is_false((pcall(cjson.decode, answer.body)))
  end)

  it("announces another length than comes", function()
    local answer, whole = spoilt(finally, "length-less")
    assert.equal(math.floor(#whole.body / 2), announced(answer))
    assert.equal(whole.body, answer.body)
    local _, count = answer.head:gsub("Content%-Length", "")
    assert.equal(1, count)
    answer, whole = spoilt(finally, "length-more")
    assert.equal(#whole.body + 64, announced(answer))
    assert.equal(whole.body, answer.body)
    assert.equal("closed", answer.ended)
  end)

  it("drops the connection before, amid and after the body", function()
    local answer, whole = spoilt(finally, "drop-before")
    assert.equal("", answer.head .. answer.body)
    assert.equal("closed", answer.ended)
    answer = spoilt(finally, "drop-amid")
    assert.equal(#whole.body, announced(answer))
    assert.equal(whole.body:sub(1, math.floor(#whole.body / 2)), answer.body)
    assert.equal("closed", answer.ended)
    answer = spoilt(finally, "drop-after")
    assert.equal(whole.body, answer.body)
    assert.equal("closed", answer.ended)
    assert.is_nil(answer.head:find("close", 1, true), "the client is not told")
  end)

  it("lets the bytes trickle", function()
    local service, path = with_job(finally)
    local request = "GET /api/v1%s?size=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
    request = request:format(path, wire.token(service))
    local _, _, _, quick = http.raw(service.url, request)
    wire.set_faults(service, { "trickle" })
    local answer, status, ended, pieces = http.raw(service.url, request)
    assert.equal(200, status)
    assert.equal("closed", ended)
    assert.truthy(pieces > 20 and pieces > quick, pieces)
    assert.equal(9, cjson.decode(answer:match("\r\n\r\n(.*)$")).totalElements)
  end)

  it("stalls amid the body, or says nothing at all", function()
    local answer, whole = spoilt(finally, "stall", 0.3)
    assert.equal("timeout", answer.ended)
    assert.equal(math.floor(#whole.body / 2), #answer.body)
    answer = spoilt(finally, "silence", 0.3)
    assert.equal("timeout", answer.ended)
    assert.equal("", answer.head .. answer.body)
  end)

  it("does not keep the sandbox from ending, or from serving others meanwhile", function()
    local service, path = with_job(finally)
    wire.set_faults(service, { "stall:20@retrieve" })
    local request = ("GET /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"):format(
      path,
      wire.token(service)
    )
    local held = {}
    for i = 1, 20 do
      held[i] = http.open(service.url)
      held[i]:send(request)
      assert(held[i]:receive("*l"))
    end
    assert.equal(200, wire.call(service, "GET", path).status)
    service.stop()
    for _, connection in ipairs(held) do
      connection:close()
    end
  end)

  it("lets a held connection go when its client does", function()
    local service, path = with_job(finally)
    wire.set_faults(service, { "silence@retrieve" })
    raw_get(service, path, 0.05)
    wire.eventually("the connection is closed", function()
      return wire.stats(service).connections.open == 1 -- the one that asks
    end)
  end)

  it("pads a body beyond all measure", function()
    local service, path = with_job(finally)
    local curl = "curl -s -H %s -o /dev/null -w '%%{size_download}' %s"
    local header = shell.quote("Authorization: Bearer " .. wire.token(service))
    wire.set_faults(service, { "huge-body" })
    local printed = shell.check(curl:format(header, service.base_url .. path))
    assert.truthy(tonumber(printed) > 256 * 1024 * 1024, printed)
  end)

  it("strikes answers of status 2xx alone", function()
    local service = start(finally, { delay = 3600 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.set_faults(service, { "drop-before:1@retrieve" })
    assert.equal(404, wire.get(service, "highBalance", job).status)
  end)

  it("loses the answer, not the job", function()
    local service = start(finally)
    wire.set_faults(service, { "drop-before:1@create" })
    assert.has_error(function()
      wire.call(service, "POST", "/segments/highBalance", ANYONE)
    end)
    assert.equal(1, wire.stats(service).jobs.made)
  end)
end)
