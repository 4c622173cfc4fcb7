--- The drivers' contract, spec/lua/driver_contract.lua, as a list of tests that nginx runs, one a request.

local contract = { names = {} }

local tests, setups = {}, {}

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
    contract.names[#contract.names + 1] = name
    tests[#tests + 1] = f
  end,
}, { __index = _G })

assert(loadfile("spec/lua/driver_contract.lua", "t", environment))() {
  name = "ngx",
  nested = false, -- nginx takes the yields of every coroutine
  concurrent = true,
  run = function(f)
    return f()
  end,
}

--- Starts the services that the tests talk to: while no connection is open, since those programs would inherit it.
function contract.prepare()
  for _, f in ipairs(setups) do
    f()
  end
end

--- Runs the test of that number. Raises what it raises.
function contract.run(number)
  tests[number]()
end

return contract
