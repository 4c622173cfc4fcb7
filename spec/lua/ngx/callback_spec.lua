-- Callbacks in a real nginx: whichever worker the service reaches, the wait ends where it is.

local cjson = require "cjson"
local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local wire = require "spec.support.wire"

-- The client of these tests hears of a job by its callback, or in ten minutes.
local CLIENT = [[
  local config = {}
  for name, value in pairs(require "service") do config[name] = value end
  config.callbacks = { public_url = "http://127.0.0.1:" .. ngx.var.server_port .. "/finseg/callback" }
  local client = assert(require("finseg.ngx").client(config))
]]

local LOCATIONS = [[
  location /finseg/callback/ {
    client_max_body_size 1k;
    content_by_lua_block { require("finseg.ngx").callback() }
  }
  location = /segment {
    content_by_lua_block {
      CLIENT
      ngx.print(ngx.worker.pid(), " ", assert(client:segment("highBalance", { threshold = 2000 })).totalElements)
    }
  }
  location = /create {
    content_by_lua_block {
      CLIENT
      local job = assert(client:create("highBalance", { threshold = 2000 }))
      ngx.print(job.jobId, " ", job.callback)
    }
  }
  location = /create_and_wait {
    content_by_lua_block {
      CLIENT
      local job = assert(client:create("highBalance", { threshold = 2000 }))
      ngx.shared.jobs:rpush(ngx.worker.pid(), job.jobId .. " " .. job.callback)
      local segment, err = job:wait { timeout = tonumber(ngx.var.arg_timeout) or 60 }
      ngx.print(segment and segment.totalElements or err.kind)
    }
  }
  location = /wait {
    content_by_lua_block {
      CLIENT
      local job = assert(client:job("highBalance", ngx.var.arg_job, { callback = ngx.var.arg_callback }))
      local segment, err = job:wait { timeout = 60 }
      ngx.print(segment and segment.totalElements or err.kind)
    }
  }
  location = /job { content_by_lua_block { ngx.print(ngx.shared.jobs:lpop(ngx.var.arg_pid) or "") } }
  location = /token {
    content_by_lua_block { ngx.print(ngx.shared.finseg:get("finseg:value:callback " .. ngx.var.arg_id)) }
  }
  location = /counts {
    content_by_lua_block { ngx.print(require("cjson").encode(require("finseg.ngx").callback_counts())) }
  }
  location = /pending {
    content_by_lua_block {
      ngx.print(assert(require("finseg.ngx").client()):pending())
    }
  }
]]

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("callbacks in nginx", function()
  local server, service

  after_each(function()
    server = nginx.stop(server)
    service = nginx.stop(service)
  end)

  --- Options: service (of the sandbox), http, server, workers, size (of the dict), client (fields of its config).
  local function start(options)
    options = options or {}
    local bank = { users = 120, seed = 5, today = "2024-04-01" }
    for name, value in pairs(options.service or {}) do
      bank[name] = value
    end
    service = sandbox.start(bank)
    local config = { poll = { first = 0.02, factor = 1.2, max = 0.1, callback = 600 } }
    for name, value in pairs(options.client or {}) do
      config[name] = value
    end
    local dicts = ("lua_shared_dict finseg %s; lua_shared_dict jobs 100k;"):format(options.size or "2m")
    local parts = {
      tcp = true,
      workers = options.workers or 2,
      http = nginx.service(service, config) .. dicts .. (options.http or ""),
      server = (LOCATIONS .. (options.server or "")):gsub("CLIENT", CLIENT),
    }
    server = nginx.start(parts)
    return parts
  end

  --- Begins a wait in that worker: the request, and the job's id and that of its callback.
  local function begin_wait(pid)
    local waiting = server.open("/create_and_wait", { worker = pid })
    local job, id
    nginx.eventually("the job is made", function()
      job, id = server.get("/job?pid=" .. pid).body:match "^(%S+) (%S+)$"
      return job
    end)
    return waiting, id, job
  end

  local function token_of(id)
    return server.get("/token?id=" .. id).body
  end

  local function post(target, options)
    options = options or {}
    options.method = options.method or "POST"
    return server.get("/finseg/callback/" .. target, options)
  end

  local function counts(options)
    return cjson.decode(server.get("/counts", options).body)
  end

  --- Counts that are not zero, once they add up to `total`: the work comes after the answer.
  local function counted(total)
    return nginx.eventually(total .. " callbacks are counted", function()
      local found, sum = {}, 0
      for sort, count in pairs(counts()) do
        found[sort] = count > 0 and count or nil
        sum = sum + count
      end
      return sum >= total and found
    end)
  end

  --- How often the service was asked for a result.
  local function retrieved()
    return wire.segment_requests(service, "GET")
  end

  it("end waits in every worker, after one question a job", function()
    start { service = { delay = 0.3 } }
    local pids = server.workers()
    local connections = {}
    for i = 1, 40 do
      connections[i] = server.open("/segment", { worker = pids[i % 2 + 1] })
    end
    for i, answer in ipairs(server.read_all(connections)) do
      assert.are.equal(200, answer.status, answer.text .. server.log())
      local pid, total = answer.body:match "^(%d+) (%d+)$"
      assert.are.equal(pids[i % 2 + 1], tonumber(pid))
      assert.is_true(tonumber(total) > 20)
    end
    assert.are.same({ accepted = 40 }, counted(40))
    assert.are.equal(40, retrieved())
  end)

  it("end a wait in the other worker, and in the same", function()
    start { service = { fault = "callback-lost" } }
    local pids = server.workers()
    for _, waiter in ipairs(pids) do
      for _, receiver in ipairs(pids) do
        local waiting, id = begin_wait(waiter)
        local answer = post(id .. "." .. token_of(id), { worker = receiver })
        assert.are.equal(204, answer.status)
        assert.are.equal("", answer.body)
        assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20, server.log())
      end
    end
    assert.are.same({ accepted = 4 }, counted(4))
    assert.are.same(counts { worker = pids[1] }, counts { worker = pids[2] })
  end)

  it("end a wait in the old worker after a reload", function()
    local parts = start { service = { fault = "callback-lost" }, workers = 1 }
    local old = server.workers()[1]
    local waiting, id = begin_wait(old)
    server.configure(parts)
    server.signal "HUP"
    local new = nginx.eventually("a new worker has started", function()
      for _, pid in ipairs(server.workers()) do
        if pid ~= old then
          return pid
        end
      end
    end)
    assert.are.equal(204, post(id .. "." .. token_of(id), { worker = new }).status)
    assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20, server.log())
    nginx.eventually("the old worker has ended", function()
      return shell.run("kill -0 " .. old) ~= 0
    end)
  end)

  it("end a wait for a job that was made in a worker which was killed", function()
    start { service = { fault = "callback-lost", delay = 0.5 } }
    local pids = server.workers()
    local waiting, id, job = begin_wait(pids[1])
    server.signal("KILL", pids[1])
    assert.is_nil(server.read_all({ waiting })[1].status)
    local path = ("/wait?job=%s&callback=%s"):format(job, id)
    local again = server.open(path, { worker = pids[2] })
    assert.are.equal(204, post(id .. "." .. token_of(id)).status)
    assert.is_true(tonumber(server.read_all({ again })[1].body) > 20, server.log())
  end)

  it("end waits where each request has a Lua of its own", function()
    start { service = { delay = 0.3 }, http = "lua_code_cache off;", workers = 1 }
    for _, answer in ipairs(server.get_all { "/segment", "/segment", "/segment" }) do
      assert.are.equal(200, answer.status, answer.text .. server.log())
    end
    assert.are.equal(3, retrieved())
  end)

  it("that came before the wait end it at once", function()
    start { service = { fault = "callback-lost" } }
    local job, id = server.get("/create").body:match "^(%S+) (%S+)$"
    assert.are.equal(204, post(id .. "." .. token_of(id)).status)
    counted(1)
    local answer = server.get(("/wait?job=%s&callback=%s"):format(job, id))
    assert.is_true(tonumber(answer.body) > 20, answer.text)
  end)

  it("that come before the job is ready leave the wait to its polling", function()
    start { service = { fault = "callback-early", delay = 0.4 } }
    local answer = server.get "/segment"
    assert.are.equal(200, answer.status, server.log())
    assert.is_true(retrieved() > 1)
  end)

  it("that are lost cost time, and no job", function()
    start {
      service = { fault = "callback-lost", delay = 0.3 },
      client = { poll = { first = 0.02, factor = 1.2, max = 0.1, callback = 0.2 } },
    }
    assert.are.equal(200, server.get("/segment").status, server.log())
    assert.is_true(retrieved() <= 4)
  end)

  it("that come twice, too late, with a wrong token or for nobody are counted, logged and harm nobody", function()
    start { service = { fault = "callback-lost", delay = 0.3 } }
    local pids = server.workers()
    local waiting, id = begin_wait(pids[1])
    local token = token_of(id)
    assert.matches("^%x+$", token)
    local wrong = (token:sub(1, 1) == "0" and "1" or "0") .. token:sub(2)
    local function post_everywhere(target)
      for _, pid in ipairs(pids) do
        assert.are.equal(204, post(target, { worker = pid }).status)
      end
    end
    post_everywhere(id .. "." .. wrong)
    post_everywhere(id .. "." .. token:sub(1, -2))
    post_everywhere(("0"):rep(16) .. "." .. token)
    post_everywhere "favicon.ico"
    post_everywhere(id)
    assert.are.same({ forged = 4, unknown = 2, malformed = 4 }, counted(10))
    assert.are.equal(0, retrieved())
    assert.are.equal("1", server.get("/pending", { worker = pids[1] }).body)

    post_everywhere(id .. "." .. token)
    assert.are.same({ forged = 4, unknown = 2, malformed = 4, accepted = 1, duplicate = 1 }, counted(12))
    assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20)
    post_everywhere(id .. "." .. token)
    assert.are.equal(2, counted(14).late)

    for _, line in ipairs { "wrong token", "nobody knows", "had come before", "had ended before", "no callback" } do
      nginx.eventually("the log says: " .. line, function()
        return server.log():find("%[notice%] [^\n]*finseg: [^\n]*" .. line)
      end)
    end
    assert.is_nil(server.log():find(token, 1, true))
    assert.is_nil(server.log():find(wrong, 1, true))
  end)

  it("leave no token in the log when somebody who watches fails", function()
    start {
      service = { fault = "callback-lost" },
      workers = 1,
      server = [[
        location = /fail {
          content_by_lua_block {
            local store = require("finseg").store.open("shared_dict", "finseg")
            store:watch("callback " .. ngx.var.arg_id, function() error "a fault of the watcher's own" end)
          }
        }
      ]],
    }
    local waiting, id = begin_wait(server.workers()[1])
    local token = token_of(id)
    server.get("/fail?id=" .. id)
    assert.are.equal(204, post(id .. "." .. token).status)
    server.read_all { waiting }
    nginx.eventually("the log says so", function()
      return server.log():find "who watches a store failed: [^\n]*a fault of the watcher's own"
    end)
    assert.is_nil(server.log():find(token, 1, true))
  end)

  it("are taken in a worker that has no client, and in one that will have it later", function()
    start { service = { fault = "callback-lost" } }
    local pids = server.workers()
    assert.are.equal(204, post("nonsense", { worker = pids[1] }).status)
    assert.are.same({ malformed = 1 }, counted(1))
    local waiting, id = begin_wait(pids[1])
    assert.are.equal(204, post(id .. "." .. token_of(id), { worker = pids[2] }).status)
    assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20, server.log())
    assert.are.same({ malformed = 1, accepted = 1 }, counted(2))
  end)

  it("are still taken when the client of the worker is closed, and its next one has them, too", function()
    start {
      service = { fault = "callback-lost" },
      workers = 1,
      server = "location = /close { content_by_lua_block { CLIENT client:close() } }",
    }
    local pid = server.workers()[1]
    local waiting, id = begin_wait(pid)
    server.get "/close"
    assert.are.equal("cancelled", server.read_all({ waiting })[1].body)
    assert.are.equal(204, post(id .. "." .. token_of(id)).status)
    assert.are.same({ accepted = 1 }, counted(1))
    waiting, id = begin_wait(pid)
    assert.are.equal(204, post(id .. "." .. token_of(id)).status)
    assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20, server.log())
    assert.are.same({ accepted = 2 }, counted(2))
  end)

  it("are for POST alone", function()
    start()
    for _, method in ipairs { "GET", "PUT", "DELETE" } do
      local answer = post("1.2", { method = method })
      assert.are.equal(405, answer.status)
      assert.matches("\r\nAllow: POST\r\n", answer.head .. "\r\n")
    end
    assert.are.same({}, counted(0))
  end)

  it("may have a body, which is not read, and not a large one", function()
    start()
    assert.are.equal(204, post("1.2", { body = '{"jobId":"1"}' }).status)
    assert.are.equal(204, post("1.2", { body = ("x"):rep(1024) }).status)
    assert.are.equal(413, post("1.2", { body = ("x"):rep(1025) }).status)
    assert.are.same({ malformed = 2 }, counted(2))
  end)

  it("are answered before the store has said anything, and so is the next one on the same connection", function()
    start {
      server = [[
        location /slow/ {
          content_by_lua_block {
            local memory = require("finseg").store.open "memory"
            ASKED = ASKED or {}
            STORE = STORE or setmetatable({
              begin = function(_, _, f) ASKED[#ASKED + 1] = f end,
              pollfd = function() return 0 end,
              pending = function() return 1 end,
              transfers = function() return 0 end,
              next_timeout = function() return nil end,
              step = function() return 0 end,
              closed = false,
            }, { __index = memory })
            require("finseg.ngx").callback { store = function() return STORE end }
          }
        }
        location = /after {
          content_by_lua_block {
            local count = #ASKED
            for _ = 1, 2 do -- of a callback; of one that came before
              local asked = ASKED
              ASKED = {}
              for _, f in ipairs(asked) do f(nil) end
            end
            ngx.print(count, " ", require("finseg.ngx").callback_counts().unknown)
          }
        }
      ]],
      workers = 1,
    }
    local target = ("/slow/%s.%s"):format(("0"):rep(16), ("0"):rep(32))
    local calling = server.open(target, { method = "POST", version = "1.1" })
    for number = 1, 2 do
      nginx.eventually("it is answered", function()
        local _, answers = (calling:take() and "" or calling:answer().text):gsub("HTTP/1.1 204", "")
        return answers == number
      end)
      calling.socket:send(("POST %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(target))
    end
    nginx.eventually("all are asked about", function()
      return server.get("/after").body:match "^0 3$"
    end)
    calling:abort()
  end)

  it("are expected in vain when the dict is full: waits go on by polling", function()
    start {
      service = { delay = 0.1 },
      size = "100k",
      server = [[
        location = /fill {
          content_by_lua_block {
            CLIENT
            for _, size in ipairs { 2000, 500, 100, 1 } do
              local i = 0
              repeat i = i + 1 until not ngx.shared.finseg:safe_set(size .. " " .. i, ("x"):rep(size))
            end
          }
        }
      ]],
    }
    assert.are.equal(200, server.get("/fill").status)
    assert.are.equal(200, server.get("/segment").status, server.log())
    assert.is_true(retrieved() > 1)
    nginx.eventually("the log says so", function()
      return server.log():find "%[warn%] [^\n]*a job is waited for by polling: the shared dict finseg is full"
    end)
  end)

  it("need a store, and the log says which line is missing", function()
    start {
      server = [[
        location = /missing {
          content_by_lua_block {
            ngx.shared = {}
            local callbacks = { public_url = "http://127.0.0.1/finseg/callback" }
            local config = { callbacks = callbacks }
            for name, value in pairs(require "service") do config[name] = value end
            local client, err = require("finseg.ngx").client(config)
            ngx.print(tostring(client), " ", err.kind, " ", tostring(err))
          }
        }
      ]],
      workers = 1,
    }
    assert.matches("^nil config .*add `lua_shared_dict finseg 20m;`", server.get("/missing").body)
    assert.are.equal(500, post("1.2").status)
    nginx.eventually("the log says so", function()
      return server.log():find("no callbacks: there is no shared dict finseg: add", 1, true)
    end)
  end)

  it("are not done without when their URL is not set: there is no client, and the log names the line", function()
    start {
      http = [[
        init_worker_by_lua_block {
          require("finseg.ngx").client { callbacks = { public_url = os.getenv "FINSEG_CALLBACK_URL" } }
        }
      ]],
      server = [[
        location = /client {
          content_by_lua_block {
            local client, err = require("finseg.ngx").client()
            ngx.print(tostring(client), " ", tostring(err))
          }
        }
      ]],
      workers = 1,
    }
    nginx.eventually("the log says so", function()
      return server.log():find "no client: [^\n]*public_url is missing: .* env FINSEG_CALLBACK_URL;"
    end)
    local answer = server.get("/client").body
    assert.matches("^nil config: callbacks: public_url is missing: .* env FINSEG_CALLBACK_URL;", answer)
    assert.are.equal(200, server.get("/create").status) -- with a config that can be used
  end)

  it("have a handler that knows its options", function()
    start {
      server = [[
        location = /options {
          content_by_lua_block {
            ngx.print(select(2, pcall(require("finseg.ngx").callback, { stoer = 1 })))
          }
        }
      ]],
      workers = 1,
    }
    assert.matches("bad argument #1 to 'callback' (there is no option stoer", server.get("/options").body, 1, true)
  end)

  it("are refused with a config that makes no sense", function()
    start {
      server = [[
        location = /wrong {
          content_by_lua_block {
            local config = { callbacks = assert(loadstring("return " .. ngx.unescape_uri(ngx.var.arg_config)))() }
            for name, value in pairs(require "service") do config[name] = value end
            local client, err = require("finseg.ngx").client(config)
            ngx.print(tostring(client), " ", err.kind, " ", tostring(err))
          }
        }
      ]],
    }
    for _, case in ipairs {
      { "{public_url='http://host/',store=function()end}", "no store" },
      { "7", "a table expected" },
      { "{}", "public_url" },
      { "{public_url=7}", "public_url" },
      { "{public_url='ftp://host/'}", "public_url" },
      { "{public_url='http://host/',stoer=1}", "no field stoer" },
      { "{public_url='http://host/',store='redis'}", "store" },
    } do
      local config, complaint = case[1], case[2]
      local body = server.get("/wrong?config=" .. config:gsub("%W", function(char)
        return ("%%%02X"):format(char:byte())
      end)).body
      assert.matches("^nil config ", body)
      assert.matches(complaint, body, 1, true)
    end
  end)
end)
