--- The event loops that the tests run finseg in. A host has
---
---   name        of the driver that finseg is to choose in it
---   run(f)      runs f in the loop until nothing is left to do, and returns what f returned; raises what f raised
---   nested      whether the loop can tell a coroutine made inside one of its own
---   concurrent  whether anything can go on beside a wait
---   driver      what clients are to be given as `driver`, if anything

local finseg = require "finseg"

local hosts = {}

local unpack = table.unpack or unpack

local function with_traceback(problem)
  return type(problem) == "string" and debug.traceback(problem, 2) or problem
end

-- f, for a loop that swallows results and errors; and what to call when the loop has ended.
local function capture(f)
  local results
  local function collect(...)
    results = { n = select("#", ...), ... }
  end
  local function captured()
    collect(xpcall(f, with_traceback))
  end
  local function conclude()
    if not results then
      error("the loop ended before the function in it did", 2)
    elseif not results[1] then
      error(results[2], 0)
    end
    return unpack(results, 2, results.n)
  end
  return captured, conclude
end

local function host(name, loop, options)
  hosts[#hosts + 1] = {
    name = name,
    nested = options.nested,
    concurrent = options.concurrent ~= false,
    driver = options.driver,
    run = function(f)
      local captured, conclude = capture(f)
      loop(captured)
      return conclude()
    end,
  }
end

host("blocking", function(f)
  f()
end, { concurrent = false })

host("tasks", finseg.run, { nested = true })

host("cqueues", function(f)
  local controller = require("cqueues").new()
  controller:wrap(f)
  assert(controller:loop())
end, { nested = true })

-- Once loaded, luv would be chosen in the tests of other files, too.
local function with_luv(f)
  local uv = hosts.uv or require "luv"
  hosts.uv = uv
  package.loaded.luv = uv
  f(uv)
  package.loaded.luv = nil
end

host("luv", function(f)
  with_luv(function(uv)
    coroutine.wrap(f)()
    uv.run()
  end)
end, {})

-- The same driver, waiting where luv has no coroutine.
host("luv", function(f)
  with_luv(function(uv)
    f()
    uv.run()
  end)
end, {})
hosts[#hosts].title = "luv, main chunk"

-- Debian has copas for Lua 5.1, which 5.4 can read; and copas must come before socket.http.
local function load_copas()
  local path, http = package.path, package.loaded["socket.http"]
  package.path = "./examples/loops/?.lua;" .. path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua"
  package.loaded["socket.http"] = nil
  local driver = require "driver_copas"
  package.path, package.loaded["socket.http"] = path, http
  return driver
end

local copas_driver = load_copas()

-- finseg learns of this driver from a client and in no other way.
host("copas", function(f)
  assert(finseg.new { base_url = "http://127.0.0.1:1", access_token = "x", driver = copas_driver }):close()
  copas_driver.spawn(f)
  copas_driver.loop(function()
    return copas_driver.asleep() == 0
  end)
end, { driver = copas_driver })

return hosts
