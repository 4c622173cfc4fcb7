-- nginx's driver keeps the contract of all drivers, and its store that of all stores: the same tests, run inside
-- requests.

local contract = require "spec.lua.ngx.support.contract"
local nginx = require "spec.lua.ngx.support.nginx"
local redis = require "spec.support.redis"

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

local TEST = [[
  content_by_lua_block {
    local contract = require("spec.lua.ngx.support.contract")[ngx.var.arg_contract]
    local ok, problem = xpcall(contract.run, function(problem)
      return debug.traceback(tostring(problem), 2)
    end, tonumber(ngx.var.arg_number))
    ngx.print(ok and "ok" or problem)
  }
]]

--- Runs the tests of that contract in an nginx with these directives.
local function runs(name, main, http, environment)
  local server

  setup(function()
    server = nginx.start {
      main = main,
      http = http,
      server = "location = /test {" .. TEST .. "}",
      environment = environment and environment(),
    }
  end)

  teardown(function()
    server.stop()
  end)

  for number, title in ipairs(contract[name].names) do
    it(title, function()
      local path = ("/test?contract=%s&number=%d"):format(name, number)
      assert.are.equal("ok", server.get(path).body, server.log())
    end)
  end
end

describe("the driver ngx", function()
  local prepare = [[ init_worker_by_lua_block { require("spec.lua.ngx.support.contract").driver.prepare() } ]]
  runs("driver", "env PATH; env FINSEG_SANDBOX;", prepare)
end)

describe("the store of the kind shared_dict", function()
  runs("store", "env PATH;", "lua_shared_dict finseg 2m;")
end)

describe("the store of the kind redis in nginx", function()
  local server

  runs("redis", "env PATH; env REDIS_PATH;", nil, function()
    server = redis.start()
    return { "REDIS_PATH=" .. server.path }
  end)

  teardown(function()
    server.stop()
  end)
end)
