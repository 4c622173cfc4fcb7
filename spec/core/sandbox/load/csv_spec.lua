-- The sandbox's own CSV files: what an import takes, what it refuses and how it says so, and that an export can be
-- imported without losing a byte.

local afterwards = require("spec.support.afterwards")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local TODAY = "2024-04-15"
local ANYONE = { threshold = -100000000 }

local HEADERS = {
  ["users.csv"] = "userId",
  ["accounts.csv"] = "accountId,userId,type,opened",
  ["transactions.csv"] = "accountId,date,amount,label,counterpart",
}

local GOOD = {
  ["users.csv"] = { "ada", "bob" },
  ["accounts.csv"] = { "1,ada,CHECKING,2020-01-01", "2,bob,savings,2021-05-31" },
  ["transactions.csv"] = { "1,2024-03-01,100.00,SALARY,Works", "2,2024-03-01,7,,", "1,2024-03-02,-0.5,FEE," },
}

local function scratch(finally)
  local folder = shell.scratch()
  afterwards(finally, function()
    shell.remove(folder)
  end)
  return folder
end

-- A folder with the good files; `changes` has texts of whole files, or lists of rows after the header.
local function folder_with(finally, changes)
  local folder = scratch(finally)
  for name, rows in pairs(GOOD) do
    local content = changes and changes[name] or rows
    if type(content) == "table" then
      content = HEADERS[name] .. "\r\n" .. table.concat(content, "\r\n") .. (#content > 0 and "\r\n" or "")
    end
    shell.write_file(folder .. "/" .. name, content)
  end
  return folder
end

local function start(finally, options)
  options.today = options.today or TODAY
  local service = sandbox.start(options)
  afterwards(finally, service.stop)
  return service
end

local function start_with(finally, changes)
  return start(finally, { import = "csv=" .. folder_with(finally, changes) })
end

local function balances(service)
  return wire.segment_text(service, "highBalance", ANYONE)
end

describe("an import of CSV files", function()
  it("loads users, accounts and transactions", function()
    local service = start_with(finally)
    assert.equal("ada 1 99.50\nbob 2 7.00", balances(service))
    assert.equal(1, #wire.segment(service, "highBalance", { threshold = 0, accountType = "SAVINGS" }))
  end)

  it("takes LF, CRLF, a byte order mark, no end of line at the end, and files without rows", function()
    local service = start_with(finally, {
      ["users.csv"] = "\239\187\191userId\nada\nbob",
      ["accounts.csv"] = HEADERS["accounts.csv"] .. "\n1,ada,CHECKING,2020-01-01\r\n2,bob,savings,2021-05-31",
    })
    assert.equal("ada 1 99.50\nbob 2 7.00", balances(service))
    service = start_with(finally, { ["users.csv"] = {}, ["accounts.csv"] = {}, ["transactions.csv"] = {} })
    assert.equal("", balances(service))
  end)

  it("takes quotes, with separators, quotes and line breaks inside", function()
    local service = start_with(finally, {
      ["users.csv"] = { '"a,d""a"', '"b\r\nob"', '"c\nd"' },
      ["accounts.csv"] = {
        '"1","a,d""a",CHECKING,"2020-01-01"',
        '2,"b\r\nob",CHECKING,2020-01-01',
        '"3\n","c\nd",CHECKING,2020-01-01',
      },
      ["transactions.csv"] = { '"3\n",2024-03-01,-5,"INSURANCE","In,\n""sure"""' },
    })
    local users = wire.segment(service, "highBalance", ANYONE)
    assert.equal('a,d"a', users[1].userId)
    assert.equal("b\r\nob", users[2].userId)
    assert.equal("c\nd", users[3].userId)
    assert.equal("3\n", users[3].accounts[1].accountId)
    local policies = wire.segment(service, "insuranceSpending", { durationInMonth = 1 })[1].insurances
    assert.equal('In,\n"sure"', policies[1].provider)
  end)

  it("takes transactions of one day in the order of the file", function()
    local service = start_with(finally, {
      ["transactions.csv"] = {
        "1,2024-03-01,-1,INSURANCE,x",
        "1,2024-03-01,-3,INSURANCE,x",
        "1,2024-03-01,-2,INSURANCE,x",
      },
    })
    local policy = wire.segment(service, "insuranceSpending", { durationInMonth = 1 })[1].insurances[1]
    assert.equal(2, policy.amount)
  end)

  it("happens once where the bank is kept", function()
    local options = { import = "csv=" .. folder_with(finally), db = scratch(finally) .. "/bank.db" }
    start(finally, options).stop()
    assert.equal("ada 1 99.50\nbob 2 7.00", balances(start(finally, options)))
  end)

  it("can stand beside others, which have other ids", function()
    local other = folder_with(finally, {
      ["users.csv"] = { "cat" },
      ["accounts.csv"] = { "3,cat,LOAN,2020-01-01" },
      ["transactions.csv"] = { "3,2024-03-01,1,,counter" },
    })
    local service = start(finally, { import = { "csv=" .. folder_with(finally), "csv=" .. other }, users = 5 })
    assert.equal(8, #wire.segment(service, "highBalance", ANYONE))
  end)
end)

describe("a malformed CSV file", function()
  local LONG = ("x"):rep(1025)
  local CASES = {
    { "users.csv", 2, "", "3:1: an id is missing" },
    { "users.csv", 2, LONG, "3:1: .*longer than 1024 bytes" },
    { "users.csv", 2, "ada", "3:1: user ada is in the bank already" },
    { "users.csv", 2, "bob,", "3:5: .*too many fields" },
    { "users.csv", 2, '"bob', "3:1: a quote is not closed" },
    { "users.csv", 2, 'b"ob', "3:2: a quote is out of place" },
    { "users.csv", 2, '"b"ob', "3:4: a quote is out of place" },
    { "users.csv", 2, "b\rob", "3:2: a carriage return is out of place" },
    { "users.csv", 2, "bo\255b", "3:3: .*not UTF%-8" },
    { "users.csv", 2, "bo\237\160\128b", "3:3: .*not UTF%-8" },
    { "users.csv", 2, "bo\0b", "3:3: a zero byte" },
    { "users.csv", 2, '"' .. ("x\n"):rep(600000) .. '"', "3:1: the row is longer than 1 MiB" },
    { "users.csv", 2, ("x"):rep(2 * 1024 * 1024), "3:1: the line is longer than 1 MiB" },
    { "users.csv", 1, ("x"):rep(1024 * 1024), "2:1: the line is longer than 1 MiB" },
    { "accounts.csv", 2, "2,bob,savings", "3:14: the row has 3 fields, not 4" },
    { "accounts.csv", 2, '"2\n\n3",bob,"savings"', "5:17: the row has 3 fields, not 4" },
    { "accounts.csv", 2, "2,bob,savings,2021-05-31,", "3:26: .*too many fields" },
    { "accounts.csv", 2, "1,bob,savings,2021-05-31", "3:1: account 1 is in the bank already" },
    { "accounts.csv", 2, ",bob,savings,2021-05-31", "3:1: an id is missing" },
    { "accounts.csv", 2, "2,,savings,2021-05-31", "3:3: an id is missing" },
    { "accounts.csv", 2, "2,bert,savings,2021-05-31", "3:3: there is no user bert in users.csv" },
    { "accounts.csv", 2, "2,bob,gold,2021-05-31", "3:7: 'gold' is not an account type" },
    { "accounts.csv", 2, '"2\n",bob,"gold",2021-05-31', "4:7: 'gold' is not an account type" },
    { "accounts.csv", 2, "2,bob,,2021-05-31", "3:7: '' is not an account type" },
    { "accounts.csv", 2, "2,bob,savings,2021-02-29", "3:15: '2021%-02%-29' is not a date" },
    { "accounts.csv", 2, "2,bob,savings,31.05.2021", "3:15: '31.05.2021' is not a date" },
    { "accounts.csv", 2, "2,bob,savings,", "3:15: '' is not a date" },
    { "transactions.csv", 3, "7,2024-03-02,-0.5,FEE,", "4:1: there is no account 7 in accounts.csv" },
    { "transactions.csv", 3, "1,2024-3-2,-0.5,FEE,", "4:3: '2024%-3%-2' is not a date" },
    { "transactions.csv", 3, "1,2024-03-02,0.001,FEE,", "4:14: '0.001' is not an amount" },
    { "transactions.csv", 3, '1,2024-03-02,"1,50",FEE,', "4:14: '1,50' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,+1,FEE,", "4:14: '%+1' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,,FEE,", "4:14: '' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,1e30,FEE,", "4:14: '1e30' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,1e3,FEE,", "4:14: '1e3' is not an amount with at most two decimals" },
    { "transactions.csv", 3, "1,2024-03-02,1E3,FEE,", "4:14: '1E3' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,1.500,FEE,", "4:14: '1.500' is not an amount with at most two decimals" },
    { "transactions.csv", 3, "1,2024-03-02,1.,FEE,", "4:14: '1.' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,-922337203685477.59,FEE,", "4:14: .* is out of range: amounts lie between" },
    { "transactions.csv", 3, "1,2024-03-02," .. ("9"):rep(30) .. ",FEE,", "4:14: .* is out of range" },
    { "transactions.csv", 3, "1,2024-03-02,NaN,FEE,", "4:14: 'NaN' is not an amount" },
    { "transactions.csv", 3, "1,2024-03-02,1," .. LONG .. ",", "4:16: .*longer" },
    { "transactions.csv", 3, "1,2024-03-02,1,," .. LONG, "4:17: .*longer" },
    { "transactions.csv", 3, "1,2024-03-02,1,FEE", "4:19: the row has 4 fields, not 5" },
    { "transactions.csv", 3, "1,2024-03-02,922337203685477,,", "the balance of an account grows beyond" },
  }

  for _, case in ipairs(CASES) do
    local name, row, text, expected = case[1], case[2], case[3], case[4]
    it(("%s with %q is refused with its place"):format(name, text:sub(1, 40)), function()
      local rows = {}
      for i, line in ipairs(GOOD[name]) do
        rows[i] = line
      end
      rows[row] = text
      local folder = folder_with(finally, { [name] = rows })
      local status, printed, said = sandbox.run({ "--import", "csv=" .. folder, "--today", TODAY })
      assert.equal(1, status)
      assert.equal("", printed)
      assert.matches(expected, said)
      assert.matches("^finseg%-sandbox: [^\n]*\n$", said)
      if expected:match("^%d") then
        assert.truthy(said:find(folder .. "/" .. name .. ":", 1, true), said)
      end
    end)
  end

  it("with a wrong header, empty or missing is refused", function()
    local function said_of(changes)
      local _, _, said = sandbox.run({ "--import", "csv=" .. folder_with(finally, changes) })
      return said
    end
    assert.matches("users.csv:1:1: the header has 'user' where 'userId' belongs", said_of({ ["users.csv"] = "user\n" }))
    assert.matches("accounts.csv: the file is empty", said_of({ ["accounts.csv"] = "" }))
    assert.matches(
      "accounts.csv:1:11: the header has 'id' where 'userId' belongs",
      said_of({ ["accounts.csv"] = "accountId,id,type,opened\n" })
    )
    local folder = folder_with(finally)
    shell.check("rm " .. folder .. "/transactions.csv")
    local _, _, said = sandbox.run({ "--import", "csv=" .. folder })
    assert.matches("transactions.csv: No such file or directory", said)
  end)

  it("leaves nothing in the bank, and the bank as it was", function()
    local db = scratch(finally) .. "/bank.db"
    local good = folder_with(finally)
    start(finally, { import = "csv=" .. good, db = db }).stop()
    local bad = folder_with(finally, {
      ["users.csv"] = { "cat" },
      ["accounts.csv"] = { "3,cat,CHECKING,2020-01-01" },
      ["transactions.csv"] = { "3,2024-03-01,5,NEW,", "3,2024-03-01,x,," },
    })
    assert.equal(1, (sandbox.run({ "--import", "csv=" .. bad, "--db", db, "--today", TODAY })))
    local service = start(finally, { db = db })
    assert.equal("ada 1 99.50\nbob 2 7.00", balances(service))
    service.stop()
    shell.write_file(bad .. "/transactions.csv", HEADERS["transactions.csv"] .. "\n3,2024-03-01,5,NEW,\n")
    assert.equal("ada 1 99.50\nbob 2 7.00\ncat 3 5.00", balances(start(finally, { import = "csv=" .. bad, db = db })))
  end)
end)

describe("an export", function()
  -- Exports the bank that the words make, and answers the folder.
  local function export(finally, ...)
    local folder = scratch(finally) .. "/bank"
    local status, printed, said = sandbox.run({ "--export", folder, ... })
    assert.equal(0, status, said)
    assert.equal("", printed)
    return folder
  end

  local function assert_same_files(one, other)
    for name in pairs(HEADERS) do
      assert.truthy(shell.read_file(one .. "/" .. name) == shell.read_file(other .. "/" .. name), name)
    end
  end

  it("of a population, imported and exported again, has the same bytes", function()
    local first = export(finally, "--users", "50", "--seed", "3", "--today", TODAY)
    local second = export(finally, "--import", "csv=" .. first)
    assert_same_files(first, second)
    assert.truthy(#shell.read_file(first .. "/transactions.csv") > 100000)
    assert_same_files(first, export(finally, "--users", "50", "--seed", "3", "--today", TODAY))
  end)

  it("of Berka, imported and exported again, has the same bytes and the same segments", function()
    local first = export(finally, "--import", "berka=spec/data/berka")
    assert_same_files(first, export(finally, "--import", "csv=" .. first))
    local today = "1994-04-01"
    local from_berka = start(finally, { import = "berka=spec/data/berka", today = today })
    local from_csv = start(finally, { import = "csv=" .. first, today = today })
    assert.equal(balances(from_berka), balances(from_csv))
  end)

  it("quotes what must be quoted and keeps every text", function()
    local changes = {
      ["users.csv"] = { '"a,da"', '"b""ob"', "plain ümläut ", '"c\r\nat"' },
      ["accounts.csv"] = { '"1\n",plain ümläut ,CHECKING,2020-01-01' },
      ["transactions.csv"] = { '"1\n",2024-03-01,0.10,A_B,"x,""y"""' },
    }
    local first = export(finally, "--import", "csv=" .. folder_with(finally, changes))
    local users = shell.read_file(first .. "/users.csv")
    assert.equal('userId\r\n"a,da"\r\n"b""ob"\r\n"c\r\nat"\r\nplain ümläut \r\n', users)
    assert.equal(
      HEADERS["transactions.csv"] .. '\r\n"1\n",2024-03-01,0.10,A_B,"x,""y"""\r\n',
      shell.read_file(first .. "/transactions.csv")
    )
    assert_same_files(first, export(finally, "--import", "csv=" .. first))
  end)

  it("is ordered whatever the order of the import", function()
    local shuffled = {
      ["users.csv"] = { "bob", "ada" },
      ["accounts.csv"] = { "2,bob,savings,2021-05-31", "1,ada,CHECKING,2020-01-01" },
      ["transactions.csv"] = { "1,2024-03-02,-0.5,FEE,", "2,2024-03-01,7,,", "1,2024-03-01,100.00,SALARY,Works" },
    }
    local one = export(finally, "--import", "csv=" .. folder_with(finally))
    local other = export(finally, "--import", "csv=" .. folder_with(finally, shuffled))
    assert_same_files(one, other)
  end)

  it("overwrites nothing and leaves no half of itself", function()
    local folder = scratch(finally)
    shell.write_file(folder .. "/accounts.csv", "mine")
    local status, _, said = sandbox.run({ "--users", "3", "--export", folder })
    assert.equal(1, status)
    assert.matches("accounts.csv: File exists", said)
    assert.equal("mine", shell.read_file(folder .. "/accounts.csv"))
    assert.equal("accounts.csv\n", shell.check("ls " .. folder))
    status, _, said = sandbox.run({ "--users", "3", "--export", "/dev/null/x" })
    assert.equal(1, status)
    assert.matches("/dev/null/x: Not a directory", said)
  end)

  it("and an import are refused without a folder", function()
    for _, words in ipairs({ { "--export", "" }, { "--export" }, { "--import", "csv" }, { "--import", "xml=DIR" } }) do
      assert.equal(2, (sandbox.run(words)), table.concat(words, " "))
    end
    local status, _, said = sandbox.run({ "--import", "csv=" })
    assert.equal(1, status)
    assert.matches("users.csv: No such file", said)
  end)

  it("is the owner's alone", function()
    local folder = export(finally, "--users", "3")
    assert.equal("700\n600\n600\n600\n", shell.check(("stat -c %%a %s %s/*"):format(folder, folder)))
  end)
end)
