-- Waits outlive what happens to a server: clients that leave, reloads, workers that end, timers that are short.

local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"

local CLIENT = [[ local client = assert(require("finseg.ngx").client(require "service")) ]]

local LOCATIONS = ([[
  location = /segment {
    content_by_lua_block {
      CLIENT
      local segment = assert(client:segment("highBalance", { threshold = 2000 }))
      ngx.say(segment.totalElements)
    }
  }
  location = /create {
    content_by_lua_block { CLIENT ngx.print(assert(client:create("highBalance", { threshold = 2000 })).jobId) }
  }
  location = /wait {
    content_by_lua_block {
      CLIENT
      local job = assert(client:job("highBalance", ngx.var.arg_job))
      WAITING = job
      local segment, err = job:wait { timeout = 60 }
      ngx.say(segment and segment.totalElements or err.kind)
    }
  }
  location = /cancel { content_by_lua_block { ngx.say(tostring(WAITING:cancel())) } }
  location = /close { content_by_lua_block { CLIENT client:close() ngx.say "closed" } }
  location = /pending { content_by_lua_block { CLIENT ngx.print(client:pending()) } }
  location = /pid { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
]]):gsub("CLIENT", CLIENT)

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("in nginx", function()
  local server, service

  after_each(function()
    server = nginx.stop(server)
    service = nginx.stop(service)
  end)

  local function start(delay, parts, overrides)
    parts = parts or {}
    service = sandbox.start { users = 120, seed = 5, today = "2024-04-01", delay = delay }
    parts.http = nginx.service(service, overrides) .. (parts.http or "")
    parts.server = LOCATIONS .. (parts.server or "")
    server = nginx.start(parts)
    return parts
  end

  local function until_pending(count)
    nginx.eventually(count .. " operations are under way", function()
      return server.get("/pending").body == tostring(count)
    end)
  end

  local function waits_for_a_job()
    local job = server.get("/create").body
    local waiting = server.open("/wait?job=" .. job)
    until_pending(1)
    return waiting, job
  end

  it("a wait ends at once when another request cancels it", function()
    start(3600, nil, { poll = { first = 600, factor = 1, max = 600 } })
    local waiting = waits_for_a_job()
    assert.are.equal("true\n", server.get("/cancel").body)
    assert.are.equal("cancelled\n", server.read_all({ waiting })[1].body)
    until_pending(0)
  end)

  it("waits end at once when another request closes the client, and the worker gets a new one", function()
    start(3600, nil, { poll = { first = 600, factor = 1, max = 600 } })
    local first = server.open("/wait?job=" .. server.get("/create").body)
    local second = server.open("/wait?job=" .. server.get("/create").body)
    until_pending(2)
    assert.are.equal("closed\n", server.get("/close").body)
    for _, answer in ipairs(server.read_all { first, second }) do
      assert.are.equal("cancelled\n", answer.body)
    end
    assert.are.equal(200, server.get("/create").status)
  end)

  it("the wait of a request whose client has gone ends, and the job lives on", function()
    start(1, { http = "lua_check_client_abort on;" })
    local waiting, job = waits_for_a_job()
    waiting:abort()
    until_pending(0)
    assert.is_true(tonumber(server.get("/wait?job=" .. job).body) > 20, server.log())
  end)

  it("without lua_check_client_abort a request whose client has gone goes on", function()
    start(0.3)
    waits_for_a_job():abort()
    until_pending(0)
    assert.is_nil(server.log():find "%[error%]")
  end)

  it("a job that is created for a request that has gone is named in the log", function()
    local busy = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = {
        { status = 503, headers = { ["Retry-After"] = "1" } },
        { status = 201, body = '{"jobId":"made-for-nobody"}' },
      },
    }
    finally(busy.stop)
    server = nginx.start {
      http = "lua_check_client_abort on;" .. nginx.service(busy, { retry = { max = 10 } }),
      server = LOCATIONS,
    }
    local creating = server.open "/create"
    until_pending(1)
    creating:abort()
    nginx.eventually("the job is logged", function()
      return server.log():find("job highBalance/made-for-nobody was created after its request was gone", 1, true)
    end)
    until_pending(0)
  end)

  it("a reload ends no wait: the old worker finishes its own", function()
    local parts = start(1.2)
    local waiting = waits_for_a_job()
    local old = server.get("/pid").body
    server.configure(parts)
    server.signal "HUP"
    nginx.eventually("a new worker answers", function()
      return server.get("/pid").body ~= old
    end)
    assert.are.equal(200, server.get("/create").status)
    local answer = server.read_all({ waiting })[1]
    assert.is_true(tonumber(answer.body) > 20, server.log())
    nginx.eventually("the old worker has ended", function()
      return shell.run("kill -0 " .. old) ~= 0
    end)
  end)

  it("a wait that begins in a worker that is about to exit ends, too", function()
    local parts = start(0.2, {
      server = [[
        location = /late {
          content_by_lua_block {
            while not ngx.worker.exiting() do
              ngx.sleep(0.01)
            end
            local client = assert(require("finseg.ngx").client(require "service"))
            ngx.say(assert(client:segment("highBalance", { threshold = 2000 })).totalElements)
          }
        }
      ]],
    })
    local late = { server.open "/late", server.open "/late" }
    local old = server.get("/pid").body
    server.configure(parts)
    server.signal "HUP"
    for _, answer in ipairs(server.read_all(late)) do
      assert.are.equal(200, answer.status, server.log())
      assert.is_true(tonumber(answer.body) > 20)
    end
    nginx.eventually("the old worker has ended", function()
      return shell.run("kill -0 " .. old) ~= 0
    end)
  end)

  it("a graceful end of the server waits for its waits", function()
    start(0.5)
    local waiting = waits_for_a_job()
    server.signal "QUIT"
    assert.is_true(tonumber(server.read_all({ waiting })[1].body) > 20)
    assert.are.equal(0, server.wait())
  end)

  it("a worker that is killed takes its waits along, and no job", function()
    start(0.5)
    local waiting, job = waits_for_a_job()
    local old = server.get("/pid").body
    server.signal("KILL", tonumber(old))
    assert.is_nil(server.read_all({ waiting })[1].status)
    nginx.eventually("a new worker answers", function()
      local ok, answer = pcall(server.get, "/pid")
      return ok and tonumber(answer.body)
    end)
    assert.is_true(tonumber(server.get("/wait?job=" .. job).body) > 20)
  end)

  it("each worker has a client of its own, which all its requests share", function()
    start(0, {
      workers = 2,
      server = [[
        location = /identity {
          content_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            ngx.print(ngx.worker.pid(), " ", ("%p"):format(client), " ", tostring(client == require("finseg.ngx").client()))
          }
        }
      ]],
    })
    local clients, count = {}, 0
    nginx.eventually("both workers have answered", function()
      local pid, address, same = server.get("/identity").body:match "^(%d+) (%S+) (%S+)$"
      assert.are.equal("true", same)
      assert.is_true(clients[pid] == nil or clients[pid] == address)
      count = count + (clients[pid] and 0 or 1)
      clients[pid] = address
      return count == 2
    end)
  end)

  it("waits end though nginx drops the timer that should step the client", function()
    start(0.1, {
      http = [[
        lua_max_running_timers 1;
        init_worker_by_lua_block { ngx.timer.at(0, function() while not ngx.worker.exiting() do ngx.sleep(0.1) end end) }
      ]],
    })
    local answers = server.get_all { "/segment", "/segment", "/segment" }
    for _, answer in ipairs(answers) do
      assert.is_true(tonumber(answer.body) > 20, server.log())
    end
    assert.matches("lua_max_running_timers are not enough", server.log())
  end)

  it("waits end though nginx grants no timer at all", function()
    start(0.1, {
      http = [[
        lua_max_pending_timers 1;
        init_worker_by_lua_block { ngx.timer.at(3600, function() end) }
      ]],
    })
    for _, answer in ipairs(server.get_all { "/segment", "/segment", "/segment" }) do
      assert.is_true(tonumber(answer.body) > 20, server.log())
    end
  end)

  it("a wait between two questions steps nothing", function()
    start(3600, {
      server = [[
        location = /steps {
          content_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            local step = client.step
            STEPS = 0
            client.step = function(...) STEPS = STEPS + 1 return step(...) end
            local polled = require("finseg.core").poll
            require("finseg.core").poll = function(...) STEPS = STEPS + 1 return polled(...) end
            ngx.sleep(1)
            ngx.print(STEPS)
          }
        }
      ]],
    }, { poll = { first = 600, factor = 1, max = 600 } })
    waits_for_a_job()
    assert.is_true(tonumber(server.get("/steps").body) < 10, server.log())
  end)

  it("what is attached to a client is stepped until it has ended, too, though nobody waits any more", function()
    start(0, {
      server = [[
        location = /attached {
          content_by_lua_block {
            local signal = assert(require("finseg.wait.signal").new())
            local stepped = 0
            local attached = setmetatable({
              pending = function() return stepped < 2 and 1 or 0 end,
              transfers = function() return 1 end,
              step = function() signal:step() stepped = stepped + 1 end,
            }, { __index = signal })
            local client = assert(require("finseg.ngx").client(require "service"))
            assert(client:attach(attached))
            assert(client:segment("highBalance", { threshold = 2000 }))
            for count = 1, 2 do
              signal:rouse()
              while stepped < count do ngx.sleep(0.001) end
            end
            ngx.print(client:pending())
          }
        }
      ]],
    })
    assert.are.equal("0", server.get("/attached").body, server.log())
  end)

  it("a client that is dropped is collected, and shows nothing of the driver's", function()
    start(0.02, {
      http = [[ init_worker_by_lua_block { MADE = setmetatable({}, { __mode = "k" }) } ]],
      server = [[
        location = /drop {
          content_by_lua_block {
            local client = assert(require("finseg").new(require "service"))
            MADE[client] = true
            assert(client:segment("highBalance", { threshold = 2000 }))
            local own = { closed = true, first_page = true, operations = true }
            for name in pairs(client) do
              if not own[name] and name:sub(1, 1) ~= "_" then
                ngx.print(name)
              end
            end
          }
        }
        location = /left {
          content_by_lua_block {
            collectgarbage()
            collectgarbage()
            local count = 0
            for _ in pairs(MADE) do
              count = count + 1
            end
            ngx.print(count)
          }
        }
      ]],
    })
    for _, answer in ipairs(server.get_all { "/drop", "/drop", "/drop" }) do
      assert.are.equal(200, answer.status, server.log())
      assert.are.equal("", answer.body)
    end
    nginx.eventually("the clients are collected", function()
      return server.get("/left").body == "0"
    end)
  end)

  it("requests leave nothing behind in the worker", function()
    if os.getenv "FINSEG_SPEC_PRELOAD" then
      return pending "the sanitizers keep what was freed"
    end
    start(0, nil, { poll = { first = 0.001, factor = 1, max = 0.001 } })
    local function resident()
      return tonumber(shell.read_file(("/proc/%d/statm"):format(server.workers()[1])):match "^%d+ (%d+)") * 4
    end
    local paths = {}
    for i = 1, 100 do
      paths[i] = "/segment"
    end
    local function requests(rounds)
      for _ = 1, rounds do
        for _, answer in ipairs(server.get_all(paths)) do
          assert.are.equal(200, answer.status, server.log())
        end
      end
    end
    requests(10)
    local before = resident()
    requests(20)
    assert.is_true(resident() - before < 4096, ("from %d to %d KiB"):format(before, resident()))
  end)
end)
