-- Waits inside nginx: where they are possible, where they are not, and that the worker goes on meanwhile.

local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"

local SEGMENT = [[
  local client = assert(require("finseg.ngx").client(require "service"))
  local segment = assert(client:segment("highBalance", { threshold = 2000 }))
]]

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("a wait inside nginx", function()
  local service, server

  setup(function()
    service = sandbox.start { users = 120, seed = 5, today = "2024-04-01", delay = 0.2 }
    server = nginx.start {
      http = nginx.service(service, { page_size = 7 }),
      server = ([[
        location = /content { content_by_lua_block { SEGMENT ngx.say(segment.totalElements) } }
        location = /access {
          access_by_lua_block { SEGMENT ngx.ctx.total = segment.totalElements }
          content_by_lua_block { ngx.say(ngx.ctx.total) }
        }
        location = /rewrite {
          rewrite_by_lua_block { SEGMENT ngx.ctx.total = segment.totalElements }
          content_by_lua_block { ngx.say(ngx.ctx.total) }
        }
        location = /subrequest {
          content_by_lua_block { ngx.print(ngx.location.capture("/content").body) }
        }
        location = /timer {
          content_by_lua_block {
            local done, total = require("ngx.semaphore").new(0), nil
            ngx.timer.at(0, function() SEGMENT total = segment.totalElements done:post(1) end)
            assert(done:wait(10))
            ngx.say(total)
          }
        }
        location = /light_thread {
          content_by_lua_block {
            local thread = ngx.thread.spawn(function() SEGMENT return segment.totalElements end)
            ngx.say(select(2, ngx.thread.wait(thread)))
          }
        }
        location = /coroutine {
          content_by_lua_block {
            local total = coroutine.wrap(function() SEGMENT coroutine.yield(segment.totalElements) end)
            ngx.say(total())
          }
        }
        location = /pcall {
          content_by_lua_block {
            local ok, total = pcall(function() SEGMENT return segment.totalElements end)
            ngx.say(ok and total)
          }
        }
        location = /pages {
          content_by_lua_block {
            SEGMENT
            local count = 0
            for user in segment:users() do
              count = count + (user.userId and 1 or 0)
            end
            ngx.say(count)
          }
        }
        location = /all {
          content_by_lua_block {
            local finseg = require "finseg"
            local function total() SEGMENT return segment.totalElements end
            local a, b, c = finseg.all(total, total, total)
            ngx.say(a == b and b == c and c)
          }
        }
        location = /all_fails {
          content_by_lua_block {
            local finseg = require "finseg"
            local function fails()
              local client = assert(require("finseg.ngx").client(require "service"))
              return client:create("noSuchKind", {})
            end
            local function sleeps() return finseg.sleep(3600) end
            local result, err = finseg.all(sleeps, fails, sleeps)
            ngx.say(tostring(result), " ", err.kind)
          }
        }
        location = /spawn {
          content_by_lua_block {
            local finseg = require "finseg"
            finseg.spawn(function(text) finseg.sleep(0.01) ngx.say(text) end, "spawned")
          }
        }
        location = /spawn_fails {
          content_by_lua_block {
            require("finseg").spawn(function() error(require("finseg.core").error("failed", "a thread's own err")) end)
          }
        }
        location = /trivial { return 200 "yes\n"; }
        location = /log {
          content_by_lua_block { ngx.say "yes" }
          log_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            ngx.log(ngx.WARN, "in log: ", tostring(select(2, client:create("highBalance", { threshold = 2000 }))))
          }
        }
        location = /header_filter {
          content_by_lua_block { ngx.say "yes" }
          header_filter_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            ngx.header.err = tostring(select(2, client:create("highBalance", { threshold = 2000 })))
          }
        }
        location = /body_filter {
          content_by_lua_block { ngx.print "yes" }
          body_filter_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            ngx.arg[1] = tostring(select(2, require("finseg").sleep(1)))
            ngx.arg[2] = true
          }
        }
        location = /set {
          set_by_lua_block $err {
            local client = assert(require("finseg.ngx").client(require "service"))
            return tostring(select(2, client:create("highBalance", { threshold = 2000 })))
          }
          return 200 $err;
        }
        location = /require {
          content_by_lua_block {
            package.preload.waits = function()
              local client = assert(require("finseg.ngx").client(require "service"))
              return { err = select(2, client:create("highBalance", { threshold = 2000 })) }
            end
            ngx.say(require("waits").err.kind, " ", tostring(require("waits").err))
          }
        }
        location = /timeout {
          content_by_lua_block {
            local client = assert(require("finseg.ngx").client(require "service"))
            local job = assert(client:create("highBalance", { threshold = 2000 }))
            local started = require("finseg.core").now()
            local _, err = job:wait { timeout = 0.05 }
            ngx.say(err.kind, " ", require("finseg.core").now() - started < 0.15)
          }
        }
      ]]):gsub("SEGMENT", SEGMENT),
    }
  end)

  teardown(function()
    server.stop()
    service.stop()
  end)

  local function total()
    local answer = server.get "/content"
    assert(answer.status == 200, server.log())
    return answer.body
  end

  for _, place in ipairs {
    "rewrite",
    "access",
    "content",
    "timer",
    "subrequest",
    "light_thread",
    "coroutine",
    "pcall",
    "pages",
    "all",
  } do
    it("is possible: " .. place, function()
      local answer = server.get("/" .. place)
      assert.are.equal(200, answer.status, server.log())
      assert.are.equal(total(), answer.body)
      assert.is_true(tonumber(answer.body) > 20)
    end)
  end

  for place, answered in pairs {
    header_filter = function(answer)
      return answer.head
    end,
    body_filter = function(answer)
      return answer.body
    end,
    set = function(answer)
      return answer.body
    end,
    log = function()
      return nginx.eventually("the phase is logged", function()
        return server.log():match "in log: [^\n]*"
      end)
    end,
  } do
    it("is refused with a reason: " .. place, function()
      local answer = server.get("/" .. place)
      assert.are.equal(200, answer.status, server.log())
      assert.matches(
        ("no wait is possible in nginx's phase %s: wait in rewrite, access"):format(place),
        answered(answer)
      )
    end)
  end

  it("is refused inside require, where nothing can yield", function()
    assert.matches("^invalid no wait is possible .*require", server.get("/require").body)
  end)

  it("does not stop the worker", function()
    local waiting = {}
    for i = 1, 200 do
      waiting[i] = server.open "/content"
    end
    nginx.eventually("the first is pending", function()
      return server.get("/trivial").status == 200
    end)
    local expected = total()
    for _, answer in ipairs(server.read_all(waiting)) do
      assert.are.equal(200, answer.status, server.log())
      assert.are.equal(expected, answer.body)
    end
  end)

  it("ends at its deadline", function()
    assert.are.equal("timeout true\n", server.get("/timeout").body)
  end)

  it("of finseg.all ends when another function fails", function()
    assert.are.equal("nil invalid\n", server.get("/all_fails").body)
  end)

  it("is not taken for one of an earlier request's, whose threads nginx uses again", function()
    for _ = 1, 5 do
      server.get "/all_fails"
    end
    local expected = total()
    for _ = 1, 5 do
      for _, path in ipairs { "/content", "/light_thread", "/timer", "/all" } do
        assert.are.equal(expected, server.get(path).body)
      end
    end
    assert.are.equal("spawned\n", server.get("/spawn").body)
  end)

  it("is what finseg.spawn and finseg.sleep do", function()
    assert.are.equal("spawned\n", server.get("/spawn").body)
  end)

  it("that fails in a spawned thread is logged with its message", function()
    server.get "/spawn_fails"
    assert.matches("finseg: a light thread failed: a thread's own err", server.log())
  end)
end)
