-- Bad input and misbehaving services: each gets its own err.kind and a line that a person can act on.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"
local socket = require "socket"

local is_sanitized = os.getenv "FINSEG_SPEC_PRELOAD" ~= nil

local PARAMETERS = { accountType = "checking", threshold = 5000 }
local TOKEN = "POST /api/v2/oauth/token"
local CREATE = "POST /api/v1/segments/highBalance"
local JOB = "GET /api/v1/segments/highBalance/1"
local CREATED = { status = 201, body = '{"jobId":"1"}' }
local JSON = { ["Content-Type"] = "application/json" }

-- Every err is one plain line without secrets.
local function check(err, kind)
  assert.is_table(err)
  assert.are.equal(kind, err.kind, tostring(err))
  local line = tostring(err)
  assert.is_nil(line:find "[\n\r%c]", line)
  assert.is_true(#line > 15, line)
  for _, secret in ipairs { "scripted-secret", "scripted-token", "sandbox-secret" } do
    assert.is_nil(line:find(secret, 1, true), line)
  end
  assert.is_boolean(err.retryable)
  assert.is_boolean(err.maybe_created)
  return err
end

local function create_at(routes, overrides)
  local server = scripted_server.start(routes)
  local client = connect(server, overrides)
  local job, err = client:create("highBalance", PARAMETERS)
  local requests = server.requests()
  client:close()
  server.stop()
  return job, err, requests
end

local function poll_at(answers, overrides)
  local server = scripted_server.start { [CREATE] = { CREATED }, [JOB] = answers }
  local client = connect(server, overrides)
  local segment, err = assert(client:job("highBalance", "1")):poll()
  local requests = server.requests()
  client:close()
  server.stop()
  return segment, err, requests
end

local function wait_at(answers, options, overrides)
  local server = scripted_server.start { [CREATE] = { CREATED }, [JOB] = answers }
  local client = connect(server, overrides)
  local segment, err = assert(client:job("highBalance", "1")):wait(options)
  local requests = server.requests()
  client:close()
  server.stop()
  return segment, err, requests
end

describe("a request that is wrong", function()
  local client

  setup(function()
    client = connect { base_url = "http://127.0.0.1:9/api/v1", client_id = "a", client_secret = "b" }
  end)

  teardown(function()
    client:close()
  end)

  it("of an unknown kind is told the kinds there are", function()
    local job, err = client:create("higBalance", PARAMETERS)
    assert.is_nil(job)
    assert.matches("highBalance", check(err, "invalid").message, 1, true)
    check(select(2, client:job("higBalance", "1")), "invalid")
  end)

  it("names the parameter that is unknown, missing or wrong, and sends nothing", function()
    local cases = {
      { { accountType = "checking", treshold = 5 }, "treshold" },
      { { accountType = "checking" }, "threshold" },
      { { accountType = "checking", threshold = "a lot" }, "threshold" },
      { { accountType = "checking", threshold = true }, "threshold" },
      { { accountType = "checking", threshold = { 1 } }, "threshold" },
      { { accountType = 5, threshold = 5 }, "accountType" },
      { { 5000 }, "" },
    }
    for _, case in ipairs(cases) do
      local job, err = client:create("highBalance", case[1])
      assert.is_nil(job)
      assert.matches(case[2], check(err, "invalid").message, 1, true)
      assert.is_nil(err.status)
    end
    local _, err = client:create("lowBalance", { accountType = "checking", threshold = -100, durationInMonth = 13 })
    assert.matches("durationInMonth", check(err, "invalid").message, 1, true)
  end)

  it("raises for a wrong Lua type, naming the argument", function()
    local wrong = {
      ["bad argument #1 to 'create' (string expected, got table)"] = function()
        client:create {}
      end,
      ["bad argument #2 to 'create' (table expected, got number)"] = function()
        client:create("highBalance", 5000)
      end,
      ["bad argument #2 to 'create' (threshold: a function cannot be sent)"] = function()
        client:create("highBalance", { threshold = print })
      end,
      ["bad argument #1 to 'segment' (string expected, got no value)"] = function()
        client:segment()
      end,
      ["bad argument #3 to 'segment' (timeout: number expected, got string)"] = function()
        client:segment("highBalance", PARAMETERS, { timeout = "5" })
      end,
      ["bad argument #2 to 'segment' (labels[1]: a function cannot be sent)"] = function()
        client:segment("highBalance", { labels = { print } })
      end,
      ["bad argument #2 to 'job' (string expected, got number)"] = function()
        client:job("highBalance", 1)
      end,
      ["bad argument #1 to 'wait' (table expected, got number)"] = function()
        client:job("highBalance", "1"):wait(5)
      end,
      ["bad argument #1 to 'wait' (timeout: number expected, got string)"] = function()
        client:job("highBalance", "1"):wait { timeout = "5" }
      end,
    }
    for message, call in pairs(wrong) do
      assert.has_error(call, message)
      assert.matches("^spec/lua/errors_spec.lua:", select(2, pcall(call)))
    end
  end)

  it("answers an unknown option and an impossible timeout", function()
    local job = assert(client:job("highBalance", "1"))
    assert.matches("timout", check(select(2, job:wait { timout = 5 }), "invalid").message, 1, true)
    check(select(2, job:wait { timeout = -1 }), "invalid")
    check(select(2, job:wait { timeout = 0 / 0 }), "invalid")
    check(select(2, client:segment("highBalance", PARAMETERS, { timout = 5 })), "invalid")
    assert.are.equal(0, client:pending())
    check(select(2, client:job("highBalance", "1", { made = 1 })), "invalid")
    check(select(2, client:job("highBalance", "")), "invalid")
  end)
end)

describe("a service that cannot be reached", function()
  it("is network, and names the host", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    listener:close()
    local base_url = ("http://127.0.0.1:%d/api/v1"):format(port)
    local client = connect { base_url = base_url, client_id = "a", client_secret = "b" }
    local job, err = client:create("highBalance", PARAMETERS)
    assert.is_nil(job)
    check(err, "network")
    assert.matches("127.0.0.1:" .. port, err.message, 1, true)
    assert.is_true(err.retryable)
    assert.is_false(err.maybe_created)
    client:close()
  end)

  it("whose name does not exist is network", function()
    local client = connect { base_url = "https://no-such-host.invalid/api", client_id = "a", client_secret = "b" }
    local err = check(select(2, client:create("highBalance", PARAMETERS)), "network")
    assert.matches("no-such-host.invalid", err.message, 1, true)
    client:close()
  end)

  it("that never answers is timeout", function()
    local _, err = create_at({ [CREATE] = { { hold = true } } }, { timeout = 0.1 })
    check(err, "timeout")
    assert.is_true(err.maybe_created)
  end)
end)

describe("credentials that are refused", function()
  it("are auth, with the service's code and status", function()
    local service = sandbox.start {}
    finally(service.stop)
    local client = connect(service, { client_secret = "a-wrong-secret" })
    local job, err = client:create("highBalance", PARAMETERS)
    assert.is_nil(job)
    check(err, "auth")
    assert.is_nil(tostring(err):find("a-wrong-secret", 1, true))
    assert.are.equal(401, err.status)
    assert.are.equal("invalid_client", err.code)
    assert.matches("client_secret", err.message, 1, true)
    client:close()
  end)

  it("a ready-made token among them", function()
    local service = sandbox.start {}
    finally(service.stop)
    local client = assert(finseg.new { base_url = service.base_url, access_token = "a-stale-token" })
    local err = check(select(2, client:create("highBalance", PARAMETERS)), "auth")
    assert.is_nil(tostring(err):find("a-stale-token", 1, true))
    client:close()
  end)

  it("once, for an expired token, cost a new token and nothing else", function()
    local job, err, requests = create_at {
      [TOKEN] = {
        { headers = JSON, body = '{"access_token":"first","token_type":"bearer","expires_in":3600}' },
        { headers = JSON, body = '{"access_token":"second","token_type":"bearer","expires_in":3600}' },
      },
      [CREATE] = { { status = 401, body = '{"error":"invalid_token"}' }, CREATED },
    }
    assert.is_nil(err)
    assert.are.equal("1", job.jobId)
    assert.are.equal(4, #requests)
    assert.are.equal("Bearer first", requests[2].headers.authorization)
    assert.are.equal("Bearer second", requests[4].headers.authorization)
  end)
end)

describe("a create", function()
  it("that the service refuses is invalid, with the service's words, code and request id", function()
    local _, err = create_at {
      [CREATE] = {
        {
          status = 422,
          headers = { ["Content-Type"] = "application/json", ["X-Request-Id"] = "abc-123" },
          body = '{"errors":[{"message":"threshold is odd","code":"ILLEGAL_FIELD_VALUE","type":"BUSINESS"}]}',
        },
      },
    }
    check(err, "invalid")
    assert.are.equal(422, err.status)
    assert.are.equal("ILLEGAL_FIELD_VALUE", err.code)
    assert.are.equal("abc-123", err.request_id)
    assert.matches("threshold is odd", err.message, 1, true)
  end)

  it("whose answer was lost is not repeated and says that the job may exist", function()
    local _, err, requests = create_at { [CREATE] = { { raw = "" } } }
    check(err, "network")
    assert.is_true(err.maybe_created)
    assert.are.equal(2, #requests)
  end)

  it("that meets a proxy's error page is server, not repeated, and may have been created", function()
    local _, err, requests = create_at { [CREATE] = { { status = 502, body = "<html><h1>Bad\nGateway</h1>" } } }
    check(err, "server")
    assert.are.equal(502, err.status)
    assert.is_true(err.maybe_created)
    assert.are.equal(2, #requests)
  end)

  it("that is told to come back later does", function()
    local job, err, requests = create_at {
      [CREATE] = {
        { status = 429, headers = { ["Retry-After"] = "0" } },
        { status = 503, headers = { ["Retry-After"] = "0" } },
        CREATED,
      },
    }
    assert.is_nil(err)
    assert.are.equal("1", job.jobId)
    assert.are.equal(4, #requests)
  end)

  it("that is told so too often is rate_limited, with the time that was asked for", function()
    local _, err = create_at(
      { [CREATE] = { { status = 429, headers = { ["Retry-After"] = "7" } } } },
      { retry = { attempts = 1 } }
    )
    check(err, "rate_limited")
    assert.are.equal(7, err.retry_after)
    assert.is_true(err.retryable)
  end)

  it("answered by something that is no JSON, has no jobId, or redirects is protocol", function()
    for _, answer in ipairs {
      { body = "<html>" },
      { body = "{}" },
      { body = '{"jobId":5}' },
      { status = 302, headers = { Location = "http://127.0.0.1:9/" } },
    } do
      local _, err = create_at { [CREATE] = { answer } }
      check(err, "protocol")
    end
  end)
end)

describe("a job", function()
  it("that is not ready is pending on poll", function()
    for _, status in ipairs { 404, 423 } do
      local segment, err = poll_at { { status = status, headers = JSON, body = '{"errors":[]}' } }
      assert.is_nil(segment)
      check(err, "pending")
      assert.are.equal(status, err.status)
    end
  end)

  it("that is unknown is not_found; expired when it is known to be over 14 days old", function()
    local server = scripted_server.start { [JOB] = { { status = 400, headers = JSON, body = '{"errors":[]}' } } }
    finally(server.stop)
    local client = connect(server)
    check(select(2, client:job("highBalance", "1"):wait()), "not_found")
    check(select(2, client:job("highBalance", "1", { created_at = os.time() - 60 }):wait()), "not_found")
    check(select(2, client:job("highBalance", "1", { created_at = os.time() - 15 * 86400 }):wait()), "expired")
    client:close()
  end)

  it("that failed at the service is failed", function()
    local _, err = wait_at { { status = 422, headers = JSON, body = '{"errors":[{"message":"no data","code":"X"}]}' } }
    check(err, "failed")
    assert.matches("no data", err.message, 1, true)
  end)

  it("at a wrong base_url is protocol: a 404 without JSON, twice running, is no answer of this API", function()
    local _, err, requests = wait_at { { status = 404, body = "<html>nothing here" } }
    check(err, "protocol")
    assert.are.equal(3, #requests)
    assert.matches("base_url", err.message, 1, true)
  end)

  it("outlives what a read may meet: 500, 502, a broken connection, a 401", function()
    local segment, err = wait_at {
      { status = 502, body = "<html>" },
      { raw = "" },
      { status = 401, body = "{}" },
      { status = 404, headers = JSON, body = '{"errors":[]}' },
      { body = '{"users":[]}' },
    }
    assert.is_nil(err)
    assert.is_table(segment)
  end)

  it("whose result is above max_body is too_large", function()
    local body = '{"users":[],"x":"' .. ("x"):rep(5000) .. '"}'
    local _, err = wait_at({ { body = body } }, nil, { max_body = 2000 })
    check(err, "too_large")
  end)
end)

describe("an err", function()
  it("prints as one line at the end of a script", function()
    local status, printed = run_lua 'assert(require("finseg").new { base_url = "x", nope = 1 })'
    assert.are_not.equal(0, status)
    assert.matches('there is no field "nope"', printed, 1, true)
  end)
end)

describe("TLS", function()
  local folder, service

  local function make_certificate(name)
    return shell.check(
      ([[
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s \
        -addext subjectAltName=%s -keyout %s/key.pem -out %s/cert.pem]]):format(
        name,
        name == "localhost" and "DNS:localhost" or "DNS:" .. name,
        folder,
        folder
      )
    )
  end

  local function start_with(name)
    folder = shell.scratch()
    make_certificate(name)
    service = sandbox.start { tls_cert = folder .. "/cert.pem", tls_key = folder .. "/key.pem" }
    service.base_url = service.base_url:gsub("127%.0%.0%.1", "localhost")
  end

  after_each(function()
    service.stop()
    shell.remove(folder)
  end)

  it("works with an authority that ca_file names", function()
    start_with "localhost"
    local client = connect(service, { ca_file = folder .. "/cert.pem" })
    assert(client:segment("highBalance", PARAMETERS))
    client:close()
  end)

  it("refuses a certificate that nobody vouches for, and says what to do", function()
    start_with "localhost"
    local client = connect(service)
    local err = check(select(2, client:create("highBalance", PARAMETERS)), "tls")
    assert.matches("ca_file", err.message, 1, true)
    assert.is_false(err.retryable)
    client:close()
  end)

  it("refuses a certificate for another name", function()
    start_with "other.example"
    local client = connect(service, { ca_file = folder .. "/cert.pem" })
    local err = check(select(2, client:create("highBalance", PARAMETERS)), "tls")
    assert.matches("localhost", err.message, 1, true)
    client:close()
  end)
end)

describe("a machine that has no more", function()
  it("descriptors for a request is told from a network that fails", function()
    local status, printed = run_lua(
      [[
        local finseg = require "finseg"
        local client = assert(finseg.new {
          base_url = "http://127.0.0.1:1/api/v1",
          access_token = "x",
          retry = { attempts = 2, base = 0.01 },
        })
        local held, file = {}, nil
        repeat
          file = io.open "/dev/null"
          held[#held + 1] = file
        until not file
        local job, err = client:create("highBalance", { threshold = 1 })
        print(job, err.kind, err.retryable, err.maybe_created, err)
        for _, opened in ipairs(held) do
          opened:close()
        end
        print(select(2, client:create("highBalance", { threshold = 1 })).kind)
      ]],
      nil,
      64
    )
    assert.matches(
      "^nil\tresource\ttrue\tfalse\tcreate highBalance: .+: out of file descriptors; [^\n]+\nnetwork\n$",
      printed
    )
    assert.are.equal(0, status)
  end)

  it("memory for a page says so", function()
    if is_sanitized then
      pending "AddressSanitizer ends a program whose memory is limited"
      return
    end
    local status, printed = run_lua [[
      local finseg = require "finseg"
      local text = '{"users":[' .. ('{"userId":"u"},'):rep(4000000) .. '{"userId":"u"}]}'
      local pid = io.open("/proc/self/stat"):read("*a"):match "^%d+"
      local pages = io.open("/proc/self/statm"):read "*n"
      os.execute(("prlimit --pid %s --as=%.0f"):format(pid, pages * 4096 + 16 * 1024 * 1024))
      local page, err = finseg.decode(text)
      print(page, err.kind, err.retryable, err)
    ]]
    assert.matches("^nil\tresource\ttrue\tout of memory; [^\n]+\n$", printed)
    assert.are.equal(0, status)
  end)
end)
