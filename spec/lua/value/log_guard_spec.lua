-- The guard round a program's log function.

local log_guard = require "finseg.value.log_guard"

describe("finseg.value.log_guard", function()
  it("passes events on until one raises, and remembers what was raised", function()
    local owner, heard = {}, {}
    local tell = log_guard(owner, function(event)
      heard[#heard + 1] = event
      if event == "b" then
        error("the log is full", 0)
      end
    end)
    assert.is_true(tell "a")
    assert.is_nil(owner.log_error)
    assert.is_false(tell "b")
    assert.is_false(tell "c")
    assert.are.same({ "a", "b" }, heard)
    assert.are.equal("the log is full", owner.log_error)
  end)

  it("passes nothing on that the log function causes itself", function()
    local calls, tell = 0, nil
    tell = log_guard({}, function()
      calls = calls + 1
      assert.is_false(tell "again")
    end)
    assert.is_true(tell "first")
    assert.is_true(tell "second")
    assert.are.equal(2, calls)
  end)
end)
