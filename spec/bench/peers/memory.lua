-- memory.lua BASE_URL PAGE_SIZE WAY: reads the segment `bench` whole, and prints by how many MiB the memory of this
-- process has grown at most, the CPU seconds and the seconds it took, and what was found.
local core = require "finseg.core"
local finseg = require "finseg"

local base_url, page_size, way = arg[1], tonumber(arg[2]), arg[3]

local function peak_memory()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmHWM:%s+(%d+) kB"
    if kilobytes then
      return tonumber(kilobytes) / 1024
    end
  end
end

local function count(...)
  local steps = 0
  for _ in ... do
    steps = steps + 1
  end
  return steps
end

local client = assert(finseg.new { base_url = base_url, access_token = "bench", page_size = page_size, timeout = 300 })
local segment = assert(assert(client:job("highBalance", "bench")):poll())
local before, begin, began_at = peak_memory(), os.clock(), core.now()
local found
if way == "sum" then
  found = select(2, assert(segment:sum()))
elseif way == "ids" then
  found = assert(segment:ids()):count()
else
  found = count(segment[way](segment))
end
print(peak_memory() - before, os.clock() - begin, core.now() - began_at, found)
client:close()
