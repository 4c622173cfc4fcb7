-- Every driver keeps the same contract.

local hosts = require "spec.support.hosts"
local run_lua = require "spec.support.run_lua"
local scripted_server = require "spec.support.scripted_server"

-- It uses describe and its like, which busted gives to this file only.
local contract = assert(loadfile("spec/lua/driver/contract.lua", "t", _ENV or getfenv(1)))()

for _, host in ipairs(hosts) do
  contract(host)
end

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
