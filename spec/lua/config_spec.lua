-- finseg.new and finseg.from_env: every field, and what a wrong one is told.

local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local scripted_server = require "spec.support.scripted_server"

local GOOD = {
  base_url = "http://127.0.0.1:9/api/v1",
  client_id = "the-client",
  client_secret = "the-secret",
}

local function with(fields)
  local config = {}
  for name, value in pairs(GOOD) do
    config[name] = value
  end
  for name, value in pairs(fields) do
    config[name] = value
  end
  return config
end

local function refusal(config)
  local client, err = finseg.new(config)
  assert.is_nil(client)
  assert.are.equal("config", err.kind)
  assert.is_false(err.retryable)
  return err.message
end

describe("finseg.new", function()
  it("takes every field", function()
    local client = assert(finseg.new(with {
      token_url = "http://127.0.0.1:9/token",
      username = "u",
      password = "p",
      proxy = "http://127.0.0.1:9",
      user_agent = "spec/1",
      timeout = 1.5,
      connect_timeout = 1,
      first_page = 1,
      page_size = 10,
      parallel_pages = 2,
      max_body = 1024,
      poll = { first = 0.1, factor = 2, max = 1 },
      retry = { attempts = 2, base = 0.1, max = 0.2 },
      kinds = { myKind = { path = "my-kind", parameters = { floor = { type = "amount", required = true } } } },
      allow_plain_http = true,
      driver = "blocking",
      log = function() end,
    }))
    client:close()
    assert(finseg.new { base_url = GOOD.base_url, access_token = "t" }):close()
  end)

  it("does not change or keep the table it is given", function()
    local config = with { log = print, driver = "blocking" }
    assert(finseg.new(config)):close()
    assert.are.same(with { log = print, driver = "blocking" }, config)
  end)

  it("raises when it is given no table", function()
    assert.has_error(function()
      finseg.new()
    end, "bad argument #1 to 'new' (table expected, got no value)")
    assert.has_error(function()
      finseg.new "http://127.0.0.1"
    end, "bad argument #1 to 'new' (table expected, got string)")
  end)

  it("names an unknown field, also one inside poll and retry", function()
    assert.matches('"base_ur"', refusal(with { base_ur = "x" }), 1, true)
    assert.matches("poll.frist", refusal(with { poll = { frist = 1 } }), 1, true)
    assert.matches("retry.atempts", refusal(with { retry = { atempts = 1 } }), 1, true)
    assert.matches("text", refusal(with { "x" }), 1, true)
    refusal(with { [("x"):rep(200)] = "x" })
  end)

  it("says which credentials are missing and where they may come from", function()
    local message = refusal { base_url = GOOD.base_url }
    assert.matches("client_id", message, 1, true)
    assert.matches("FINSEG_CLIENT_ID", message, 1, true)
  end)

  it("refuses plain http to a host that is not loopback", function()
    local message = refusal(with { base_url = "http://bank.example/api/v1" })
    assert.matches("bank.example", message, 1, true)
    assert.matches("https", message, 1, true)
    assert(finseg.new(with { base_url = "http://bank.example/api/v1", allow_plain_http = true })):close()
  end)

  it("names a field of the wrong type or out of range", function()
    local wrong = {
      base_url = { 1, true, print, "not a url", "ftp://127.0.0.1/", "a\0b" },
      client_id = { 1, {}, "" },
      timeout = { "30", -1, 0, 0 / 0, math.huge, true },
      page_size = { 0, 1.5, -1 },
      parallel_pages = { 0, 1.5 },
      max_body = { -1 },
      allow_plain_http = { "yes", 1 },
      ca_file = { "/dev/null/no-such-file.pem", 1 },
      poll = { "fast", 1 },
      retry = { true },
      kinds = { "x", 1 },
      driver = { "no such driver", {}, 1, { name = "half" } },
      log = { "x", true },
    }
    for field, values in pairs(wrong) do
      for _, value in ipairs(values) do
        local message = refusal(with { [field] = value })
        assert.matches(field, message, 1, true)
      end
    end
  end)

  it("names the kind whose definition is wrong", function()
    local wrong = { 1, "x", { parameters = 1 }, { parameters = { a = { type = "colour" } } }, { path = print } }
    for _, definition in ipairs(wrong) do
      assert.matches("mine", refusal(with { kinds = { mine = definition } }), 1, true)
    end
  end)

  it("never shows a secret", function()
    local secrets = { client_secret = "s3cr3t-one", password = "s3cr3t-two", access_token = "s3cr3t-three" }
    for field, secret in pairs(secrets) do
      for _, bad in ipairs { { nope = 1 }, { base_url = "x" }, { timeout = -1 }, { ca_file = "/dev/null/nope" } } do
        bad[field] = secret
        local message = refusal(with(bad))
        assert.is_nil(message:find(secret, 1, true))
      end
      local client = assert(finseg.new(with { [field] = secret, username = field == "password" and "u" or nil }))
      assert.is_nil(tostring(client):find(secret, 1, true))
    end
    for _, bad in ipairs { "s3cr3t\0", "s3cr3t\n" } do
      local _, err = finseg.new(with { client_secret = bad })
      assert.is_nil(tostring(err):find("s3cr3t", 1, true))
    end
  end)

  it("sends a kind of the user's own where its definition says", function()
    local server = scripted_server.start { ["POST /api/v1/segments/my-kind"] = { { body = '{"jobId":"1"}' } } }
    finally(server.stop)
    local client = assert(finseg.new {
      base_url = server.base_url,
      access_token = "t",
      kinds = { myKind = { path = "my-kind", parameters = { floor = { type = "amount", required = true } } } },
    })
    assert.are.equal("1", assert(client:create("myKind", { floor = "5000.10" })).jobId)
    assert.are.equal('{"floor":5000.10}', server.requests()[1].body)
    local job, err = client:create("myKind", {})
    assert.is_nil(job)
    assert.matches("floor", err.message)
  end)
end)

