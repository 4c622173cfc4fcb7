-- What incomeSpendingSummary, insuranceSpending and financialBreakdown contain, and all five kinds against another
-- computation that shares nothing with the sandbox. The balance kinds, row by row, are in accounts_spec.lua.

local afterwards = require("spec.support.afterwards")
local berka = require("spec.support.berka")
local cjson = require("cjson")
local ledger = require("spec.support.ledger")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local TODAY = "2024-04-15"
local BERKA_TODAY = "1994-04-01"

local function start(finally, options)
  local service = sandbox.start(options)
  afterwards(finally, service.stop)
  return service
end

local function scratch(finally)
  local folder = shell.scratch()
  afterwards(finally, function()
    shell.remove(folder)
  end)
  return folder
end

-- A service over accounts written by hand: "accountId,userId" and the lines of its transactions without the accountId.
local function start_with(finally, accounts)
  local folder = scratch(finally)
  local users, known = { "userId" }, {}
  local account_lines, transaction_lines =
    { "accountId,userId,type,opened" }, { "accountId,date,amount,label,counterpart" }
  for _, account in ipairs(accounts) do
    local id, user = account[1]:match("^(.-),(.*)$")
    if not known[user] then
      users[#users + 1] = user
      known[user] = true
    end
    account_lines[#account_lines + 1] = ("%s,%s,CHECKING,%s"):format(id, user, account.opened or "2020-01-01")
    for i = 2, #account do
      transaction_lines[#transaction_lines + 1] = id .. "," .. account[i]
    end
  end
  shell.write_file(folder .. "/users.csv", table.concat(users, "\n") .. "\n")
  shell.write_file(folder .. "/accounts.csv", table.concat(account_lines, "\n") .. "\n")
  shell.write_file(folder .. "/transactions.csv", table.concat(transaction_lines, "\n") .. "\n")
  return start(finally, { import = "csv=" .. folder, today = TODAY })
end

local function text(service, kind, parameters)
  return ledger.text(wire.exact_segment(service, kind, parameters))
end

describe("incomeSpendingSummary", function()
  it("counts incoming and outgoing transactions of complete months", function()
    local service = start_with(finally, {
      {
        "a,u",
        "2024-02-29,1.00,,", -- before the last month
        "2024-03-01,0.01,SALARY,",
        "2024-03-01,0.01,SALARY,",
        "2024-03-31,-5,,",
        "2024-04-01,-5,,", -- not a complete month
        "2024-04-15,9,,", -- the reference date
      },
    })
    assert.equal(
      "{accounts=[{accountId=a incomingCount=2 outgoingCount=1}] userId=u}",
      text(service, "incomeSpendingSummary", { durationInMonth = 1 })
    )
    assert.equal(
      "{accounts=[{accountId=a incomingCount=3 outgoingCount=1}] userId=u}",
      text(service, "incomeSpendingSummary", { durationInMonth = 2 })
    )
  end)

  it("leaves out accounts and users with none, and amounts of 0", function()
    local service = start_with(finally, {
      { "a,u", "2024-03-10,1,," },
      { "b,u", "2024-01-10,1,," },
      { "c,v", "2024-03-10,0.00,," },
      { "d,w" },
      { "e,x", "2024-03-10,1,,", opened = "2024-04-15" }, -- not there before the reference date
    })
    assert.equal(
      "{accounts=[{accountId=a incomingCount=1 outgoingCount=0}] userId=u}",
      text(service, "incomeSpendingSummary", { durationInMonth = 1 })
    )
  end)

  it("counts transactions from before the opening, too, which no low balance comes of", function()
    local service = start_with(finally, { { "a,u", "2024-02-10,-7,,", opened = "2024-03-10" } })
    assert.equal(
      "{accounts=[{accountId=a incomingCount=0 outgoingCount=1}] userId=u}",
      text(service, "incomeSpendingSummary", { durationInMonth = 2 })
    )
    assert.equal("", text(service, "lowBalance", { durationInMonth = 2, threshold = 0 }))
    assert.equal(
      "{accounts=[{accountId=a amount=-7.00}] userId=u}",
      text(service, "lowBalance", { durationInMonth = 1, threshold = 0 })
    )
  end)
end)

describe("insuranceSpending", function()
  -- The frequency that payments on these days have.
  local function frequency(...)
    local account = { "a,u" }
    for _, date in ipairs({ ... }) do
      account[#account + 1] = date .. ",-10,INSURANCE,x"
    end
    local users = wire.segment(start_with(finally, { account }), "insuranceSpending", { durationInMonth = 12 })
    return users[1].insurances[1].frequency
  end

  it("groups premiums by account, provider and type, in that order, with the last premium", function()
    local service = start_with(finally, {
      {
        "b,u",
        "2024-01-02,-10,INSURANCE_LIFE,Zett",
        "2024-02-02,-12.5,INSURANCE_LIFE,Zett",
        "2024-02-03,-7,INSURANCE_CAR,Zett",
        "2024-02-04,-8,INSURANCE,Alpha",
        "2024-02-05,-9,INSURANCE,",
      },
      { "a,u", "2024-03-02,-1,INSURANCE_HEALTH_DENTAL,Zett", "2024-03-02,-2,INSURANCE_HEALTH_DENTAL,Zett" },
    })
    local users = wire.exact_segment(service, "insuranceSpending", { durationInMonth = 3 })
    assert.equal(1, #users)
    local lines = {}
    for i, each in ipairs(users[1].insurances) do
      lines[i] = table.concat({ each.accountId, tostring(each.provider), each.type, each.amount, each.frequency }, " ")
    end
    assert.same({
      "a Zett INSURANCE_HEALTH_DENTAL 2.00 IRREGULAR",
      "b " .. tostring(cjson.null) .. " INSURANCE 9.00 IRREGULAR",
      "b Alpha INSURANCE 8.00 IRREGULAR",
      "b Zett INSURANCE_CAR 7.00 IRREGULAR",
      "b Zett INSURANCE_LIFE 12.50 MONTHLY",
    }, lines)
  end)

  it("knows refunds, other labels and other months apart", function()
    local service = start_with(finally, {
      {
        "a,u",
        "2024-03-02,10,INSURANCE,x", -- a refund
        "2024-03-02,-10,INSURANCES,x",
        "2024-03-02,-10,CAR_INSURANCE,x",
        "2024-03-02,-10,,x",
        "2024-04-02,-10,INSURANCE,x",
        "2024-02-29,-10,INSURANCE,x",
      },
    })
    assert.equal("", text(service, "insuranceSpending", { durationInMonth = 1 }))
    assert.equal(1, #wire.segment(service, "insuranceSpending", { durationInMonth = 2 }))
  end)

  it("tells the frequency from the gaps in days", function()
    assert.equal("IRREGULAR", frequency("2024-03-01"))
    assert.equal("IRREGULAR", frequency("2024-03-01", "2024-03-01"))
    assert.equal("MONTHLY", frequency("2024-02-01", "2024-02-26")) -- 25 days
    assert.equal("IRREGULAR", frequency("2024-02-01", "2024-02-25"))
    assert.equal("MONTHLY", frequency("2024-02-01", "2024-03-07")) -- 35
    assert.equal("IRREGULAR", frequency("2024-02-01", "2024-03-08"))
    assert.equal("MONTHLY", frequency("2024-01-01", "2024-01-31", "2024-03-01"))
    assert.equal("IRREGULAR", frequency("2024-01-01", "2024-01-31", "2024-03-20"))
    assert.equal("QUARTERLY", frequency("2023-06-01", "2023-08-20")) -- 80
    assert.equal("QUARTERLY", frequency("2023-06-01", "2023-09-09")) -- 100
    assert.equal("IRREGULAR", frequency("2023-06-01", "2023-09-10"))
    assert.equal("HALF_YEARLY", frequency("2023-06-01", "2023-11-18")) -- 170
    assert.equal("HALF_YEARLY", frequency("2023-06-01", "2023-12-13")) -- 195
    assert.equal("IRREGULAR", frequency("2023-06-01", "2023-12-14"))
    assert.equal("YEARLY", frequency("2023-04-01", "2024-03-16")) -- 350
    assert.equal("YEARLY", frequency("2023-04-01", "2024-03-31")) -- 365, the most there is
    assert.equal("IRREGULAR", frequency("2023-04-01", "2024-03-15"))
  end)
end)

describe("financialBreakdown", function()
  local function breakdown(amounts, duration)
    local account = { "a,u" }
    for i, amount in ipairs(amounts) do
      account[#account + 1] = ("2024-%02d-10,%s,SALARY,"):format(4 - #amounts + i - 1, amount)
    end
    local service = start_with(finally, { account })
    local parameters = { labels = { "SALARY" }, durationInMonth = duration or #amounts }
    return wire.exact_segment(service, "financialBreakdown", parameters)[1].breakdowns[1]
  end

  it("takes statistics of the signed monthly totals, months without a transaction as 0", function()
    local service = start_with(finally, {
      { "a,u", "2024-01-31,-10,CASH,", "2024-03-01,-20,CASH,", "2024-03-31,-20.50,CASH,", "2024-04-01,-7,CASH,atm" },
      { "b,u", "2024-03-15,3,CASH,", "2023-12-31,3,CASH," },
    })
    local users = wire.exact_segment(service, "financialBreakdown", { labels = { "CASH" }, durationInMonth = 3 })
    assert.equal(
      "{breakdowns=[{average=-15.83 label=CASH maximum=0.00 median=-10.00 minimum=-37.50"
        .. " months=[{count=1 month=2024-01 total=-10.00} {count=0 month=2024-02 total=0.00}"
        .. " {count=3 month=2024-03 total=-37.50}] standardDeviation=15.86 total=-47.50}] userId=u}",
      ledger.text(users)
    )
  end)

  it("rounds half to even, averages, medians and deviations alike", function()
    local function figures(amounts, duration)
      local each = breakdown(amounts, duration)
      return ("%s %s %s"):format(each.average, each.median, each.standardDeviation)
    end
    assert.equal("0.00 0.00 0.00", figures({ "0.01", "0.00" })) -- 0.005 each
    assert.equal("0.02 0.02 0.00", figures({ "0.02", "0.01" })) -- 0.015, 0.015, 0.005
    assert.equal("0.02 0.02 0.02", figures({ "0.01", "0.04" })) -- 0.025, 0.025, 0.015
    assert.equal("-0.02 -0.02 0.02", figures({ "-0.01", "-0.04" }))
    assert.equal("0.00 0.00 0.00", figures({ "-0.01", "0.00" }))
    assert.equal("-0.02 -0.02 0.00", figures({ "-0.02", "-0.01" }))
    assert.equal("0.01 0.01 0.01", figures({ "0.00", "0.01", "0.02" })) -- the deviation is 0.00816
    assert.equal("2.00 2.00 0.82", figures({ "1", "2", "3" }))
    -- Halves of more cents than a double tells apart.
    assert.equal("5000000000000.00 5000000000000.00 5000000000000.00", figures({ "0.00", "10000000000000.01" }))
    assert.equal("5000000000000.02 5000000000000.02 5000000000000.02", figures({ "0.00", "10000000000000.03" }))
  end)

  it("holds amounts as large as the wire does", function()
    local largest = "922337203685477.00"
    local each = breakdown({ "-" .. largest, largest })
    assert.equal("0.00", each.total)
    assert.equal(largest, each.standardDeviation)
  end)

  it("lets a group include its finer labels, and nothing else", function()
    local service = start_with(finally, {
      {
        "a,u",
        "2024-03-01,1,INTEREST,",
        "2024-03-01,2,INTEREST_BONUS,",
        "2024-03-01,4,INTEREST_BONUS_EXTRA,",
        "2024-03-01,8,OVERDRAFT_INTEREST,",
        "2024-03-01,16,INTERESTING,",
        "2024-03-01,32,,",
      },
    })
    local labels = { "INTEREST_BONUS", "NOTHING", "INTEREST", "OVERDRAFT_INTEREST", "INTEREST_", "interest" }
    local users = wire.exact_segment(service, "financialBreakdown", { labels = labels, durationInMonth = 1 })
    local lines = {}
    for i, each in ipairs(users[1].breakdowns) do
      lines[i] = each.label .. " " .. each.total
    end
    assert.same({ "INTEREST_BONUS 6.00", "INTEREST 7.00", "OVERDRAFT_INTEREST 8.00" }, lines)
  end)

  it("leaves out users without such a transaction, not those whose totals are 0", function()
    local service = start_with(finally, {
      { "a,u", "2024-03-01,5,FEE,", "2024-03-02,-5,FEE," },
      { "b,v", "2024-03-01,5,CASH," },
      { "c,w", "2024-02-01,5,FEE," },
    })
    local users = wire.exact_segment(service, "financialBreakdown", { labels = { "FEE" }, durationInMonth = 1 })
    assert.equal(1, #users)
    assert.equal("2", users[1].breakdowns[1].months[1].count)
    assert.equal("0.00", users[1].breakdowns[1].total)
  end)

  it("fails the job when a total is beyond what amounts can be, and answers the next one", function()
    local service = start_with(finally, {
      {
        "a,u",
        "2024-03-01,900000000000000,BIG,",
        "2024-03-01,-900000000000000,,",
        "2024-03-02,900000000000000,BIG,",
        "2024-03-02,-900000000000000,FEE,",
      },
    })
    local job = wire.create(service, "financialBreakdown", { labels = { "BIG" }, durationInMonth = 1 })
    wire.eventually("the job fails", function()
      return wire.get(service, "financialBreakdown", job).status == 422
    end)
    assert.equal(1, #wire.segment(service, "financialBreakdown", { labels = { "FEE" }, durationInMonth = 1 }))
  end)
end)

describe("the body of a create", function()
  local function complaints(service, kind, body)
    local answer = wire.call(service, "POST", "/segments/" .. kind, body)
    local list = {}
    for i, each in ipairs(answer.json.errors or {}) do
      list[i] = each.code .. ": " .. each.message
    end
    return answer.status, table.concat(list, "; ")
  end

  it("must have a durationInMonth from 1 to 12", function()
    local service = start(finally, { today = TODAY })
    for _, kind in ipairs({ "incomeSpendingSummary", "insuranceSpending", "financialBreakdown" }) do
      for _, wrong in ipairs({ "0", "13", "-1", "1.5", '"3"', "1e1", "99999999999999999999" }) do
        local status, said = complaints(service, kind, ('{"labels":["A"],"durationInMonth":%s}'):format(wrong))
        assert.equal(400, status, wrong)
        assert.equal("ILLEGAL_FIELD_VALUE: durationInMonth must be an integer from 1 to 12", said)
      end
      local status, said = complaints(service, kind, '{"labels":["A"],"durationInMonth":null}')
      assert.equal(400, status)
      assert.equal("MISSING_FIELD: durationInMonth is missing", said)
    end
  end)

  it("must have labels, each a text and none twice, for financialBreakdown", function()
    local service = start(finally, { today = TODAY })
    local many = {}
    for i = 1, 65 do
      many[i] = ('"L%d"'):format(i)
    end
    local cases = {
      { '{"durationInMonth":1}', "MISSING_FIELD: labels is missing" },
      { '{"durationInMonth":1,"labels":null}', "MISSING_FIELD: labels is missing" },
      { '{"durationInMonth":1,"labels":"SALARY"}', "ILLEGAL_FIELD_VALUE: labels must be a list of texts" },
      { '{"durationInMonth":1,"labels":{}}', "ILLEGAL_FIELD_VALUE: labels must be a list of texts" },
      { '{"durationInMonth":1,"labels":[]}', "ILLEGAL_FIELD_VALUE: labels must not be empty" },
      {
        '{"durationInMonth":1,"labels":["A",7]}',
        "ILLEGAL_FIELD_VALUE: labels[1] must be a text that is not empty",
      },
      {
        '{"durationInMonth":1,"labels":["A",["B"]]}',
        "ILLEGAL_FIELD_VALUE: labels[1] must be a text that is not empty",
      },
      { '{"durationInMonth":1,"labels":[""]}', "ILLEGAL_FIELD_VALUE: labels[0] must be a text that is not empty" },
      {
        '{"durationInMonth":1,"labels":["A\\u0000"]}',
        "ILLEGAL_FIELD_VALUE: labels[0] must be a text that is not empty",
      },
      { '{"durationInMonth":1,"labels":["A","\\u0041"]}', "ILLEGAL_FIELD_VALUE: labels[1] appears twice" },
      {
        '{"durationInMonth":1,"labels":[' .. table.concat(many, ",") .. "]}",
        "ILLEGAL_FIELD_VALUE: labels has more than 64 entries",
      },
      { '{"durationInMonth":1,"labels":["A"],"labels":["A"]}', "BAD_REQUEST: labels appears twice in the body" },
    }
    for _, case in ipairs(cases) do
      local status, said = complaints(service, "financialBreakdown", case[1])
      assert.equal(400, status, case[1])
      assert.equal(case[2], said, case[1])
    end
    many[65] = nil
    local body = '{"durationInMonth":1,"labels":[' .. table.concat(many, ",") .. "]}"
    assert.equal(201, (complaints(service, "financialBreakdown", body)))
  end)

  it("may have members that mean something to other kinds alone", function()
    local service = start(finally, { today = TODAY })
    local body = '{"durationInMonth":1,"labels":7,"threshold":"x","accountType":"gold"}'
    assert.equal(201, (complaints(service, "incomeSpendingSummary", body)))
    assert.equal(201, (complaints(service, "insuranceSpending", body)))
  end)
end)

-- ---- against an independent computation ----------------------------------------------------------------------------

local function agrees(service, book, options)
  local found = {}
  local function check(kind, parameters, expected)
    local what = kind .. " " .. cjson.encode(parameters)
    local got = text(service, kind, parameters)
    if got ~= ledger.text(expected) then
      assert.equal(ledger.text(expected), got, what)
    end
    found[kind] = (found[kind] or 0) + #expected
  end
  for _, threshold in ipairs(options.thresholds) do
    for _, account_type in ipairs({ "checking", "SAVINGS" }) do
      local parameters = { threshold = tonumber(threshold), accountType = account_type }
      check("highBalance", parameters, book:high_balance(threshold, account_type))
    end
    for _, duration in ipairs({ 1, 3, 12 }) do
      local parameters = { threshold = tonumber(threshold), durationInMonth = duration }
      check("lowBalance", parameters, book:low_balance(threshold, duration))
    end
  end
  for _, duration in ipairs({ 1, 2, 5, 11, 12 }) do
    local parameters = { durationInMonth = duration }
    check("incomeSpendingSummary", parameters, book:income_spending_summary(duration))
    check("insuranceSpending", parameters, book:insurance_spending(duration))
    for _, labels in ipairs(options.labels) do
      parameters = { durationInMonth = duration, labels = labels }
      check("financialBreakdown", parameters, book:financial_breakdown(labels, duration))
    end
  end
  for _, kind in ipairs({ "highBalance", "lowBalance", "incomeSpendingSummary", "financialBreakdown" }) do
    assert.truthy(found[kind] > 0, kind .. " found nobody: the test tests nothing")
  end
  assert.truthy(found.insuranceSpending > 0)
end

local BERKA_LABELS =
  { { "INTEREST", "OVERDRAFT_INTEREST", "INSURANCE" }, { "LOAN", "HOUSEHOLD", "FEE" }, { "PENSION" } }

describe("all five kinds agree with an independent computation", function()
  it("over the Berka excerpt", function()
    local service = start(finally, { import = "berka=spec/data/berka", today = BERKA_TODAY })
    local book = ledger.from_berka("spec/data/berka", BERKA_TODAY)
    agrees(service, book, { thresholds = { "0", "20000", "50000.05" }, labels = BERKA_LABELS })
  end)

  it("over the whole Berka data", function()
    local folder, reason = berka.full_data()
    if not folder then
      pending(reason)
      return
    end
    local service = start(finally, { import = "berka=" .. folder, today = BERKA_TODAY })
    local book = ledger.from_berka(folder, BERKA_TODAY)
    agrees(service, book, { thresholds = { "0", "20000" }, labels = BERKA_LABELS })
  end)

  it("over an exported population", function()
    local folder = scratch(finally) .. "/bank"
    local options = { users = 400, seed = 11, today = TODAY }
    local words = sandbox.arguments(options)
    words[#words + 1] = "--export"
    words[#words + 1] = folder
    assert.equal(0, (sandbox.run(words)))
    local book = ledger.from_csv(folder, TODAY)
    agrees(start(finally, options), book, {
      thresholds = { "-100", "0", "5000" },
      labels = {
        { "SALARY", "INSURANCE", "INSURANCE_HEALTH", "INVESTMENTS", "INTEREST", "NOTHING" },
        { "SALARY_BONUS", "LOAN", "CASH", "GROCERIES", "HOUSEHOLD" },
      },
    })
  end)
end)
