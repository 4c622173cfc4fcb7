-- Segment rules: what expressions select, how they are planned and run, and what mistakes in a rule are told.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local rule_test = require "finseg.rule.test"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"

local function users(text)
  local list = {}
  for id, amount in text:gmatch "(%w+)=?(%-?%d*)" do
    list[#list + 1] = { userId = id, accounts = { { accountId = id .. "1", amount = tonumber(amount) or 1 } } }
  end
  return list
end

local HIGH = "local high = segment.highBalance { threshold = 1 }\n"
local LOW = "local low = segment.lowBalance { threshold = 1, durationInMonth = 3 }\n"
local BOTH = HIGH .. LOW

local function parse(text)
  return assert(finseg.rule.parse(text, "r.lua"))
end

local function ids_of(result)
  local ids = {}
  for id in result:ids():ids() do
    ids[#ids + 1] = id
  end
  return table.concat(ids, " ")
end

--- keep_bytes of runs that do not say it themselves.
local keep_bytes

--- Describes what is the same whether records are kept in memory or in a file.
local function describe_both(name, body)
  for place, bytes in pairs { ["in memory"] = 2 ^ 26, ["in a file"] = 0 } do
    describe(("%s, with records %s,"):format(name, place), function()
      before_each(function()
        keep_bytes = bytes
      end)
      body()
    end)
  end
end

local function run_rule(rule, fixtures, options)
  options = options or {}
  options.keep_bytes = options.keep_bytes or keep_bytes
  return rule_test.run(rule, fixtures, options)
end

local function run(text, fixtures, options)
  return run_rule(parse(text), fixtures, options)
end

local function selected(text, fixtures, options)
  return ids_of(assert(run(text, fixtures, options)))
end

local function failure(text, fixtures)
  local rule, err = finseg.rule.parse(text, "r.lua")
  if rule then
    local result
    result, err = run_rule(rule, fixtures or {})
    assert.is_nil(result)
  end
  assert.are.equal("invalid", err.kind)
  return err.message
end

describe_both("an expression", function()
  local fixtures = { highBalance = users "d=4 b=2 a=1 c=3", lowBalance = users "b=-2 e=-5 d=-4" }

  it("joins with + * -", function()
    assert.are.equal("a b c d e", selected(BOTH .. "return high + low", fixtures))
    assert.are.equal("b d", selected(BOTH .. "return high * low", fixtures))
    assert.are.equal("a c", selected(BOTH .. "return high - low", fixtures))
    assert.are.equal("e", selected(BOTH .. "return low - high", fixtures))
    assert.are.equal("a b c d", selected(BOTH .. "return high", fixtures))
  end)

  it("nests, and may use a part more than once", function()
    assert.are.equal("a c e", selected(BOTH .. "return (high + low) - (high * low)", fixtures))
    assert.are.equal("b d", selected(BOTH .. "return (high - (high - low)) * (low + high)", fixtures))
    assert.are.equal("a b c d", selected(HIGH .. "for _ = 1, 60 do high = high + high end return high", fixtures))
    local grown = "local x = high for _ = 1, 20 do x = (x + low) * (x - low) + x end return x"
    assert.are.equal("a b c d", selected(BOTH .. grown, fixtures))
  end)

  it("narrows by a predicate that sees the records of every segment", function()
    local text = BOTH
      .. [[
      return (high + low):where(function(user)
        if user.userId == "e" then
          return user.highBalance == nil and user.lowBalance.accounts[1].amount == -5
        end
        return user.lowBalance and user.highBalance.accounts[1].amount + user.lowBalance.accounts[1].amount == 0
      end)]]
    assert.are.equal("b d e", selected(text, fixtures))
  end)

  it("takes the top by a number, of equals the first by userId, without those that have none", function()
    local top = "return high:top(%d, function(user) local a = user.highBalance.accounts[1].amount "
      .. "return a %% 2 == 0 and a %% 4 end)"
    assert.are.equal("b", selected(HIGH .. top:format(1), fixtures))
    assert.are.equal("b d", selected(HIGH .. top:format(9), fixtures))
    local equal = "return high:top(2, function() return 7 end)"
    assert.are.equal("a b", selected(HIGH .. equal, fixtures))
  end)

  it("takes the top of the whole part before anything else narrows it", function()
    local text = BOTH .. "return low * high:top(1, function(user) return -user.highBalance.accounts[1].amount end)"
    assert.are.equal("", selected(text, fixtures))
  end)

  it("gives the same with predicates anywhere as each user looked at alone", function()
    local even = "function(u) return (u.highBalance or u.lowBalance).accounts[1].amount % 2 == 0 end"
    local texts = {
      ["high:where(F) + low"] = "b d e",
      ["low + high:where(F)"] = "b d e",
      ["high:where(F) - low:where(F)"] = "",
      ["high - low:where(F)"] = "a c",
      ["high:where(F) * low"] = "b d",
      ["(high + low):where(F):where(F) - high"] = "",
      ["(high:where(F) + low:where(F)) * (low - high)"] = "",
      ["(high:where(F) + low) - (high - low):where(F)"] = "b d e",
    }
    for text, expected in pairs(texts) do
      assert.are.equal(expected, selected(BOTH .. "return " .. text:gsub("F", { F = even }), fixtures), text)
    end
  end)

  it("calls a predicate only for users who can still be selected", function()
    local calls = {}
    local high = finseg.rule.segment.highBalance { threshold = 1 }
    local low = finseg.rule.segment.lowBalance { threshold = 1, durationInMonth = 1 }
    local function note(user)
      calls[#calls + 1] = user.userId
      return true
    end
    assert(run_rule(finseg.rule.new(high:where(note) * low), fixtures))
    assert.are.same({ "b", "d" }, calls)
    calls = {}
    assert(run_rule(finseg.rule.new(high:where(note) - low), fixtures))
    assert.are.same({ "a", "c" }, calls)
    calls = {}
    assert(run_rule(finseg.rule.new(high:where(note) + low), fixtures))
    assert.are.same({ "a", "c" }, calls)
  end)

  it("is not changed by what is made of it", function()
    local high = finseg.rule.segment.highBalance { threshold = 1 }
    local named = high:named "rich"
    assert.are.equal("highBalance", tostring(high))
    assert.are.equal("rich", tostring(named))
    assert.error_matches(function()
      high.name_of_mine = 1
    end, "does not change")
  end)
end)

describe_both("the names of segments", function()
  local two = "local a = segment.highBalance { threshold = 1 } local b = segment.highBalance { threshold = 2 }\n"
  local fixtures = { highBalance = users "x=1", a = users "x=1", b = users "x=2" }

  it("are what :named gave", function()
    local text = two
      .. [[return (a:named "a" * b:named "b"):where(function(user)
           return user.a.accounts[1].amount + user.b.accounts[1].amount == 3 end)]]
    assert.are.equal("x", selected(text, fixtures))
  end)

  it("must be given when a kind stands twice and is looked at", function()
    local text = two .. "return (a * b):where(function(user)\n return user.highBalance end)"
    local message = failure(text, fixtures)
    assert.matches("^r.lua:3: user.highBalance: the rule has more than one segment of that name", message)
    assert.are.equal("x", selected(two .. "return a * b", fixtures))
  end)

  it("are numbered in results when none were given", function()
    local result = assert(run(two .. "return a * b", fixtures))
    local user = result:users()()
    assert.are.equal(1, user.highBalance_1.accounts[1].amount)
    assert.are.equal(1, user.highBalance_2.accounts[1].amount)
    assert.is_nil(user.highBalance)
  end)

  it("stay the kind when equal segments stand twice", function()
    local text = [[
      local a = segment.highBalance { threshold = 1, accountType = "checking" }
      local b = segment.highBalance { threshold = "1.00", accountType = "CHECKING" }
      return (a * b):where(function(user) return user.highBalance.accounts[1].amount == 1 end)]]
    assert.are.equal("x", selected(text, fixtures))
  end)

  it("must differ for different segments", function()
    local message = failure(two .. 'return a:named "n" * b:named "n"', fixtures)
    assert.matches("^r.lua:2: two different segments are named n", message)
  end)

  it("win over a kind of the same name, wherever they stand", function()
    local named = 'segment.highBalance({ threshold = 1 }):named "lowBalance"'
    for _, text in ipairs { "return " .. named .. " + low", "return low + " .. named } do
      local result = assert(run(LOW .. text, { lowBalance = users "x=1", lowBalance_1 = users "x=2" }))
      local user = result:users()()
      assert.are.equal(1, user.lowBalance.accounts[1].amount)
      assert.are.equal(2, user.lowBalance_1.accounts[1].amount)
      local where = LOW .. text:gsub("return (.*)", "return (%1)")
      where = where .. ":where(function(user) return user.lowBalance.accounts[1].amount == 1 end)"
      assert.are.equal("x", selected(where, { lowBalance = users "x=1", lowBalance_1 = users "x=2" }))
    end
  end)

  it("leave user.userId to the user, when a kind is called that", function()
    local kinds = { userId = { path = "ids", parameters = { days = { type = "integer", required = true } } } }
    local text = "return segment.userId({ days = 1 }):where(function(user) return user.userId == 'x' end)"
    local result = assert(run(text, { userId = users "x=1 y=2" }, { kinds = kinds }))
    assert.are.equal('{"userId":"x","userId_1":{"accounts":[{"accountId":"x1","amount":1}]}}', (result:texts()()))
  end)

  it("must be names", function()
    assert.matches("^r.lua:2: :named needs a name", failure(HIGH .. 'return high:named "a b"'))
    assert.matches("^r.lua:2: :named needs a name", failure(HIGH .. 'return high:named "userId"'))
    assert.matches("^r.lua:2: :named gives a name to a segment", failure(HIGH .. 'return (high + high):named "x"'))
  end)
end)

describe_both("a result", function()
  local text = BOTH .. "return high + low"
  -- not sorted, and over several pages
  local function pages(list)
    local texts = {}
    for position, user in ipairs(list) do
      texts[position] = '{"users":[' .. core.to_json(user) .. "]}"
    end
    return texts
  end
  local fixtures = { highBalance = pages(users "d=4 b=2 a=1"), lowBalance = pages(users "b=-2 c=-3") }

  it("gives each user with the records of its segments, sorted", function()
    local result = assert(run(text, fixtures))
    local lines = {}
    for user in result:users() do
      local high, low = user.highBalance, user.lowBalance
      assert.is_nil(high and high.userId)
      lines[#lines + 1] = ("%s %s %s"):format(
        user.userId,
        high and high.accounts[1].amount or "-",
        low and low.accounts[1].amount or "-"
      )
    end
    assert.are.same({ "a 1 -", "b 2 -2", "c - -3", "d 4 -" }, lines)
  end)

  it("is the same when predicates look at records", function()
    local where =
      "return (high + low):where(function(u) return u.lowBalance or u.highBalance.accounts[1].amount > 3 end)"
    assert.are.equal("b c d", selected(BOTH .. where, fixtures))
    local twice = BOTH
      .. "return high:where(function(u) return u.highBalance.accounts[1].amount > 1 end) + "
      .. "low:where(function(u) return u.lowBalance.accounts[1].amount > -3 end)"
    assert.are.equal("b d", selected(twice, fixtures))
  end)

  it("keeps members that finseg does not know", function()
    local page = '{"users":[{"userId":"a","accounts":[{"accountId":"1","amount":1,"note":{"x":[1]}}],"more":"m"}]}'
    local user = assert(run(HIGH .. "return high", { highBalance = page })):users()()
    assert.are.same(
      { accounts = { { accountId = "1", amount = 1, note = { x = { 1 } } } }, more = "m" },
      user.highBalance
    )
  end)

  it("gives users as text with the bytes of their records", function()
    local high = [[{"users":[{"userId" : "b", "z":12.10,"accounts":[],"a":12345678901234567890},
        {"accounts":[{"amount":0.12345678901234567890}],"userId":"a\u0062","n":{"userId":"x"}}]}]]
    local low = '{"users":[{"userId":"b","x":\r\n  1e2}]}'
    local result = assert(run(BOTH .. "return low + high", { highBalance = high, lowBalance = low }))
    local texts = {}
    for line in result:texts() do
      texts[#texts + 1] = line
    end
    assert.are.same({
      '{"userId":"ab","highBalance":{"accounts":[{"amount":0.12345678901234567890}],"n":{"userId":"x"}}}',
      '{"userId":"b","lowBalance":{"x":1e2},"highBalance":{"z":12.10,"accounts":[],"a":12345678901234567890}}',
    }, texts)
  end)

  it("reads each segment once, however often it is looked at", function()
    local opened = 0
    local where = "return high:where(function(u) return u.highBalance.accounts[1].amount > 1 end)"
    local result = assert(run(HIGH .. where, {
      highBalance = function()
        opened = opened + 1
        return users "a=1 b=2"
      end,
    }))
    for _ = 1, 2 do
      assert.are.equal(2, result:users()().highBalance.accounts[1].amount)
    end
    assert.are.equal(1, opened)
  end)

  it("has the first record of a user who stands twice", function()
    local twice = { highBalance = pages(users "a=1 b=1 a=9") }
    local where = HIGH .. "return high:where(function(u) return u.highBalance.accounts[1].amount < 5 end)"
    assert.are.equal("a b", selected(where, twice))
  end)

  it("gives the first users alone when asked to", function()
    local result = assert(run(text, fixtures))
    local ids = {}
    for user in result:users(3) do
      ids[#ids + 1] = user.userId
    end
    assert.are.same({ "a", "b", "c" }, ids)
    assert.is_nil(result:texts(0)())
  end)

  it("finds every record where ids have no common order but that of their bytes", function()
    local loaded = os.setlocale "de_DE.UTF-8"
    finally(function()
      os.setlocale "C"
    end)
    assert.is_truthy(loaded)
    local result = assert(run(HIGH .. "return high", { highBalance = pages(users "B=1 a=2 b=3") }))
    local amounts = {}
    for user in result:users() do
      amounts[#amounts + 1] = user.userId .. user.highBalance.accounts[1].amount
    end
    assert.are.same({ "B1", "a2", "b3" }, amounts)
  end)

  it("keeps no page of a segment that no user who is looked at can be in", function()
    local low = { lowBalance = users "b e", highBalance = users "a b c" }
    local function kept(expression)
      local result = assert(run(BOTH .. "return " .. expression, low))
      local labels = {}
      for request, records in pairs(result._evaluation.records) do
        labels[#labels + 1] = records.pages and request.label or nil
      end
      table.sort(labels)
      return table.concat(labels, " ")
    end
    local where = ":where(function() return true end)"
    assert.are.equal("highBalance", kept "high - low")
    assert.are.equal("highBalance", kept("(high - low)" .. where))
    assert.are.equal("highBalance lowBalance", kept("high" .. where .. " - low"))
    assert.are.equal("highBalance lowBalance", kept("high - low" .. where))
    assert.are.equal("highBalance lowBalance", kept "(high - low) + low")
    assert.are.equal("highBalance", kept "high - (low + low * high)")
  end)

  it("counts, knows its users, and gives them as a set", function()
    local result = assert(run(text, fixtures))
    assert.are.equal(4, result:count())
    assert.is_true(result:has "a")
    assert.is_false(result:has "z")
    local other = assert(run(HIGH .. "return high", { highBalance = users "a z" }))
    assert.are.equal(1, (result:ids() * other:ids()):count())
    assert.are.equal(5, (result:ids() + other:ids()):count())
    assert.are.equal(3, (result:ids() - other:ids()):count())
    assert.is_true((result:ids() - other:ids()):has "b")
    result:ids():add "y"
    assert.are.equal(4, result:count())
  end)

  it("tells what was done, with how many users came out of each step", function()
    local result = assert(run(BOTH .. "return (high - low):where(function(u) return u.userId == 'a' end)", fixtures))
    assert.are.equal(
      "highBalance: 3 users\nlowBalance: 2 users\n(highBalance - lowBalance): 2 users\n:where(r.lua:3): 1 user of 2",
      result:explain()
    )
  end)

  it("is empty for empty segments", function()
    local result = assert(run(text, { highBalance = {}, lowBalance = {} }))
    assert.are.equal(0, result:count())
    assert.is_nil(result:users()())
  end)
end)

describe("a mistake in a rule file", function()
  local fixtures = { highBalance = users "x=1", lowBalance = users "y=1" }

  local function says(text, pattern)
    local message = failure(text, fixtures)
    assert.matches(pattern, message)
  end

  it("is told with its line", function()
    says("local x = \nreturn +", "^r.lua:2: ")
    says(HIGH .. "\nreturn hihg", "^r.lua:3: there is no 'hihg' in a rule")
    says(HIGH .. "return high - nil", "^r.lua:2: '%-' joins two segments.*is nil")
    says(HIGH .. "return 5 + high", "^r.lua:2: '%+' joins.*a? ?number")
    says("error 'mine'", "^r.lua:1: mine")
  end)

  it("is a kind or a parameter that there is not", function()
    says("\nreturn segment.highBalanc { threshold = 1 }", '^r.lua:2: there is no segment kind "highBalanc"')
    says("\n\nreturn segment.highBalance { treshold = 1 }", "^r.lua:3: highBalance: treshold is no parameter")
    says("return segment.highBalance {}", "^r.lua:1: highBalance: threshold is missing")
    says("return segment.highBalance { threshold = print }", "no 'print' in a rule")
    says("return segment.highBalance { threshold = ipairs }", "^r.lua:1: segment.highBalance: threshold: a function")
    says("return segment.highBalance 'x'", "^r.lua:1: segment.highBalance needs its parameters in braces")
    says("\nreturn segment[{}] {}", "^r.lua:2: segment%[...%] takes the name of a kind.*got a table")
    says("return segment { threshold = 1 }", "^r.lua: write segment.KIND")
  end)

  it("is a return of something else, or of nothing", function()
    says("", "^r.lua: the rule returns nothing: its last line must be")
    says("return 1", "^r.lua: the rule returns a number")
    says("return segment.highBalance", "^r.lua: the rule returns a function")
    says(BOTH .. "return high, low", "^r.lua: the rule returns two values")
  end)

  it("is no byte order mark and no #! line, which are passed over", function()
    for _, start in ipairs { "\239\187\191", "#!/usr/bin/env finseg\n", "\239\187\191# a rule\n", "#!x\r\n" } do
      assert.are.equal("x", selected(start .. HIGH .. "return high", fixtures))
    end
    says("#!x\n\nreturn hihg", "^r.lua:3: there is no 'hihg'")
  end)

  it("is compiled Lua", function()
    says(string.dump(function() end), "^r.lua: this is compiled Lua")
    says("\239\187\191" .. string.dump(function() end), "^r.lua: this is compiled Lua")
  end)

  it("is a predicate that raises, told with line and user", function()
    says(
      HIGH .. "return high:where(function(user)\n  return user.highBalance.cards[1].amount > 1\nend)",
      "^r.lua:3: attempt to index.*in the function of :where, for user x"
    )
    says(
      HIGH .. "return high:where(function(user) error({}) end)",
      "^r.lua:2: error was called with a table.*for user x"
    )
    says(HIGH .. "return high:where(function(user)\n error() end)", "^r.lua:2: error was called with nothing")
    says("error({})", "^r.lua: error was called with a table")
    says("error()", "^r.lua: error was called with nothing")
  end)

  it("is a predicate that raises what looks like finseg's or lua's own", function()
    local where = HIGH .. "return high:where(function(user)\n %s\nend)"
    for _, raised in ipairs { '{ kind = "config", message = "hello" }', '{ message = "m", kind = "k", usage = {} }' } do
      says(where:format(("error(%s)"):format(raised)), "^r.lua:2: error was called with a table.*for user x")
    end
    says(where:format 'error "interrupted!"', "^r.lua:3: interrupted! %(in the function of :where, for user x%)")
    says('error "interrupted!"', "^r.lua:1: interrupted!")
  end)

  it("is a predicate that raises after it wrote over userId", function()
    local where = HIGH .. "return high:where(function(user)\n user.userId = %s\n %s\nend)"
    for _, value in ipairs { "nil", "{}" } do
      says(where:format(value, 'error "x"'), "^r.lua:4: x %(in the function of :where, for user x%)")
      assert.are.equal("x", selected(where:format(value, "return user.highBalance.accounts"), fixtures))
    end
    local kept = "local first\n" .. where:format("nil", "if first then\n return first.highBalance\n end\n first = user")
    assert.matches("^r.lua:6: this user's userId was written over", failure(kept, { highBalance = users "x y" }))
  end)

  it("is a look at a segment that the rule has not", function()
    says(
      HIGH .. "return high:where(function(user)\n  return user.lowBalance\nend)",
      "^r.lua:3: user.lowBalance: the rule has no segment of that name; it has highBalance"
    )
  end)

  it("is a :where without a function, a :top without a count or a number", function()
    says(HIGH .. "return high:where(5)", "^r.lua:2: :where needs a function")
    says(HIGH .. "return high:top(function() end)", "^r.lua:2: :top needs a count")
    says(HIGH .. "return high:top(0, function() end)", "^r.lua:2: :top needs a count")
    says(HIGH .. "return high:top(1, 2)", "^r.lua:2: :top needs a function")
    says(HIGH .. "return high:top(1, function() return 'a' end)", "^r.lua:2: .*answered a string %(for user x%)")
    says(HIGH .. "return high.where(function() end)", "^r.lua:2: write expression:where")
  end)

  it("is an expression that is changed, as to contain itself", function()
    for _, change in ipairs { "both.left = both", 'both.op = "foo"', "both.left = 7", "high.f = 1" } do
      says(BOTH .. "local both = high + low\n" .. change .. "\nreturn both", "^r.lua:4: an expression does not change")
    end
  end)

  it("is parts nested beyond reason", function()
    says(
      BOTH .. "for _ = 1, 1000 do high = high:where(function() return true end) end return high",
      "^r.lua:3: more than %d+ parts stand within each other"
    )
  end)

  it("is a loop that does not end, in the file or in a predicate", function()
    says("\nwhile true do end", "^r.lua:2: stopped after %d+ million steps")
    says("local function f() return f() end\nf()", "^r.lua:1: stopped after %d+ million steps")
    says(
      HIGH .. "return high:where(function(user)\n  local n = 1\n  while n > 0 do n = n + 1 end\nend)",
      "^r.lua:4: stopped after %d+ million steps.*for user x"
    )
  end)

  it("stops no predicate that is merely called often", function()
    local many = {}
    for i = 1, 300 do
      many[i] = { userId = ("%05d"):format(i) }
    end
    local text = HIGH .. "return high:where(function() local n = 0 for i = 1, 500000 do n = n + i end return n > 0 end)"
    assert.are.equal(300, assert(run(text, { highBalance = many })):count())
  end)

  it("leaves the program's own hook as it was", function()
    local function hook() end
    debug.sethook(hook, "", 1000000)
    finseg.rule.parse("while true do end", "r.lua")
    local now, _, count = debug.gethook()
    debug.sethook()
    assert.are.equal(hook, now)
    assert.are.equal(1000000, count)
  end)

  it("is a file that is not there", function()
    local rule, err = finseg.rule.load "no/such/rule.lua"
    assert.is_nil(rule)
    assert.matches("no/such/rule.lua cannot be read", err.message)
  end)
end)

describe("the environment of a rule file", function()
  it("has nothing that reaches the machine", function()
    for _, name in ipairs {
      "io",
      "os",
      "require",
      "load",
      "loadstring",
      "dofile",
      "loadfile",
      "print",
      "debug",
      "package",
      "coroutine",
      "_G",
      "getfenv",
      "setfenv",
      "setmetatable",
      "getmetatable",
      "rawset",
      "collectgarbage",
      "jit",
      "ffi",
      "pcall",
    } do
      assert.matches("there is no '" .. name .. "' in a rule", failure("return " .. name))
    end
  end)

  it("has the pure parts of the standard library", function()
    local text = [[
      local parts = { assert, error, ipairs, next, pairs, select, tonumber, tostring, type, unpack, math.floor,
        math.huge, string.format, table.concat, table.sort }
      assert(#parts == 15 and ("x"):rep(3) == "xxx")
      return segment.highBalance { threshold = math.max(1, 2) }]]
    assert.are.equal("x", selected(text, { highBalance = users "x" }))
  end)

  it("keeps what a rule writes to itself", function()
    parse("string.format = nil math.floor = nil table.concat = nil mine = 1\n" .. HIGH .. "return high")
    assert.are.equal("1", string.format("%d", 1))
    assert.are.equal(1, math.floor(1.5))
    assert.is_nil(rawget(_G, "mine"))
    parse(HIGH .. "assert(string.format) return high")
    assert.matches("cannot be changed", failure "segment.highBalance = 1")
  end)
end)

describe("a result of many users", function()
  local COUNT, PAD = 50000, ("p"):rep(400)

  -- The first round finalizes pages, the second frees what they referred to.
  local function collect()
    collectgarbage()
    collectgarbage()
  end

  --- Pages of COUNT users, in the order of their ids or in the reverse one.
  local function many_pages(reverse)
    local texts, list = {}, {}
    for i = 1, COUNT do
      local number = reverse and COUNT + 1 - i or i
      list[#list + 1] = ('{"userId":"%05d","accounts":[],"pad":"%s%d"}'):format(number, PAD, number)
      if #list == 500 then
        texts[#texts + 1] = '{"users":[' .. table.concat(list, ",") .. "]}"
        list = {}
      end
    end
    return texts
  end

  for name, case in pairs { ["in order"] = { false, 0.1 }, ["out of order"] = { true, 0.4 } } do
    it("holds no record in memory beyond keep_bytes, " .. name, function()
      local pages = many_pages(case[1])
      collect()
      local before, most, count = collectgarbage "count", 0, 0
      local result = assert(rule_test.run(parse(HIGH .. "return high"), { highBalance = pages }, { keep_bytes = 0 }))
      for line in result:texts() do
        count = count + 1
        assert(line == ('{"userId":"%05d","highBalance":{"accounts":[],"pad":"%s%d"}}'):format(count, PAD, count))
        if count % 9999 == 0 then
          collect()
          most = math.max(most, collectgarbage "count" - before)
        end
      end
      assert.are.equal(COUNT, count)
      assert.is_true(most < case[2] * COUNT * (#PAD + 100) / 1024, most .. " KiB")
    end)
  end

  it("ends with an err that names the rule's line and the folder where records cannot be written", function()
    local _, printed = run_lua(
      [[
        local rule = assert(require("finseg").rule.parse "\nreturn segment.highBalance { threshold = 1 }")
        local fixtures = { highBalance = { { userId = "a" } } }
        local result, err = require("finseg.rule.test").run(rule, fixtures, { keep_bytes = 0 })
        print(result, err.kind, err.message)]],
      "TMPDIR=/dev/null/at-all"
    )
    assert.matches("^nil\tresource\trule:2: a temporary file in /dev/null/at%-all cannot be made", printed)
  end)

  it("raises each time when the records of users out of order cannot be kept, and leaves none out", function()
    local _, printed = run_lua(
      [[
        local rule = assert(require("finseg").rule.parse "return segment.highBalance { threshold = 1 }")
        local users = {}
        for number = 100, 1, -1 do
          users[#users + 1] = { userId = ("%03d"):format(number), pad = ("x"):rep(1000) }
        end
        local fixtures = { highBalance = users }
        local result = assert(require("finseg.rule.test").run(rule, fixtures, { keep_bytes = 2 * 100 * 1000 }))
        for _ = 1, 2 do
          local ok, err = pcall(result:users())
          print(ok, not ok and err.kind)
        end]],
      "TMPDIR=/dev/null/at-all"
    )
    assert.are.equal("false\tresource\nfalse\tresource\n", printed)
  end)
end)

describe("a rule that runs", function()
  local service, client

  setup(function()
    service = sandbox.start { users = 1200, seed = 5, today = "2024-04-10", delay = 0.3 }
    client = connect(service)
  end)

  teardown(function()
    client:close()
    service.stop()
  end)

  local TEXT = [[
    local a = segment.highBalance { accountType = "checking", threshold = 1000 }
    local b = segment.highBalance { accountType = "CHECKING", threshold = "1000.00" }
    local c = segment.lowBalance { threshold = -100, durationInMonth = 2 }
    return (a - c) + (b * c)]]

  it("finds what single segments and Lua sets find", function()
    local result = assert(parse(TEXT):run(client))
    local expected = {}
    for user in assert(client:segment("highBalance", { accountType = "checking", threshold = 1000 })):users() do
      expected[#expected + 1] = user.userId
    end
    table.sort(expected)
    assert.are.equal(table.concat(expected, " "), ids_of(result))
    assert.is_true(#expected > 500) -- more than a page
  end)

  it("makes equal requests one job, and says so", function()
    local store = finseg.store.open "memory"
    local rule = parse(TEXT)
    local events = {}
    local function note(event)
      events[#events + 1] = event.name .. " " .. (event.request and event.request.label or "")
    end
    local before = assert(rule:explain(client, { store = store }))
    assert.matches("2 jobs", before)
    assert.matches("a new job; asked for 2 times", before)
    local result = assert(rule:run(client, { store = store, progress = note }))
    assert.are.equal(2, #result.jobs)
    assert.are.equal(2, #finseg.journal.new(store):list())
    assert.are.equal("plan ", events[1])
    assert.are.equal("done ", events[#events])
    local again = assert(rule:run(client, { store = store }))
    for position, job in ipairs(again.jobs) do
      assert.is_true(job.reused)
      assert.are.equal(result.jobs[position].jobId, job.jobId)
    end
    assert.matches("job %x+, made less than a minute ago, is reused", (rule:explain(client, { store = store })))
    local fresh = assert(rule:run(client, { store = store, fresh = true }))
    assert.are_not.equal(result.jobs[1].jobId, fresh.jobs[1].jobId)
  end)

  it("waits for its jobs at the same time, but for no more than it may", function()
    local parts = {}
    for months = 1, 6 do
      parts[months] = ("segment.lowBalance { threshold = -%d, durationInMonth = %d }"):format(months, months)
    end
    local rule = parse("return " .. table.concat(parts, " + "))
    local function most_at_once(options)
      local waiting, most = 0, 0
      options.progress = function(event)
        if event.name == "job" then
          waiting = waiting + 1
          most = math.max(most, waiting)
        elseif event.name == "read" then
          waiting = waiting - 1
        end
      end
      assert(rule:run(client, options))
      return most
    end
    assert.are.equal(6, most_at_once {})
    assert.are.equal(2, most_at_once { parallel = 2 })
  end)

  it("explains its steps in the order in which they are done", function()
    local function steps(expression)
      local text = assert(parse(BOTH .. "local function f() return true end\nreturn " .. expression):explain(client))
      local lines = {}
      for line in text:match("known%):\n(.*)"):gmatch "[^\n]+" do
        lines[#lines + 1] = line:match "^ *(.*)"
      end
      return lines
    end
    assert.are.same({ "all of highBalance" }, steps "high")
    assert.are.same({ "1. highBalance, and lowBalance not in highBalance" }, steps "high + low")
    assert.are.same({
      "1. lowBalance not in highBalance: those for whom the function at r.lua:3 says so",
      "2. highBalance, and (1)",
    }, steps "high + low:where(f)")
    assert.are.same(
      { "1. highBalance in lowBalance: those for whom the function at r.lua:3 says so" },
      steps "high:where(f) * low"
    )
    assert.are.same(
      { "1. highBalance not in lowBalance: those for whom the function at r.lua:3 says so" },
      steps "high:where(f) - low"
    )
    assert.are.same({
      "1. lowBalance in highBalance: those for whom the function at r.lua:3 says so",
      "2. highBalance not in (1)",
    }, steps "high - low:where(f)")
    assert.are.same({
      "1. highBalance: the 3 with the most by the function at r.lua:3",
      "2. (1) in lowBalance",
    }, steps "high:top(3, f) * low")
  end)

  it("runs inside finseg.run beside other tasks", function()
    local ticks = 0
    finseg.run(function()
      local done = false
      finseg.spawn(function()
        while not done do
          finseg.sleep(0)
          ticks = ticks + 1
        end
      end)
      assert(parse(TEXT):run(client))
      done = true
    end)
    assert.is_true(ticks > 3)
  end)

  it("says with its line which job could not be had", function()
    local server = scripted_server.start { ["POST /api/v1/segments/highBalance"] = { { status = 403, body = "{}" } } }
    local refused = connect(server)
    local result, err = parse("\n" .. HIGH .. "return high"):run(refused)
    refused:close()
    server.stop()
    assert.is_nil(result)
    assert.are.equal("auth", err.kind)
    assert.matches("^r.lua:2: ", err.message)
  end)

  it("tells of a job that was made and could not be written down", function()
    local memory = finseg.store.open "memory"
    local broken = setmetatable({}, { __index = memory })
    for _, name in ipairs { "get", "delete", "list", "notify", "watch" } do
      broken[name] = function(_, ...)
        return memory[name](memory, ...)
      end
    end
    function broken.put(_, key, value, ...)
      if value:find '"jobId"' then
        return nil, { kind = "config", message = "the disk is full" }
      end
      return memory:put(key, value, ...)
    end
    local job
    local result, err = parse(HIGH .. "return high"):run(client, {
      store = broken,
      progress = function(event)
        job = event.job or job
      end,
    })
    assert.is_nil(result)
    assert.matches("the disk is full", err.message)
    assert.are.equal("created", job:state())
  end)

  it("gives up a wait at its timeout", function()
    local result, err = parse(HIGH .. "return high"):run(client, { timeout = 0 })
    assert.is_nil(result)
    assert.are.equal("timeout", err.kind)
  end)

  it("names an option that there is not, and raises for a wrong type", function()
    local result, err = parse(HIGH .. "return high"):run(client, { paralel = 2 })
    assert.is_nil(result)
    assert.matches("no option paralel", err.message)
    assert.error_matches(function()
      parse(HIGH .. "return high"):run(client, { parallel = "2" })
    end, "parallel: number expected")
  end)
end)

describe("finseg.rule.test", function()
  it("says who is missing and who is unexpected", function()
    local ok, message = pcall(
      rule_test.selects,
      parse(HIGH .. "return high"),
      { highBalance = users "a b" },
      { "b", "c" }
    )
    assert.is_false(ok)
    assert.matches("missing: c\n  unexpected: a\n", message)
  end)

  it("takes saved pages, files, and functions of the parameters", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    shell.write_file(folder .. "/page.json", '{"users":[{"userId":"f","accounts":[]}]}')
    local fixtures = {
      highBalance = function(parameters)
        return users("t" .. parameters.threshold)
      end,
      lowBalance = { folder .. "/page.json", '{"users":[{"userId":"g","accounts":[]}]}' },
    }
    rule_test.selects(parse(BOTH .. "return high + low"), fixtures, { "f", "g", "t1" })
  end)

  it("says what is wrong with a fixture", function()
    local rule = parse(HIGH .. "return high")
    local function says(fixture, pattern)
      local ok, message = pcall(rule_test.selects, rule, { highBalance = fixture }, {})
      assert.is_false(ok)
      assert.matches(pattern, message)
    end
    says("no/such/page.json", "the fixture no/such/page.json cannot be read")
    says("spec", "the fixture spec cannot be read")
    says(5, "a fixture must be a list of users, text, a path or a function, not a number")
    says(function() end, "not a nil")
    says(function()
      error "of mine"
    end, "of mine")
    says({ { userId = print } }, "user 1 of a fixture: ")
  end)

  it("takes an empty table in a user for an empty list", function()
    local fixture = { { userId = "a", accounts = {} }, { accounts = {}, userId = "b", more = 1 } }
    rule_test.selects(parse(HIGH .. "return high"), { highBalance = fixture }, { "a", "b" })
  end)

  it("says which fixture is not there", function()
    assert.matches("^r.lua:1: the test has no fixture for highBalance", failure(HIGH .. "return high", {}))
  end)

  it("knows kinds that a client would add", function()
    local kinds = { dormant = { parameters = { days = { type = "integer", required = true } } } }
    local rule = parse "return segment.dormant { days = 90 }"
    rule_test.selects(rule, { dormant = users "a" }, { "a" }, { kinds = kinds })
  end)
end)
