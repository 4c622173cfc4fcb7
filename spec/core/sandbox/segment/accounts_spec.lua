-- Who is in highBalance and lowBalance, row by row.

local bank = require("spec.support.bank")
local wire = require("spec.support.wire")

describe("highBalance", function()
  it("finds balances above the threshold, not at it", function()
    local service = bank.start_with(finally, { { 1, 10, "930101", { "930105", 500000 } } })
    assert.equal("10 1 5000.00", bank.high_balance(service, "4999.99"))
    assert.equal("", bank.high_balance(service, "5000"))
    assert.equal("", bank.high_balance(service, "5000.00"))
    assert.equal("", bank.high_balance(service, "5e3"))
  end)

  it("compares with thresholds finer than a cent exactly", function()
    local service = bank.start_with(finally, {
      { 1, 10, "930101", { "930105", 500001 } },
      { 2, 20, "930101", { "930105", -500001 } },
    })
    assert.equal("10 1 5000.01", bank.high_balance(service, "5000.0099"))
    assert.equal("", bank.high_balance(service, "5000.0101"))
    assert.equal("10 1 5000.01\n20 2 -5000.01", bank.high_balance(service, "-5000.0101"))
    assert.equal("10 1 5000.01", bank.high_balance(service, "-5000.0099"))
  end)

  it("knows the balance before the reference date", function()
    local accounts = { { 1, 10, "930101", { "940331", 100 }, { "940401", 1000 }, { "940402", 10000 } } }
    assert.equal("10 1 1.00", bank.high_balance(bank.start_with(finally, accounts), "0"))
    assert.equal("10 1 11.00", bank.high_balance(bank.start_with(finally, accounts, "1994-04-02"), "0"))
    assert.equal("10 1 111.00", bank.high_balance(bank.start_with(finally, accounts, "1999-01-01"), "0"))
  end)

  it("counts an account without transactions as 0, and leaves out those opened later", function()
    local service = bank.start_with(finally, { { 1, 10, "940331" }, { 2, 20, "940401" }, { 3, 30, "950101" } })
    assert.equal("10 1 0.00", bank.high_balance(service, "-0.01"))
    assert.equal("", bank.high_balance(service, "0"))
  end)

  it("groups accounts by user and orders both by bytes", function()
    local service = bank.start_with(finally, {
      { 9, 100, "930101", { "930105", 100 } },
      { 10, 100, "930101", { "930105", 200 } },
      { 11, 20, "930101", { "930105", 300 } },
      { 12, 20, "930101", { "930105", -300 } },
    })
    assert.equal("100 10 2.00\n100 9 1.00\n20 11 3.00", bank.high_balance(service, "0"))
    local users = wire.segment(service, "highBalance", { threshold = 0 })
    assert.equal(2, #users)
    assert.equal(2, #users[1].accounts)
  end)

  it("compares the account type without case", function()
    local service = bank.start_with(finally, { { 1, 10, "930101", { "930105", 100 } } })
    for _, account_type in ipairs({ "checking", "CHECKING", "Checking" }) do
      assert.equal("10 1 1.00", bank.high_balance(service, "0", account_type))
    end
    assert.equal("", bank.high_balance(service, "0", "savings"))
  end)

  it("sums amounts without rounding", function()
    local account = { 1, 10, "930101" }
    for i = 1, 300 do
      account[#account + 1] = { "930105", i % 3 == 0 and -1 or 10 }
    end
    account[#account + 1] = { "930106", 9007199254740 }
    assert.equal("10 1 90071992566.40", bank.high_balance(bank.start_with(finally, { account }), "0"))
  end)
end)

describe("lowBalance", function()
  it("asks for a day below the threshold in each month", function()
    local service = bank.start_with(finally, {
      -- Low in February and March.
      { 1, 10, "930101", { "930105", 10000 }, { "940210", -20000 }, { "940211", 20000 }, { "940331", -15000 } },
      -- Low in March alone.
      { 2, 20, "930101", { "930105", 10000 }, { "940310", -20000 }, { "940311", 20000 } },
      -- Low in February alone.
      { 3, 30, "930101", { "930105", 10000 }, { "940210", -20000 }, { "940211", 20000 } },
    })
    assert.equal("10 1 -50.00\n20 2 -100.00", bank.low_balance(service, "0", 1))
    assert.equal("10 1 -100.00", bank.low_balance(service, "0", 2))
    assert.equal("", bank.low_balance(service, "0", 3))
  end)

  it("carries a balance through months without a transaction", function()
    local service = bank.start_with(finally, { { 1, 10, "920101", { "930105", -5000 } } })
    assert.equal("10 1 -50.00", bank.low_balance(service, "0", 12))
    assert.equal("", bank.low_balance(service, "-50", 12))
    assert.equal("10 1 -50.00", bank.low_balance(service, "-49.9999", 12))
    assert.equal("", bank.low_balance(service, "-50.0001", 12))
  end)

  it("looks at the closing balance of a day, not at what happened within it", function()
    local service = bank.start_with(finally, {
      { 1, 10, "930101", { "930105", 10000 }, { "940310", -20000 }, { "940310", 20000 } },
    })
    assert.equal("", bank.low_balance(service, "0", 1))
    assert.equal("10 1 100.00", bank.low_balance(service, "100.01", 1))
  end)

  it("counts the first and the last day of a month and no day outside", function()
    local service = bank.start_with(finally, {
      { 1, 10, "930101", { "930105", 100 }, { "940228", -200 }, { "940301", 200 } },
      { 2, 20, "930101", { "930105", -100 }, { "940302", 200 } },
      { 3, 30, "930101", { "930105", 100 }, { "940331", -200 } },
      { 4, 40, "930101", { "930105", 100 }, { "940401", -200 } },
    })
    assert.equal("20 2 -1.00\n30 3 -1.00", bank.low_balance(service, "0", 1))
    assert.equal("20 2 -1.00", bank.low_balance(service, "0", 2))
  end)

  it("counts days from the opening on, with 0 until a transaction", function()
    local service = bank.start_with(finally, {
      { 1, 10, "940315", { "940320", 10000 } },
      { 2, 20, "940315", { "940315", 10000 } },
      { 3, 30, "940401", { "940401", -100 } },
    })
    assert.equal("10 1 0.00", bank.low_balance(service, "0.01", 1))
    assert.equal("10 1 0.00\n20 2 100.00", bank.low_balance(service, "1000", 1))
    assert.equal("", bank.low_balance(service, "1000", 2), "a month before the opening is not low")
  end)

  it("leaves the month of the reference date out", function()
    local accounts = { { 1, 10, "930101", { "930105", 100 }, { "940405", -200 }, { "940410", 200 } } }
    assert.equal("", bank.low_balance(bank.start_with(finally, accounts, "1994-04-20"), "0", 1))
    assert.equal("10 1 -1.00", bank.low_balance(bank.start_with(finally, accounts, "1994-05-01"), "0", 1))
  end)

  it("crosses the turn of the year and leap days", function()
    local service = bank.start_with(finally, {
      {
        1,
        10,
        "910101",
        { "910105", 100 },
        { "920229", -200 },
        { "920301", 200 },
        { "911231", -300 },
        { "920101", 300 },
      },
    }, "1992-03-01")
    assert.equal("10 1 -1.00", bank.low_balance(service, "0", 1))
    assert.equal("", bank.low_balance(service, "0", 2))
    service = bank.start_with(
      finally,
      { { 1, 10, "910101", { "910105", 100 }, { "911231", -300 }, { "920101", 300 } } },
      "1992-01-31"
    )
    assert.equal("10 1 -2.00", bank.low_balance(service, "0", 1))
  end)
end)
