-- Populations: the same for the same seed, and what there is in them.

local afterwards = require("spec.support.afterwards")
local bank = require("spec.support.bank")
local berka = require("spec.support.berka")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local EXCERPT = "spec/data/berka"
local BERKA_TODAY = "1994-04-01"

describe("a population", function()
  local TODAY = "2024-04-15"
  local ANYONE = { threshold = -100000000 }

  it("is the same for the same seed, and another for another", function()
    local one = bank.start(finally, { users = 40, seed = 7, today = TODAY })
    local two = bank.start(finally, { users = 40, seed = 7, today = TODAY })
    local other = bank.start(finally, { users = 40, seed = 8, today = TODAY })
    local all = bank.high_balance(one, "-100000000")
    assert.equal(all, bank.high_balance(two, "-100000000"))
    assert.not_equal(all, bank.high_balance(other, "-100000000"))
    assert.equal(bank.low_balance(one, "100", 3), bank.low_balance(two, "100", 3))
  end)

  it("begins with the smaller population of the same seed", function()
    local small = bank.start(finally, { users = 10, seed = 7, today = TODAY })
    local large = bank.start(finally, { users = 20, seed = 7, today = TODAY })
    local all = bank.high_balance(large, "-100000000") .. "\n"
    for line in bank.high_balance(small, "-100000000"):gmatch("[^\n]+") do
      assert.truthy(all:find(line .. "\n", 1, true), line)
    end
  end)

  it("has well-formed ids, several account types, savers and overdrafts", function()
    local service = bank.start(finally, { users = 200, seed = 3, today = TODAY })
    local users = wire.segment(service, "highBalance", ANYONE)
    assert.equal(200, #users)
    local hex = "[0-9a-f]"
    local uuid = "^"
      .. hex:rep(8)
      .. "%-"
      .. hex:rep(4)
      .. "%-4"
      .. hex:rep(3)
      .. "%-[89ab]"
      .. hex:rep(3)
      .. "%-"
      .. hex:rep(12)
      .. "$"
    local seen = {}
    for _, user in ipairs(users) do
      assert.matches(uuid, user.userId)
      for _, account in ipairs(user.accounts) do
        assert.matches("^%d%d%d%d%d%d%d%d%d%d$", account.accountId)
        assert.is_nil(seen[account.accountId])
        seen[account.accountId] = true
      end
    end
    assert.equal(200, #wire.segment(service, "highBalance", { threshold = -100000000, accountType = "checking" }))
    for _, account_type in ipairs({ "savings", "credit_card", "security", "loan" }) do
      local found = #wire.segment(service, "highBalance", { threshold = -100000000, accountType = account_type })
      assert.truthy(found > 0 and found < 200, account_type)
    end
    local often =
      #wire.segment(service, "lowBalance", { threshold = -100, durationInMonth = 3, accountType = "checking" })
    assert.truthy(often > 0 and often < 100, "recurring overdrafts: " .. often)
    local year =
      #wire.segment(service, "lowBalance", { threshold = 100000, durationInMonth = 12, accountType = "checking" })
    assert.truthy(year > 150, "twelve months of history: " .. year)
  end)

  it("can stand beside an import", function()
    local service = bank.start(finally, { users = 5, import = "berka=" .. EXCERPT, today = BERKA_TODAY })
    local book = berka.read(EXCERPT, BERKA_TODAY)
    assert.equal(5 + #book:high_balance("-1000000"), #wire.segment(service, "highBalance", ANYONE))
  end)

  it("has insurances of every rhythm, finer labels and refunds", function()
    local options = { users = 500, seed = 1, today = TODAY }
    local frequencies, types = {}, {}
    for _, user in ipairs(wire.segment(bank.start(finally, options), "insuranceSpending", { durationInMonth = 12 })) do
      for _, policy in ipairs(user.insurances) do
        frequencies[policy.frequency] = (frequencies[policy.frequency] or 0) + 1
        types[policy.type] = true
      end
    end
    for _, frequency in ipairs({ "MONTHLY", "QUARTERLY", "HALF_YEARLY", "YEARLY", "IRREGULAR" }) do
      assert.truthy(frequencies[frequency], frequency)
    end
    assert.truthy(types.INSURANCE and types.INSURANCE_HEALTH and types.INSURANCE_HEALTH_DENTAL)

    local parent = shell.scratch()
    afterwards(finally, function()
      shell.remove(parent)
    end)
    local folder = parent .. "/bank"
    local words = sandbox.arguments(options)
    words[#words + 1] = "--export"
    words[#words + 1] = folder
    assert.equal(0, (sandbox.run(words)))
    local transactions = shell.read_file(folder .. "/transactions.csv")
    assert.truthy(transactions:find(",%d+%.%d%d,INSURANCE[A-Z_]*,[^,\r\n]"), "a refund")
    assert.truthy(transactions:find(",SALARY_BONUS,", 1, true))
  end)
end)
