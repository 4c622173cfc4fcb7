-- Users as tables and amounts without: whatever the pages look like, each user comes as it stands there.

local core = require "finseg.core"
local finseg = require "finseg"

local function decode(users, separator)
  return assert(finseg.decode('{"users":[' .. table.concat(users, separator or ",") .. "]}"))
end

-- The tables of users() are those that each user makes when it is read alone.
local function assert_read_alike(users, separator)
  local position = 0
  for user in decode(users, separator):users() do
    position = position + 1
    assert.are.same(core.from_json(users[position]), user)
  end
  assert.are.equal(#users, position)
end

describe("users", function()
  it("come with all members, alike or not", function()
    assert_read_alike {
      '{"userId":"a","accounts":[{"accountId":"1","amount":1.5},{"accountId":"2","amount":-2}]}',
      '{"userId":"b","accounts":[{"accountId":"1","amount":1.5},{"accountId":"2","amount":-2}]}',
      '{"accounts":[{"amount":1,"accountId":"1"}],"userId":"c"}',
      '{"userId":"d"}',
      '{"userId":"e","accounts":[]}',
      '{"userId":"f","accounts":[{},{"amount":1}],"more":{"accounts":{"userId":[1,[2,{"x":null}]]}}}',
      '{"userId":"g","":0,"accounts":[{"accountId":"1","amount":1.5}],"userId2":true,"user":false}',
    }
  end)

  it("come with white space anywhere", function()
    assert_read_alike({
      ' { "userId" :\t"a" , "accounts" : [ { "amount" : 1 } , { } ] , "l" : [ ] , "n" : null } ',
      '\n{\r"userId": "b",\n "accounts": [\n{ "amount": 1.25e1 }\n]\n}\n',
    }, "\n,\t")
  end)

  it("come with escapes in names and texts", function()
    assert_read_alike {
      [[{"userId":"a\"b","\u0061":1,"a":2,"a\\":3,"a\"":"\\"}]],
      [[{"user\u0049d":"b","a":"\ud83d\ude00","\u0061\u0000":"x"}]],
      [[{"userId":"c","a\\":"\\\\","a\"":"\""}]],
    }
  end)

  it("come with more names, and longer ones, than are remembered", function()
    local users = {}
    for i = 1, 60 do
      users[i] = ('{"userId":"%d","n%d":%d,"%s":{"n%d":[1,2,3]},"n":0}'):format(i, i, i, ("long"):rep(i), i)
    end
    assert_read_alike(users)
    assert_read_alike { users[60], users[1], users[60] }
  end)

  it("come with arrays and objects of very different sizes", function()
    local users = {}
    for i, size in ipairs { 0, 1, 300, 2, 0, 17, 16, 1 } do
      local list = ("7,"):rep(size):sub(1, -2)
      local members = {}
      for k = 1, size do
        members[k] = ('"k%d":%d'):format(k, k)
      end
      users[i] = ('{"userId":"%d","list":[%s],"object":{%s}}'):format(i, list, table.concat(members, ","))
    end
    assert_read_alike(users)
  end)

  it("keep integers as they are", function()
    local numbers = "0,-0,-1,999999999999999999,-999999999999999999,1000000000000000000,9223372036854775807,1e3,-5E-1"
    assert_read_alike { '{"userId":"a","n":[' .. numbers .. "]}" }
    if math.type then
      local user = decode({ '{"userId":"a","n":999999999999999999,"m":-1}' }):users()()
      assert.are.equal("999999999999999999", tostring(user.n))
      assert.are.equal("integer", math.type(user.m))
    end
  end)

  it("have numbers as they are read alone, whatever stands behind them", function()
    local texts = [[0 -0 -0.0 0.5 -0.25 7 -7 12345678 -12345678 123456789 1234.5 1234.56789 99999999.9999 0.0001 5.0
      1e2 1.5E+2 12345678e1 1.0e0 10 100000000 123456789012345678]]
    for text in texts:gmatch "%S+" do
      for behind = 0, 20 do
        local user = decode({ ('{"userId":"a","n":[%s]%s}'):format(text, (" "):rep(behind)) }):users()()
        assert.are.equal(tonumber(text), user.n[1])
        if math.type then
          assert.are.equal(math.type(tonumber(text)), math.type(user.n[1]), text)
        end
      end
    end
  end)

  it("are as many as the page has, however often it is gone through and left", function()
    for _, count in ipairs { 0, 1, 31, 32, 33, 64, 100 } do
      local users = {}
      for i = 1, count do
        users[i] = ('{"userId":"%d","n%d":%d}'):format(i, i % 30, i)
      end
      local page = decode(users)
      for _ = 1, 2 do
        for user in page:users() do
          assert.are.equal("1", user.userId)
          break
        end
        local seen = 0
        for user in page:users() do
          seen = seen + 1
          assert.are.same({ userId = tostring(seen), ["n" .. seen % 30] = seen }, user)
        end
        assert.are.equal(count, seen)
      end
    end
  end)

  it("end for good", function()
    local next_user = decode({ '{"userId":"a"}' }):users()
    assert.are.equal("a", next_user().userId)
    for _ = 1, 3 do
      assert.is_nil(next_user())
    end
  end)

  it("may be nested as deeply as a page may be", function()
    local deep = ("["):rep(60) .. ("]"):rep(60)
    assert_read_alike { '{"userId":"a","deep":' .. deep .. "}", '{"userId":"b","deep":' .. deep .. "}" }
  end)
end)

describe("amounts", function()
  local function read(page, options)
    local steps = {}
    for user_id, amount, account_id in page:amounts(options) do
      steps[#steps + 1] = { user_id, amount, account_id or "none" }
    end
    return steps
  end

  it("come one an account, with the user's id each time", function()
    local page = decode {
      '{"userId":"a","accounts":[{"accountId":"1","amount":1.5},{"amount":-2,"accountId":"2"}]}',
      '{"userId":"b"}',
      '{"userId":"c","accounts":[]}',
      [[{"userId":"\u0064","accounts":[{"amount":3},{"accountId":"\u0034","amount":4}]}]],
    }
    assert.are.same(
      { { "a", 1.5, "1" }, { "a", -2, "2" }, { "d", 3, "none" }, { "d", 4, "4" } },
      read(page, { account_ids = true })
    )
    assert.are.same({ { "a", 1.5, "none" }, { "a", -2, "none" }, { "d", 3, "none" }, { "d", 4, "none" } }, read(page))
  end)

  it("come all, however many a user has", function()
    local accounts = {}
    for i = 1, 1000 do
      accounts[i] = ('{"accountId":"%d","amount":%d}'):format(i, i)
    end
    local user = '{"userId":"%s","accounts":[' .. table.concat(accounts, ",") .. "]}"
    local page = decode { user:format "a", '{"userId":"b","accounts":[{"amount":7}]}', user:format "c" }
    local count, sum, last = { a = 0, b = 0, c = 0 }, 0, nil
    for user_id, amount, account_id in page:amounts { account_ids = true } do
      count[user_id], sum, last = count[user_id] + 1, sum + amount, account_id
    end
    assert.are.same({ a = 1000, b = 1, c = 1000 }, count)
    assert.are.equal(2 * 500500 + 7, sum)
    assert.are.equal("1000", last)
  end)

  it("are the nearest float, and text beyond the floats", function()
    local page =
      decode { '{"userId":"a","accounts":[{"amount":0.00001},{"amount":9007199254740993},{"amount":1e999}]}' }
    assert.are.same({ 0.00001, 9007199254740992, "1e999" }, {
      read(page)[1][2],
      read(page)[2][2],
      read(page)[3][2],
    })
  end)

  it("end for good", function()
    local next_amount = decode({ '{"userId":"a","accounts":[{"amount":1}]}' }):amounts()
    assert.are.equal("a", (next_amount()))
    for _ = 1, 3 do
      assert.is_nil((next_amount()))
    end
    assert.is_nil((decode({}):amounts()()))
  end)
end)
