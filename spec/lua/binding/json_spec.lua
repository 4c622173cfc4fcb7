-- JSON into Lua values and back.

local core = require "finseg.core"
local finseg = require "finseg"

local has_integers = math.type ~= nil

local function nested(depth)
  return ("["):rep(depth) .. ("]"):rep(depth)
end

describe("JSON into Lua", function()
  it("makes tables with every member", function()
    local value = assert(core.from_json '{"a":{"b":[1,"two",true,false,null,{}]},"":"empty name"}')
    assert.are.equal("empty name", value[""])
    assert.are.same({ 1, "two", true, false, finseg.null, {} }, value.a.b)
  end)

  it("resolves escapes, surrogate pairs and zero bytes, in names too", function()
    local value = assert(core.from_json [[{"\u00e9\n":"\ud83d\ude00\u0000\"\\\/"}]])
    assert.are.equal('😀\0"\\/', value["é\n"])
  end)

  it("keeps integers that fit as integers, and the nearest float of other numbers", function()
    local value =
      assert(core.from_json "[9007199254740993,-9223372036854775808,1.0,1e2,0.1,-0.30000000000000004,5e-324]")
    if has_integers then
      assert.are.equal("9007199254740993", tostring(value[1]))
      assert.are.equal(math.mininteger, value[2])
      assert.are.equal("float", math.type(value[3]))
    end
    assert.are.equal(100, value[4])
    assert.are.equal(0.1, value[5])
    assert.are.equal(-0.30000000000000004, value[6])
    assert.are.equal(5e-324, value[7])
  end)

  it("reads decimals exactly like Lua itself", function()
    math.randomseed(7)
    for _ = 1, 2000 do
      local text = ("%d.%0" .. math.random(1, 9) .. "d"):format(math.random(-1e6, 1e6), math.random(0, 9))
      assert.are.equal(tonumber(text), core.from_json(text))
      assert.are.equal(tonumber(text), core.from_json(text .. (" "):rep(16)))
    end
  end)

  it("gives a number beyond the floats' range as its text, never as infinity", function()
    local value = assert(core.from_json "[1e400,-1e999,123456789012345678901234567890]")
    assert.are.same({ "1e400", "-1e999", 123456789012345678901234567890 }, value)
  end)

  it("says what is wrong and at which byte", function()
    local value, err = core.from_json '{"a":1,}'
    assert.is_nil(value)
    assert.are.equal("protocol", err.kind)
    assert.matches("at byte %d", err.message)
  end)

  it("refuses what is nested too deeply, and survives it", function()
    assert.is_table(core.from_json(nested(64)))
    assert.is_nil(core.from_json(nested(65)))
    assert.is_nil(core.from_json(nested(100000)))
  end)

  it("does not depend on the locale", function()
    local before = os.setlocale(nil, "numeric")
    finally(function()
      os.setlocale(before, "numeric")
    end)
    if not (os.setlocale("de_DE.UTF-8", "numeric") or os.setlocale("fr_FR.UTF-8", "numeric")) then
      return pending "no locale with a decimal comma is installed"
    end
    assert.are.equal(1.5, core.from_json "1.5")
    assert.are.equal("1.5", core.to_json(1.5))
    assert.are.equal("1.2345678901234568e-300", core.to_json(1.2345678901234567e-300))
  end)
end)

describe("Lua into JSON", function()
  it("is canonical: sorted names, shortest numbers", function()
    local text = core.to_json { z = 1, a = { 1, 2.5, "x" }, m = { b = true, a = finseg.null }, e = {} }
    assert.are.equal('{"a":[1,2.5,"x"],"e":{},"m":{"a":null,"b":true},"z":1}', text)
  end)

  it("writes whole numbers without a fraction or an exponent, and others so that they read back the same", function()
    assert.are.equal("5000", core.to_json(5000.0))
    assert.are.equal("-100", core.to_json(-100))
    assert.are.equal("9007199254740991", core.to_json(9007199254740991))
    for _, number in ipairs { 0.1, 1 / 3, 1e300, -2.5e-10, 123456.789, 5e-324 } do
      assert.are.equal(number, tonumber((core.to_json(number))))
    end
    if has_integers then
      assert.are.equal("9223372036854775807", core.to_json(math.maxinteger))
    end
  end)

  it("escapes text and comes back as the same value", function()
    local value = { text = 'quote " backslash \\ newline \n zero \0 é 😀 \127', list = { { deep = { 1, { 2 } } } } }
    assert.are.same(value, core.from_json((core.to_json(value))))
  end)

  it("names the member that cannot be sent", function()
    local cycle = {}
    cycle.again = cycle
    local refused = {
      { { threshold = print }, "threshold: a function cannot be sent" },
      { { labels = { "SALARY", print } }, "labels[2]: a function cannot be sent" },
      { { a = { b = { c = coroutine.create(print) } } }, "a.b.c: a thread cannot be sent" },
      { { threshold = 0 / 0 }, "threshold: a number that is infinite or not a number cannot be sent" },
      { { threshold = math.huge }, "threshold: a number that is infinite or not a number cannot be sent" },
      { { name = "\255" }, "name: text that is not valid UTF-8 cannot be sent" },
      { { list = { 1, nil, 3 } }, "list: a table must have either text keys or the positions 1 to n, without gaps" },
      { { mixed = { 1, x = 2 } }, "mixed: a table must have either text keys or the positions 1 to n, without gaps" },
      { { [true] = 1 }, "a table must have either text keys or the positions 1 to n, without gaps" },
      { { file = io.stdout }, "file: a userdata cannot be sent" },
    }
    for _, case in ipairs(refused) do
      local text, reason = core.to_json(case[1])
      assert.is_nil(text)
      assert.are.equal(case[2], reason)
    end
    local text, reason = core.to_json(cycle)
    assert.is_nil(text)
    assert.matches("nested this deeply, or inside itself", reason)
  end)
end)
