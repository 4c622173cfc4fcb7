-- Results kept under a name and compared: who entered, who left, whose amount moved.

local core = require "finseg.core"
local finseg = require "finseg"
local rule_test = require "finseg.rule.test"
local shell = require "spec.support.shell"

local compare = finseg.compare
local RULE = assert(finseg.rule.parse("return segment.highBalance { threshold = 1 }", "r.lua"))

-- "a=1.10,2 b=3": users with accounts of these amounts.
local function result_of(text)
  local users = {}
  for id, amounts in text:gmatch "(%w+)=(%S+)" do
    local accounts = {}
    for amount in amounts:gmatch "[^,]+" do
      accounts[#accounts + 1] = { accountId = "acc" .. #accounts + 1, amount = tonumber(amount) }
    end
    users[#users + 1] = { userId = id, accounts = accounts }
  end
  return assert(rule_test.run(RULE, { highBalance = users }))
end

local function number_text(number)
  return number and ("%g"):format(number) or "nil"
end

describe("comparing results", function()
  local folder

  before_each(function()
    folder = shell.scratch()
  end)

  after_each(function()
    shell.check("chmod -R u+rwX " .. shell.quote(folder))
    shell.remove(folder)
  end)

  local function changes_of(difference)
    local lines = {}
    for change in difference:changes() do
      local text = change.change .. " " .. change.userId
      for _, amount in ipairs(change.amounts or {}) do
        text = ("%s %s %s>%s by %s"):format(
          text,
          amount.what,
          number_text(amount.before),
          number_text(amount.after),
          number_text(amount.by)
        )
      end
      lines[#lines + 1] = text
    end
    return lines
  end

  it("tells who entered, who left, and whose amount moved, in the order of the ids", function()
    local before, after = result_of "a=1.10 b=2.50 c=3.25,4 e=7.50", result_of "d=1.50 c=3.25,4.75 b=2.50 e=7.50,8.25"
    local difference = assert(compare.results(before, after))
    assert.are.same({ 1, 1, 2, 1 }, { difference.entered, difference.left, difference.moved, difference.same })
    assert.are.same({
      "left a",
      "moved c highBalance acc2 4>4.75 by 0.75",
      "entered d",
      "moved e highBalance acc2 nil>8.25 by nil",
    }, changes_of(difference))
  end)

  it("subtracts amounts exactly", function()
    local difference = assert(compare.results(result_of "a=0.1", result_of "a=0.3"))
    assert.are.equal(0.2, difference:changes()().amounts[1].by)
  end)

  local PAGE = '{"users":[{"userId":"a","accounts":[{"accountId":"1","amount":%s}]}]}'

  local function amount(text)
    return assert(rule_test.run(RULE, { highBalance = PAGE:format(text) }))
  end

  it("tells amounts apart that floating-point numbers do not, and no others", function()
    local function moved(before, after)
      assert(compare.keep(amount(before), folder, "before"))
      assert(compare.keep(amount(after), folder, "after"))
      return assert(compare.kept(folder, "before", "after")).moved
    end
    assert.are.equal(1, moved("9007199254740993", "9007199254740992"))
    assert.are.equal(1, moved("0.10000000000000000001", "0.1"))
    assert.are.equal(1, moved("0.00001", "0.00002"))
    assert.are.equal(1, moved("1e500", "2e500"))
    assert.are.equal(0, moved("12.10", "12.1"))
    assert.are.equal(0, moved("1e2", "100.00"))
    assert.are.equal(0, moved("1e500", "1e500"))
  end)

  it("adds up what goes by one name, exactly", function()
    local two = '{"users":[{"userId":"a","accounts":[{"accountId":"1","amount":0.1},{"accountId":"1","amount":%s}]}]}'
    local before = assert(rule_test.run(RULE, { highBalance = two:format "0.2" }))
    local after = assert(rule_test.run(RULE, { highBalance = two:format "9007199254740993.2" }))
    local difference = assert(compare.results(before, after))
    assert.are.equal(
      '"amounts":[{"what":"highBalance 1","before":0.3,"after":9007199254740993.3,"by":9007199254740993}]}',
      difference:texts { records = false }():match '"amounts".*'
    )
  end)

  it("gives changes as text with the bytes that came", function()
    assert(compare.keep(amount "12.10", folder, "before"))
    assert(compare.keep(amount "12345678901234567890.10", folder, "after"))
    local difference = assert(compare.kept(folder, "before", "after"))
    assert.are.equal(
      '{"change":"moved","userId":"a","before":{"highBalance":{"accounts":[{"accountId":"1","amount":12.10}]}},'
        .. '"after":{"highBalance":{"accounts":[{"accountId":"1","amount":12345678901234567890.10}]}},'
        .. '"amounts":[{"what":"highBalance 1","before":12.10,"after":12345678901234567890.10,'
        .. '"by":12345678901234567878}]}',
      difference:texts()()
    )
  end)

  it("finds no change between a result and itself, kept or not", function()
    local result = result_of "a=1.10 b=2.50"
    assert(compare.keep(result, folder, "one"))
    local kept = assert(compare.open(folder, "one"))
    assert.are.equal(2, kept.header.users)
    assert.are.equal("r.lua", kept.header.rule)
    local difference = assert(compare.results(kept, result))
    assert.are.same({ 0, 0, 0, 2 }, { difference.entered, difference.left, difference.moved, difference.same })
    assert.is_nil(difference:changes()())
  end)

  it("keeps users with everything that was in their records", function()
    local page = '{"users":[{"userId":"a","accounts":[{"accountId":"1","amount":1.5,"note":null}],"x":{"y":[1,2]}}]}'
    assert(compare.keep(assert(rule_test.run(RULE, { highBalance = page })), folder, "one"))
    local user = assert(compare.open(folder, "one")):users()()
    assert.are.same({
      userId = "a",
      highBalance = { accounts = { { accountId = "1", amount = 1.5, note = finseg.null } }, x = { y = { 1, 2 } } },
    }, user)
  end)

  it("keeps the bytes of records as they came", function()
    local record = '{"accounts":[],"z":12.10,"a":[ 1.00, 12345678901234567890 ],"userid":"\\u00e9"}'
    local page = '{"users":[' .. record:gsub("{", '{"userId":"a",', 1) .. "]}"
    local path = assert(compare.keep(assert(rule_test.run(RULE, { highBalance = page })), folder, "one"))
    assert.truthy(shell.read_file(path):find('{"userId":"a","highBalance":' .. record .. "}\n", 1, true))
    assert.are.equal('{"userId":"a","highBalance":' .. record .. "}", assert(compare.open(folder, "one")):texts()())
  end)

  it("compares what was kept under two names, and keeps anew under one", function()
    assert(compare.keep(result_of "a=1", folder, "one"))
    assert(compare.keep(result_of "a=1 b=1", folder, "two"))
    assert.are.equal(1, assert(compare.kept(folder, "one", "two")).entered)
    assert(compare.keep(result_of "a=1 b=1", folder, "one"))
    assert.are.equal(0, assert(compare.kept(folder, "one", "two")).entered)
    assert.are.equal("one.ndjson\ntwo.ndjson\n", shell.check("ls " .. folder))
  end)

  it("writes for the user alone", function()
    local path = assert(compare.keep(result_of "a=1", folder .. "/results", "one"))
    assert.are.equal("600\n", shell.check("stat -c %a " .. path))
    assert.are.equal("700\n", shell.check("stat -c %a " .. folder .. "/results"))
  end)

  it("refuses a name that is none", function()
    for _, name in ipairs { "", "../x", "a/b", ".hidden", "a b", ("x"):rep(101) } do
      local kept, err = compare.keep(result_of "a=1", folder, name)
      assert.is_nil(kept)
      assert.are.equal("invalid", err.kind)
    end
  end)

  it("says what stands in the way of a file", function()
    shell.write_file(folder .. "/file", "")
    local kept, err = compare.keep(result_of "a=1", folder .. "/file/sub", "one")
    assert.is_nil(kept)
    assert.are.equal("config", err.kind)
    assert.matches("cannot be written", err.message)
  end)

  it("says that there is no such result", function()
    local kept, err = compare.kept(folder, "one", "two")
    assert.is_nil(kept)
    assert.matches("one.ndjson .*keep one first", err.message)
  end)

  it("refuses what it has not written, what a later version wrote, and what is damaged", function()
    local path = assert(compare.keep(result_of "a=1 b=2", folder, "one"))
    local lines = {}
    for line in io.lines(path) do
      lines[#lines + 1] = line
    end
    local function error_for(...)
      shell.write_file(path, table.concat({ ... }, "\n") .. "\n")
      local difference, err = compare.kept(folder, "one", "one")
      assert.is_nil(difference)
      assert.are.equal("invalid", err.kind)
      return err.message
    end
    assert.matches("not a result that finseg has kept", error_for "hello")
    assert.matches("not a result that finseg has kept", error_for '{"format":"finseg-result","users":2}')
    assert.matches("not a result that finseg has kept", error_for '{"format":"finseg-result","version":"1","users":2}')
    local newer = core.from_json(lines[1])
    newer.version = 2
    assert.matches("later version of finseg", error_for(core.to_json(newer)))
    assert.matches("one.ndjson:3: it ends after 1 of 2 users", error_for(lines[1], lines[2]))
    assert.matches("one.ndjson:2: this is no user", error_for(lines[1], "{", lines[3]))
    assert.matches("one.ndjson:3: the users are out of order", error_for(lines[1], lines[3], lines[2]))
  end)
end)
