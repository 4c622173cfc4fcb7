-- finseg against a service that goes wrong: each of the sandbox's faults is borne, or ends in the error that names it.
-- Whatever happens, the users that come out are all users, once, in their order.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local wire = require "spec.support.wire"

local unpack = table.unpack or unpack

local PARAMETERS = { threshold = -1000000 }
local USERS, PAGE_SIZE = 45, 10

describe("finseg and the sandbox's faults:", function()
  local service, expected

  setup(function()
    service = sandbox.start { users = USERS, today = "2024-04-15" }
    expected = {}
    for i, user in ipairs(wire.segment(service, "highBalance", PARAMETERS)) do
      expected[i] = user.userId
    end
    assert(#expected == USERS)
  end)

  teardown(function()
    service.stop()
  end)

  before_each(function()
    wire.set_faults(service, {})
  end)

  -- Create, wait, read: the userIds, or nil, the error and the step that it ended.
  local function work(client, segment_users, patience)
    local job, err = client:create("highBalance", PARAMETERS)
    if not job then
      return nil, err, "create"
    end
    local segment
    segment, err = job:wait { timeout = patience or 10 }
    if not segment then
      return nil, err, "wait"
    end
    local ids = {}
    local read, problem = pcall(function()
      for user in segment_users(segment) do
        ids[#ids + 1] = user.userId or user
      end
    end)
    if not read then
      return nil, problem, "read"
    end
    return ids
  end

  local READERS = {
    users = function(segment)
      return segment:users()
    end,
    amounts = function(segment) -- every user has several accounts: one id each
      local next_amount, last = segment:amounts(), nil
      return function()
        local id
        repeat
          id = next_amount()
        until id == nil or id ~= last
        last = id
        return id
      end
    end,
  }

  local function run(faults, config, reader, patience)
    -- The sandbox's Retry-After is a second, and a longer one than retry.max ends the repeating.
    local settings = { page_size = PAGE_SIZE, timeout = 5, retry = { attempts = 4, base = 0.01, max = 1.5 } }
    for name, value in pairs(config or {}) do
      settings[name] = value
    end
    local client = connect(service, settings)
    wire.set_faults(service, faults)
    local ids, err, step = work(client, READERS[reader or "users"], patience)
    wire.set_faults(service, {})
    assert.equal(0, client:pending())
    client:close()
    return ids, err, step
  end

  describe("what passes is borne,", function()
    local borne = {
      -- tokens
      { "500:1@token" },
      { "502:1@token" },
      { "503:1@token" },
      { "429:1@token" },
      { "drop-before:1@token" },
      { "drop-amid:1@token" },
      { "drop-after:1@token" },
      { "trickle@token" },
      { "token-expires:1@create" },
      { "token-expires:1@retrieve" },
      -- creating: what says by itself that nothing was done
      { "401:1@create" },
      { "429:1@create" },
      { "503:1@create" },
      { "drop-after@create" },
      { "trickle@create" },
      -- retrieving
      { "401:1@retrieve" },
      { "404:3@retrieve" },
      { "423:3@retrieve" },
      { "429:1@retrieve" },
      { "429-date:1@retrieve" },
      { "503-date:1@retrieve" },
      { "503-bare:1@retrieve" },
      { "500:2@retrieve" },
      { "502:2@retrieve" },
      { "503:1@retrieve" },
      { "drop-before:2@retrieve" },
      { "drop-amid:2@retrieve" },
      { "drop-after@retrieve" },
      { "length-more:2@retrieve" },
      { "trickle:1@retrieve", page_size = 2 },
      { "502:1@token", "401:1@create", "423:1@retrieve", "drop-amid:1@retrieve", "500:1@retrieve", "drop-after:30%" },
    }
    for _, faults in ipairs(borne) do
      it(table.concat(faults, " "), function()
        for _, reader in ipairs(faults[1]:find("retrieve", 1, true) and { "users", "amounts" } or { "users" }) do
          local ids, err = run({ unpack(faults) }, { page_size = faults.page_size }, reader)
          assert.is_nil(err)
          assert.same(expected, ids)
        end
        local struck = 0
        for _, count in pairs(wire.stats(service).faults) do
          struck = struck + count
        end
        assert.truthy(struck > 0)
      end)
    end

    it("a network that fails a tenth of all reads", function()
      local faults = {
        "500:3%@retrieve",
        "502:3%@retrieve",
        "drop-before:3%@retrieve",
        "drop-amid:3%@retrieve",
        "length-more:3%@retrieve",
        "token-expires:1@retrieve",
        "drop-after:10%@retrieve",
      }
      for _ = 1, 10 do
        local ids, err = run(faults, { page_size = 3, retry = { attempts = 12, base = 0.001, max = 0.005 } })
        assert.is_nil(err)
        assert.same(expected, ids)
      end
    end)
  end)

  describe("what stays ends in its error,", function()
    local failing = {
      { "401@token", "create", "auth", status = 401 },
      { "403@token", "create", "auth", status = 403 },
      { "400@token", "create", "auth", status = 400 },
      { "429@token", "create", "rate_limited", status = 429 },
      { "500@token", "create", "server", status = 500 },
      { "502@token", "create", "server", status = 502 },
      { "503@token", "create", "server", status = 503 },
      { "truncated-json@token", "create", "protocol" },
      { "garbage@token", "create", "protocol" },
      { "huge-body@token", "create", "too_large" },
      { "length-less@token", "create", "protocol" },
      { "length-more@token", "create", "network" },
      { "drop-before@token", "create", "network" },
      { "drop-amid@token", "create", "network" },
      { "stall@token", "create", "timeout", timeout = 0.3 },
      { "silence@token", "create", "timeout", timeout = 0.3 },

      { "400@create", "create", "invalid", status = 400 },
      { "401@create", "create", "auth", status = 401 },
      { "403@create", "create", "auth", status = 403 },
      { "429@create", "create", "rate_limited", status = 429 },
      { "token-expires@create", "create", "auth", status = 401 },
      { "500@create", "create", "server", status = 500, maybe_created = true },
      { "502@create", "create", "server", status = 502, maybe_created = true },
      { "503@create", "create", "server", status = 503 },
      { "503-bare@create", "create", "server", status = 503, maybe_created = true },
      { "truncated-json@create", "create", "protocol", maybe_created = true },
      { "garbage@create", "create", "protocol", maybe_created = true },
      { "huge-body@create", "create", "too_large", maybe_created = true },
      { "length-less@create", "create", "protocol", maybe_created = true },
      { "length-more@create", "create", "network", maybe_created = true },
      { "drop-before@create", "create", "network", maybe_created = true },
      { "drop-amid@create", "create", "network", maybe_created = true },
      { "stall@create", "create", "timeout", timeout = 0.3, maybe_created = true },
      { "silence@create", "create", "timeout", timeout = 0.3, maybe_created = true },

      { "400@retrieve", "wait", "not_found", status = 400 },
      { "401@retrieve", "wait", "auth", status = 401 },
      { "403@retrieve", "wait", "auth", status = 403 },
      { "404@retrieve", "wait", "timeout" },
      { "423@retrieve", "wait", "timeout" },
      { "429@retrieve", "wait", "rate_limited", status = 429 },
      { "500@retrieve", "wait", "server", status = 500 },
      { "502@retrieve", "wait", "server", status = 502 },
      { "503@retrieve", "wait", "server", status = 503 },
      { "token-expires@retrieve", "wait", "auth", status = 401 },
      { "job-stuck", "wait", "timeout" },
      { "job-fails", "wait", "failed", status = 422 },
      { "job-vanishes", "wait", "not_found", status = 400 },
      { "truncated-json@retrieve", "wait", "protocol" },
      { "garbage@retrieve", "wait", "protocol" },
      { "huge-body@retrieve", "wait", "too_large" },
      { "length-less@retrieve", "wait", "protocol" },
      { "length-more@retrieve", "wait", "network" },
      { "drop-before@retrieve", "wait", "network" },
      { "drop-amid@retrieve", "wait", "network" },
      { "stall@retrieve", "wait", "timeout", timeout = 0.3 },
      { "silence@retrieve", "wait", "timeout", timeout = 0.3 },

      { "page-repeats@retrieve", "read", "protocol" },
    }
    for _, case in ipairs(failing) do
      it(("%s: %s"):format(case[1], case[3]), function()
        local ids, err, step = run({ case[1] }, {
          timeout = case.timeout,
          max_body = 1024 * 1024,
          retry = { attempts = 2, base = 0.001, max = 0.005 },
        }, "users", case[3] == "timeout" and 0.5 or nil)
        assert.is_nil(ids)
        assert.equal(case[2] .. " " .. case[3], step .. " " .. tostring(err.kind), tostring(err))
        assert.equal(case.maybe_created or false, err.maybe_created or false)
        if case.status then
          assert.equal(case.status, err.status)
        end
        assert.is_nil(tostring(err):find("\n", 1, true))
        assert.is_nil(tostring(err):find(service.client_secret, 1, true))
      end)
    end
  end)

  it("a page that came before is noticed, wherever it comes", function()
    for _, reader in ipairs { "users", "amounts" } do
      for number = 1, 4 do
        local client = connect(service, { page_size = PAGE_SIZE, parallel_pages = 1 })
        local job = assert(client:create("highBalance", PARAMETERS))
        local segment = assert(job:wait())
        local seen = 0
        local _, err = pcall(function()
          for _ in READERS[reader](segment) do
            seen = seen + 1
            if seen == (number - 1) * PAGE_SIZE + 1 then
              wire.set_faults(service, { "page-repeats:1" })
            end
          end
        end)
        wire.set_faults(service, {})
        client:close()
        assert.equal("protocol", type(err) == "table" and err.kind or err)
        assert.truthy(seen < USERS)
      end
    end
  end)

  it("a totalElements that moves is noticed", function()
    local client = connect(service, { page_size = PAGE_SIZE })
    finally(function()
      client:close()
    end)
    local segment = assert(client:segment("highBalance", PARAMETERS))
    wire.set_faults(service, { "total-moves:1" })
    local sum, err = segment:sum()
    assert.is_nil(sum)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("totalElements", 1, true), err.message)
    wire.set_faults(service, {})
    assert.is_number((assert(segment:sum())))
  end)

  it("a create that was lost on the way back was made once", function()
    local before = wire.stats(service).jobs.made
    local _, err = run { "drop-before:1@create" }
    assert.is_true(err.maybe_created)
    assert.equal(before + 1, wire.stats(service).jobs.made, "it is not repeated behind the caller's back")
  end)

  it("many waits that meet faults at once all end well", function()
    local client = connect(service, { page_size = PAGE_SIZE, retry = { attempts = 20, base = 0.001, max = 0.01 } })
    finally(function()
      client:close()
    end)
    wire.set_faults(
      service,
      { "token-expires:1@retrieve", "500:5%@retrieve", "drop-amid:5%@retrieve", "502:5%@retrieve" }
    )
    finseg.run(function()
      local works = {}
      for i = 1, 30 do
        works[i] = function()
          local ids, err = work(client, READERS.users)
          assert.is_nil(err)
          assert.same(expected, ids)
          return true
        end
      end
      assert(finseg.all(unpack(works)))
    end)
  end)

  it("TLS changes nothing about the faults", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    shell.check(
      ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext %s -keyout %s -out %s"):format(
        shell.quote "subjectAltName=DNS:localhost,IP:127.0.0.1",
        folder .. "/key.pem",
        folder .. "/cert.pem"
      )
    )
    local secure = sandbox.start {
      users = 5,
      tls_cert = folder .. "/cert.pem",
      tls_key = folder .. "/key.pem",
      fault = {
        "drop-before:1@retrieve",
        "drop-amid:1@retrieve",
        "length-more:1@retrieve",
        "trickle:1@retrieve",
        "drop-after@retrieve",
      },
    }
    local client = connect(secure, {
      ca_file = folder .. "/cert.pem",
      page_size = 2,
      retry = { attempts = 6, base = 0.01, max = 0.02 },
    })
    local ids, err = work(client, READERS.users)
    client:close()
    secure.stop()
    assert.is_nil(err)
    assert.equal(5, #ids)
  end)
end)
