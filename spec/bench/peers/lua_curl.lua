-- lua_curl.lua URL PAGES: Lua-cURL and lua-cjson.
local cjson = require "cjson"
local curl = require "curl"

local url, pages = arg[1], tonumber(arg[2])
local easy = curl.easy_init()
local parts, count
easy:setopt(curl.OPT_WRITEFUNCTION, function(bytes)
  count = count + 1
  parts[count] = bytes
  return #bytes
end)

local sum = 0
local begin = os.clock()
for page = 1, pages do
  parts, count = {}, 0
  easy:setopt(curl.OPT_URL, url .. "?number=" .. page)
  assert(easy:perform())
  for _, user in ipairs(cjson.decode(table.concat(parts)).users) do
    for _, account in ipairs(user.accounts) do
      sum = sum + account.amount
    end
  end
end
print(("%.9f %.2f"):format((os.clock() - begin) / pages, sum))
