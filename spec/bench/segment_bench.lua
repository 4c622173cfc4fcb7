-- A segment of many pages read from nginx on this machine: how long it takes when every answer is 20 ms away,
-- by the number of pages under way, beside the ideal (so many pages a round trip, and no time for anything else); and
-- how much memory a segment of a million users takes, here and 20 ms away.

local core = require "finseg.core"
local finseg = require "finseg"
local measure = require "spec.bench.support.measure"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local static_server = require "spec.bench.support.static_server"

local ROUND_TRIP = 0.02
local PAGE_SIZE = 500
local PARALLEL_PAGES = 4 -- the default
local MOST_TIMES_IDEAL, MOST_MEMORY = 1.3, 32

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
  print(("  %-16s %10s %10s %12s %8s"):format("parallel_pages", "seconds", "ideal", "times ideal", "target"))
  for _, parallel in ipairs { 1, PARALLEL_PAGES, 8, 16, 32 } do
    local segment, client = segment_at(base_url, { parallel_pages = parallel })
    seconds_to_read(segment)
    local taken = {}
    for turn = 1, 3 do
      taken[turn] = seconds_to_read(segment)
    end
    local ideal = math.ceil(pages / parallel) * ROUND_TRIP
    local seconds = measure.median(taken)
    local target = parallel == PARALLEL_PAGES and MOST_TIMES_IDEAL or ""
    print(("  %-16d %10.3f %10.3f %12.2f %8s"):format(parallel, seconds, ideal, seconds / ideal, target))
    client:close()
  end
  stop()
  server.stop()
end

-- In a fresh process, which has nothing else in its memory.
local function read_in_process(base_url, way)
  local command = ("%s spec/bench/peers/memory.lua %s %d %s"):format(shell.lua, base_url, PAGE_SIZE, way)
  local pipe = assert(io.popen(command))
  local growth, cpu, seconds, found = pipe:read("*n", "*n", "*n", "*l")
  pipe:close()
  return growth, cpu, seconds, found
end

local function memory(pages)
  local server = static_server.start(pages, PAGE_SIZE)
  local base_url, stop = delayed(server.port)
  print(("\n%s: a segment of %d users, memory beyond what its first page took"):format(measure.lua, pages * PAGE_SIZE))
  print(("  %-20s %12s %8s %12s %8s"):format("", "MiB at most", "target", "CPU seconds", "seconds"))
  local function row(title, url, way)
    local growth, cpu, seconds, found = read_in_process(url, way)
    print(("  %-20s %12.1f %8d %12.2f %8.2f %s"):format(title, growth, MOST_MEMORY, cpu, seconds, found))
    return seconds
  end
  for _, way in ipairs { "sum", "amounts", "users", "ids" } do
    row(way .. "()", server.base_url, way)
  end
  local seconds, ideal = row("sum(), 20 ms away", base_url, "sum"), math.ceil(pages / PARALLEL_PAGES) * ROUND_TRIP
  print(("  which is %.2f times the ideal of %.2f s (target: %s)"):format(seconds / ideal, ideal, MOST_TIMES_IDEAL))
  stop()
  server.stop()
end

if not arg[1] then
  round_trips(128)
end
memory(2000)
