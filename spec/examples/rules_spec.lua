-- The rules of examples/rules: each on a small fixture, and each against the made-up population of a sandbox.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local rule_test = require "finseg.rule.test"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local function load_example(name)
  return assert(finseg.rule.load(("examples/rules/%s.lua"):format(name)))
end

-- A user with accounts of these amounts.
local function holder(id, ...)
  local accounts = {}
  for position, amount in ipairs { ... } do
    accounts[position] = { accountId = id .. position, amount = amount }
  end
  return { userId = id, accounts = accounts }
end

local function insured(id, ...)
  local insurances = {}
  for position, provider in ipairs { ... } do
    insurances[position] =
      { accountId = id, provider = provider, type = "INSURANCE", amount = 10, frequency = "MONTHLY" }
  end
  return { userId = id, insurances = insurances }
end

local function active(id, outgoing)
  return { userId = id, accounts = { { accountId = id, incomingCount = 3, outgoingCount = outgoing } } }
end

local function earner(id, ...)
  local months = {}
  for position, count in ipairs { ... } do
    months[position] = { month = "2024-0" .. position, total = 1000 * count, count = count }
  end
  return { userId = id, breakdowns = { { label = "SALARY", total = 3000, months = months } } }
end

local cases = {
  recurring_overdraft = {
    fixtures = { lowBalance = { holder("deep", -100.5, -600), holder("shallow", -150), holder("at", -500) } },
    selected = { "deep" },
  },
  premium_offer = {
    fixtures = {
      highBalance = { holder("rich", 50000), holder("richer", 20000, 60000), holder("overdrawn", 90000) },
      lowBalance = { holder("overdrawn", -1) },
    },
    selected = { "rich", "richer" },
  },
  insurance_check = {
    fixtures = {
      insuranceSpending = { insured("two", "A", "B"), insured("one", "A", "A"), insured("poor", "A", "B") },
      highBalance = { holder("two", 3000), holder("one", 3000), holder("other", 3000) },
    },
    selected = { "two" },
  },
  spending_campaign = {
    fixtures = {
      incomeSpendingSummary = { active("often", 30), active("seldom", 29), active("gap", 50), active("jobless", 50) },
      financialBreakdown = { earner("often", 1, 1, 2), earner("seldom", 1, 1, 1), earner("gap", 1, 0, 1) },
    },
    selected = { "often" },
  },
  saver_who_overdraws = {
    fixtures = {
      overdraft = { holder("covered", -800), holder("short", -2000), holder("bare", -800) },
      savings = { holder("covered", 1000.5), holder("short", 1500), holder("rich", 9000) },
    },
    selected = { "covered" },
  },
}

local names = {}
for name in pairs(cases) do
  names[#names + 1] = name
end
table.sort(names)

describe("the example rule", function()
  for _, name in ipairs(names) do
    it(name .. " selects whom it says", function()
      rule_test.selects(load_example(name), cases[name].fixtures, cases[name].selected)
    end)
  end

  it("is tested, each of them", function()
    local files = {}
    for file in shell.check("ls examples/rules"):gmatch "([^\n]+)%.lua\n" do
      files[#files + 1] = file
    end
    assert.are.same(files, names)
  end)
end)

describe("against a made-up population, the example rule", function()
  local service, client

  setup(function()
    service = sandbox.start { users = 1500, seed = 11, today = "2024-04-10", delay = 0.05 }
    client = connect(service)
  end)

  teardown(function()
    client:close()
    service.stop()
  end)

  for _, name in ipairs(names) do
    it(name .. " finds some users, and not all", function()
      local result, err = load_example(name):run(client)
      assert.is_nil(err)
      assert.is_true(result:count() > 0 and result:count() < 1500, name .. " finds " .. result:count())
      for user in result:users() do
        assert.is_true(result:has(user.userId))
      end
    end)
  end
end)
