-- finseg-sandbox as a service: its tokens, jobs, pages and manners. What its segments contain is in
-- ../segment.

local cjson = require("cjson")
local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local wire = require("spec.support.wire")

local TODAY = "2024-04-15"
local ANYONE = { threshold = -1000000 }

-- A service that ends with the test.
local function start(finally, options)
  options = options or {}
  options.today = options.today or TODAY
  local service = sandbox.start(options)
  finally(service.stop)
  return service
end

local function assert_errors(answer, status, code)
  assert.equal(status, answer.status)
  local body = answer.json or cjson.decode(answer.body)
  assert.is_string(body.errors[1].message)
  assert.is_string(body.errors[1].type)
  if code then
    assert.equal(code, body.errors[1].code)
  end
  assert.matches("^%d%d%d%d%-%d%d%-%d%d ", body.date)
  assert.equal(answer.headers["x-request-id"], body.requestId)
  assert.is_string(body.endpoint)
  assert.is_string(body.authContext)
end

local function assert_oauth_error(answer, status, code)
  assert.equal(status, answer.status)
  local body = answer.json or cjson.decode(answer.body)
  assert.is_string(body.error)
  assert.is_string(body.error_description)
  if code then
    assert.equal(code, body.error)
  end
end

describe("the sandbox's tokens", function()
  local function fields(service, changes)
    local all =
      { grant_type = "client_credentials", client_id = service.client_id, client_secret = service.client_secret }
    for name, value in pairs(changes or {}) do
      all[name] = value or nil
    end
    return all
  end

  local function user_fields(service, changes)
    local all = fields(service, { grant_type = "password", username = service.username, password = service.password })
    for name, value in pairs(changes or {}) do
      all[name] = value
    end
    return all
  end

  it("hands out the same client token while it lives", function()
    local service = start(finally, { token_ttl = 3600 })
    local first = wire.token_request(service, fields(service))
    assert.equal(200, first.status)
    assert.equal("bearer", first.json.token_type)
    assert.is_string(first.json.scope)
    assert.is_nil(first.json.refresh_token)
    assert.truthy(first.json.expires_in <= 3600 and first.json.expires_in > 3500)
    local second = wire.token_request(service, fields(service)).json
    assert.equal(first.json.access_token, second.access_token)
    assert.truthy(second.expires_in <= first.json.expires_in)
  end)

  it("ends a token after its time, and hands out another", function()
    local service = start(finally, { token_ttl = 1 })
    local first = wire.token(service)
    local path = service.base_url .. "/segments/highBalance/unknown"
    local function status()
      return http.request("GET", path, { headers = { Authorization = "Bearer " .. first } }).status
    end
    assert.equal(400, status())
    wire.eventually("the token has ended", function()
      return status() == 401
    end)
    assert.not_equal(first, wire.token(service))
  end)

  it("gives a user a token of his own, and renews it by refresh_token", function()
    local service = start(finally)
    local answer = wire.token_request(service, user_fields(service))
    assert.equal(200, answer.status)
    assert.is_string(answer.json.refresh_token)
    assert.not_equal(wire.token(service), answer.json.access_token)
    local renewed = wire.token_request(
      service,
      fields(service, { grant_type = "refresh_token", refresh_token = answer.json.refresh_token })
    )
    assert.equal(200, renewed.status)
    assert.equal(answer.json.access_token, renewed.json.access_token)
    assert_oauth_error(
      wire.token_request(service, fields(service, { grant_type = "refresh_token", refresh_token = "another" })),
      401,
      "invalid_grant"
    )
  end)

  it("refuses wrong credentials in the OAuth form", function()
    local service = start(finally, { client_secret = "a secret & more", password = "päss" })
    assert.equal(200, wire.token_request(service, fields(service)).status)
    assert.equal(200, wire.token_request(service, user_fields(service)).status)
    for _, changes in ipairs({
      { client_secret = "wrong" },
      { client_id = "wrong" },
      { client_secret = "" },
      { client_secret = "a secret & more " },
    }) do
      assert_oauth_error(wire.token_request(service, fields(service, changes)), 401, "invalid_client")
    end
    for _, changes in ipairs({ { username = "wrong" }, { password = "wrong" } }) do
      assert_oauth_error(wire.token_request(service, user_fields(service, changes)), 401, "invalid_grant")
    end
  end)

  it("refuses malformed token requests with errors", function()
    local service = start(finally)
    local good = http.form(fields(service))
    local crowd = {}
    for i = 1, 40 do
      crowd[i] = "field" .. i .. "=1"
    end
    for _, body in ipairs({
      "",
      "grant_type=client_credentials",
      http.form(fields(service, { grant_type = "magic" })),
      http.form(fields(service, { grant_type = "password" })),
      http.form(fields(service, { grant_type = "refresh_token" })),
      good .. "&client_id=twice",
      good .. "&broken=%4",
      good .. "&broken=%zz",
      good .. "&zero=%00",
      good .. "&latin=%FF",
      good .. "&nothing",
      good .. "&" .. table.concat(crowd, "&"),
      '{"grant_type":"client_credentials"}',
    }) do
      assert_errors(wire.token_request(service, body), 400)
    end
    local answer = http.request("POST", service.token_url, {
      headers = { ["Content-Type"] = "application/json" },
      body = good,
    })
    assert_errors(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    answer = http.request("GET", service.token_url)
    assert_errors(answer, 405, "METHOD_NOT_ALLOWED")
    assert.equal("POST", answer.headers.allow)
  end)

  it("asks for a known token at segments", function()
    local service = start(finally)
    local url = service.base_url .. "/segments/highBalance"
    local token = wire.token(service)
    for _, authorization in ipairs({ false, "Bearer", "Bearer ", "Bearer unknown", "Basic eDp5", token }) do
      local answer = http.request("POST", url, {
        headers = { Authorization = authorization or nil, ["Content-Type"] = "application/json" },
        body = '{"threshold":1}',
      })
      assert_oauth_error(answer, 401)
      assert.matches("^Bearer", answer.headers["www-authenticate"])
    end
    local answer = http.request("GET", url .. "/x", { headers = { Authorization = "bearer " .. wire.token(service) } })
    assert.equal(400, answer.status, "the scheme has no case")
  end)

  it("answers 403 to the wrong role", function()
    local service = start(finally, { role = "user" })
    assert_oauth_error(wire.call(service, "POST", "/segments/highBalance", ANYONE), 403, "insufficient_scope")
    local answer = wire.call(service, "POST", "/segments/highBalance", ANYONE, {
      Authorization = "Bearer " .. wire.token(service, "user"),
    })
    assert.equal(201, answer.status)
  end)
end)

describe("the sandbox's create requests", function()
  it("lists what is wrong with a body", function()
    local service = start(finally)
    local cases = {
      { "highBalance", "", "BAD_REQUEST" },
      { "highBalance", "{", "BAD_REQUEST" },
      { "highBalance", "[]", "BAD_REQUEST" },
      { "highBalance", "null", "BAD_REQUEST" },
      { "highBalance", '{"threshold":1}x', "BAD_REQUEST" },
      { "highBalance", '{"threshold":01}', "BAD_REQUEST" },
      { "highBalance", '{"threshold":NaN}', "BAD_REQUEST" },
      { "highBalance", '{"threshold":1,}', "BAD_REQUEST" },
      { "highBalance", '{"threshold":1,"threshold":2}', "BAD_REQUEST" },
      { "highBalance", '{"threshold":1,"note":"\255"}', "BAD_REQUEST" },
      { "highBalance", '{"threshold":1,"deep":' .. ("["):rep(500) .. ("]"):rep(500) .. "}", "BAD_REQUEST" },
      { "highBalance", "{}", "MISSING_FIELD" },
      { "highBalance", '{"threshold":null}', "MISSING_FIELD" },
      { "highBalance", '{"threshold":"1"}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":1e30}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":0.00001}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":1,"accountType":"purse"}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":1,"accountType":7}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":1,"accountType":"CHECKING\\u0000"}', "ILLEGAL_FIELD_VALUE" },
      { "highBalance", '{"threshold":1,"callbackURL":7}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1}', "MISSING_FIELD" },
      { "lowBalance", '{"threshold":1,"durationInMonth":0}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1,"durationInMonth":13}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1,"durationInMonth":-1}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1,"durationInMonth":1.5}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1,"durationInMonth":99999999999999999999}', "ILLEGAL_FIELD_VALUE" },
      { "lowBalance", '{"threshold":1,"durationInMonth":"3"}', "ILLEGAL_FIELD_VALUE" },
    }
    for _, case in ipairs(cases) do
      local answer = wire.call(service, "POST", "/segments/" .. case[1], case[2])
      assert.equal(400, answer.status, case[2])
      assert_errors(answer, 400, case[3])
    end
    local several = wire.call(service, "POST", "/segments/lowBalance", '{"accountType":"purse"}')
    assert.equal(3, #several.json.errors)
  end)

  it("ignores members that mean nothing to a kind", function()
    local service = start(finally)
    local body = '{"threshold":1,"unknown":{"a":[1]},"accountType":null,"callbackURL":"http://127.0.0.1:1/"}'
    assert.equal(201, wire.call(service, "POST", "/segments/highBalance", body).status)
    local answer = wire.call(service, "POST", "/segments/highBalance", '{"threshold":1}', {
      ["Content-Type"] = "Application/JSON; charset=utf-8",
    })
    assert.equal(201, answer.status)
  end)

  it("wants JSON, on paths and with methods that exist", function()
    local service = start(finally)
    local answer = wire.call(service, "POST", "/segments/highBalance", '{"threshold":1}', {
      ["Content-Type"] = "text/plain",
    })
    assert_errors(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    for _, path in ipairs({ "/segments", "/segments/", "/segments/poorBalance", "/segments/HIGHBALANCE", "/", "/x" }) do
      assert_errors(wire.call(service, "POST", path, ANYONE), 404, "ENTITY_NOT_FOUND")
    end
    for _, path in ipairs({ "/segments/highBalance/", "/segments/highBalance/x/y", "/segments/highBalance%2Fx%2Fy" }) do
      assert_errors(wire.call(service, "GET", path), 404)
    end
    answer = wire.call(service, "GET", "/segments/highBalance")
    assert_errors(answer, 405, "METHOD_NOT_ALLOWED")
    assert.equal("POST", answer.headers.allow)
    answer = wire.call(service, "DELETE", "/segments/highBalance/x")
    assert_errors(answer, 405, "METHOD_NOT_ALLOWED")
    assert.equal("GET, HEAD", answer.headers.allow)
  end)
end)

describe("a job of the sandbox", function()
  it("is not ready before its delay has passed", function()
    local service = start(finally, { users = 5, delay = 0.4 })
    local job = wire.create(service, "highBalance", ANYONE)
    assert_errors(wire.get(service, "highBalance", job), 404, "NOT_READY")
    local page = wire.wait(service, "highBalance", job).json
    assert.equal(TODAY, page.creationDate)
    assert.equal(0, page.durationInMonth)
    assert.equal(5, page.totalElements)
  end)

  it("does not hold up others while it is delayed", function()
    local service = start(finally, { users = 5, delay = 3600 })
    local jobs = {}
    for i = 1, 20 do
      jobs[i] = wire.create(service, "highBalance", ANYONE)
    end
    for i = 1, 20 do
      assert.equal(404, wire.get(service, "highBalance", jobs[i]).status)
    end
  end)

  it("echoes durationInMonth", function()
    local service = start(finally, { users = 5 })
    local job = wire.create(service, "lowBalance", { threshold = 1000000, durationInMonth = 7 })
    assert.equal(7, wire.wait(service, "lowBalance", job).json.durationInMonth)
  end)

  it("is known by its own id and kind alone", function()
    local service = start(finally, { users = 5 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    assert.not_equal(job, wire.create(service, "highBalance", ANYONE))
    for _, id in ipairs({ "unknown", job .. "0", job:sub(2), job:upper() .. "X", ("x"):rep(4000), "'", "%27%22" }) do
      assert_errors(wire.get(service, "highBalance", id), 400, "ENTITY_NOT_FOUND")
    end
    assert_errors(wire.get(service, "lowBalance", job), 400, "ENTITY_NOT_FOUND")
    local encoded = ("%%%02X"):format(job:byte(1)) .. job:sub(2)
    assert.equal(200, wire.get(service, "highBalance", encoded).status, "percent-encoding changes nothing")
  end)

  it("is gone after its time to live, ready or not", function()
    local service = start(finally, { users = 5, job_ttl = 0.5 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    wire.eventually("the job has expired", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
    local late = start(finally, { users = 5, job_ttl = 0.5, delay = 3600 })
    job = wire.create(late, "highBalance", ANYONE)
    assert.equal(404, wire.get(late, "highBalance", job).status)
    wire.eventually("the pending job has expired", function()
      return wire.get(late, "highBalance", job).status == 400
    end)
  end)

  it("answers HEAD as GET without a body", function()
    local service = start(finally, { users = 5 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    local answer = wire.call(service, "HEAD", "/segments/highBalance/" .. job)
    assert.equal(200, answer.status)
    assert.equal("", answer.body)
  end)
end)

describe("the sandbox's pages", function()
  it("carry every user once, ordered by userId, whatever their size", function()
    local service = start(finally, { users = 61 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    local all = wire.all_users(service, "highBalance", job, 500)
    assert.equal(61, #all)
    for i, user in ipairs(all) do
      assert.truthy(i == 1 or all[i - 1].userId < user.userId)
      for k, account in ipairs(user.accounts) do
        assert.truthy(k == 1 or user.accounts[k - 1].accountId < account.accountId)
      end
    end
    for _, size in ipairs({ 1, 7, 60, 61, 62 }) do
      assert.same(all, wire.all_users(service, "highBalance", job, size))
    end
  end)

  it("begin at 0 and have 20 users unless told", function()
    local service = start(finally, { users = 45 })
    local job = wire.create(service, "highBalance", ANYONE)
    local page = wire.wait(service, "highBalance", job)
    assert.equal(20, #page.json.users)
    assert.equal(page.body, wire.get(service, "highBalance", job, "number=0&size=20").body)
    assert.equal(page.body, wire.get(service, "highBalance", job, "unknown=1").body)
    assert.equal(5, #wire.get(service, "highBalance", job, "number=2").json.users)
    for _, number in ipairs({ "3", "4", "1000000", "4294967295" }) do
      local beyond = wire.get(service, "highBalance", job, "size=500&number=" .. number).json
      assert.equal(0, #beyond.users)
      assert.equal(45, beyond.totalElements)
    end
  end)

  it("are refused for numbers and sizes that make no sense", function()
    local service = start(finally, { users = 5 })
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    for _, query in ipairs({
      "size=0",
      "size=501",
      "size=-1",
      "size=",
      "size=ten",
      "size=20.0",
      "size=99999999999999999999999",
      "size=20&size=20",
      "number=-1",
      "number=1e1",
      "number=+1",
      "number=4294967296",
      "number=99999999999999999999999",
      "number",
      "number=%",
      "number=%FF",
    }) do
      assert_errors(wire.get(service, "highBalance", job, query), 400)
    end
  end)

  it("of an empty bank are empty", function()
    local service = start(finally)
    local job = wire.create(service, "lowBalance", { threshold = 0, durationInMonth = 1 })
    local body = wire.wait(service, "lowBalance", job).body
    assert.equal(('{"durationInMonth":1,"creationDate":"%s","totalElements":0,"users":[]}'):format(TODAY), body)
  end)
end)

describe("the sandbox's manners", function()
  it("echo X-Request-Id, and make one when there is none or it is too long", function()
    local service = start(finally)
    local function id_for(wish)
      local answer = http.request("GET", service.url .. "/x", { headers = { ["X-Request-Id"] = wish } })
      assert.equal(answer.headers["x-request-id"], cjson.decode(answer.body).requestId)
      return answer.headers["x-request-id"]
    end
    assert.equal("my request 1", id_for("my request 1"))
    assert.equal(("r"):rep(255), id_for(("r"):rep(255)))
    assert.not_equal(("r"):rep(256), id_for(("r"):rep(256)))
    assert.not_equal(id_for(nil), id_for(nil))
  end)

  it("survive malformed requests", function()
    local service = start(finally)
    local head = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    local token = "Authorization: Bearer " .. wire.token(service) .. "\r\n"
    local cases = {
      { "\r\n\r\n\r\n\r\n" },
      { ("\0"):rep(100) .. "\r\n\r\n" },
      { "GET\r\n\r\n" },
      { "GET /" .. ("a"):rep(100000) .. head .. "\r\n" },
      { "GET /" .. head .. "X: " .. ("a"):rep(100000) .. "\r\n\r\n" },
      { "POST /" .. head .. "Content-Length: -5\r\n\r\n" },
      { "POST /" .. head .. "Content-Length: many\r\n\r\n" },
      { "POST /" .. head .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n" },
      { "GET /%00" .. head .. "\r\n", 400 },
      { "GET /%" .. head .. "\r\n", 400 },
      { "GET /\255" .. head .. "\r\n", 400 },
      { "GET /%C3%28" .. head .. "\r\n", 400 },
      { "GET *" .. head .. "\r\n" },
      { "B\255EW /x" .. head .. "\r\n" },
      { "GET /../../etc/passwd" .. head .. "\r\n", 404 },
      { "GET http://localhost/api/v1" .. head .. "\r\n" },
      { "GET /api/v1/segments/highBalance/x" .. head .. "Authorization: Bearer \255\254\r\n\r\n", 401 },
      { "GET /api/v1/segments/highBalance/x" .. head .. "X-Request-Id: a\255b\r\n\r\n", 401 },
      { "GET /api/v1/segments/highBalance/x" .. head .. token .. token .. "\r\n", 400 },
      { "GET /api/v1/segments/highBalance/x" .. head .. token .. token:lower() .. "\r\n", 400 },
      { "POST /x" .. head .. "Content-Type: a\r\nContent-Type: a\r\nContent-Length: 0\r\n\r\n", 400 },
      { "POST /x" .. head .. "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400 },
      { "POST /x" .. head .. "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400 },
      { "GET /__stats" .. head .. "Host: elsewhere\r\n\r\n", 400 },
      { "GET /__stats HTTP/1.1\r\nConnection: close\r\n\r\n", 400 },
      { "GET /__stats HTTP/1.0\r\n\r\n", 200 },
      {
        "POST /api/v1/segments/highBalance"
          .. head
          .. token
          .. "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
          .. '8\r\n{"thresh\r\n7\r\nold":1}\r\n0\r\n\r\n',
        201,
      },
    }
    for i, case in ipairs(cases) do
      local answer, status = http.raw(service.url, case[1], 0.5)
      if case[2] then
        assert.equal(case[2], status, ("case %d: %s"):format(i, answer))
        assert.has_no.errors(function()
          cjson.decode(answer:match("\r\n\r\n(.*)$"))
        end)
      else
        assert.truthy(status == nil or status >= 400, ("case %d: %s"):format(i, answer))
      end
    end
    assert.equal(201, wire.call(service, "POST", "/segments/highBalance", ANYONE).status)
  end)

  it("are named in their errors, with who made them", function()
    local service = start(finally)
    local function told(target, header)
      local request = "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"
      local body = cjson.decode(http.raw(service.url, request:format(target, header or "")):match("\r\n\r\n(.*)$"))
      return body.endpoint .. " by " .. body.authContext
    end
    local token = "Authorization: Bearer " .. wire.token(service) .. "\r\n"
    assert.equal("GET /%FF by anonymous", told("/%FF?x=%FF"))
    assert.equal("GET /a%zz%C3( by anonymous", told("/a%zz\195("))
    assert.equal("GET /n\195\182 by anonymous", told("/n%C3%B6"))
    assert.equal("GET /nowhere by anonymous", told("/nowhere", "Authorization: Bearer unknown\r\n"))
    assert.equal("GET /nowhere by sandbox-client", told("/nowhere", token))
    assert.equal("GET /%FF by sandbox-client", told("/%FF", token))
  end)

  it("take no encoded body", function()
    local service = start(finally)
    local function status(encoding)
      return http.request("POST", service.base_url .. "/segments/highBalance", {
        headers = {
          Authorization = "Bearer " .. wire.token(service),
          ["Content-Type"] = "application/json",
          ["Content-Encoding"] = encoding,
        },
        body = cjson.encode(ANYONE),
      })
    end
    assert_errors(status("gzip"), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert.equal(201, status("identity").status)
  end)

  it("name each member once, known or not", function()
    local service = start(finally)
    for _, more in ipairs({ '"x":1,"y":2,"x":1', '"x":1,"\\u0078":2', '"":1,"":2', '"threshold":1' }) do
      local answer = wire.call(service, "POST", "/segments/highBalance", '{"threshold":1,' .. more .. "}")
      assert_errors(answer, 400, "BAD_REQUEST")
      assert.matches("twice", answer.json.errors[1].message)
    end
    local nested = '{"threshold":1,"x":{"threshold":2,"x":1},"xx":1,"X":1,"":1}'
    assert.equal(201, wire.call(service, "POST", "/segments/highBalance", nested).status)
  end)

  it("limit the size of a body", function()
    local service = start(finally)
    local note = '{"threshold":1,"note":"%s"}'
    local fits = note:format(("x"):rep(1024 * 1024 - #note + 2))
    assert.equal(1024 * 1024, #fits)
    assert.equal(201, wire.call(service, "POST", "/segments/highBalance", fits).status)
    assert_errors(wire.call(service, "POST", "/segments/highBalance", fits .. " "), 413, "REQUEST_TOO_LARGE")
    local announced = "POST /api/v2/oauth/token HTTP/1.1\r\nHost: x\r\n"
      .. "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999999\r\n\r\n"
    local _, status = http.raw(service.url, announced, 2)
    assert.equal(413, status)
  end)

  it("serve several requests on one connection", function()
    local service = start(finally)
    local one = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
    local last = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    local answer = http.raw(service.url, one .. one .. last)
    local _, count = answer:gsub("HTTP/1.1 404", "")
    assert.equal(3, count)
  end)
end)
