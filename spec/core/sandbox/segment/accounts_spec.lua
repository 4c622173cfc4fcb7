-- What the sandbox's segments contain: the meaning of each kind, the Berka import, populations, and what outlives a
-- restart.

local afterwards = require("spec.support.afterwards")
local berka = require("spec.support.berka")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local EXCERPT = "spec/data/berka"
local BERKA_TODAY = "1994-04-01"

local HEADERS = {
  ["account.asc"] = '"account_id";"district_id";"frequency";"date"',
  ["disp.asc"] = '"disp_id";"client_id";"account_id";"type"',
  ["trans.asc"] = '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"',
}

-- A folder with these files, which ends with the test; a file is its text, or the rows after its header.
local function folder_of(finally, files)
  local folder = shell.scratch()
  afterwards(finally, function()
    shell.remove(folder)
  end)
  for name, content in pairs(files) do
    if type(content) == "table" then
      content = HEADERS[name] .. "\r\n" .. table.concat(content, "\r\n") .. (#content > 0 and "\r\n" or "")
    end
    shell.write_file(folder .. "/" .. name, content)
  end
  return folder
end

-- A bank of accounts written by hand: { { id, owner, opened, { date, cents }... }... }, dates YYMMDD.
local function hand_made(finally, accounts)
  local files = { ["account.asc"] = {}, ["disp.asc"] = {}, ["trans.asc"] = {} }
  local transactions = files["trans.asc"]
  for i, account in ipairs(accounts) do
    local id, owner, opened = account[1], account[2], account[3]
    files["account.asc"][i] = ('%d;1;"POPLATEK MESICNE";%s'):format(id, opened)
    files["disp.asc"][i] = ('%d;%d;%d;"OWNER"'):format(i, owner, id)
    for k = 4, #account do
      local date, cents = account[k][1], account[k][2]
      transactions[#transactions + 1] = ('%d;%d;%s;"%s";"";%s;0.00;"";;'):format(
        #transactions + 1,
        id,
        date,
        cents < 0 and "VYDAJ" or "PRIJEM",
        berka.amount_text(math.abs(cents))
      )
    end
  end
  return folder_of(finally, files)
end

local function start(finally, options)
  local service = sandbox.start(options)
  afterwards(finally, service.stop)
  return service
end

local function start_with(finally, accounts, today)
  return start(finally, { import = "berka=" .. hand_made(finally, accounts), today = today or BERKA_TODAY })
end

local function high(service, threshold, account_type)
  local body = ('{"threshold":%s%s}'):format(
    threshold,
    account_type and (',"accountType":"%s"'):format(account_type) or ""
  )
  return wire.segment_text(service, "highBalance", body)
end

local function low(service, threshold, duration, account_type, size)
  local body = ('{"threshold":%s,"durationInMonth":%d%s}'):format(
    threshold,
    duration,
    account_type and (',"accountType":"%s"'):format(account_type) or ""
  )
  return wire.segment_text(service, "lowBalance", body, size)
end

describe("highBalance", function()
  it("finds balances above the threshold, not at it", function()
    local service = start_with(finally, { { 1, 10, "930101", { "930105", 500000 } } })
    assert.equal("10 1 5000.00", high(service, "4999.99"))
    assert.equal("", high(service, "5000"))
    assert.equal("", high(service, "5000.00"))
    assert.equal("", high(service, "5e3"))
  end)

  it("compares with thresholds finer than a cent exactly", function()
    local service = start_with(finally, {
      { 1, 10, "930101", { "930105", 500001 } },
      { 2, 20, "930101", { "930105", -500001 } },
    })
    assert.equal("10 1 5000.01", high(service, "5000.0099"))
    assert.equal("", high(service, "5000.0101"))
    assert.equal("10 1 5000.01\n20 2 -5000.01", high(service, "-5000.0101"))
    assert.equal("10 1 5000.01", high(service, "-5000.0099"))
  end)

  it("knows the balance before the reference date", function()
    local accounts = { { 1, 10, "930101", { "940331", 100 }, { "940401", 1000 }, { "940402", 10000 } } }
    assert.equal("10 1 1.00", high(start_with(finally, accounts), "0"))
    assert.equal("10 1 11.00", high(start_with(finally, accounts, "1994-04-02"), "0"))
    assert.equal("10 1 111.00", high(start_with(finally, accounts, "1999-01-01"), "0"))
  end)

  it("counts an account without transactions as 0, and leaves out those opened later", function()
    local service = start_with(finally, { { 1, 10, "940331" }, { 2, 20, "940401" }, { 3, 30, "950101" } })
    assert.equal("10 1 0.00", high(service, "-0.01"))
    assert.equal("", high(service, "0"))
  end)

  it("groups accounts by user and orders both by bytes", function()
    local service = start_with(finally, {
      { 9, 100, "930101", { "930105", 100 } },
      { 10, 100, "930101", { "930105", 200 } },
      { 11, 20, "930101", { "930105", 300 } },
      { 12, 20, "930101", { "930105", -300 } },
    })
    assert.equal("100 10 2.00\n100 9 1.00\n20 11 3.00", high(service, "0"))
    local users = wire.segment(service, "highBalance", { threshold = 0 })
    assert.equal(2, #users)
    assert.equal(2, #users[1].accounts)
  end)

  it("compares the account type without case", function()
    local service = start_with(finally, { { 1, 10, "930101", { "930105", 100 } } })
    for _, account_type in ipairs({ "checking", "CHECKING", "Checking" }) do
      assert.equal("10 1 1.00", high(service, "0", account_type))
    end
    assert.equal("", high(service, "0", "savings"))
  end)

  it("sums amounts without rounding", function()
    local account = { 1, 10, "930101" }
    for i = 1, 300 do
      account[#account + 1] = { "930105", i % 3 == 0 and -1 or 10 }
    end
    account[#account + 1] = { "930106", 9007199254740 }
    assert.equal("10 1 90071992566.40", high(start_with(finally, { account }), "0"))
  end)
end)

describe("lowBalance", function()
  it("asks for a day below the threshold in each month", function()
    local service = start_with(finally, {
      -- Low in February and March.
      { 1, 10, "930101", { "930105", 10000 }, { "940210", -20000 }, { "940211", 20000 }, { "940331", -15000 } },
      -- Low in March alone.
      { 2, 20, "930101", { "930105", 10000 }, { "940310", -20000 }, { "940311", 20000 } },
      -- Low in February alone.
      { 3, 30, "930101", { "930105", 10000 }, { "940210", -20000 }, { "940211", 20000 } },
    })
    assert.equal("10 1 -50.00\n20 2 -100.00", low(service, "0", 1))
    assert.equal("10 1 -100.00", low(service, "0", 2))
    assert.equal("", low(service, "0", 3))
  end)

  it("carries a balance through months without a transaction", function()
    local service = start_with(finally, { { 1, 10, "920101", { "930105", -5000 } } })
    assert.equal("10 1 -50.00", low(service, "0", 12))
    assert.equal("", low(service, "-50", 12))
    assert.equal("10 1 -50.00", low(service, "-49.9999", 12))
    assert.equal("", low(service, "-50.0001", 12))
  end)

  it("looks at the closing balance of a day, not at what happened within it", function()
    local service = start_with(finally, {
      { 1, 10, "930101", { "930105", 10000 }, { "940310", -20000 }, { "940310", 20000 } },
    })
    assert.equal("", low(service, "0", 1))
    assert.equal("10 1 100.00", low(service, "100.01", 1))
  end)

  it("counts the first and the last day of a month and no day outside", function()
    local service = start_with(finally, {
      { 1, 10, "930101", { "930105", 100 }, { "940228", -200 }, { "940301", 200 } },
      { 2, 20, "930101", { "930105", -100 }, { "940302", 200 } },
      { 3, 30, "930101", { "930105", 100 }, { "940331", -200 } },
      { 4, 40, "930101", { "930105", 100 }, { "940401", -200 } },
    })
    assert.equal("20 2 -1.00\n30 3 -1.00", low(service, "0", 1))
    assert.equal("20 2 -1.00", low(service, "0", 2))
  end)

  it("counts days from the opening on, with 0 until a transaction", function()
    local service = start_with(finally, {
      { 1, 10, "940315", { "940320", 10000 } },
      { 2, 20, "940315", { "940315", 10000 } },
      { 3, 30, "940401", { "940401", -100 } },
    })
    assert.equal("10 1 0.00", low(service, "0.01", 1))
    assert.equal("10 1 0.00\n20 2 100.00", low(service, "1000", 1))
    assert.equal("", low(service, "1000", 2), "a month before the opening is not low")
  end)

  it("leaves the month of the reference date out", function()
    local accounts = { { 1, 10, "930101", { "930105", 100 }, { "940405", -200 }, { "940410", 200 } } }
    assert.equal("", low(start_with(finally, accounts, "1994-04-20"), "0", 1))
    assert.equal("10 1 -1.00", low(start_with(finally, accounts, "1994-05-01"), "0", 1))
  end)

  it("crosses the turn of the year and leap days", function()
    local service = start_with(finally, {
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
    assert.equal("10 1 -1.00", low(service, "0", 1))
    assert.equal("", low(service, "0", 2))
    service = start_with(
      finally,
      { { 1, 10, "910101", { "910105", 100 }, { "911231", -300 }, { "920101", 300 } } },
      "1992-01-31"
    )
    assert.equal("10 1 -2.00", low(service, "0", 1))
  end)
end)

-- ---- Berka ---------------------------------------------------------------------------------------------------------

local function agrees_with_files(finally, folder, thresholds)
  local service = start(finally, { import = "berka=" .. folder, today = BERKA_TODAY })
  local bank = berka.read(folder, BERKA_TODAY)
  local found = 0
  for _, threshold in ipairs(thresholds) do
    for _, account_type in ipairs({ "checking", "SAVINGS" }) do
      local expected = berka.text(bank:high_balance(threshold, account_type))
      assert.equal(expected, high(service, threshold, account_type), "highBalance " .. threshold)
    end
    assert.equal(berka.text(bank:high_balance(threshold)), high(service, threshold))
    for _, duration in ipairs({ 1, 2, 3, 6, 12 }) do
      local expected = berka.text(bank:low_balance(threshold, duration, "checking"))
      assert.equal(expected, low(service, threshold, duration, "checking", 37), "lowBalance " .. threshold)
      found = found + #expected
    end
  end
  assert.truthy(found > 0, "no threshold found anyone: the test tests nothing")
end

describe("the Berka import", function()
  it("of the excerpt agrees with the files", function()
    agrees_with_files(finally, EXCERPT, { "-1000", "0", "200.5", "1000", "5000", "20000", "50000.001", "-100000" })
  end)

  it("of the whole data agrees with the files", function()
    local folder, reason = berka.full_data()
    if not folder then
      pending(reason)
      return
    end
    agrees_with_files(finally, folder, { "-1000", "0", "1000", "5000.0001", "50000", "-100000" })
  end)

  it("takes labels and counterparts from the rows", function()
    local folder = shell.scratch()
    afterwards(finally, function()
      shell.remove(folder)
    end)
    -- The database's layout is the sandbox's own; labels reach the wire with other kinds.
    local service = sandbox.start({ import = "berka=" .. EXCERPT, today = BERKA_TODAY, db = folder .. "/bank.db" })
    service.stop()
    local text = shell.read_file(folder .. "/bank.db")
    for _, label in ipairs({ "INSURANCE", "PENSION", "INTEREST", "OVERDRAFT_INTEREST", "HOUSEHOLD", "FEE" }) do
      assert.truthy(text:find(label, 1, true), label)
    end
    local bank, account = shell.read_file(EXCERPT .. "/trans.asc"):match('"SIPO";"(%w+)";"(%d+)"')
    assert.truthy(text:find(bank .. "/" .. account, 1, true))
  end)
end)

describe("a malformed Berka file", function()
  local GOOD = {
    ["account.asc"] = { '1;1;"POPLATEK MESICNE";930101', '2;1;"POPLATEK MESICNE";930101' },
    ["disp.asc"] = { '1;10;1;"OWNER"', '2;11;1;"DISPONENT"', '3;20;2;"OWNER"' },
    ["trans.asc"] = {
      '1;1;930105;"PRIJEM";"VKLAD";100.00;100.00;"";;',
      '2;2;930106;"PRIJEM";"VKLAD";7;7;" ";"AB";"12"',
    },
  }

  -- The good files with one row, counted from the first after the header, replaced.
  local function damaged(name, row, text)
    local files = {}
    for each, rows in pairs(GOOD) do
      files[each] = {}
      for i, line in ipairs(rows) do
        files[each][i] = line
      end
    end
    files[name][row] = text
    return files
  end

  local CASES = {
    { "account.asc", 1, '1;1;"POPLATEK MESICNE"', "2:%d+: .*fields" },
    { "account.asc", 1, '1;1;"POPLATEK MESICNE";930101;', "2:%d+: .*fields" },
    { "account.asc", 1, "", "2:%d+: .*fields" },
    { "account.asc", 2, '2;1;"POPLATEK MESICNE;930101', "3:5: .*quote" },
    { "account.asc", 2, '2;1;"POPLATEK" MESICNE;930101', "3:15: .*quote" },
    { "account.asc", 2, 'x;1;"POPLATEK MESICNE";930101', "3:1: 'x'" },
    { "account.asc", 2, ';1;"POPLATEK MESICNE";930101', "3:1: ''" },
    { "account.asc", 2, '02;1;"POPLATEK MESICNE";930101', "3:1: '02'" },
    { "account.asc", 2, '2;1;"POPLATEK MESICNE";930230', "3:24: '930230'" },
    { "account.asc", 2, '2;1;"POPLATEK MESICNE";9301', "3:24: '9301'" },
    { "account.asc", 2, '1;1;"POPLATEK MESICNE";930101', "3:1: account 1" },
    { "account.asc", 3, '3;1;"POPLATEK MESICNE";930101', "4:1: account 3 has no OWNER" },
    { "account.asc", 2, '2;1;"\255";930101', "3:%d+: .*UTF%-8" },
    { "account.asc", 2, '2;1;"\0";930101', "3:6: .*zero" },
    { "disp.asc", 3, '3;20;2;"HOLDER"', "4:8: 'HOLDER'" },
    { "disp.asc", 3, '3;20;3;"OWNER"', "4:6: .*account 3" },
    { "disp.asc", 2, '2;11;1;"OWNER"', "3:6: account 1" },
    { "disp.asc", 3, '3;;2;"OWNER"', "4:3: ''" },
    { "trans.asc", 2, '2;2;930106;"GIFT";"VKLAD";7.00;7.00;"";;', "3:12: 'GIFT'" },
    { "trans.asc", 2, '2;2;939906;"PRIJEM";"VKLAD";7.00;7.00;"";;', "3:5: '939906'" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";7.001;7.00;"";;', "3:29: '7.001'" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";7,00;7.00;"";;', "3:29: '7,00'" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";-7.00;7.00;"";;', "3:29: .*negative" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";;7.00;"";;', "3:29: ''" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";9e30;7.00;"";;', "3:29: '9e30'" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";7.00;x;"";;', "3:34: 'x'" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";7.00;7.00;"DUCH";;', "3:39: 'DUCH'" },
    { "trans.asc", 2, '2;9;930106;"PRIJEM";"VKLAD";7.00;7.00;"";;', "3:3: .*account 9" },
    { "trans.asc", 2, '1;2;930106;"PRIJEM";"VKLAD";7.00;7.00;"";;', "3:1: transaction 1" },
    { "trans.asc", 2, '2;2;930106;"PRIJEM";"VKLAD";7.00', "3:%d+: .*fields" },
  }

  it("would be right without the damage", function()
    local service = start(finally, { import = "berka=" .. folder_of(finally, GOOD), today = BERKA_TODAY })
    assert.equal("10 1 100.00\n20 2 7.00", high(service, "0"))
  end)

  it("is reported with file, line and column, and stops the start", function()
    for _, case in ipairs(CASES) do
      local name, row, text, expected = case[1], case[2], case[3], case[4]
      local folder = folder_of(finally, damaged(name, row, text))
      local status, printed, said = sandbox.run({ "--import", "berka=" .. folder, "--today", BERKA_TODAY })
      local label = name .. ": " .. text
      assert.equal(1, status, label)
      assert.equal("", printed, label)
      local place = said:match("^finseg%-sandbox: " .. folder:gsub("%p", "%%%0") .. "/(.*)\n$")
      assert.truthy(place, label .. " gave " .. said)
      assert.matches("^" .. name:gsub("%.", "%%.") .. ":" .. expected, place, label)
      assert.is_nil(place:find("\n", 1, true), label)
    end
  end)

  it("is reported when a header is wrong, a file is empty or missing", function()
    local files = damaged("disp.asc", 1, GOOD["disp.asc"][1])
    files["disp.asc"] = '"disp_id";"account_id";"client_id";"type"\r\n'
    local status, _, said = sandbox.run({ "--import", "berka=" .. folder_of(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc:1:11: .*client_id", said)
    files["disp.asc"] = ""
    status, _, said = sandbox.run({ "--import", "berka=" .. folder_of(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc: .*empty", said)
    files["disp.asc"] = nil
    status, _, said = sandbox.run({ "--import", "berka=" .. folder_of(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc: No such file", said)
  end)

  it("loads nothing of its import, and keeps what was there", function()
    local folder = folder_of(finally, GOOD)
    local bad = folder_of(finally, {
      ["account.asc"] = { '7;1;"POPLATEK MESICNE";930101' },
      ["disp.asc"] = { '1;70;7;"OWNER"' },
      ["trans.asc"] = { '1;7;930105;"PRIJEM";"VKLAD";100.00;100.00;"";;', "broken" },
    })
    local db = folder .. "/bank.db"
    local service = sandbox.start({ import = "berka=" .. folder, today = BERKA_TODAY, db = db })
    service.stop()
    local status = sandbox.run({ "--import", "berka=" .. bad, "--today", BERKA_TODAY, "--db", db })
    assert.equal(1, status)
    service = start(finally, { today = BERKA_TODAY, db = db })
    assert.equal("10 1 100.00\n20 2 7.00", high(service, "-1000000"))
  end)

  it("may not bring an account that the bank has", function()
    local one, other = folder_of(finally, GOOD), folder_of(finally, GOOD)
    local status, _, said = sandbox.run({ "--import", "berka=" .. one, "--import", "berka=" .. other })
    assert.equal(1, status)
    assert.matches("disp%.asc:2:6: account 1 is in the bank already", said)
  end)
end)

-- ---- populations ---------------------------------------------------------------------------------------------------

describe("a population", function()
  local TODAY = "2024-04-15"
  local ANYONE = { threshold = -100000000 }

  it("is the same for the same seed, and another for another", function()
    local one = start(finally, { users = 40, seed = 7, today = TODAY })
    local two = start(finally, { users = 40, seed = 7, today = TODAY })
    local other = start(finally, { users = 40, seed = 8, today = TODAY })
    local all = high(one, "-100000000")
    assert.equal(all, high(two, "-100000000"))
    assert.not_equal(all, high(other, "-100000000"))
    assert.equal(low(one, "100", 3), low(two, "100", 3))
  end)

  it("begins with the smaller population of the same seed", function()
    local small = start(finally, { users = 10, seed = 7, today = TODAY })
    local large = start(finally, { users = 20, seed = 7, today = TODAY })
    local all = high(large, "-100000000") .. "\n"
    for line in high(small, "-100000000"):gmatch("[^\n]+") do
      assert.truthy(all:find(line .. "\n", 1, true), line)
    end
  end)

  it("has well-formed ids, several account types, savers and overdrafts", function()
    local service = start(finally, { users = 200, seed = 3, today = TODAY })
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
    local service = start(finally, { users = 5, import = "berka=" .. EXCERPT, today = BERKA_TODAY })
    local bank = berka.read(EXCERPT, BERKA_TODAY)
    assert.equal(5 + #bank:high_balance("-1000000"), #wire.segment(service, "highBalance", ANYONE))
  end)
end)

-- ---- restarts ------------------------------------------------------------------------------------------------------

describe("with --db", function()
  local TODAY = "2024-04-15"

  local function database(finally)
    local folder = shell.scratch()
    afterwards(finally, function()
      shell.remove(folder)
    end)
    return folder .. "/bank.db"
  end

  it("bank, jobs and results outlive a restart", function()
    local options = { users = 30, seed = 5, today = TODAY, db = database(finally) }
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = 0 })
    local before = wire.wait(service, "highBalance", job).body
    service.stop()
    service = start(finally, options)
    assert.equal(before, wire.get(service, "highBalance", job).body)
    assert.equal(30, #wire.segment(service, "highBalance", { threshold = -100000000 }), "loaded once")
  end)

  it("a population outlives the day it was made on", function()
    local options = { users = 10, seed = 1, today = "2024-01-10", db = database(finally) }
    local service = sandbox.start(options)
    local before = high(service, "-100000000")
    service.stop()
    options.today = "2024-01-11"
    service = start(finally, options)
    assert.equal(before, high(service, "-100000000"))
    assert.matches("users=10 seed=1 today=2024%-01%-10 is in the bank already", service.errors())
  end)

  it("another number of users of a seed that the bank has is refused", function()
    local db = database(finally)
    sandbox.start({ users = 10, seed = 1, today = TODAY, db = db }).stop()
    local status, printed, said = sandbox.run({ "--db", db, "--seed", "1", "--users", "12", "--today", TODAY })
    assert.equal(1, status)
    assert.equal("", printed)
    assert.matches("the bank has 10 users of seed 1: start it with %-%-users 10, or with another %-%-seed", said)
    local service = start(finally, { users = 10, seed = 11, today = TODAY, db = db })
    assert.equal(20, #wire.segment(service, "highBalance", { threshold = -100000000 }))
  end)

  it("a second sandbox is refused while one serves, whatever it was to do, and changes nothing", function()
    local db = database(finally)
    local service = sandbox.start({ users = 10, seed = 1, today = TODAY, db = db })
    local before = low(service, "100", 3)
    for _, words in ipairs({
      { "--db", db, "--today", "2023-06-15" },
      { "--db", db, "--users", "3", "--seed", "2" },
      { "--db", db, "--import", "berka=" .. EXCERPT, "--export", db .. "-csv" },
    }) do
      local status, printed, said = sandbox.run(words)
      assert.equal(1, status)
      assert.equal("", printed)
      local reason = " is in use by another sandbox: end that one, or take another --db\n"
      assert.equal("finseg-sandbox: " .. db .. reason, said)
    end
    assert.equal(before, low(service, "100", 3))
    service.kill()
    service = start(finally, { today = TODAY, db = db })
    assert.equal(before, low(service, "100", 3))
  end)

  it("the files are their owner's alone", function()
    local db = database(finally)
    start(finally, { users = 3, today = TODAY, db = db })
    for mode in shell.check("stat -c %a " .. db .. "*"):gmatch("%d+") do
      assert.equal("600", mode)
    end
  end)

  it("a job outlives kill -9, at whatever moment", function()
    local options = { users = 30, seed = 5, today = TODAY, db = database(finally) }
    local jobs = {}
    for i = 1, 5 do
      local service = sandbox.start(options)
      jobs[i] = wire.create(service, "highBalance", { threshold = 0 })
      service.kill()
    end
    local service = start(finally, options)
    local expected = wire.wait(service, "highBalance", jobs[1]).body
    for i = 2, 5 do
      assert.equal(expected, wire.wait(service, "highBalance", jobs[i]).body)
    end
  end)

  it("jobs not yet computed at kill -9 are computed from the bank they were made at", function()
    local db = database(finally)
    local service = sandbox.start({ users = 1000, seed = 5, today = TODAY, db = db })
    local jobs = {}
    for i = 1, 30 do -- faster than they are computed
      jobs[i] = wire.create(service, "lowBalance", { threshold = 100000000, durationInMonth = 1 })
    end
    service.kill()
    service = start(finally, { users = 10, seed = 6, today = "2024-06-15", db = db })
    local expected = wire.get(service, "lowBalance", jobs[1]).body
    assert.truthy(expected:find('"creationDate":"' .. TODAY .. '"', 1, true))
    for i = 2, #jobs do
      assert.equal(expected, wire.get(service, "lowBalance", jobs[i]).body)
    end
  end)

  it("a result does not move when the bank does", function()
    local db = database(finally)
    local service = sandbox.start({ users = 30, seed = 5, today = TODAY, db = db })
    local job = wire.create(service, "highBalance", { threshold = -100000000 })
    local before = wire.wait(service, "highBalance", job).body
    service.stop()
    service = start(finally, { users = 10, seed = 6, today = "2024-06-15", db = db })
    assert.equal(before, wire.get(service, "highBalance", job).body)
    local now = wire.wait(service, "highBalance", wire.create(service, "highBalance", { threshold = -100000000 })).json
    assert.equal(40, now.totalElements)
    assert.equal("2024-06-15", now.creationDate)
  end)

  it("an expired job stays gone", function()
    local options = { users = 3, today = TODAY, db = database(finally), job_ttl = 0.2 }
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = 0 })
    service.stop()
    service = start(finally, options)
    wire.eventually("the job has expired", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
  end)
end)
