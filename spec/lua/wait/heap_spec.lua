-- The heap of timers.

local Heap = require "finseg.wait.heap"

describe("finseg.wait.heap", function()
  it("keeps many timers in order", function()
    local heap = Heap.new()
    local times = {}
    for i = 1, 500 do
      times[i] = (i * 7919) % 503
      heap:push(times[i], -times[i])
    end
    table.sort(times)
    for i = 1, 500 do
      assert.are.same({ times[i], -times[i] }, { heap:first() })
      assert.are.same({ times[i], -times[i] }, { heap:pop() })
    end
    assert.is_nil(heap:first())
    assert.is_nil(heap:pop())
  end)
end)
