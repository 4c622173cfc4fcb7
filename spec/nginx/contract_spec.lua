-- nginx's driver keeps the contract of all drivers: the same tests, run inside a request.

local contract = require "spec.nginx.support.contract"
local nginx = require "spec.nginx.support.nginx"

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("the driver ngx", function()
  local server

  setup(function()
    server = nginx.start {
      main = "env PATH; env FINSEG_SANDBOX;",
      http = [[ init_worker_by_lua_block { require("spec.nginx.support.contract").prepare() } ]],
      server = [[
        location = /test {
          content_by_lua_block {
            local ok, problem = xpcall(require("spec.nginx.support.contract").run, function(problem)
              return debug.traceback(tostring(problem), 2)
            end, tonumber(ngx.var.arg_number))
            ngx.print(ok and "ok" or problem)
          }
        }
      ]],
    }
  end)

  teardown(function()
    server.stop()
  end)

  for number, name in ipairs(contract.names) do
    it(name, function()
      assert.are.equal("ok", server.get("/test?number=" .. number).body, server.log())
    end)
  end
end)
