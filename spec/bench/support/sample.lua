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

local function uuid(random)
  local function hex(digits)
    local text = {}
    for i = 1, digits do
      text[i] = ("%x"):format(random(16))
    end
    return table.concat(text)
  end
  return ("%s-%s-4%s-a%s-%s"):format(hex(8), hex(4), hex(3), hex(3), hex(12))
end

local function account(random)
  local cents = random(({ 1000, 100000, 1000000, 10000000 })[random(4) + 1])
  local sign = random(4) == 0 and "-" or ""
  local amount = ("%s%d.%02d"):format(sign, math.floor(cents / 100), cents % 100)
  return ('{"accountId":"%s","amount":%s}'):format(uuid(random), amount)
end

--- The JSON of `count` users, in a list of texts.
---@param count integer
---@param seed integer?
---@return string[]
function sample.users(count, seed)
  local random = generator(seed or 7)
  local users = {}
  for i = 1, count do
    users[i] = ('{"userId":"%s","accounts":[%s,%s]}'):format(uuid(random), account(random), account(random))
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
