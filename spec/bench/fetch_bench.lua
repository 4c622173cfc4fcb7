-- Pages fetched from nginx on this machine and decoded: the CPU time of finseg beside that of its peers, each a process
-- of its own that reads the same pages. The peers ask for one page after the other over one connection.

local measure = require "spec.bench.support.measure"
local shell = require "spec.lua.support.shell"
local static_server = require "spec.bench.support.static_server"

local PEERS = "spec/bench/peers/"
local build = os.getenv "FINSEG_BENCH_BUILD" or "build/bench"

--- Runs a program that prints its CPU seconds a page and what it found; answers the seconds, or nil where it cannot.
local function cpu_of(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local seconds = pipe:read "*n"
  pipe:close()
  return seconds
end

-- Both Luas find finseg as this one does, but for the C module.
local function with_lua(lua, command)
  local cpath = package.cpath:gsub("build/[%w.]+/%?%.so", ("build/%s/?.so"):format(lua))
  return ("LUA_CPATH=%s %s %s"):format(shell.quote(cpath), lua, command)
end

local function ways_for(server, pages, users, targets)
  local url = shell.quote(server.url)
  local function finseg(lua, way)
    return with_lua(lua, ("%sfinseg.lua %s %d %d %s"):format(PEERS, shell.quote(server.base_url), pages, users, way))
  end
  return {
    { name = "Lua-cURL and lua-cjson, LuaJIT", command = ("luajit %slua_curl.lua %s %d"):format(PEERS, url, pages) },
    { name = "lua-http and lua-cjson, LuaJIT", command = ("luajit %slua_http.lua %s %d"):format(PEERS, url, pages) },
    { name = "python http.client and json", command = ("python3 %shttp_client.py %s %d"):format(PEERS, url, pages) },
    { name = "node fetch", command = ("node %sfetch.mjs %s %d"):format(PEERS, url, pages) },
    { name = "libcurl in C, body thrown away", command = ("%s/discard %s %d"):format(build, url, pages), floor = true },
    { name = "finseg sum(), Lua 5.4", command = finseg("lua5.4", "sum"), target = targets.sum },
    { name = "finseg sum(), LuaJIT", command = finseg("luajit", "sum"), target = targets.sum },
    { name = "finseg amounts(), Lua 5.4", command = finseg("lua5.4", "amounts") },
    { name = "finseg amounts(), LuaJIT", command = finseg("luajit", "amounts") },
    { name = "finseg users(), Lua 5.4", command = finseg("lua5.4", "users") },
    { name = "finseg users(), LuaJIT", command = finseg("luajit", "users") },
  }
end

local function bench(pages, users, targets)
  local server = static_server.start(pages + 1, users)
  local ways, taken = {}, {}
  for _, way in ipairs(ways_for(server, pages, users, targets)) do
    if cpu_of(way.command) then
      ways[#ways + 1], taken[way.name] = way, {}
    else
      print("cannot be run here: " .. way.name)
    end
  end
  for turn = 1, 3 do
    for _, way in ipairs(ways) do
      taken[way.name][turn] = assert(cpu_of(way.command), way.name)
    end
  end
  server.stop()
  local figures, floor = {}, nil
  for _, way in ipairs(ways) do
    figures[way.name] = measure.median(taken[way.name]) * 1e6
    floor = way.floor and figures[way.name] or floor
  end
  measure.print(("Fetch and decode pages of %.0f KB"):format(server.bytes / 1024), "us CPU/page", ways, figures)
  print(
    ("  finseg sum() in Lua 5.4 takes %.2f times the CPU of libcurl alone (target: %s)"):format(
      figures["finseg sum(), Lua 5.4"] / floor,
      targets.floor
    )
  )
end

bench(200, 500, { sum = 8, floor = "none" })
bench(24, 25000, { sum = 20, floor = "4" })
