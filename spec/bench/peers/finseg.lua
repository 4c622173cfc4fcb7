-- finseg.lua BASE_URL PAGES USERS [WAY]: reads the segment `bench`, whose pages 1 to PAGES come from the server. WAY is
-- sum (default), amounts or users.
local finseg = require "finseg"

local base_url, pages, users, way = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4] or "sum"
local client = assert(finseg.new { base_url = base_url, access_token = "bench", page_size = users, timeout = 300 })

local ways = {}

function ways.sum(segment)
  return assert(segment:sum())
end

function ways.amounts(segment)
  local sum = 0
  for _, amount in segment:amounts() do
    sum = sum + amount
  end
  return sum
end

function ways.users(segment)
  local sum = 0
  for user in segment:users() do
    for _, account in ipairs(user.accounts) do
      sum = sum + account.amount
    end
  end
  return sum
end

local segment = assert(assert(client:job("highBalance", "bench")):poll())
local begin = os.clock()
local sum = ways[way](segment)
print(("%.9f %.2f"):format((os.clock() - begin) / pages, sum))
client:close()
