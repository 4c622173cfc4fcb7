-- A segment of many pages read from nginx on this machine: how long it takes when every answer is 20 ms away,
-- by the number of pages under way, beside the ideal (so many pages a round trip); and how much memory a segment of a
-- million users takes.

local core = require "finseg.core"
local finseg = require "finseg"
local measure = require "spec.bench.support.measure"
local sandbox = require "spec.lua.support.sandbox"
local shell = require "spec.lua.support.shell"
local static_server = require "spec.bench.support.static_server"

local ROUND_TRIP = 0.02
local PAGE_SIZE = 500

local function segment_at(base_url, overrides)
  local config = { base_url = base_url, access_token = "bench", page_size = PAGE_SIZE, timeout = 300 }
  for field, value in pairs(overrides or {}) do
    config[field] = value
  end
  local client = assert(finseg.new(config))
  return assert(assert(client:job("highBalance", "bench")):poll()), client
end

-- One that was read before has its connections already.
local function seconds_to_read(segment)
  local begin = core.now()
  assert(segment:sum())
  return core.now() - begin
end

local function delayed(port)
  local pipe = assert(
    io.popen(
      "exec setpriv --pdeathsig TERM sh -c 'echo $$; exec python3 spec/bench/peers/delay_proxy.py " .. port .. "'"
    )
  )
  local pid, own_port = pipe:read "*l", pipe:read "*l"
  return ("http://127.0.0.1:%s/api/v1"):format(own_port),
    function()
      sandbox.signal(pid, "TERM")
      pipe:close()
    end
end

local function round_trips(pages)
  local server = static_server.start(pages + 1, PAGE_SIZE)
  local base_url, stop = delayed(server.port)
  print(("\n%s: a segment of %d pages of %d users, 20 ms a round trip"):format(measure.lua, pages, PAGE_SIZE))
  print(("  %-16s %10s %10s %14s"):format("parallel_pages", "seconds", "ideal", "times ideal"))
  for _, parallel in ipairs { 1, 2, 4, 8, 16, 32 } do
    local segment, client = segment_at(base_url, { parallel_pages = parallel })
    seconds_to_read(segment)
    local taken = {}
    for turn = 1, 3 do
      taken[turn] = seconds_to_read(segment)
    end
    local ideal = math.ceil(pages / parallel) * ROUND_TRIP
    local seconds = measure.median(taken)
    print(("  %-16d %10.3f %10.3f %14.2f"):format(parallel, seconds, ideal, seconds / ideal))
    client:close()
  end
  stop()
  server.stop()
end

-- Each way in a fresh process, which has nothing else in its memory.
local function memory(pages)
  local server = static_server.start(pages, PAGE_SIZE)
  print(("\n%s: a segment of %d users, memory beyond what its first page took"):format(measure.lua, pages * PAGE_SIZE))
  print(("  %-16s %12s %12s"):format("", "MiB at most", "CPU seconds"))
  for _, way in ipairs { "sum", "amounts", "users", "ids" } do
    local command = ("%s spec/bench/peers/memory.lua %s %d %s"):format(shell.lua, server.base_url, PAGE_SIZE, way)
    local pipe = assert(io.popen(command))
    local growth, seconds, found = pipe:read("*n", "*n", "*l")
    pipe:close()
    print(("  %-16s %12.1f %12.2f %s"):format(way .. "()", growth, seconds, found))
  end
  server.stop()
end

if not arg[1] then
  round_trips(128)
end
memory(2000)
