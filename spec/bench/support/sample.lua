--- Result pages to measure with, the same in every run: about 200 bytes a user, two accounts each.

local sample = {}

-- A generator of our own, since each Lua has another: 31 bits, all of them exact in a double.
local function generator(seed)
  local state = seed
  return function(limit)
    state = (state * 16807) % 2147483647
    return state % limit
  end
end

local RANGES = { 1000, 100000, 1000000, 10000000 }

--- The JSON of `count` users, in a list of texts. Users of different seeds are different.
---@param count integer
---@param seed integer?
---@return string[]
function sample.users(count, seed)
  seed = seed or 7
  local random = generator(seed)
  local made = 0
  local function uuid()
    made = made + 1
    return ("%08x-%04x-4000-a%03x-%012x"):format(
      random(2147483647),
      random(65536),
      random(4096),
      seed * 4294967296 + made
    )
  end
  local function account()
    local cents = random(RANGES[random(4) + 1])
    local sign = random(4) == 0 and "-" or ""
    return ('{"accountId":"%s","amount":%s%d.%02d}'):format(uuid(), sign, math.floor(cents / 100), cents % 100)
  end
  local users = {}
  for i = 1, count do
    users[i] = ('{"userId":"%s","accounts":[%s,%s]}'):format(uuid(), account(), account())
  end
  return users
end

--- A page of those users.
---@param users string[]
---@param total integer?  users over all pages
---@return string
function sample.page(users, total)
  return ('{"durationInMonth":0,"creationDate":"2024-05-01","users":[%s],"totalElements":%d}'):format(
    table.concat(users, ","),
    total or #users
  )
end

return sample
