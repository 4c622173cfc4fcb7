-- idset.lua FILE COUNT: FILE holds two sets of COUNT ids, 16 bytes each. Fills a table with each set and one with what
-- is in both; prints the CPU seconds, without those for making the strings, and how many are in both.
local count = tonumber(arg[2])
local file = assert(io.open(arg[1], "rb"))

local function read_ids()
  local ids = {}
  for i = 1, count do
    ids[i] = file:read(16)
  end
  return ids
end

local function set_of(ids)
  local set = {}
  for i = 1, count do
    set[ids[i]] = true
  end
  return set
end

local left, right = read_ids(), read_ids()
local begin = os.clock()
local left_set, right_set = set_of(left), set_of(right)
local common = {}
for id in pairs(left_set) do
  if right_set[id] then
    common[id] = true
  end
end
local seconds = os.clock() - begin

local found = 0
for _ in pairs(common) do
  found = found + 1
end
print(("%.9f %d"):format(seconds, found))
