-- What is counted, compared and classed over the amounts of a result: exactly, over every page.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"

-- A page of users u1, u2, ... with one list of amounts (as JSON) each.
local function page_of(...)
  local users = {}
  for i, amounts in ipairs { ... } do
    users[i] = ('{"userId":"u%d","accounts":[%s]}'):format(i, (amounts:gsub("[^,]+", '{"amount":%0}')))
  end
  return assert(finseg.decode('{"users":[' .. table.concat(users, ",") .. "]}"))
end

local function assert_invalid(message, value, err)
  assert.is_nil(value)
  assert.are.equal("invalid", err.kind)
  assert.matches(message, tostring(err), nil, true)
end

describe("count", function()
  local page = page_of("-12.5,0,0.1", "100,0.30", "9007199254740993.5")

  it("counts the amounts when there are no bounds", function()
    assert.are.equal(4, page_of("1,2", "3,3"):count())
    assert.are.equal(4, page_of("1,2", "3,3"):count {})
  end)

  it("counts both bounds in, numbers and decimal text alike", function()
    local small = page_of("-12.5,0,0.1", "100,0.30")
    assert.are.equal(5, small:count { min = -12.5, max = 100 })
    assert.are.equal(3, small:count { min = 0, max = 0.3 })
    assert.are.equal(3, small:count { min = "0", max = "0.30" })
    assert.are.equal(2, small:count { min = "0.1", max = 99.9999 })
    assert.are.equal(2, small:count { max = 0 })
    assert.are.equal(0, small:count { min = 101 })
    assert.are.equal(0, small:count { min = 1, max = 0 })
  end)

  it("takes a float for the decimal it is written as", function()
    assert.are.equal(1, page_of("0.1,0.3"):count { min = 0.1, max = 0.1 })
    assert.are.equal(1, page_of("1234567.8901"):count { min = 1234567.8901, max = 1234567.8901 })
  end)

  it("refuses amounts that it cannot hold exactly", function()
    assert_invalid('9007199254740993.5 of user "u3"', page:count { min = 0 })
    assert_invalid("0.00001", page_of("0.00001"):count())
  end)

  it("refuses bounds that are no amounts", function()
    local small = page_of("1")
    assert_invalid("is no decimal number", small:count { min = "a lot" })
    assert_invalid("is no decimal number", small:count { min = "" })
    assert_invalid("more than four decimals", small:count { max = 0.00001 })
    assert_invalid("is too large", small:count { max = 1e300 })
    assert_invalid("must be a finite number", small:count { max = math.huge })
    assert_invalid("must be a finite number", small:count { min = 0 / 0 })
    assert_invalid("no option least", small:count { least = 1 })
  end)

  it("raises for wrong types, naming the argument", function()
    assert.has_error(function()
      page:count(5)
    end, "bad argument #1 to 'count' (table expected, got number)")
    assert.has_error(function()
      page:count { min = true }
    end, "bad argument #1 to 'count' (min: number or decimal text expected, got boolean)")
  end)
end)

describe("min and max", function()
  it("answer the nearest number and the exact text", function()
    local page = page_of("5,-12.5", "100.0001", "7")
    assert.are.same({ -12.5, "-12.50" }, { page:min() })
    assert.are.same({ 100.0001, "100.0001" }, { page:max() })
  end)

  it("keep what a float cannot hold in the text", function()
    local number, text = page_of("922337203685477.5807,1"):max()
    assert.are.equal(922337203685477.5807, number)
    assert.are.equal("922337203685477.5807", text)
  end)

  it("answer nothing but nil when there are no users", function()
    local empty = page_of()
    assert.are.equal(0, empty:count())
    assert.are.same({ n = 0 }, { n = select("#", empty:min()) })
    assert.is_nil((empty:max()))
    assert.is_nil((select(2, empty:max())))
  end)
end)

