-- A result page in memory, decoded and gone through: finseg beside lua-cjson and, where it is installed, dkjson.

local cjson = require "cjson"
local finseg = require "finseg"
local measure = require "spec.bench.support.measure"
local sample = require "spec.bench.support.sample"
local has_dkjson, dkjson = pcall(require, "dkjson")

local function walk(users)
  local sum, last = 0, nil
  for _, user in ipairs(users) do
    last = user.userId
    for _, account in ipairs(user.accounts) do
      sum = sum + account.amount
    end
  end
  return sum, last
end

local function ways_of(text)
  local ways = {
    {
      name = "lua-cjson, walk",
      run = function()
        return walk(cjson.decode(text).users)
      end,
    },
    {
      name = "finseg users(), full tables",
      target = 1.6,
      run = function()
        local sum, last = 0, nil
        for user in assert(finseg.decode(text)):users() do
          last = user.userId
          for _, account in ipairs(user.accounts) do
            sum = sum + account.amount
          end
        end
        return sum, last
      end,
    },
    {
      name = "finseg amounts(), userId and amount an account",
      target = rawget(_G, "jit") and 5.5 or 10,
      run = function()
        local sum, last = 0, nil
        for user_id, amount in assert(finseg.decode(text)):amounts() do
          sum, last = sum + amount, user_id
        end
        return sum, last
      end,
    },
    {
      name = "finseg amounts { account_ids = true }",
      run = function()
        local sum, last = 0, nil
        for user_id, amount in assert(finseg.decode(text)):amounts { account_ids = true } do
          sum, last = sum + amount, user_id
        end
        return sum, last
      end,
    },
    {
      name = "finseg sum()",
      target = not rawget(_G, "jit") and 30 or nil,
      run = function()
        return (assert(finseg.decode(text)):sum())
      end,
    },
  }
  if has_dkjson then
    local dkjson_with_lpeg = dkjson.use_lpeg and dkjson.use_lpeg() or dkjson
    table.insert(ways, 2, {
      name = "dkjson, walk",
      run = function()
        return walk(dkjson_with_lpeg.decode(text).users)
      end,
    })
  end
  return ways
end

for _, count in ipairs { 500, 5000 } do
  local text = sample.page(sample.users(count))
  local ways = ways_of(text)
  local expected = ways[1].run()
  for _, way in ipairs(ways) do
    assert(math.abs(way.run() - expected) < 1e-3, way.name)
  end
  local figures = measure.cpu(ways)
  for name, seconds in pairs(figures) do
    figures[name] = seconds / count * 1e9
  end
  measure.print(
    ("%s: decode and walk a page of %d users, %.0f KB"):format(measure.lua, count, #text / 1024),
    "ns/user",
    ways,
    figures
  )
end
if not has_dkjson then
  print "\ndkjson is not installed and was left out."
end
