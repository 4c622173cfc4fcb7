-- Pages fetched from nginx on this machine and decoded: the CPU time of finseg beside that of its peers, each a process
-- of its own that reads the same pages. The peers ask for one page after the other over one connection.

local measure = require "spec.bench.support.measure"
local shell = require "spec.support.shell"
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

local function ways_for(server, size)
  local url = shell.quote(server.url)
  local function peer(command, pages)
    return ("%s %s %d"):format(command, url, pages)
  end
  local function finseg(lua, way)
    local arguments = ("%s %d %d %s"):format(shell.quote(server.base_url), size.pages, size.users, way)
    return with_lua(lua, PEERS .. "finseg.lua " .. arguments)
  end
  return {
    { name = "Lua-cURL and lua-cjson, LuaJIT", command = peer("luajit " .. PEERS .. "lua_curl.lua", size.peer_pages) },
    { name = "lua-http and lua-cjson, LuaJIT", command = peer("luajit " .. PEERS .. "lua_http.lua", size.peer_pages) },
    { name = "python http.client and json", command = peer("python3 " .. PEERS .. "http_client.py", size.peer_pages) },
    { name = "node fetch", command = peer("node " .. PEERS .. "fetch.mjs", size.peer_pages) },
    { name = "libcurl in C, body thrown away", command = peer(build .. "/discard", size.pages), floor = true },
    { name = "finseg sum(), Lua 5.4", command = finseg("lua5.4", "sum"), target = size.target },
    { name = "finseg sum(), LuaJIT", command = finseg("luajit", "sum"), target = size.target },
    { name = "finseg amounts(), Lua 5.4", command = finseg("lua5.4", "amounts") },
    { name = "finseg amounts(), LuaJIT", command = finseg("luajit", "amounts") },
    { name = "finseg users(), Lua 5.4", command = finseg("lua5.4", "users") },
    { name = "finseg users(), LuaJIT", command = finseg("luajit", "users") },
  }
end

--- The ways that can be run here, and the CPU seconds a page that each took in each turn, by name.
local function run_in_turns(ways, turns)
  local able, taken = {}, {}
  for _, way in ipairs(ways) do
    local seconds = cpu_of(way.command)
    if seconds then
      able[#able + 1], taken[way.name] = way, { seconds }
    else
      print("cannot be run here: " .. way.name)
    end
  end
  for turn = 2, turns do
    for position = 1, #able do
      -- To and fro: what ran before leaves its mark on the machine's memory and caches.
      local way = able[turn % 2 == 0 and #able + 1 - position or position]
      taken[way.name][turn] = assert(cpu_of(way.command), way.name)
    end
  end
  return able, taken
end

--- `size` has pages and users (of a page) to read; peer_pages, of which the peers may need fewer: they take as long for
--- each; the turns; the target for sum(), beside the first peer and beside libcurl alone.
local function bench(size)
  local server = static_server.start(size.pages + 1, size.users)
  local ways, taken = run_in_turns(ways_for(server, size), size.turns)
  server.stop()
  local figures, floor = {}, nil
  for _, way in ipairs(ways) do
    figures[way.name] = measure.median(taken[way.name]) * 1e6
    floor = way.floor and figures[way.name] or floor
  end
  measure.print(("Fetch and decode pages of %.0f KB"):format(server.bytes / 1024), "us CPU/page", ways, figures)
  for _, name in ipairs { "finseg sum(), Lua 5.4", "finseg sum(), LuaJIT" } do
    print(("  %s: %.2f times the CPU of libcurl alone (target: %s)"):format(name, figures[name] / floor, size.floor))
  end
end

-- A virtual machine's memory is slow when it is touched for the very first time since the machine started: that goes
-- before all measuring.
assert(#("x"):rep(2 ^ 29) == 2 ^ 29)
collectgarbage()

bench { pages = 400, users = 500, peer_pages = 400, turns = 5, target = 8, floor = "none" }
bench { pages = 40, users = 25000, peer_pages = 6, turns = 5, target = 20, floor = "at most 4" }
