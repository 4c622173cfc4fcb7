-- Exact decimals: every digit counts, and 12.10 is 12.1.

local decimal = require "finseg.value.decimal"

local function read(text)
  return assert(decimal.read(text), text)
end

local function sum(a, b)
  return decimal.text(decimal.add(read(a), read(b)))
end

local function difference(a, b)
  return decimal.text(decimal.subtract(read(a), read(b)))
end

describe("a decimal", function()
  it("is the same however it is written", function()
    for text, plain in pairs {
      ["12.10"] = "12.1",
      ["-0.0"] = "0",
      ["0"] = "0",
      ["1e3"] = "1000",
      ["1.25E-2"] = "0.0125",
      ["-100"] = "-100",
      ["9223372036854775808"] = "9223372036854775808",
      ["0.10000000000000000001"] = "0.10000000000000000001",
    } do
      assert.are.equal(plain, decimal.text(read(text)))
      assert.is_true(decimal.equal(read(text), read(plain)))
    end
    assert.is_false(decimal.equal(read "0.10000000000000000001", read "0.1"))
    assert.is_false(decimal.equal(read "1", read "-1"))
  end)

  it("is added and subtracted with all digits", function()
    assert.are.equal("0.3", sum("0.1", "0.2"))
    assert.are.equal("0.2", difference("0.3", "0.1"))
    assert.are.equal("10000000000000000000000.01", sum("9999999999999999999999.99", "0.02"))
    assert.are.equal("-0.01", difference("9223372036854775807.99", "9223372036854775808"))
    assert.are.equal("0", difference("12.10", "12.1"))
    assert.are.equal("-7.5", sum("-10", "2.5"))
    assert.are.equal("7.5", sum("-2.5", "10"))
    assert.are.equal("-12.5", sum("-10", "-2.5"))
    assert.are.equal("-5", difference("0", "5"))
    assert.are.equal("5", difference("5", "0"))
  end)

  it("agrees with whole numbers", function()
    for a = -30, 30 do
      for b = -30, 30 do
        assert.are.equal(("%d"):format(a * 1e6 + b), sum(("%de6"):format(a), tostring(b)))
        assert.are.equal(("%d"):format(a - b), difference(tostring(a), tostring(b)))
      end
    end
  end)

  it("is none beyond reason", function()
    assert.is_nil(decimal.read "1e401")
    assert.is_nil(decimal.read "1e-99999999999999999999")
    assert.is_nil(decimal.read(("9"):rep(401)))
    assert.is_nil(decimal.read "null")
    assert.is_nil(decimal.read '"5"')
  end)
end)
