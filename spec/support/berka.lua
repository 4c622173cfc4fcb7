--- What the segments over the Berka files must be, computed from the files alone: no SQL, no code of the sandbox. It
-- takes the definitions literally and walks every account day by day.
--
--   local bank = berka.read(folder, "1994-04-01")
--   bank:high_balance("5000.50") -> { { userId = "77", accounts = { { accountId = "66", cents = 10711770 } } }, ... }
--
-- Amounts are whole cents in Lua numbers, far below 2^53.

local berka = {}
local Bank = {}
Bank.__index = Bank

--- The full data's folder, or nil and why it is not there.
function berka.full_data()
  local folder = os.getenv("FINSEG_BERKA")
  if not folder or folder == "" then
    return nil, "FINSEG_BERKA does not name the folder of the Berka files"
  end
  return folder
end

-- ---- dates ------------------------------------------------------------------------------------------------------

local MONTH_LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function month_length(year, month)
  if month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) then
    return 29
  end
  return MONTH_LENGTHS[month]
end

-- Dates are compared as text, YYYYMMDD.
local function date_text(year, month, day)
  return ("%04d%02d%02d"):format(year, month, day)
end

local function long_date(short)
  assert(short:match("^%d%d%d%d%d%d$"), "no date: " .. short)
  return "19" .. short
end

-- The complete months before a date, the last one first.
local function months_before(date, count)
  local year, month = tonumber(date:sub(1, 4)), tonumber(date:sub(5, 6))
  local months = {}
  for i = 1, count do
    month = month - 1
    if month == 0 then
      year, month = year - 1, 12
    end
    months[i] = { year = year, month = month }
  end
  return months
end

-- ---- amounts ----------------------------------------------------------------------------------------------------

-- Decimal text as whole cents (towards zero), whether something finer than a cent follows, and whether it is negative.
local function split_decimal(text)
  local sign, units, decimals = text:match("^(%-?)(%d+)%.?(%d*)$")
  assert(units, "no amount: " .. text)
  decimals = decimals .. "00"
  local cents = tonumber(units) * 100 + tonumber(decimals:sub(1, 2))
  local finer = decimals:sub(3):match("[1-9]") ~= nil
  return sign == "-" and -cents or cents, finer, sign == "-"
end

local function cents_of(text)
  local cents, finer = split_decimal(text)
  assert(not finer, "finer than a cent: " .. text)
  return cents
end

-- -1, 0 or 1 as an amount of cents is below, at or above the threshold.
local function compare(cents, threshold)
  local whole, finer, negative = split_decimal(threshold)
  if cents ~= whole then
    return cents < whole and -1 or 1
  elseif not finer then
    return 0
  end
  return negative and 1 or -1
end

--- Cents as the wire writes them: "-1234.50".
function berka.amount_text(cents)
  local sign = cents < 0 and "-" or ""
  cents = math.abs(cents)
  return ("%s%d.%02d"):format(sign, math.floor(cents / 100), cents % 100)
end

-- ---- files ------------------------------------------------------------------------------------------------------

-- Rows as lists of texts without their quotes; no field of these files has a separator inside.
local function rows(folder, name)
  local file = assert(io.open(folder .. "/" .. name, "rb"))
  local list = {}
  for line in file:lines() do
    local row = {}
    for field in (line:gsub("\r$", "") .. ";"):gmatch("([^;]*);") do
      row[#row + 1] = field:match('^"(.*)"$') or field
    end
    list[#list + 1] = row
  end
  file:close()
  table.remove(list, 1)
  return list
end

local SIGNS = { PRIJEM = 1, VYDAJ = -1, VYBER = -1 }

--- Reads account.asc, disp.asc and trans.asc; `today` is the reference date, YYYY-MM-DD.
function berka.read(folder, today)
  today = today:gsub("-", "")
  local accounts = {}
  for _, row in ipairs(rows(folder, "account.asc")) do
    local opened = long_date(row[4])
    if opened < today then
      accounts[row[1]] = { id = row[1], opened = opened, changes = {}, balance = 0 }
    end
  end
  for _, row in ipairs(rows(folder, "disp.asc")) do
    if row[4] == "OWNER" and accounts[row[3]] then
      accounts[row[3]].owner = row[2]
    end
  end
  for _, row in ipairs(rows(folder, "trans.asc")) do
    local account, date = accounts[row[2]], long_date(row[3])
    if account and date < today then
      local cents = assert(SIGNS[row[4]], row[4]) * cents_of(row[6])
      account.changes[date] = (account.changes[date] or 0) + cents
      account.balance = account.balance + cents
    end
  end
  return setmetatable({ today = today, accounts = accounts }, Bank)
end

-- ---- segments ---------------------------------------------------------------------------------------------------

-- The users with an account for which `amount_of` answers cents, ordered as the service orders them.
local function users_with(bank, amount_of)
  local by_id = {}
  local users = {}
  for _, account in pairs(bank.accounts) do
    local cents = amount_of(account)
    if cents then
      local user = by_id[account.owner]
      if not user then
        user = { userId = account.owner, accounts = {} }
        by_id[account.owner] = user
        users[#users + 1] = user
      end
      user.accounts[#user.accounts + 1] = { accountId = account.id, cents = cents }
    end
  end
  table.sort(users, function(a, b)
    return a.userId < b.userId
  end)
  for _, user in ipairs(users) do
    table.sort(user.accounts, function(a, b)
      return a.accountId < b.accountId
    end)
  end
  return users
end

local function is_checking(account_type)
  return account_type == nil or account_type:upper() == "CHECKING"
end

--- highBalance. `threshold` is decimal text; `account_type` may be nil.
function Bank:high_balance(threshold, account_type)
  return users_with(self, function(account)
    if is_checking(account_type) and compare(account.balance, threshold) > 0 then
      return account.balance
    end
  end)
end

-- The lowest closing balance of a month, nil when the account was not open in it.
local function lowest_of_month(account, year, month)
  local first = date_text(year, month, 1)
  local balance = 0
  for date, cents in pairs(account.changes) do
    if date < first then
      balance = balance + cents
    end
  end
  local lowest
  for day = 1, month_length(year, month) do
    local date = date_text(year, month, day)
    balance = balance + (account.changes[date] or 0)
    if date >= account.opened and (not lowest or balance < lowest) then
      lowest = balance
    end
  end
  return lowest
end

--- lowBalance over `duration` complete months.
function Bank:low_balance(threshold, duration, account_type)
  local months = months_before(self.today, duration)
  return users_with(self, function(account)
    local lowest
    for _, month in ipairs(months) do
      local low = lowest_of_month(account, month.year, month.month)
      if not is_checking(account_type) or not low or compare(low, threshold) >= 0 then
        return nil
      end
      lowest = math.min(lowest or low, low)
    end
    return lowest
  end)
end

--- The users as the wire must carry them: one text, to compare with what came.
function berka.text(users)
  local lines = {}
  for _, user in ipairs(users) do
    for _, account in ipairs(user.accounts) do
      lines[#lines + 1] = ("%s %s %s"):format(user.userId, account.accountId, berka.amount_text(account.cents))
    end
  end
  return table.concat(lines, "\n")
end

return berka
