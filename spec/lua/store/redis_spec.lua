-- The store in a Redis keeps the contract of all stores, in every loop; and what is its own: a Redis that is gone,
-- hangs, refuses or comes back, and notifies between processes. Everything meets a real redis-server.

local core = require "finseg.core"
local false_redis = require "spec.support.false_redis"
local finseg = require "finseg"
local hosts = require "spec.support.hosts"
local redis = require "spec.support.redis"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local store_contract = assert(loadfile("spec/lua/store/contract.lua", "t", _ENV or getfenv(1)))()

-- Steps the stores until the condition holds. Raises when it does not within 10 seconds.
local function until_true(condition, ...)
  local stores, deadline = { ... }, core.now() + 10
  while not condition() do
    local descriptors = {}
    for position, store in ipairs(stores) do
      descriptors[position] = store:pollfd()
    end
    core.poll(descriptors, deadline - core.now())
    for _, store in ipairs(stores) do
      store:step()
    end
    if core.now() > deadline then
      error("it did not come to pass", 2)
    end
  end
end

-- A list that f, a watcher or a log, adds to; and how often a thing is in it.
local function recorder()
  local list = {}
  return list, function(what)
    list[#list + 1] = type(what) == "table" and what.name or what or "notify"
  end
end

local function count(list, wanted)
  local found = 0
  for _, item in ipairs(list) do
    found = found + (item == wanted and 1 or 0)
  end
  return found
end

describe("with one redis-server", function()
  local server
  local place = 0

  setup(function()
    server = redis.start()
  end)

  teardown(function()
    server.stop()
  end)

  for _, host in ipairs(hosts) do
    store_contract {
      name = "redis",
      title = "redis, in " .. (host.title or host.name),
      shared = true,
      run = host.run,
      open = function(folder)
        return finseg.store.open("redis", server.options { prefix = folder .. ":" })
      end,
    }
  end

  describe("the store of the type redis", function()
    local stores

    -- Opens `how_many` stores of one prefix that no other test has.
    local function open(how_many, more)
      place = place + 1
      local opened = {}
      for position = 1, how_many do
        local options = server.options { prefix = place .. ":" }
        for name, value in pairs(more or {}) do
          options[name] = value
        end
        opened[position] = assert(finseg.store.open("redis", options))
        stores[#stores + 1] = opened[position]
      end
      return (table.unpack or unpack)(opened)
    end

    before_each(function()
      stores = {}
    end)

    after_each(function()
      for _, store in ipairs(stores) do
        store:close()
      end
    end)

    it("keeps every byte of a key", function()
      local store, other = open(2)
      local keys = { "", "\0", "a\0b", "line\r\nline", "*[a]?\\", "\255 \254" }
      for _, key in ipairs(keys) do
        assert.is_true(store:put(key, "of " .. key, 60, false))
      end
      for _, key in ipairs(keys) do
        assert.are.equal("of " .. key, other:get(key))
        local listed = other:list(key)
        assert.are.equal(key == "" and #keys or 1, #listed)
        assert.are.equal(key, listed[1].key)
      end
    end)

    it("lists more than one SCAN answers, each once, and nothing of another prefix", function()
      local store, other = open(2, { prefix = "pre*fix:" }), open(1, { prefix = "pre-fix:" })
      other:put("key", "other", 60, false)
      for i = 1, 1500 do
        store:begin("put", function() end, ("key %04d"):format(i), "v" .. i, 60)
      end
      local listed = store:list "key"
      assert.are.equal(1500, #listed)
      for i, item in ipairs(listed) do
        assert.are.same({ ("key %04d"):format(i), "v" .. i }, { item.key, item.value })
      end
    end)

    it("leaves alone what it has not put, and says so of a key", function()
      local store = open(1)
      server.cli(("RPUSH %d:list a b"):format(place))
      server.cli(("SET %d:for-ever value"):format(place))
      local value, err = store:get "list"
      assert.is_nil(value)
      assert.are.equal("config", err.kind)
      assert.matches("another `prefix`", err.message)
      local listed = store:list ""
      assert.are.equal(1, #listed)
      assert.are.same({ key = "for-ever", value = "value", ends = math.huge }, listed[1])
    end)

    it("lets Redis forget what has ended, to the millisecond", function()
      local store = open(1)
      assert.is_true(store:put("a", "1", 0.0001, false))
      assert.is_true(store:put("b", "1", math.huge, false))
      while store:get "a" do
        finseg.sleep(0.001)
      end
      assert.are.equal(1, #store:list "")
      assert.is_true(store:put("n", "1", 0 / 0, false))
      assert.is_nil(store:get "n")
    end)

    it("begins calls that are answered by step(), in their order and never before", function()
      local store = open(1)
      local answers = {}
      local function note(...)
        answers[#answers + 1] = { ... }
      end
      store:begin("get", note, "a")
      store:begin("put", note, "a", "1", 60, false)
      store:begin("get", note, "a")
      store:begin("delete", note, "a", "2")
      store:begin("delete", note, "a")
      assert.are.same({}, answers)
      assert.are.equal(5, store:pending())
      assert.is_true(store:transfers() > 0)
      until_true(function()
        return #answers == 5
      end, store)
      assert.are.same({ {}, { true }, { "1" }, { false }, { true } }, answers)
      assert.are.equal(0, store:pending())
      assert.are.equal(0, store:transfers())
      assert.error_matches(function()
        store:begin("get", "a")
      end, "bad argument #2 to 'begin'")
      assert.error_matches(function()
        store:begin("fetch", note, "a")
      end, "bad argument #1 to 'begin'")
      assert.error_matches(function()
        store:begin("get", note, 7)
      end, "bad argument #1 to 'get'")
    end)

    it("tells who watches a key in another process, and itself once", function()
      local here, there = open(2)
      local heard, note = recorder()
      local heard_there, note_there = recorder()
      here:watch("a\0\n b", note)
      there:watch("a\0\n b", note_there)
      there:watch("b", note_there)
      until_true(function()
        return heard[1] and heard_there[2]
      end, here, there)
      assert.are.same({ "hearing" }, heard)
      assert.is_true(here:notify "a\0\n b")
      assert.are.same({ "hearing", "notify" }, heard)
      until_true(function()
        return heard_there[3]
      end, there)
      here:notify "nobody"
      here:get "a" -- the echo would have come before
      here:step()
      assert.are.same({ "hearing", "notify" }, heard)
      assert.are.same({ "hearing", "hearing", "notify" }, heard_there)
    end)

    it("hears at once while somebody watches, and asks for no more messages when nobody does", function()
      local here, there = open(2)
      local heard, note = recorder()
      local stop = here:watch("a", note)
      until_true(function()
        return heard[1]
      end, here)
      local second, note_second = recorder()
      local stop_second = here:watch("b", note_second) -- in force from here on
      there:notify "b"
      until_true(function()
        return second[1]
      end, here, there)
      assert.are.same({ "notify" }, second)
      assert.matches(place .. ":notify", server.cli "PUBSUB CHANNELS")
      stop()
      stop()
      assert.is_true(here:transfers() > 0)
      stop_second()
      assert.are.equal(0, here:transfers())
      here:get "a"
      assert.is_nil(server.cli("PUBSUB CHANNELS"):find(place .. ":notify", 1, true))
      heard, note = recorder()
      here:watch("a", note)
      until_true(function()
        return heard[1]
      end, here)
      assert.are.same({ "hearing" }, heard)
      there:notify "a"
      until_true(function()
        return heard[2]
      end, here, there)
    end)

    it("hears for who watches when they begin, stop and begin again amid the connecting", function()
      local here, there = open(2)
      local heard, note = recorder()
      here:watch("a", note)()
      here:step()
      here:watch("a", note)()
      until_true(function()
        return here.connection.subscription.state == "up"
      end, here)
      here:watch("a", note)()
      here:watch("a", note)
      until_true(function()
        return heard[1]
      end, here)
      there:notify "a"
      until_true(function()
        return heard[2]
      end, here, there)
      assert.are.same({ "hearing", "notify" }, heard)
      assert.is_nil(here:get "a")
    end)

    it("sends a notify at once, so that it leaves a process that does nothing else", function()
      local here, there = open(2)
      local heard, note = recorder()
      here:watch("a", note)
      there:get "a"
      until_true(function()
        return heard[1]
      end, here)
      there:notify "a" -- and no step
      until_true(function()
        return heard[2]
      end, here)
    end)

    it("watches 10,000 keys with one subscription, and loses none of 10,000 notifies", function()
      local here, there = open(2)
      local heard, hearing = 0, 0
      local function note(what)
        if what == "hearing" then
          hearing = hearing + 1
        else
          heard = heard + 1
        end
      end
      for i = 1, 10000 do
        here:watch("key " .. i, note)
      end
      until_true(function()
        return hearing == 10000
      end, here)
      for i = 1, 10000 do
        there:notify("key " .. i)
        if i % 500 == 0 then
          there:step()
          here:step()
        end
      end
      until_true(function()
        return heard == 10000
      end, here, there)
    end)

    it("tells deaf, renews the subscription, and then tells hearing, when that alone is cut", function()
      local here, there = open(2)
      local heard, note = recorder()
      here:watch("a", note)
      until_true(function()
        return heard[1]
      end, here)
      finseg.sleep(1.1) -- a connection that was lost sooner is not made anew at once
      server.cli "CLIENT KILL TYPE pubsub"
      until_true(function()
        return heard[3]
      end, here)
      assert.are.same({ "hearing", "deaf", "hearing" }, heard)
      there:notify "a"
      until_true(function()
        return heard[4]
      end, here, there)
    end)

    it("lets a watcher fail without harm to the others", function()
      local here, there = open(2)
      local heard, note = recorder()
      here:watch("a", note)
      until_true(function()
        return heard[1]
      end, here)
      here:watch("b", function()
        error "a watcher's own"
      end)
      there:notify "b"
      there:notify "a"
      assert.error_matches(function()
        until_true(function()
          return heard[2]
        end, here, there)
      end, "a watcher's own")
      until_true(function()
        return heard[2]
      end, here)
      assert.is_nil(here:get "a")
    end)

    it("ends calls under way as cancelled when it is closed", function()
      local store = open(1)
      store:get "a"
      local answers = {}
      store:begin("get", function(_, err)
        answers[1] = err
      end, "a")
      finseg.run(function()
        finseg.spawn(function()
          answers[2] = select(2, store:get "b")
        end)
        finseg.spawn(function()
          store:close()
        end)
      end)
      for position = 1, 2 do
        assert.are.equal("cancelled", answers[position].kind)
        assert.matches("the store was closed", answers[position].message)
      end
      assert.is_nil(store:pollfd())
      assert.are.equal(0, store:pending())
      for method, arguments in pairs { get = { "a" }, notify = { "a" }, watch = { "a", print }, step = {} } do
        assert.error_matches(function()
          store[method](store, arguments[1], arguments[2])
        end, "the store is closed")
      end
      assert.error_matches(function()
        store:begin("get", print, "a")
      end, "the store is closed")
    end)

    it("answers what it calls back while it is closed, and raises only after that", function()
      local store = open(1)
      local errs = {}
      store:begin("get", function()
        store:begin("get", function(_, err)
          errs[1] = err
        end, "a")
        errs[2] = select(2, store:notify "a")
      end, "a")
      store:close()
      assert.are.same({ "cancelled", "cancelled" }, { errs[1].kind, errs[2].kind })
      assert.error_matches(function()
        store:notify "a"
      end, "the store is closed")
    end)

    it("may be closed by what it calls back", function()
      local store = open(1)
      local answers = {}
      for position = 1, 3 do
        store:begin("get", function(_, err)
          answers[position] = err and err.kind or "answered"
          store:close()
        end, "a")
      end
      until_true(function()
        return store.closed
      end, store)
      assert.are.same({ "answered", "cancelled", "cancelled" }, answers)
    end)

    it("ends a wait that finseg.all cancels, and drops the answer that comes later", function()
      local store = open(1)
      store:get "a"
      server.pause()
      local failure, other
      finseg.run(function()
        local _, err = finseg.all(function()
          other = { store:get "a" }
          return other[1], other[2]
        end, function()
          return nil, core.error("invalid", "the first to fail")
        end)
        failure = err
      end)
      server.resume()
      assert.matches("the first to fail", failure.message)
      assert.are.equal("cancelled", other[2].kind)
      assert.is_true(store:put("b", "1", 60, false))
      assert.are.equal("1", store:get "b")
    end)

    it("lets a program end while it watches", function()
      local store = open(1)
      store:watch("a", function() end)
      finseg.run(function()
        assert.is_nil(store:get "a")
      end)
      assert.are.equal(0, store:pending())
    end)

    it("gives a key to one of many processes", function()
      local script = ([[
        for i in 1 2 3 4 5 6; do
          LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}" %s -e 'local store = require("finseg").store.open("redis",
              { path = "%s", prefix = "race:" })
            local won = 0
            for i = 1, 200 do
              if store:put("key " .. i, "x", 60, false) then won = won + 1 end
            end
            print("won", won)' &
        done
        wait
      ]]):format(shell.lua, server.path)
      local won = 0
      for mine in shell.check(script):gmatch "won%s+(%d+)" do
        won = won + tonumber(mine)
      end
      assert.are.equal(200, won)
    end)

    it("leaves no descriptor behind when it is closed, or forgotten", function()
      local function descriptors()
        return tonumber(shell.check("ls -l /proc/$PPID/fd | grep -c -e socket: -e event -e timerfd || true"))
      end
      local function use(close)
        local store = assert(finseg.store.open("redis", server.options()))
        store:watch("a", function() end)
        store:get "a"
        if close then
          store:close()
        end
      end
      collectgarbage()
      collectgarbage()
      local before = descriptors()
      for i = 1, 10 do
        use(i % 2 == 0)
      end
      collectgarbage()
      collectgarbage()
      assert.are.equal(before, descriptors())
    end)

    it("is refused in a process that was forked from its own, and goes on in that", function()
      if not rawget(_G, "jit") then
        return -- Lua alone cannot fork
      end
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
      local store = open(1)
      local heard, note = recorder()
      store:watch("a", note)
      until_true(function()
        return heard[1]
      end, store)
      store:put("a", "1", 60, false)
      local child = ffi.C.fork()
      if child == 0 then
        local ok, refused = pcall(function()
          local _, err = store:get "a"
          local _, problem = store:notify "a"
          store:watch("a", note)()
          store:close()
          return err.kind == "invalid" and err.message:find "another process" and problem.kind == "invalid"
        end)
        ffi.C._exit(ok and refused and 0 or 1)
      end
      local status = ffi.new "int[1]"
      ffi.C.waitpid(child, status, 0)
      assert.are.equal(0, status[0])
      assert.are.equal("1", store:get "a")
      open(1, { prefix = store.prefix }):notify "a"
      until_true(function()
        return count(heard, "notify") == 1
      end, store, stores[2])
    end)

    it("says what a full Redis and a replica refuse", function()
      local told, note = recorder()
      local store = open(1, { log = note })
      assert.is_true(store:put("a", "1", 60, false))
      server.cli "CONFIG SET maxmemory 1"
      store:put("b", "1", 60, false)
      local put, err = store:put("b", "1", 60, false)
      server.cli "CONFIG SET maxmemory 0"
      assert.is_nil(put)
      assert.are.equal("network", err.kind) -- as if it were gone
      assert.matches("refuses SET %(OOM%): its memory is full: raise its maxmemory", err.message)

      server.cli "REPLICAOF 127.0.0.1 1"
      put, err = store:put("b", "1", 60, false)
      server.cli "REPLICAOF NO ONE"
      assert.is_nil(put)
      assert.matches("it is a replica, which takes no changes: name the primary", err.message)
      assert.is_true(store:put("b", "1", 60, false))
      until_true(function()
        return count(told, "store_back") == 1
      end, store)
      assert.are.same({ "store_gone", "store_back" }, told)
    end)

    it("refuses options that it does not know, or that make no sense", function()
      local wrong = {
        { { hots = "x" }, "hots" },
        { { port = 0 }, "port: a whole number from 1 to 65535" },
        { { host = "" }, "host: an address" },
        { { path = "/x", port = 1 }, "path: either it, or host and port" },
        { { username = "ann" }, "password: one for the username" },
        { { timeout = 0 }, "timeout: a number of seconds" },
        { { database = 1.5 }, "database: a whole number" },
        { { prefix = 5 }, "prefix: a text" },
        { { log = true }, "log: a function" },
      }
      for _, case in ipairs(wrong) do
        local store, err = finseg.store.open("redis", case[1])
        assert.is_nil(store)
        assert.are.equal("config", err.kind)
        assert.matches(case[2], err.message, 1, true)
      end
      assert.error_matches(function()
        finseg.store.open("redis", "127.0.0.1")
      end, "bad argument #1 to 'open'")
    end)
  end)
end)

describe("a Redis that wants a password", function()
  local server

  setup(function()
    server = redis.start { arguments = { "--requirepass", "pass-word-1" } }
    server.cli "-a pass-word-1 ACL SETUSER ann on '>pass-word-2' '~finseg:*' '&finseg:*' +@all"
    server.cli "-a pass-word-1 ACL SETUSER ben on '>pass-word-3' '~other:*' +get +ping"
  end)

  teardown(function()
    server.stop()
  end)

  local function try(more)
    local told = {}
    local options = server.options(more)
    options.log = function(event)
      told[#told + 1] = event.message
    end
    local store = assert(finseg.store.open("redis", options))
    local put, err = store:put("a", "1", 60, false)
    if put ~= nil then
      assert.is_true(store:delete "a")
    end
    local text = table.concat(told, "\n") .. tostring(err) .. tostring(store) .. store.name
    store:close()
    assert.is_nil(text:find("pass-word", 1, true))
    return put, err
  end

  it("takes the right one, also of a user, and in another database", function()
    assert.is_true(try { password = "pass-word-1" })
    assert.is_true(try { username = "ann", password = "pass-word-2" })
    assert.is_true(try { password = "pass-word-1", database = 3 })
  end)

  it("is told apart from others by what it says of a wrong one", function()
    local cases = {
      { {}, "auth", "refuses PING (NOAUTH): it wants a password" },
      {
        { password = "pass-word-x" },
        "auth",
        "refuses AUTH (WRONGPASS): it does not know this user name and password",
      },
      { { username = "ann", password = "pass-word-1" }, "auth", "WRONGPASS" },
      { { username = "ben", password = "pass-word-3" }, "auth", "refuses SET (NOPERM): its user may not do that" },
      { { password = "pass-word-1", database = 99 }, "config", "refuses SELECT (ERR): it has no such database" },
    }
    for _, case in ipairs(cases) do
      local put, err = try(case[1])
      assert.is_nil(put)
      assert.are.equal(case[2], err.kind)
      assert.matches(case[3], err.message, 1, true)
    end
  end)

  it("has watchers told that they are deaf when its user may not subscribe", function()
    local options = server.options { username = "ben", password = "pass-word-3" }
    local store = assert(finseg.store.open("redis", options))
    local heard, note = recorder()
    store:watch("a", note)
    until_true(function()
      return heard[1]
    end, store)
    assert.are.equal("deaf", heard[1])
    store:close()
  end)
end)

describe("a Redis without a password", function()
  it("says so to who gives one", function()
    local server = redis.start()
    local store = assert(finseg.store.open("redis", server.options { password = "pass-word-1" }))
    local value, err = store:get "a"
    store:close()
    server.stop()
    assert.is_nil(value)
    assert.are.equal("auth", err.kind)
    assert.matches("leave `password` out", err.message, 1, true)
  end)
end)

describe("a Redis that goes away", function()
  local server, store, told

  local function open(more)
    local note
    told, note = recorder()
    local options = server.options(more)
    options.log = note
    store = assert(finseg.store.open("redis", options))
    return store
  end

  before_each(function()
    server = redis.start { tcp = true }
  end)

  after_each(function()
    store:close()
    server.stop()
  end)

  local function fails()
    local began = core.now()
    local value, err = store:get "a"
    assert.is_nil(value)
    assert.are.equal("network", err.kind)
    assert.is_true(err.retryable)
    assert.matches("the Redis at 127.0.0.1:" .. server.port, err.message, 1, true)
    return err, core.now() - began
  end

  it("may be gone when the store is opened, and come later", function()
    server.kill()
    open()
    local err = fails()
    assert.matches("cannot be reached %(Connection refused%): start it, or check `host` and `port`", err.message)
    server.start()
    until_true(function()
      return #told == 2
    end, store)
    assert.are.same({ "store_gone", "store_back" }, told)
    assert.is_true(store:put("a", "1", 60, false))
  end)

  it("fails the calls under way, and those that come at once, and is used again when it is back", function()
    open()
    assert.is_true(store:put("a", "1", 60, false))
    local answers = {}
    server.pause()
    for position = 1, 3 do
      store:begin("get", function(_, err)
        answers[position] = err
      end, "a")
    end
    server.kill()
    until_true(function()
      return #answers == 3
    end, store)
    assert.are.equal("network", answers[3].kind)
    for _ = 1, 20 do
      local _, seconds = fails()
      assert.is_true(seconds < 1)
    end
    assert.is_nil((store:notify "a"))
    assert.are.same({ "store_gone" }, told)
    server.start()
    until_true(function()
      return #told == 2
    end, store)
    assert.are.same({ "store_gone", "store_back" }, told)
    assert.is_nil(store:get "a") -- it kept nothing
    assert.is_true(store:put("a", "2", 60, false))
  end)

  it("is not missed when it was restarted while nobody asked for anything", function()
    open()
    assert.is_true(store:put("a", "1", 60, false))
    finseg.sleep(1.1) -- a connection that was lost sooner is not made anew at once
    server.kill()
    server.start()
    assert.is_true(store:put("a", "1", 60, false))
    assert.are.same({}, told)
  end)

  it("counts as gone when it hangs, and is used again when it goes on", function()
    open { timeout = 0.2, connect_timeout = 0.2 }
    assert.is_nil(store:get "a")
    server.pause()
    local err = fails()
    assert.matches("has not answered for 0.2 seconds: see whether it hangs", err.message)
    until_true(function()
      return #told == 1
    end, store)
    server.resume()
    until_true(function()
      return #told == 2
    end, store)
    assert.are.same({ "store_gone", "store_back" }, told)
    assert.is_nil(store:get "b")
    assert.is_true(store:put("b", "1", 60, false))
  end)

  it("counts as gone when it hangs while it is only listened to", function()
    open { timeout = 0.2, connect_timeout = 0.2 }
    local heard, note = recorder()
    store:watch("a", note)
    until_true(function()
      return heard[1]
    end, store)
    server.pause()
    until_true(function()
      return heard[2]
    end, store)
    assert.are.same({ "hearing", "deaf" }, heard)
    server.resume()
    until_true(function()
      return heard[3]
    end, store)
    assert.are.same({ "hearing", "deaf", "hearing" }, heard)
  end)

  it("makes deaf who watches, and hears for them again when it is back", function()
    open()
    local heard, note = recorder()
    local watching = 0
    for i = 1, 1000 do
      store:watch("key " .. i, function(what)
        note(what)
        watching = watching + 1
      end)
    end
    until_true(function()
      return watching == 1000
    end, store)
    server.kill()
    until_true(function()
      return watching == 2000
    end, store)
    local late, note_late = recorder()
    store:watch("late", note_late)
    until_true(function()
      return late[1]
    end, store)
    assert.are.same({ "deaf" }, late)
    server.start()
    until_true(function()
      return watching == 3000 and late[2]
    end, store)
    assert.are.same({ 2000, 1000 }, { count(heard, "hearing"), count(heard, "deaf") })
    assert.are.same({ "deaf", "hearing" }, late)
    local other = assert(finseg.store.open("redis", server.options()))
    other:notify "late"
    until_true(function()
      return late[3]
    end, store, other)
    other:close()
  end)

  it("calls a log that fails no more, and keeps what it raised", function()
    server.kill()
    local calls = 0
    store = assert(finseg.store.open(
      "redis",
      server.options {
        log = function()
          calls = calls + 1
          error "the log's own"
        end,
      }
    ))
    until_true(function()
      store:get "a"
      return store.log_error
    end, store)
    assert.matches("the log's own", store.log_error)
    fails()
    assert.are.equal(1, calls)
  end)

  it("stops a program that is about to write to it by no signal", function()
    local status, printed = run_lua(([[
      local finseg = require "finseg"
      local store = finseg.store.open("redis", { host = "127.0.0.1", port = %d })
      store:get "a"
      os.execute "kill -9 %d"
      for i = 1, 50 do store:notify("a") end
      print(select(2, store:get "a").kind)
    ]]):format(server.port, server.pid))
    open()
    assert.are.same({ 0, "network\n" }, { status, printed })
  end)
end)

describe("something that is no Redis", function()
  it("counts as a Redis that is gone", function()
    local service = sandbox.start()
    local port = tonumber(service.url:match ":(%d+)$")
    local store = assert(finseg.store.open("redis", { host = "127.0.0.1", port = port }))
    local value, err = store:get "a"
    store:close()
    service.stop()
    assert.is_nil(value)
    assert.are.equal("network", err.kind)
    assert.matches("cannot be reached", err.message)
  end)
end)

describe("a store in what is no Redis", function()
  local server, store

  after_each(function()
    store:close()
    server.stop()
  end)

  local function open(answers)
    server = false_redis.start(answers)
    store = assert(finseg.store.open("redis", { path = server.path }))
  end

  local ARGUMENTS = { get = { "a" }, put = { "a", "1", 60, false }, delete = { "a" }, list = { "" } }

  for _, case in ipairs {
    { "get", "GET", ":1\r\n" },
    { "get", "GET", "*1\r\n$1\r\nx\r\n" },
    { "put", "SET", ":1\r\n" },
    { "put", "SET", "*0\r\n" },
    { "delete", "DEL", "+OK\r\n" },
    { "delete", "DEL", "$-1\r\n" },
    { "list", "SCAN", "+OK\r\n" },
    { "list", "SCAN", "*2\r\n$1\r\n0\r\n*1\r\n:7\r\n" },
    { "list", "SCAN", "*2\r\n$1\r\n0\r\n*1\r\n$8\r\nfinseg:a\r\n", "*1\r\n:7\r\n" },
    { "list", "SCAN", "*2\r\n$1\r\n0\r\n*1\r\n$8\r\nfinseg:a\r\n", "*0\r\n" },
  } do
    local method, command, reply, script_reply = case[1], case[2], case[3], case[4]
    local title = (script_reply or reply):gsub("%c+", " ")
    it(("counts as gone after the reply %sto %s, and %s is an err"):format(title, command, method), function()
      open { [command] = reply, EVAL = script_reply }
      local arguments = ARGUMENTS[method]
      local answer, err = store[method](store, arguments[1], arguments[2], arguments[3])
      assert.is_nil(answer)
      assert.are.equal("network", err.kind)
      assert.matches("as no Redis does", err.message)
      assert.is_true(store.connection.gone)
    end)
  end

  it("tells who watches that nothing is heard after a message that is none", function()
    open { message = "*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n" }
    local heard, note = recorder()
    store:watch("a", note)
    until_true(function()
      return count(heard, "deaf") > 0
    end, store)
    assert.are.equal(0, count(heard, "notify"))
  end)
end)
