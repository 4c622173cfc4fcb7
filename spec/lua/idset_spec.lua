-- Sets of user ids.

local finseg = require "finseg"
local idset = require "finseg.idset"

local A = "00000000-0000-4000-a000-000000000001"
local B = "00000000-0000-4000-a000-000000000002"
local UPPER = "00000000-0000-4000-A000-000000000001"

local function list(set)
  local ids = {}
  for id in set:ids() do
    ids[#ids + 1] = id
  end
  return ids
end

local function page_of(ids)
  local users = {}
  for i, id in ipairs(ids) do
    users[i] = ('{"userId":"%s"}'):format(id)
  end
  return assert(finseg.decode('{"users":[' .. table.concat(users, ",") .. "]}"))
end

describe("a set of user ids", function()
  it("holds each id once, UUIDs and texts, ascending by their bytes", function()
    local set = idset.new { "zoe", B, A, "0", A, "zoe", UPPER }
    assert.are.equal(5, set:count())
    local sorted = { "0", A, B, UPPER, "zoe" }
    table.sort(sorted)
    assert.are.same(sorted, list(set))
  end)

  it("contains what was added, as it was written", function()
    local set = idset.new { A, "zoe" }
    assert.is_true(set:contains(A))
    assert.is_true(set:contains "zoe")
    assert.is_false(set:contains(UPPER))
    assert.is_false(set:contains(B))
    assert.is_false(set:contains "")
    assert.is_true(set:add(B):contains(B))
  end)

  it("may be empty", function()
    local set = idset.new()
    assert.are.equal(0, set:count())
    assert.are.same({}, list(set))
    assert.are.equal(0, page_of({}):ids():count())
    assert.are.equal("finseg set of 0 user ids", tostring(set))
  end)

  it("is united, intersected and subtracted, by operators and by methods", function()
    local left, right = idset.new { A, "x", "y" }, idset.new { B, A, "y", "z" }
    assert.are.same({ A, B, "x", "y", "z" }, list(left + right))
    assert.are.same({ A, "y" }, list(left * right))
    assert.are.same({ "x" }, list(left - right))
    assert.are.same(list(left + right), list(left:union(right)))
    assert.are.same(list(left * right), list(left:intersection(right)))
    assert.are.same(list(left - right), list(left:difference(right)))
    assert.are.same({ A, "x", "y" }, list(left))
    assert.are.same({}, list(left - left))
  end)

  it("is made from a page, and does not need it any more", function()
    local set = page_of({ A, "zoe", "\\u0061", A }):ids()
    collectgarbage()
    collectgarbage()
    assert.are.same({ A, "a", "zoe" }, list(set))
  end)

  it("keeps zero bytes and long texts apart", function()
    local long = ("x"):rep(5000)
    local set = idset.new { "a", "a\0", "a\0b", long, long .. "y" }
    assert.are.equal(5, set:count())
    assert.is_true(set:contains "a\0b")
    assert.is_false(set:contains "a\0c")
    assert.is_true(set:contains(long))
  end)

  it("refuses an empty id", function()
    local set, err = idset.new { A, "" }
    assert.is_nil(set)
    assert.are.equal("invalid", err.kind)
    set = idset.new { A }
    assert.is_nil((set:add ""))
    assert.are.equal(1, set:count())
  end)

  it("raises for what is no id and no set", function()
    local set = idset.new { A }
    assert.error_matches(function()
      set:add(5)
    end, "string expected, got number")
    assert.error_matches(function()
      set:contains(nil)
    end, "string expected, got n")
    assert.error_matches(function()
      idset.new { A, 5 }
    end, "id 2: string expected, got number")
    assert.error_matches(function()
      return set + { A }
    end, "finseg.idset expected")
  end)

  it("tells a loop that it has changed", function()
    local set = idset.new { "a", "b", "c" }
    local next_id = set:ids()
    next_id()
    set:add "d"
    assert.error_matches(next_id, "was added to while a loop went through it")
  end)

  it("outlives the sets it came from, and its iterator outlives it", function()
    local function made()
      return (idset.new { A, "x" } + idset.new { B }):ids()
    end
    local next_id = made()
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.are.equal(A, next_id())
    assert.are.equal(B, next_id())
    assert.are.equal("x", next_id())
    assert.is_nil(next_id())
    assert.is_nil(next_id())
  end)
end)
