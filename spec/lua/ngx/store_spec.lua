-- The store of the kind shared_dict, between the workers of a real nginx.

local nginx = require "spec.lua.ngx.support.nginx"
local shell = require "spec.support.shell"

local STORE = [[ local store = assert(require("finseg").store.open("shared_dict", "finseg")) ]]

-- /watch answers once the key is notified: the worker's pid, how often the watcher was called by then, or "late".
local LOCATIONS = [[
  location = /watch {
    content_by_lua_block {
      STORE
      local told, count = require("ngx.semaphore").new(0), 0
      local stop = store:watch(ngx.var.arg_key, function()
        count = count + 1
        told:post(1)
      end)
      ngx.shared.watching:incr(ngx.worker.pid(), 1, 0)
      local ok = told:wait(15)
      ngx.sleep(tonumber(ngx.var.arg_linger) or 0)
      stop()
      ngx.print(ngx.worker.pid(), " ", ok and count or "late")
    }
  }
  location = /watching {
    content_by_lua_block { ngx.print(ngx.shared.watching:get(ngx.var.arg_pid) or 0) }
  }
  location = /notify {
    content_by_lua_block {
      STORE
      local ok, err = store:notify(ngx.var.arg_key)
      ngx.print(ngx.worker.pid(), " ", tostring(ok or err))
    }
  }
  location = /timers { content_by_lua_block { ngx.print(ngx.timer.running_count()) } }
]]

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("the store of the kind shared_dict", function()
  local server

  after_each(function()
    server = nginx.stop(server)
  end)

  local function parts_of(locations, workers, http, size)
    return {
      main = "env PATH;",
      http = ("lua_shared_dict finseg %s; lua_shared_dict watching 100k; %s"):format(size or "2m", http or ""),
      server = (LOCATIONS .. (locations or "")):gsub("STORE", STORE),
      workers = workers,
    }
  end

  local function start(...)
    local parts = parts_of(...)
    server = nginx.start(parts)
    return parts
  end

  --- The answer of the worker of that pid.
  local function get_from(pid, path)
    return server.get(path, { worker = pid }).body
  end

  --- Requests that watch the key, one in each of these workers.
  local function watch_in(pids, key, arguments)
    local connections = {}
    for i, pid in ipairs(pids) do
      connections[i] = server.open(("/watch?key=%s%s"):format(key, arguments or ""), { worker = pid })
      nginx.eventually("somebody watches in worker " .. pid, function()
        return get_from(pid, "/watching?pid=" .. pid) ~= "0"
      end)
    end
    return connections
  end

  --- The pid of a worker that was not there before.
  local function new_worker(old)
    return nginx.eventually("a new worker has started", function()
      for _, pid in ipairs(server.workers()) do
        if pid ~= old then
          return pid
        end
      end
    end)
  end

  --- What these requests were answered.
  local function bodies_of(connections)
    local bodies = {}
    for i, answer in ipairs(server.read_all(connections)) do
      bodies[i] = answer.body
    end
    return bodies
  end

  it("tells who watches in every worker, each once", function()
    start(nil, 2)
    local pids = server.workers()
    assert.are.equal(2, #pids)
    local watching = watch_in(pids, "a", "&linger=0.1")
    assert.matches(" true$", server.get("/notify?key=a").body)
    assert.are.same({ pids[1] .. " 1", pids[2] .. " 1" }, bodies_of(watching))
  end)

  it("tells nobody of another key, and nobody of what was notified before", function()
    start(
      [[
        location = /hears {
          content_by_lua_block {
            STORE
            store:notify "early"
            local heard = {}
            for _, key in ipairs { "early", "other", "end" } do
              store:watch(key, function() heard[#heard + 1] = key end)
            end
            ngx.shared.watching:incr(ngx.worker.pid(), 1, 0)
            while heard[#heard] ~= "end" do ngx.sleep(0.001) end
            ngx.print(table.concat(heard, " "))
          }
        }
      ]],
      2
    )
    local pids = server.workers()
    local hearing = server.open("/hears", { worker = pids[1] })
    nginx.eventually("the worker listens", function()
      return server.get("/watching?pid=" .. pids[1]).body ~= "0"
    end)
    get_from(pids[2], "/notify?key=nobody")
    get_from(pids[2], "/notify?key=end")
    assert.are.same({ "end" }, bodies_of { hearing })
  end)

  it("gives a key to one of many requests, whichever worker has them", function()
    start(
      [[
        location = /put {
          content_by_lua_block {
            STORE
            local won = 0
            for i = 1, 40 do
              won = won + (store:put("key " .. i, "x", 60, false) and 1 or 0)
              ngx.sleep(0.001)
            end
            ngx.print(won)
          }
        }
        location = /take {
          content_by_lua_block {
            STORE
            local won = 0
            for i = 1, 40 do
              won = won + (store:delete("key " .. i, "x") and 1 or 0)
              ngx.sleep(0.001)
            end
            ngx.print(won)
          }
        }
      ]],
      2
    )
    local pids = server.workers()
    for _, path in ipairs { "/put", "/take" } do
      local connections = {}
      for i = 1, 60 do
        connections[i] = server.open(path, { worker = pids[i % 2 + 1] })
      end
      local won = 0
      for _, body in ipairs(bodies_of(connections)) do
        won = won + tonumber(body)
      end
      assert.are.equal(40, won, path)
    end
  end)

  it("tells who waits in the old worker after a reload", function()
    local parts = start()
    local old = server.workers()[1]
    local watching = watch_in({ old }, "a")
    server.configure(parts)
    server.signal "HUP"
    get_from(new_worker(old), "/notify?key=a")
    assert.are.same({ old .. " 1" }, bodies_of(watching))
    nginx.eventually("the old worker has ended", function()
      return shell.run("kill -0 " .. old) ~= 0
    end)
  end)

  it("tells who begins to watch in a worker that is about to exit", function()
    local parts = start [[
      location = /late {
        content_by_lua_block {
          ngx.shared.watching:set("late", true)
          while not ngx.worker.exiting() do ngx.sleep(0.01) end
          ngx.exec("/watch", { key = "a" })
        }
      }
    ]]
    local old = server.workers()[1]
    local late = server.open "/late"
    nginx.eventually("the old worker has the request", function()
      return server.get("/watching?pid=late").body == "true"
    end)
    server.configure(parts)
    server.signal "HUP"
    local new = new_worker(old)
    nginx.eventually("the old worker watches", function()
      return get_from(new, "/watching?pid=" .. old) ~= "0"
    end)
    get_from(new, "/notify?key=a")
    assert.are.same({ old .. " 1" }, bodies_of { late })
  end)

  it("loses nothing with a worker that is killed while it watches", function()
    start([[ location = /keys { content_by_lua_block { ngx.print(#ngx.shared.finseg:get_keys(0)) } } ]], 2)
    local pids = server.workers()
    local watching = watch_in(pids, "a")
    local keys = tonumber(server.get("/keys").body)
    server.signal("KILL", pids[1])
    nginx.eventually("another worker has taken its place", function()
      local now = server.workers()
      return #now == 2 and now[1] ~= pids[1] and now[2] ~= pids[1]
    end)
    for _ = 1, 50 do
      assert.matches("true$", server.get("/notify?key=b").body)
    end
    assert.are.equal(keys, tonumber(server.get("/keys").body))
    assert.matches("true$", server.get("/notify?key=a").body)
    assert.are.same({ "", pids[2] .. " 1" }, bodies_of(watching))
  end)

  it("waits for a worker that deletes a key, and not for one that was killed meanwhile", function()
    start [[
      location = /locked {
        content_by_lua_block {
          STORE
          store:put("a", "1", 60, false)
          assert(ngx.shared.finseg:safe_add("finseg:lock:a", true, 0.1))
          local started = require("finseg.core").now()
          ngx.print(tostring(store:delete("a", "1")), " ", require("finseg.core").now() - started > 0.05)
        }
      }
      location = /kept {
        content_by_lua_block {
          STORE
          store:put("b", "1", 60, false)
          assert(ngx.shared.finseg:safe_add("finseg:lock:b", true, 60))
          local deleted, err = store:delete("b", "1")
          ngx.print(tostring(deleted), " ", err.kind, " ", store:get "b")
        }
      }
    ]]
    assert.are.equal("true true", server.get("/locked").body)
    assert.are.equal("nil timeout 1", server.get("/kept").body)
  end)

  -- Fills the dict to the last byte.
  local FILL = [[
    for _, size in ipairs { 2000, 500, 100, 1 } do
      local i = 0
      repeat i = i + 1 until not ngx.shared.finseg:safe_set(("fill %d %d"):format(size, i), ("x"):rep(size))
    end
  ]]

  it("says that the dict is full, keeps what it has, and takes more once there is room", function()
    start(
      [[
        location = /full {
          content_by_lua_block {
            STORE
            store:put("first", "1", 60, false)
            local count, ok, err = 0
            repeat
              count = count + 1
              ok, err = store:put("key " .. count, ("x"):rep(200), 60, false)
            until not ok
            assert(ok == nil and err.kind == "config", tostring(err))
            assert(store:get "first" == "1" and #store:get "key 1" == 200)
            assert(store:put("key 1", "again", 60, false) == false)
            local kept, err = store:put("after", ("x"):rep(200), 60, false)
            assert(kept == nil and err.kind == "config")
            assert(store:delete "key 2" and store:put("after", ("x"):rep(200), 60, false))
            ngx.print(tostring(err))
          }
        }
      ]],
      1,
      nil,
      "100k"
    )
    local answer = server.get "/full"
    assert.are.equal(200, answer.status, answer.text .. server.log())
    assert.matches("shared dict finseg is full %(100 KiB%): make it larger in nginx.conf", answer.body)
  end)

  it("forgets what has ended before it says that it is full", function()
    start(
      [[
        location = /ended {
          content_by_lua_block {
            STORE
            store:put("stays", "1", 60, false)
            local count = 0
            repeat count = count + 1 until not ngx.shared.finseg:safe_set("finseg:value:" .. count, ("x"):rep(200), 0.01)
            ngx.sleep(0.02)
            ngx.shared.finseg:get "finseg:value:1"
            store:get "stays"
            for i = 1, count - 2 do
              assert(store:put("new " .. i, ("x"):rep(200), 60, false))
            end
            ngx.print(store:get "stays")
          }
        }
      ]],
      1,
      nil,
      "100k"
    )
    local answer = server.get "/ended"
    assert.are.equal("1", answer.body, server.log())
  end)

  it("tells who watches in other workers though its dict is full", function()
    start("location = /fill { content_by_lua_block { STORE " .. FILL .. " ngx.print(1) } }", 2, nil, "100k")
    assert.are.equal(200, server.get("/fill").status)
    local watching = watch_in(server.workers(), "a")
    assert.matches(" true$", server.get("/notify?key=a").body)
    for _, body in ipairs(bodies_of(watching)) do
      assert.matches("^%d+ 1$", body)
    end
    assert.is_nil(server.log():find "takes no note")
  end)

  it("tells who watches a key that is too long for a note", function()
    start(nil, 2)
    local key = ("long"):rep(100)
    local watching = watch_in(server.workers(), key)
    assert.matches(" true$", server.get("/notify?key=" .. key).body)
    for _, body in ipairs(bodies_of(watching)) do
      assert.matches("^%d+ [12]$", body) -- in another worker twice: "deaf", and "hearing"
    end
  end)

  it("says in the log that a dict without room takes no note, once in a while", function()
    local locations = [[
      location = /fill {
        content_by_lua_block {
          STORE
          ngx.shared.finseg:flush_all()
          ngx.shared.finseg:flush_expired()
          FILL
          for _ = 1, 3 do
            ngx.print(tostring(select(2, store:notify "a")))
          end
        }
      }
    ]]
    start(locations:gsub("FILL", (FILL:gsub("%%", "%%%%"))), 1, nil, "100k")
    assert.matches("the shared dict finseg is full", server.get("/fill").body)
    nginx.eventually("the log says so", function()
      return server.log():find "the shared dict finseg takes no note"
    end)
    local _, lines = server.log():gsub("takes no note", "")
    assert.are.equal(1, lines)
  end)

  it("tells everybody when a worker was too slow to read every note, or the dict was emptied", function()
    start [[
      location = /behind {
        content_by_lua_block {
          STORE
          local told = 0
          store:watch("a", function() told = told + 1 end)
          for _ = 1, 5000 do
            store:notify "b"
          end
          assert(told == 0)
          while told == 0 do ngx.sleep(0.001) end
          ngx.shared.finseg:flush_all()
          ngx.sleep(0.01)
          store:notify "b"
          while told == 1 do ngx.sleep(0.001) end
          ngx.print(told, " ", #ngx.shared.finseg:get_keys(0) < 4200)
        }
      }
    ]]
    assert.are.equal("2 true", server.get("/behind").body, server.log())
  end)

  it("tells the others when one who watches raises, and logs it", function()
    start(
      [[
        location = /raises {
          content_by_lua_block {
            STORE
            store:watch("a", function() error "a fault of the watcher's own" end)
            ngx.exec("/watch", { key = "b" })
          }
        }
      ]],
      2
    )
    local pids = server.workers()
    local watching = server.open("/raises", { worker = pids[1] })
    nginx.eventually("somebody watches", function()
      return server.get("/watching?pid=" .. pids[1]).body ~= "0"
    end)
    assert.matches("true$", get_from(pids[1], "/notify?key=a"))
    assert.matches("true$", get_from(pids[2], "/notify?key=a"))
    get_from(pids[2], "/notify?key=b")
    assert.are.same({ pids[1] .. " 1" }, bodies_of { watching })
    nginx.eventually("the log says so, twice", function()
      local _, lines = server.log():gsub("who watches a store failed: [^\n]*a fault of the watcher's own", "")
      return lines == 2
    end)
  end)

  it("has a timer only while somebody watches", function()
    start()
    local watching = watch_in(server.workers(), "a")
    assert.are.equal("1", server.get("/timers").body)
    server.get "/notify?key=a"
    server.read_all(watching)
    nginx.eventually("the timer has ended", function()
      return server.get("/timers").body == "0"
    end)
  end)

  it("says once that nginx grants it no timer, and asks again at the next watch", function()
    start(
      "location = /hold { content_by_lua_block { assert(ngx.timer.at(0.5, function() end)) ngx.print(1) } }",
      1,
      "lua_max_pending_timers 1;"
    )
    assert.are.equal(200, server.get("/hold").status)
    server.open "/watch?key=a"
    server.open "/watch?key=b"
    nginx.eventually("they watch", function()
      return server.get("/watching?pid=" .. server.workers()[1]).body == "2"
    end)
    assert.are.equal("0", server.get("/timers").body)
    local _, lines = server.log():gsub("nginx has no timer for the notes of other workers", "")
    assert.are.equal(1, lines, server.log())
    nginx.eventually("nginx has granted a timer", function()
      server.open "/watch?key=c"
      return server.get("/timers").body == "1"
    end)
  end)

  it("ends its watches when it is closed", function()
    start [[
      location = /close {
        content_by_lua_block {
          STORE
          local other = assert(require("finseg").store.open("shared_dict", "finseg"))
          local heard = {}
          local stop = store:watch("a", function() heard[#heard + 1] = "closed" end)
          other:watch("a", function() heard[#heard + 1] = "open" end)
          store:close()
          stop()
          other:notify "a"
          ngx.print(table.concat(heard, " "))
        }
      }
    ]]
    assert.are.equal("open", server.get("/close").body)
  end)

  it("counts over all workers", function()
    start(
      [[
        location = /count {
          content_by_lua_block {
            STORE
            store:count "calls"
            ngx.print(store:counted "calls", " ", store:counted "others")
          }
        }
      ]],
      2
    )
    local pids = server.workers()
    assert.are.equal("1 0", get_from(pids[1], "/count"))
    assert.are.equal("2 0", get_from(pids[2], "/count"))
    assert.are.equal("3 0", get_from(pids[1], "/count"))
  end)

  it("names the line that nginx.conf lacks", function()
    start [[
      location = /lacks {
        content_by_lua_block {
          local store, err = require("finseg").store.open("shared_dict", "jobs")
          ngx.print(tostring(store), " ", err.kind, " ", tostring(err))
        }
      }
    ]]
    local body = server.get("/lacks").body
    assert.matches("^nil config ", body)
    assert.matches("lua_shared_dict jobs 20m;", body, 1, true)
  end)
end)
