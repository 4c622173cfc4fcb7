-- Every driver keeps the same contract.

local hosts = require "spec.support.hosts"
local run_lua = require "spec.support.run_lua"
local scripted_server = require "spec.support.scripted_server"

-- It uses describe and its like, which busted gives to this file only.
local contract = assert(loadfile("spec/lua/driver/contract.lua", "t", _ENV or getfenv(1)))()

for _, host in ipairs(hosts) do
  contract(host)
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

describe("under luv", function()
  it("a wait in a callback, which is no coroutine, is refused", function()
    local status, printed = run_lua [[
      local finseg, uv = require "finseg", require "luv"
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        print(select(2, finseg.sleep(1)).kind)
        coroutine.wrap(function() print(finseg.sleep(0)) end)()
        timer:close()
      end)
      uv.run()
    ]]
    assert.are.same({ 0, "invalid\ntrue\n" }, { status, printed })
  end)

  it("a wait in the main chunk lets everything else in the loop go on", function()
    local status, printed = run_lua [[
      local finseg, uv = require "finseg", require "luv"
      local ticks, timer = 0, uv.new_timer()
      timer:start(5, 5, function() ticks = ticks + 1 end)
      finseg.sleep(0.1)
      timer:close()
      uv.run()
      print(ticks > 2)
    ]]
    assert.are.same({ 0, "true\n" }, { status, printed })
  end)

  -- Runs a generator that waits, and a consumer that does `body` with what it gets; answers the consumer's error.
  -- (uv.run comes after it in any case: luv crashes in a program that ends with a timer half closed.)
  local function generate(start, body)
    local status, printed = run_lua(([[
      local finseg, uv = require "finseg", require "luv"
      local function consume()
        print(select(2, pcall(function()
          for value in coroutine.wrap(function() assert(finseg.sleep(0)) coroutine.yield { "value" } end) do %s end
        end)))
      end
      %s
      uv.run()
    ]]):format(body, start))
    assert.are.equal(0, status, printed)
    return printed
  end

  it("a wait in a generator is refused inside a coroutine that luv has resumed", function()
    for _, start in ipairs { "finseg.spawn(function() finseg.sleep(0) consume() end)", "finseg.spawn(consume)" } do
      assert.matches("no wait is possible in a coroutine made inside another", generate(start, ""))
    end
  end)

  it("a generator that waits elsewhere never ends silently", function()
    for _, start in ipairs { "coroutine.wrap(consume)()", "consume()" } do
      for _, body in ipairs { "", "print(value)", "print(value[1])", "value.x = 1", "print(value .. 'x')" } do
        assert.matches("this coroutine waits under luv", generate(start, body))
      end
    end
  end)

  it("a coroutine that ends lets the next one start coroutines that wait", function()
    local status, printed = run_lua [[
      local finseg, uv = require "finseg", require "luv"
      finseg.spawn(function() finseg.sleep(0) end)
      local timer = uv.new_timer()
      timer:start(20, 0, function()
        coroutine.wrap(function() print(finseg.sleep(0)) end)()
        timer:close()
      end)
      uv.run()
    ]]
    assert.are.same({ 0, "true\n" }, { status, printed })
  end)

  it("an error in a spawned function is luv's to report, with the traceback", function()
    local status, printed = run_lua [[
      local finseg, uv = require "finseg", require "luv"
      local function fail() error "a spawned function failed" end
      finseg.spawn(function() finseg.sleep(0) fail() end)
      uv.run()
    ]]
    assert.are_not.equal(0, status)
    assert.matches("a spawned function failed.*fail", printed)
  end)
end)

describe("the example's loop for copas", function()
  it("goes on for sockets that are copas's own", function()
    local status, printed = run_lua [[
      package.path = "./examples/loops/?.lua;" .. package.path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua"
      local driver, copas, socket = require "driver_copas", require "copas", require "socket"
      local finseg = require "finseg"
      assert(finseg.add_driver(driver))
      local server = assert(socket.bind("127.0.0.1", 0))
      copas.addserver(server, function(connection)
        finseg.sleep(0.01)
        copas.send(connection, copas.receive(connection) .. " came back\n")
      end)
      local answer
      copas.addthread(function()
        local connection = socket.tcp()
        connection:settimeout(0)
        copas.connect(connection, server:getsockname())
        copas.send(connection, "what was sent\n")
        answer = copas.receive(connection)
      end)
      driver.loop(function() return answer ~= nil end)
      print(answer)
    ]]
    assert.are.same({ 0, "what was sent came back\n" }, { status, printed })
  end)
end)

describe("a program that ends while somebody waits", function()
  local server

  setup(function()
    server = scripted_server.start {
      ["GET /api/v1/segments/highBalance/1"] = { { hold = true } },
    }
  end)

  teardown(function()
    server.stop()
  end)

  -- The state is closed with the wait, the client and the loop in it, in whatever order.
  local function end_under(start)
    local status, printed = run_lua(([[
      local finseg = require "finseg"
      local client = assert(finseg.new { base_url = "%s", access_token = "x" })
      local function wait() client:job("highBalance", "1"):wait() end
      %s
      print "ends"
    ]]):format(server.base_url, start))
    assert.are.same({ 0, "ends\n" }, { status, printed })
  end

  it("ends well under cqueues", function()
    end_under [[
      local controller = require("cqueues").new()
      controller:wrap(wait)
      repeat controller:step(0.001) until client:transfers() == 1
    ]]
  end)

  it("ends well under luv", function()
    end_under [[
      local uv = require "luv"
      coroutine.wrap(wait)()
      coroutine.wrap(function() repeat finseg.sleep(0.001) until client:transfers() == 1 uv.stop() end)()
      uv.run()
    ]]
  end)
end)
