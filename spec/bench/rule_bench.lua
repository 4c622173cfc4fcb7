-- A rule over three segments of many users each, jobs ready: what the rule itself costs beside the download.
--
--   lua5.4 spec/bench/rule_bench.lua [USERS]      100,000 a segment when not given
--
-- Each way of keeping pages runs in a process of its own, so that the memory of one is not that of another. The pages
-- are made beforehand and handed over as if they had come, so that only reading, set operations, predicates and records
-- are measured.

local core = require "finseg.core"
local finseg = require "finseg"

local USERS = tonumber(arg and arg[1]) or 100000
local WAY = arg and arg[2]
local ROUNDS = 3
local PAGE_SIZE = 500

local RULE = [[
local low = segment.lowBalance { threshold = -100, durationInMonth = 3 }
local rich = segment.highBalance { accountType = "savings", threshold = 10000 }
local liquid = segment.highBalance({ accountType = "checking", threshold = 5000 }):named "liquid"
return ((low - rich) * liquid):where(function(user)
  return user.lowBalance.accounts[1].amount < -500 and user.liquid.accounts[1].amount > 6000
end)]]

-- An id that looks like a random UUID, in ascending order.
local function id_of(number)
  local scattered = number * 48271 % 2147483647
  return ("%08x-%04x-4000-8000-%012x"):format(number * 14000, scattered % 65536, scattered * 97)
end

-- Every `step`th user, as pages of JSON.
local function make_pages(step, amount)
  local pages, users = {}, {}
  for i = 1, USERS do
    local number = i * step
    users[#users + 1] = ('{"userId":"%s","accounts":[{"accountId":"%d","amount":%.2f}]}'):format(
      id_of(number),
      number,
      amount(i)
    )
    if #users == PAGE_SIZE or i == USERS then
      pages[#pages + 1] = '{"users":[' .. table.concat(users, ",") .. "]}"
      users = {}
    end
  end
  return pages
end

local texts = {
  lowBalance = make_pages(1, function(i)
    return -100 - i % 1000
  end),
  highBalance = make_pages(3, function(i)
    return 10000 + i
  end),
  liquid = make_pages(2, function(i)
    return 5000 + i % 2000
  end),
}

-- ---- measuring ---------------------------------------------------------------------------------------------------

local function read_number(path, pattern)
  local file = assert(io.open(path))
  local number = tonumber(file:read("*a"):match(pattern))
  file:close()
  return number
end

-- MiB in memory now, and the most there were since forget_peak().
local function memory()
  return read_number("/proc/self/status", "VmRSS:%s+(%d+)") / 1024
end

local function peak()
  return read_number("/proc/self/status", "VmHWM:%s+(%d+)") / 1024
end

local function forget_peak()
  local file = assert(io.open("/proc/self/clear_refs", "w"))
  file:write "5"
  file:close()
end

local function source_of(client)
  local source = {
    canonical = function(kind, parameters)
      return client._core:canonical(kind, parameters)
    end,
  }
  function source.open(request)
    local position = 0
    return function()
      position = position + 1
      local text = texts[request.label][position]
      return text and core.page(text .. "\n") -- memory of its own, as of a page that came
    end, function() end
  end
  return source
end

-- Only what reading the pages costs, which the rule's figures contain.
local function scan()
  for _, pages in pairs(texts) do
    for _, text in ipairs(pages) do
      core.page(text)
    end
  end
end

local function seconds_of(f)
  collectgarbage()
  local start = core.now()
  local answer = f()
  return core.now() - start, answer
end

local ways = { kept = 2 ^ 40, again = 0 } -- "default": what finseg does when it is not told

local function measure(keep_bytes)
  local client = assert(finseg.new { base_url = "http://127.0.0.1:9", access_token = "none" })
  local rule = assert(finseg.rule.parse(RULE, "bench.lua"))
  collectgarbage()
  forget_peak()
  local before = memory()
  local best, results = math.huge, {}
  for _ = 1, ROUNDS do
    results[1] = nil
    local seconds, result = seconds_of(function()
      return assert(rule:run_on(source_of(client), { keep_bytes = keep_bytes }, function() end))
    end)
    best, results[1] = math.min(best, seconds), result
  end
  local text = "  pages: %-10s %7.3f s   %d users selected   at most %.0f MiB more"
  print(text:format(WAY, best, results[1]:count(), peak() - before))
  client:close()
end

if WAY then
  measure(ways[WAY])
else
  print(("rule over three segments of %d users each, %s"):format(USERS, rawget(_G, "jit") and "LuaJIT" or _VERSION))
  io.stdout:flush()
  for _, way in ipairs { "kept", "default", "again" } do
    os.execute(("%s %s %d %s"):format(arg[-1], arg[0], USERS, way))
  end
  print(("  parsing them      %7.3f s   of these"):format((seconds_of(scan))))
end
