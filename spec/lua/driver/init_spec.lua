-- Which driver a wait gets: the one whose loop runs, or the client's own.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local scripted_server = require "spec.support.scripted_server"

local PARAMETERS = { accountType = "checking", threshold = 5000 }

-- A server whose job never gets ready.
local function start_pending()
  return scripted_server.start {
    ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
    ["GET /api/v1/segments/highBalance/1"] = { { status = 404, body = '{"errors":[]}' } },
  }
end

describe("the choice of a driver", function()
  it("never loads a loop", function()
    local status, printed = run_lua [[
      local finseg = require "finseg"
      finseg.sleep(0)
      finseg.run(function() finseg.sleep(0) end)
      for name in pairs(package.loaded) do
        assert(not name:find "cqueues" and not name:find "luv" and name ~= "ngx", name)
      end
      print "none"
    ]]
    assert.are.same({ 0, "none\n" }, { status, printed })
  end)

  it("takes the blocking one beside a loop that is loaded and does not run", function()
    local status, printed = run_lua [[
      require "cqueues"
      print(require("finseg.driver").choose().name)
    ]]
    assert.are.same({ 0, "blocking\n" }, { status, printed })
  end)

  it("tells what is missing when a driver is asked for whose loop is not there", function()
    local status, printed = run_lua [[
      package.preload.luv = function() error "there is no luv" end
      print(select(2, require("finseg").new { base_url = "http://127.0.0.1:1", access_token = "x", driver = "luv" }))
    ]]
    assert.are.equal(0, status)
    assert.matches("driver: luv cannot be loaded: .*there is no luv", printed)
  end)

  it("looks for a driver of the program's own first, and for finseg.run before that", function()
    local status, printed = run_lua [[
      local finseg, drivers = require "finseg", require "finseg.driver"
      local own = setmetatable({ name = "own" }, { __index = drivers.blocking })
      finseg.run(function()
        assert(finseg.add_driver(own) and finseg.add_driver(own))
        print(drivers.choose().name)
      end)
      print(drivers.choose().name)
    ]]
    assert.are.same({ 0, "tasks\nown\n" }, { status, printed })
  end)

  it("knows a driver that a client was given, and none of its own twice", function()
    local status, printed = run_lua [[
      local finseg, drivers = require "finseg", require "finseg.driver"
      local function new(driver)
        assert(finseg.new { base_url = "http://127.0.0.1:1", access_token = "x", driver = driver })
      end
      local own = setmetatable({ name = "own" }, { __index = drivers.blocking })
      new(require "finseg.driver.cqueues")
      new(drivers.blocking)
      print(drivers.choose().name)
      new(own)
      print(drivers.choose().name)
    ]]
    assert.are.same({ 0, "blocking\nown\n" }, { status, printed })
  end)

  it("refuses a client's own driver in a task of finseg.run, whose yields go elsewhere", function()
    local status, printed = run_lua [[
      local finseg, drivers = require "finseg", require "finseg.driver"
      local own = setmetatable({ name = "own" }, { __index = drivers.blocking })
      own.running = function() return coroutine.running() ~= nil end
      local client = assert(finseg.new { base_url = "http://127.0.0.1:1", access_token = "x", driver = own })
      local _, err = require("finseg.driver.tasks").run(client.create, client, "highBalance")
      print(err.kind, err.message:match "the driver 'own' of this client cannot wait in a task")
    ]]
    assert.are.equal(0, status)
    assert.matches("^invalid\tthe driver", printed)
  end)
end)

describe("an explicit driver", function()
  it("must be running where a wait begins", function()
    local server = start_pending()
    finally(server.stop)
    local client = connect(server, { driver = "tasks" })
    local job, err = client:create("highBalance", PARAMETERS)
    assert.is_nil(job)
    assert.are.equal("invalid", err.kind)
    assert.matches("tasks", err.message)
    assert.is_table(finseg.run(client.create, client, "highBalance", PARAMETERS))
  end)

  it("may wake a coroutine at once, and that coroutine may close the client", function()
    local server = start_pending()
    local at_once = { name = "at_once", sleep = core.poll }
    local ended = false
    function at_once.running()
      return not ended
    end
    finally(function()
      ended = true -- finseg knows it from now on
      server.stop()
    end)
    function at_once.suspend(_, waiter)
      waiter.at_once = coroutine.running()
      coroutine.yield()
      waiter.at_once = nil
      return true
    end
    function at_once.wake(waiter)
      if waiter.at_once then
        assert(coroutine.resume(waiter.at_once))
      end
    end
    function at_once.spawn(f)
      assert(coroutine.resume(coroutine.create(f)))
    end
    local client = connect(server, { driver = at_once })
    local kinds = {}
    for i = 1, 3 do
      at_once.spawn(function()
        local job = assert(client:create("highBalance", PARAMETERS))
        kinds[i] = select(2, job:wait { timeout = i == 1 and 0.1 or 60 }).kind
        client:close()
      end)
    end
    while not client.closed do
      core.poll({ client:pollfd() }, 5)
      client:step()
    end
    assert.are.same({ "timeout", "cancelled", "cancelled" }, kinds)
  end)

  it("is refused by the member that it lacks", function()
    local whole = require "finseg.driver.blocking"
    for _, member in ipairs { "name", "running", "suspend", "wake", "spawn", "sleep" } do
      local half = {}
      for name, value in pairs(whole) do
        half[name] = name ~= member and value or nil
      end
      local client, err = finseg.new { base_url = "http://127.0.0.1:1", access_token = "x", driver = half }
      assert.is_nil(client)
      assert.are.equal("config", err.kind)
      assert.matches("`" .. member .. "`", err.message, 1, true)
      assert.are.equal(err.message, select(2, finseg.add_driver(half)).message)
    end
  end)

  it("may be a table of the user's own", function()
    local server = start_pending()
    local blocking = require "finseg.driver.blocking"
    local suspended, ended = 0, false
    finally(function()
      ended = true -- finseg knows it from now on
      server.stop()
    end)
    local own = setmetatable({
      name = "own",
      running = function()
        return not ended
      end,
      suspend = function(...)
        suspended = suspended + 1
        return blocking.suspend(...)
      end,
    }, { __index = blocking })
    local client = connect(server, { driver = own })
    assert.is_table(client:create("highBalance", PARAMETERS))
    assert.are.equal(1, suspended)
  end)
end)