describe("histogram", function()
  it("counts below the first bound, from each bound to below the next, and from the last on", function()
    local page = page_of("-5,0,9.9999", "10,10.0001,99", "100,1000")
    assert.are.same({ 1, 2, 3, 2 }, page:histogram { 0, "10", 100 })
    assert.are.same({ 8 }, page:histogram {})
    assert.are.same({ 0, 8 }, page:histogram { -5 })
  end)

  it("answers zeros for no users", function()
    assert.are.same({ 0, 0 }, page_of():histogram { 1 })
  end)

  it("refuses bounds that do not rise, or are no amounts", function()
    local page = page_of("1")
    assert_invalid("must rise", page:histogram { 1, 1 })
    assert_invalid("must rise", page:histogram { 2, 1 })
    assert_invalid("is no decimal number", page:histogram { 1, "2 EUR" })
  end)

  it("raises for wrong types, naming the argument", function()
    local page = page_of("1")
    assert.has_error(function()
      page:histogram()
    end, "bad argument #1 to 'histogram' (table expected, got no value)")
    assert.has_error(function()
      page:histogram { 1, {} }
    end, "bad argument #1 to 'histogram' (bound 2: number or decimal text expected, got table)")
  end)
end)

describe("a kind without amounts", function()
  local page = assert(finseg.decode '{"users":[{"userId":"a","breakdowns":[]}]}')

  it("is an err of every aggregate", function()
    for _, method in ipairs { "sum", "count", "min", "max" } do
      assert_invalid("carry no amounts", page[method](page))
    end
    assert_invalid("carry no amounts", page:histogram { 1 })
  end)

  it("is raised by amounts", function()
    local ok, err = pcall(function()
      for _ in page:amounts() do
        error "there are none"
      end
    end)
    assert.is_false(ok)
    assert.are.equal("invalid", err.kind)
  end)

  it("has ids all the same", function()
    assert.are.equal(1, page:ids():count())
  end)
end)

describe("over a segment", function()
  local service, client

  setup(function()
    service = sandbox.start { users = 200, seed = 5, today = "2024-04-01" }
    client = connect(service, { page_size = 7, parallel_pages = 3 })
  end)

  teardown(function()
    client:close()
    service.stop()
  end)

  it("every page counts", function()
    local segment = assert(client:segment("highBalance", { threshold = 2000 }))
    local count, least, most, below = 0, math.huge, -math.huge, 0
    local ids, users = {}, 0
    for user in segment:users() do
      ids[user.userId], users = true, users + 1
      for _, account in ipairs(user.accounts) do
        count = count + 1
        least, most = math.min(least, account.amount), math.max(most, account.amount)
        below = below + (account.amount < 5000 and 1 or 0)
      end
    end
    assert.is_true(users > 20)
    assert.are.equal(segment.totalElements, users)
    assert.are.equal(count, segment:count())
    assert.are.equal(below, segment:count { max = "4999.9999" })
    assert.are.equal(least, (segment:min()))
    assert.are.equal(most, (segment:max()))
    assert.are.same({ below, count - below }, segment:histogram { 5000 })
    local set = segment:ids()
    assert.are.equal(users, set:count())
    for id in set:ids() do
      assert.is_true(ids[id])
    end
    local in_lua = 0
    for _ in segment:amounts() do
      in_lua = in_lua + 1
    end
    assert.are.equal(count, in_lua)
  end)

  it("a bad bound asks for no page", function()
    local segment = assert(client:segment("highBalance", { threshold = 2000 }))
    assert_invalid("is no decimal number", segment:count { min = "much" })
    assert.are.equal(0, client:pending())
  end)

  it("a page that was kept outlives the ones that are read after it", function()
    local segment = assert(client:segment("highBalance", { threshold = 2000 }))
    local pages, firsts = {}, {}
    for page in segment:pages() do
      pages[#pages + 1] = page
      firsts[#firsts + 1] = page:users()().userId
    end
    for _ = 1, 3 do
      segment:sum()
    end
    for i, page in ipairs(pages) do
      assert.are.equal(firsts[i], page:users()().userId)
    end
  end)

  it("two readings side by side do not disturb each other", function()
    local segment = assert(client:segment("highBalance", { threshold = 2000 }))
    local one, other = segment:amounts(), segment:amounts()
    local last
    repeat
      local id, amount = one()
      assert.are.same({ id, amount }, { other() })
      last = id
      if last then
        segment:count()
      end
    until not last
  end)
end)