describe("the log function", function()
  it("gets events without secrets, and is called no more once it raised", function()
    local server = scripted_server.start { ["POST /api/v1/segments/highBalance"] = { { body = '{"jobId":"1"}' } } }
    finally(server.stop)
    local events = {}
    local config = with { base_url = server.base_url }
    function config.log(event)
      events[#events + 1] = event
    end
    local client = assert(finseg.new(config))
    assert(client:create("highBalance", { threshold = 1, accountType = "checking" }))
    client:close()
    local names = {}
    for _, event in ipairs(events) do
      names[event.name] = true
      for field, value in pairs(event) do
        assert.is_nil(tostring(value):find("the-secret", 1, true), field)
        assert.is_nil(tostring(value):find("scripted-token", 1, true), field)
      end
      assert.is_number(event.time)
    end
    assert.is_true(names.request and names.response)

    local calls = 0
    function config.log()
      calls = calls + 1
      error "the log is full"
    end
    client = assert(finseg.new(config))
    assert(client:create("highBalance", { threshold = 1, accountType = "checking" }))
    assert.are.equal(1, calls)
    assert.matches("the log is full", client.log_error)
  end)
end)

describe("finseg.from_env", function()
  -- What a script prints under that environment.
  local function run(environment, script)
    local status, printed = run_lua('local finseg = require "finseg" ' .. script, environment)
    assert.are.equal(0, status, printed)
    return printed
  end

  it("reads the variables, and overrides win", function()
    local environment = "FINSEG_BASE_URL=http://127.0.0.1:9/api FINSEG_CLIENT_ID=a FINSEG_CLIENT_SECRET=b"
    assert.are.equal("ok\n", run(environment, "assert(finseg.from_env()); print 'ok'"))
    local printed = run(environment, "print(select(2, finseg.from_env { base_url = 'http://bank.example' }))")
    assert.matches("bank.example", printed, 1, true)
  end)

  it("says which variables are missing, and in nginx how workers get them", function()
    local script = "print(select(2, finseg.from_env { base_url = 'http://127.0.0.1:9/api' }))"
    local printed = run("", script)
    assert.matches("FINSEG_CLIENT_ID", printed, 1, true)
    assert.is_nil(printed:find("nginx", 1, true))
    assert.matches("env NAME;", run("", "ngx = {} " .. script), 1, true)
  end)

  it("checks its argument", function()
    assert.has_error(function()
      finseg.from_env(1)
    end, "bad argument #1 to 'from_env' (table expected, got number)")
  end)
end)
