-- Where luv, whose loop knows no coroutines, lets a wait be.

local run_lua = require "spec.support.run_lua"

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
