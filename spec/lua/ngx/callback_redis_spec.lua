-- Callbacks between hosts: one nginx receives them, another one waits, and a real Redis is between the two.

local cjson = require "cjson"
local nginx = require "spec.lua.ngx.support.nginx"
local redis = require "spec.support.redis"
local sandbox = require "spec.support.sandbox"
local wire = require "spec.support.wire"

local STORE = [[
  local function open_store()
    return require("finseg").store.open("redis", {
      path = os.getenv "REDIS_PATH",
      log = require("finseg.ngx").log,
    })
  end
]]

local RECEIVING = ([[
  location /finseg/callback/ {
    content_by_lua_block {
      STORE
      require("finseg.ngx").callback { store = open_store }
    }
  }
  location = /counts {
    content_by_lua_block {
      STORE
      ngx.print(require("cjson").encode((require("finseg.ngx").callback_counts { store = open_store })))
    }
  }
]]):gsub("STORE", STORE)

local WAITING = ([[
  location = /segment {
    content_by_lua_block {
      STORE
      local config = { callbacks = { public_url = os.getenv "CALLBACK_URL", store = open_store } }
      for name, value in pairs(require "service") do config[name] = value end
      local client = assert(require("finseg.ngx").client(config))
      local job = assert(client:create("highBalance", { threshold = 2000 }))
      ngx.shared.jobs:incr("made", 1, 0)
      local segment, err = job:wait { timeout = 60 }
      ngx.print(segment and segment.totalElements or err.kind)
    }
  }
  location = /made { content_by_lua_block { ngx.print(ngx.shared.jobs:get "made" or 0) } }
]]):gsub("STORE", STORE)

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("callbacks through a Redis", function()
  local store, service, receiving, waiting

  local function start(options, poll)
    options.users, options.seed, options.today = 120, 5, "2024-04-01"
    service = sandbox.start(options)
    store = redis.start()
    local environment = { "REDIS_PATH=" .. store.path }
    receiving = nginx.start {
      tcp = true,
      workers = 2,
      main = "env REDIS_PATH;",
      server = RECEIVING,
      environment = environment,
    }
    environment[2] = ("CALLBACK_URL=http://127.0.0.1:%d/finseg/callback"):format(receiving.port)
    waiting = nginx.start {
      workers = 2,
      main = "env REDIS_PATH; env CALLBACK_URL;",
      http = nginx.service(service, { poll = poll }) .. "lua_shared_dict jobs 100k;",
      server = WAITING,
      environment = environment,
    }
  end

  after_each(function()
    for _, each in ipairs { receiving, waiting, service, store } do
      each.stop()
    end
  end)

  local SLOW = { first = 0.05, factor = 1.2, max = 0.1, callback = 600 }

  local function begin(count)
    local connections, pids = {}, waiting.workers()
    for i = 1, count do
      connections[i] = waiting.open("/segment", { worker = pids[i % 2 + 1] })
    end
    return connections
  end

  local function all_end(connections)
    for _, answer in ipairs(waiting.read_all(connections)) do
      assert.is_true((tonumber(answer.body) or 0) > 20, answer.text .. waiting.log() .. receiving.log())
    end
  end

  local function until_made(count)
    nginx.eventually(count .. " jobs are made", function()
      return waiting.get("/made").body == tostring(count)
    end)
  end

  local function retrieved()
    return wire.segment_requests(service, "GET")
  end

  --- What both receiving workers have counted.
  local function received()
    local sum = {}
    for _, pid in ipairs(receiving.workers()) do
      for sort, count in pairs(cjson.decode(receiving.get("/counts", { worker = pid }).body)) do
        sum[sort] = (sum[sort] or 0) + count
      end
    end
    return sum
  end

  it("end the waits of another nginx, after one question a job", function()
    start({ delay = 0.3 }, SLOW)
    all_end(begin(30))
    assert.are.equal(30, retrieved())
    nginx.eventually("all are counted", function()
      return received().accepted == 30
    end)
    nginx.eventually("nothing is left of what was expected", function()
      return not store.cli("--scan --pattern 'finseg:callback *'"):find "%S"
    end)
  end)

  it("end the waits of an nginx that is reloaded meanwhile", function()
    start({ delay = 1 }, SLOW)
    local connections = begin(10)
    until_made(10)
    waiting.signal "HUP"
    receiving.signal "HUP"
    all_end(connections)
    assert.are.equal(10, retrieved())
  end)

  it("lose no job when the Redis goes, and are used again when it is back", function()
    start({ delay = 1 }, SLOW)
    local connections = begin(10)
    until_made(10)
    store.kill()
    all_end(connections)
    assert.is_true(retrieved() > 10)
    local _, lines = waiting.log():gsub("%[warn%][^\n]* finseg: ", "")
    assert.are.equal(2, lines, waiting.log()) -- a worker each

    store.start()
    nginx.eventually("callbacks are used again", function()
      local before = retrieved()
      all_end(begin(4))
      return retrieved() == before + 4
    end)
  end)
end)

describe("a worker that receives callbacks for others", function()
  it("notices by itself that the Redis is back", function()
    local store = redis.start()
    finally(store.stop)
    local server =
      nginx.start { main = "env REDIS_PATH;", server = RECEIVING, environment = { "REDIS_PATH=" .. store.path } }
    finally(function()
      server.stop()
      store.stop()
    end)
    store.kill()
    local target = ("/finseg/callback/%s.%s"):format(("0"):rep(16), ("0"):rep(32))
    assert.are.equal(204, server.get(target, { method = "POST" }).status)
    nginx.eventually("the log says that it is gone", function()
      return server.log():find "go on without it"
    end)
    store.start()
    nginx.eventually("the log says that it is back", function()
      return server.log():find "is back, and is used again"
    end)
  end)
end)

describe("a store of callbacks in nginx", function()
  local server

  after_each(function()
    server.stop()
  end)

  it("that raises in a step ends neither the client nor the store", function()
    server = nginx.start {
      main = "env REDIS_PATH;",
      server = [[
        location = /raise {
          content_by_lua_block {
            local store = require("finseg").store.open("redis", { path = os.getenv "REDIS_PATH" })
            local driver = require "finseg.driver.ngx"
            for _ = 1, 2 do
              local waiter = { done = false }
              store:begin("get", function() waiter.done = true error "a fault of the caller's own" end, "a")
              repeat driver.suspend(store, waiter, 0.01) until waiter.done
            end
            local _, err = store:get "a"
            ngx.print(tostring(store.closed), " ", err.kind)
          }
        }
        location = /reopened {
          content_by_lua_block {
            local function open_store()
              OPENED = (OPENED or 0) + 1
              return require("finseg").store.open("redis", { path = os.getenv "REDIS_PATH" })
            end
            local receiver = require "finseg.ngx.worker_callbacks"
            local callbacks = receiver.callbacks(open_store)
            callbacks.store:close()
            ngx.print(tostring(receiver.callbacks().store.closed), " ", OPENED)
          }
        }
      ]],
      environment = { "REDIS_PATH=/dev/null/socket" },
    }
    assert.are.equal("false network", server.get("/raise").body, server.log())
    assert.matches("stepping the client failed: [^\n]*a fault of the caller's own", server.log())
    assert.are.equal("false 2", server.get("/reopened").body, server.log())
  end)
end)
