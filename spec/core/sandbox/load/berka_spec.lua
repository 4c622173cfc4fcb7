-- The Berka import: that segments agree with the files, and what it refuses and how it says so.

local afterwards = require("spec.support.afterwards")
local bank = require("spec.support.bank")
local berka = require("spec.support.berka")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")

local EXCERPT = "spec/data/berka"
local BERKA_TODAY = "1994-04-01"

local function agrees_with_files(finally, folder, thresholds)
  local service = bank.start(finally, { import = "berka=" .. folder, today = BERKA_TODAY })
  local book = berka.read(folder, BERKA_TODAY)
  local found = 0
  for _, threshold in ipairs(thresholds) do
    for _, account_type in ipairs({ "checking", "SAVINGS" }) do
      local expected = berka.text(book:high_balance(threshold, account_type))
      assert.equal(expected, bank.high_balance(service, threshold, account_type), "highBalance " .. threshold)
    end
    assert.equal(berka.text(book:high_balance(threshold)), bank.high_balance(service, threshold))
    for _, duration in ipairs({ 1, 2, 3, 6, 12 }) do
      local expected = berka.text(book:low_balance(threshold, duration, "checking"))
      assert.equal(expected, bank.low_balance(service, threshold, duration, "checking", 37), "lowBalance " .. threshold)
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
    local code, account = shell.read_file(EXCERPT .. "/trans.asc"):match('"SIPO";"(%w+)";"(%d+)"')
    assert.truthy(text:find(code .. "/" .. account, 1, true))
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
    local service = bank.start(finally, { import = "berka=" .. bank.berka_folder(finally, GOOD), today = BERKA_TODAY })
    assert.equal("10 1 100.00\n20 2 7.00", bank.high_balance(service, "0"))
  end)

  it("is reported with file, line and column, and stops the start", function()
    for _, case in ipairs(CASES) do
      local name, row, text, expected = case[1], case[2], case[3], case[4]
      local folder = bank.berka_folder(finally, damaged(name, row, text))
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
    local status, _, said = sandbox.run({ "--import", "berka=" .. bank.berka_folder(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc:1:11: .*client_id", said)
    files["disp.asc"] = ""
    status, _, said = sandbox.run({ "--import", "berka=" .. bank.berka_folder(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc: .*empty", said)
    files["disp.asc"] = nil
    status, _, said = sandbox.run({ "--import", "berka=" .. bank.berka_folder(finally, files) })
    assert.equal(1, status)
    assert.matches("/disp%.asc: No such file", said)
  end)

  it("loads nothing of its import, and keeps what was there", function()
    local folder = bank.berka_folder(finally, GOOD)
    local bad = bank.berka_folder(finally, {
      ["account.asc"] = { '7;1;"POPLATEK MESICNE";930101' },
      ["disp.asc"] = { '1;70;7;"OWNER"' },
      ["trans.asc"] = { '1;7;930105;"PRIJEM";"VKLAD";100.00;100.00;"";;', "broken" },
    })
    local db = folder .. "/bank.db"
    local service = sandbox.start({ import = "berka=" .. folder, today = BERKA_TODAY, db = db })
    service.stop()
    local status = sandbox.run({ "--import", "berka=" .. bad, "--today", BERKA_TODAY, "--db", db })
    assert.equal(1, status)
    service = bank.start(finally, { today = BERKA_TODAY, db = db })
    assert.equal("10 1 100.00\n20 2 7.00", bank.high_balance(service, "-1000000"))
  end)

  it("may not bring an account that the bank has", function()
    local one, other = bank.berka_folder(finally, GOOD), bank.berka_folder(finally, GOOD)
    local status, _, said = sandbox.run({ "--import", "berka=" .. one, "--import", "berka=" .. other })
    assert.equal(1, status)
    assert.matches("disp%.asc:2:6: account 1 is in the bank already", said)
  end)
end)
