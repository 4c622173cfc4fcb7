-- The example of a driver of one's own.

local run_lua = require "spec.support.run_lua"

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
