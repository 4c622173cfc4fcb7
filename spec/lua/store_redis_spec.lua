-- The store in a Redis keeps the contract of all stores, in every loop; and what is its own.

local finseg = require "finseg"
local hosts = require "spec.lua.support.hosts"
local redis = require "spec.lua.support.redis"

local store_contract = assert(loadfile("spec/lua/store_contract.lua", "t", _ENV or getfenv(1)))()

local shared

local function open(more)
  return finseg.store.open("redis", shared.options(more))
end

describe("with one redis-server", function()
  setup(function()
    shared = redis.start()
  end)

  teardown(function()
    shared.stop()
  end)

  for _, host in ipairs(hosts) do
    store_contract {
      name = "redis",
      title = "redis, in " .. (host.title or host.name),
      shared = true,
      run = host.run,
      open = function(place)
        return open { prefix = place .. ":" }
      end,
    }
  end
end)
