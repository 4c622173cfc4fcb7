-- finseg against the sandbox on the Berka data gives exactly what support/berka.lua computes from the files.

local berka = require "spec.support.berka"
local connect = require "spec.support.connect"
local sandbox = require "spec.support.sandbox"

local TODAY = "1994-04-01"
local EXCERPT = "spec/data/berka"

local HIGH = { "0", "1000", "25000.50", "49999.99", "60000", "-1000000", "99999999" }
local LOW = { { "0", 1 }, { "1000", 3 }, { "-500", 2 }, { "10000.10", 6 }, { "30000", 12 }, { "-99999999", 12 } }
local PAGE_SIZES = { 3, 500 }

-- The segment as support/berka.lua writes its own: a line an account.
local function text_of(segment)
  local lines, cents = {}, 0
  for user in segment:users() do
    for _, account in ipairs(user.accounts) do
      lines[#lines + 1] = ("%s %s %.2f"):format(user.userId, account.accountId, account.amount)
      cents = cents + math.floor(account.amount * 100 + 0.5)
    end
  end
  return table.concat(lines, "\n"), cents
end

local function text_of_amounts(segment)
  local lines = {}
  for user_id, amount, account_id in segment:amounts { account_ids = true } do
    lines[#lines + 1] = ("%s %s %.2f"):format(user_id, account_id, amount)
  end
  return table.concat(lines, "\n")
end

local function check(segment, expected)
  local expected_text = berka.text(expected)
  local text, cents = text_of(segment)
  assert.are.equal(expected_text, text)
  assert.are.equal(expected_text, text_of_amounts(segment))
  assert.are.equal(#expected, segment.totalElements)
  assert.are.equal(berka.amount_text(cents), select(2, segment:sum()))
end

local function check_all(folder, page_sizes)
  local bank = berka.read(folder, TODAY)
  local service = sandbox.start { import = "berka=" .. folder, today = TODAY }
  finally(service.stop)
  for _, page_size in ipairs(page_sizes) do
    local client = connect(service, { page_size = page_size })
    for _, threshold in ipairs(HIGH) do
      local parameters = { accountType = "checking", threshold = threshold }
      check(assert(client:segment("highBalance", parameters)), bank:high_balance(threshold, "checking"))
    end
    for _, case in ipairs(LOW) do
      local parameters = { accountType = "Checking", threshold = case[1], durationInMonth = case[2] }
      check(assert(client:segment("lowBalance", parameters)), bank:low_balance(case[1], case[2], "checking"))
    end
    local savings = { accountType = "savings", threshold = 0 }
    check(assert(client:segment("highBalance", savings)), bank:high_balance("0", "savings"))
    client:close()
  end
end

describe("the Berka data", function()
  it("gives the same segments as a computation over the files: the excerpt", function()
    check_all(EXCERPT, PAGE_SIZES)
  end)

  it("gives the same segments as a computation over the files: all of it", function()
    local folder, why = berka.full_data()
    if not folder then
      return pending(why)
    end
    check_all(folder, { 97, 500 })
  end)
end)
