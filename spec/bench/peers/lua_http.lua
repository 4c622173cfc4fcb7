-- lua_http.lua URL PAGES: lua-http and lua-cjson, over one connection.
local cjson = require "cjson"
local client = require "http.client"
local headers = require "http.headers"

local url, pages = arg[1], tonumber(arg[2])
local host, port, path = url:match "^http://([%d.]+):(%d+)(.*)$"
local connection = assert(client.connect { host = host, port = tonumber(port), tls = false })

local sum = 0
local begin = os.clock()
for page = 1, pages do
  local stream = connection:new_stream()
  local request = headers.new()
  request:append(":method", "GET")
  request:append(":scheme", "http")
  request:append(":authority", host .. ":" .. port)
  request:append(":path", path .. "?number=" .. page)
  assert(stream:write_headers(request, true))
  assert(stream:get_headers())
  for _, user in ipairs(cjson.decode((assert(stream:get_body_as_string()))).users) do
    for _, account in ipairs(user.accounts) do
      sum = sum + account.amount
    end
  end
end
print(("%.9f %.2f"):format((os.clock() - begin) / pages, sum))
