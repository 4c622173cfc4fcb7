--- Contracts of finseg's, as lists of tests that nginx runs, one a request.

local contract = {}

---@class Contract
---@field names string[]  of its tests
---@field prepare function  starts the services that the tests talk to: while no connection is open, since those
---   programs would inherit it
---@field run fun(number: integer)  runs the test of that number; raises what it raises

--- Reads a file of tests that answers a function, and calls that with `subject`, what the tests are about.
---@return Contract
local function read(path, subject)
  local names, tests, setups = {}, {}, {}
  local environment = setmetatable({
    assert = require "luassert",
    describe = function(_, body)
      body()
    end,
    setup = function(f)
      setups[#setups + 1] = f
    end,
    teardown = function() end, -- the services end with nginx
    it = function(name, f)
      names[#names + 1] = name
      tests[#tests + 1] = f
    end,
  }, { __index = _G })
  assert(loadfile(path, "t", environment))()(subject)
  return {
    names = names,
    prepare = function()
      for _, f in ipairs(setups) do
        f()
      end
    end,
    run = function(number)
      tests[number]()
    end,
  }
end

contract.driver = read("spec/lua/driver/contract.lua", {
  name = "ngx",
  nested = false, -- nginx takes the yields of every coroutine
  concurrent = true,
  run = function(f)
    return f()
  end,
})

contract.store = read("spec/lua/store/contract.lua", {
  name = "shared_dict",
  shared = true,
  open = function()
    return require("finseg").store.open("shared_dict", "finseg")
  end,
  run = function(f)
    ngx.shared.finseg:flush_all()
    f()
  end,
})

contract.redis = read("spec/lua/store/contract.lua", {
  name = "redis",
  shared = true,
  open = function(place)
    return require("finseg").store.open("redis", { path = os.getenv "REDIS_PATH", prefix = place })
  end,
})

return contract
