--- What all five segments must be, computed from files alone: no SQL, no code of the sandbox, the definitions taken
-- literally. It reads the sandbox's own CSV files and the Berka files.
--
--   local book = ledger.from_csv(folder, "2024-04-15")
--   ledger.text(book:insurance_spending(12))
--
-- Segments come as the wire carries them, users in the service's order; amounts are decimal text. Sums are whole cents
-- in Lua numbers, far below 2^53; what is larger (squares) is in lists of digits.

local ledger = {}
local Ledger = {}
Ledger.__index = Ledger

-- ---- numbers --------------------------------------------------------------------------------------------------------

local function cents_of(text)
  local sign, units, decimals = text:match("^(%-?)(%d+)%.?(%d*)$")
  assert(units and #decimals <= 2, "no amount: " .. text)
  local cents = tonumber(units) * 100 + tonumber((decimals .. "00"):sub(1, 2))
  return sign == "-" and -cents or cents
end

local function amount_text(cents)
  local magnitude = math.abs(cents)
  return ("%s%d.%02d"):format(cents < 0 and "-" or "", math.floor(magnitude / 100), magnitude % 100)
end

-- A quotient of whole numbers, half to even.
local function rounded(numerator, denominator)
  local down = math.floor(numerator / denominator)
  local twice_rest = 2 * (numerator - down * denominator)
  if twice_rest > denominator or (twice_rest == denominator and down % 2 == 1) then
    return down + 1
  end
  return down
end

-- Natural numbers of any size: lists of digits to this base, the lowest first.
local BASE = 10000000

local function carried(digits)
  local carry = 0
  local i = 1
  while i <= #digits or carry > 0 do
    local digit = (digits[i] or 0) + carry
    carry = math.floor(digit / BASE)
    digits[i] = digit - carry * BASE
    i = i + 1
  end
  while digits[#digits] == 0 do
    digits[#digits] = nil
  end
  return digits
end

local function big(number)
  return carried({ number })
end

local function plus(a, b)
  local sum = {}
  for i = 1, math.max(#a, #b) do
    sum[i] = (a[i] or 0) + (b[i] or 0)
  end
  return carried(sum)
end

local function times(a, b)
  local product = {}
  for i = 1, #a do
    local row = {}
    for k = 1, i - 1 do
      row[k] = 0
    end
    for k = 1, #b do
      row[i + k - 1] = a[i] * b[k]
    end
    product = plus(product, carried(row))
  end
  return product
end

local function compare(a, b)
  if #a ~= #b then
    return #a < #b and -1 or 1
  end
  for i = #a, 1, -1 do
    if a[i] ~= b[i] then
      return a[i] < b[i] and -1 or 1
    end
  end
  return 0
end

-- The population's standard deviation, half to even: the whole number d for which the count^2-fold variance lies
-- between (count * (d - 1/2))^2 and (count * (d + 1/2))^2.
local function deviation(amounts)
  local count = #amounts
  local sum, squares = 0, big(0)
  for _, amount in ipairs(amounts) do
    local magnitude = big(math.abs(amount))
    sum = sum + amount
    squares = plus(squares, times(magnitude, magnitude))
  end
  local total = big(2 * math.abs(sum))
  local four_variance = times(big(4 * count), squares) -- more by `total` squared
  local function against_middle(below) -- of `below` and the next
    local middle = big(count * (2 * below + 1))
    return compare(four_variance, plus(times(total, total), times(middle, middle)))
  end
  local mean = sum / count
  local estimate = 0
  for _, amount in ipairs(amounts) do
    estimate = estimate + (amount - mean) ^ 2
  end
  local down = math.max(0, math.floor(math.sqrt(estimate / count)) - 2)
  while against_middle(down) > 0 or (against_middle(down) == 0 and down % 2 == 1) do
    down = down + 1
  end
  return down
end

-- ---- dates ----------------------------------------------------------------------------------------------------------

-- Dates are text, YYYY-MM-DD, which orders as the days do.
local function months_before(today, count)
  local year, month = tonumber(today:sub(1, 4)), tonumber(today:sub(6, 7))
  local months = {}
  for i = count, 1, -1 do
    year, month = month == 1 and year - 1 or year, month == 1 and 12 or month - 1
    months[i] = ("%04d-%02d"):format(year, month)
  end
  return months
end

-- A time of the system at noon: differences of days come out right in every zone.
local function noon(date)
  return os.time({
    year = tonumber(date:sub(1, 4)),
    month = tonumber(date:sub(6, 7)),
    day = tonumber(date:sub(9, 10)),
    hour = 12,
  })
end

local function days_between(earlier, later)
  return math.floor((noon(later) - noon(earlier)) / 86400 + 0.5)
end

local function month_length(month)
  return tonumber(os.date("%d", noon(("%s-%02d"):format(month, 28)) + 86400)) == 1 and 28
    or tonumber(os.date("%d", noon(("%s-%02d"):format(month, 29)) + 86400)) == 1 and 29
    or tonumber(os.date("%d", noon(("%s-%02d"):format(month, 30)) + 86400)) == 1 and 30
    or 31
end

-- ---- files ----------------------------------------------------------------------------------------------------------

local function read_all(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Calls f with each row after the header, a list of texts.
local function each_row(folder, name, separator, f)
  local text = read_all(folder .. "/" .. name)
  local at, row, is_header = 1, {}, true
  while at <= #text do
    local field
    if text:sub(at, at) == '"' then
      local from = at + 1
      repeat
        at = text:find('"', at + 1, true)
        local doubled = text:sub(at + 1, at + 1) == '"'
        at = doubled and at + 1 or at
      until not doubled
      field = text:sub(from, at - 1):gsub('""', '"')
      at = at + 1
    else
      local stop = text:find("[" .. separator .. "\r\n]", at) or #text + 1
      field = text:sub(at, stop - 1)
      at = stop
    end
    row[#row + 1] = field
    if text:sub(at, at) == separator then
      at = at + 1
    else
      at = select(2, text:find("^\r?\n", at)) or #text
      at = at + 1
      if not is_header then
        f(row)
      end
      row, is_header = {}, false
    end
  end
end

local function new_ledger(today)
  return setmetatable({ today = today, accounts = {} }, Ledger)
end

local function add_account(book, id, user, account_type, opened)
  if opened < book.today then
    book.accounts[id] = { id = id, user = user, type = account_type, opened = opened, transactions = {} }
  end
end

local function add_transaction(book, id, transaction)
  local account = book.accounts[id]
  if account and transaction.date < book.today then
    account.transactions[#account.transactions + 1] = transaction
  end
end

-- By date; transactions of one day keep their `place`.
local function sort_transactions(book)
  for _, account in pairs(book.accounts) do
    table.sort(account.transactions, function(a, b)
      if a.date ~= b.date then
        return a.date < b.date
      end
      return a.place < b.place
    end)
  end
  return book
end

--- users.csv, accounts.csv, transactions.csv; `today` is the reference date, YYYY-MM-DD.
function ledger.from_csv(folder, today)
  local book = new_ledger(today)
  local place = 0
  each_row(folder, "accounts.csv", ",", function(row)
    add_account(book, row[1], row[2], row[3], row[4])
  end)
  each_row(folder, "transactions.csv", ",", function(row)
    place = place + 1
    add_transaction(book, row[1], {
      place = place,
      date = row[2],
      cents = cents_of(row[3]),
      label = row[4] ~= "" and row[4] or nil,
      counterpart = row[5] ~= "" and row[5] or nil,
    })
  end)
  return sort_transactions(book)
end

local BERKA_SIGNS = { PRIJEM = 1, VYDAJ = -1, VYBER = -1 }
local BERKA_LABELS = {
  POJISTNE = "INSURANCE",
  DUCHOD = "PENSION",
  UROK = "INTEREST",
  ["SANKC. UROK"] = "OVERDRAFT_INTEREST",
  SIPO = "HOUSEHOLD",
  SLUZBY = "FEE",
  UVER = "LOAN",
}

local function berka_date(text)
  return (text:gsub("^(%d%d)(%d%d)(%d%d)$", "19%1-%2-%3"))
end

--- account.asc, disp.asc, trans.asc.
function ledger.from_berka(folder, today)
  local book = new_ledger(today)
  local owners = {}
  each_row(folder, "disp.asc", ";", function(row)
    if row[4] == "OWNER" then
      owners[row[3]] = row[2]
    end
  end)
  each_row(folder, "account.asc", ";", function(row)
    add_account(book, row[1], owners[row[1]], "CHECKING", berka_date(row[4]))
  end)
  each_row(folder, "trans.asc", ";", function(row)
    local bank, partner = row[9], row[10]
    add_transaction(book, row[2], {
      place = tonumber(row[1]),
      date = berka_date(row[3]),
      cents = BERKA_SIGNS[row[4]] * cents_of(row[6]),
      label = BERKA_LABELS[row[8]],
      counterpart = bank ~= "" and partner ~= "" and bank .. "/" .. partner or nil,
    })
  end)
  return sort_transactions(book)
end

-- ---- segments -------------------------------------------------------------------------------------------------------

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- The users for whom `entries_of(accounts, user_id)` answers a list that is not empty, with that list under `name`.
local function users_with(book, name, entries_of)
  local by_user = {}
  for _, id in ipairs(sorted_keys(book.accounts)) do
    local account = book.accounts[id]
    by_user[account.user] = by_user[account.user] or {}
    table.insert(by_user[account.user], account)
  end
  local users = {}
  for _, user_id in ipairs(sorted_keys(by_user)) do
    local entries = entries_of(by_user[user_id])
    if #entries > 0 then
      users[#users + 1] = { userId = user_id, [name] = entries }
    end
  end
  return users
end

-- The same with at most one entry an account.
local function users_with_accounts(book, entry_of)
  return users_with(book, "accounts", function(accounts)
    local entries = {}
    for _, account in ipairs(accounts) do
      entries[#entries + 1] = entry_of(account)
    end
    return entries
  end)
end

local function is_of_type(account, account_type)
  return account_type == nil or account.type:upper() == account_type:upper()
end

-- Of the transactions of these months ("YYYY-MM"), in order.
local function in_months(account, months)
  local first, last = months[1], months[#months]
  local i = 0
  return function()
    repeat
      i = i + 1
      local transaction = account.transactions[i]
      local month = transaction and transaction.date:sub(1, 7)
      if transaction and month >= first and month <= last then
        return transaction
      end
    until not transaction
  end
end

--- Thresholds are decimal text of at most two decimals; `account_type` may be nil.
function Ledger:high_balance(threshold, account_type)
  return users_with_accounts(self, function(account)
    local balance = 0
    for _, transaction in ipairs(account.transactions) do
      balance = balance + transaction.cents
    end
    if is_of_type(account, account_type) and balance > cents_of(threshold) then
      return { accountId = account.id, amount = amount_text(balance) }
    end
  end)
end

-- The lowest closing balance of a month, nil when the account was not open in it.
local function lowest_of_month(account, month)
  local next_transaction, balance, lowest = 1, 0, nil
  for day = 1, month_length(month) do
    local date = ("%s-%02d"):format(month, day)
    local transaction = account.transactions[next_transaction]
    while transaction and transaction.date <= date do
      balance = balance + transaction.cents
      next_transaction = next_transaction + 1
      transaction = account.transactions[next_transaction]
    end
    if date >= account.opened and (not lowest or balance < lowest) then
      lowest = balance
    end
  end
  return lowest
end

function Ledger:low_balance(threshold, duration, account_type)
  return users_with_accounts(self, function(account)
    local lowest
    for _, month in ipairs(months_before(self.today, duration)) do
      local low = lowest_of_month(account, month)
      if not is_of_type(account, account_type) or not low or low >= cents_of(threshold) then
        return nil
      end
      lowest = math.min(lowest or low, low)
    end
    return { accountId = account.id, amount = amount_text(lowest) }
  end)
end

function Ledger:income_spending_summary(duration)
  local months = months_before(self.today, duration)
  return users_with_accounts(self, function(account)
    local incoming, outgoing = 0, 0
    for transaction in in_months(account, months) do
      if transaction.cents > 0 then
        incoming = incoming + 1
      elseif transaction.cents < 0 then
        outgoing = outgoing + 1
      end
    end
    if incoming + outgoing > 0 then
      return { accountId = account.id, incomingCount = incoming, outgoingCount = outgoing }
    end
  end)
end

-- A group has the label of its name and those that go on after an underscore.
local function is_in_group(label, group)
  return label == group or label:sub(1, #group + 1) == group .. "_"
end

local FREQUENCIES = {
  { 25, 35, "MONTHLY" },
  { 80, 100, "QUARTERLY" },
  { 170, 195, "HALF_YEARLY" },
  { 350, 380, "YEARLY" },
}

local function frequency(dates)
  for _, each in ipairs(FREQUENCIES) do
    local all_within = #dates > 1
    for i = 2, #dates do
      local gap = days_between(dates[i - 1], dates[i])
      all_within = all_within and gap >= each[1] and gap <= each[2]
    end
    if all_within then
      return each[3]
    end
  end
  return "IRREGULAR"
end

local function policies(account, months)
  local by_key = {}
  for transaction in in_months(account, months) do
    local label = transaction.label
    if label and is_in_group(label, "INSURANCE") and transaction.cents < 0 then
      -- No counterpart comes before every counterpart.
      local key = (transaction.counterpart and "1" .. transaction.counterpart or "0") .. "\1" .. label
      by_key[key] = by_key[key] or { provider = transaction.counterpart, label = label, dates = {} }
      table.insert(by_key[key].dates, transaction.date)
      by_key[key].last = -transaction.cents
    end
  end
  return by_key
end

function Ledger:insurance_spending(duration)
  local months = months_before(self.today, duration)
  return users_with(self, "insurances", function(accounts)
    local entries = {}
    for _, account in ipairs(accounts) do
      local by_key = policies(account, months)
      for _, key in ipairs(sorted_keys(by_key)) do
        local policy = by_key[key]
        entries[#entries + 1] = {
          accountId = account.id,
          provider = policy.provider,
          type = policy.label,
          amount = amount_text(policy.last),
          frequency = frequency(policy.dates),
        }
      end
    end
    return entries
  end)
end

-- The entry of one label; nil when there is no such transaction.
local function breakdown(accounts, label, months)
  local totals, counts, found = {}, {}, false
  for _, account in ipairs(accounts) do
    for transaction in in_months(account, months) do
      if transaction.label and is_in_group(transaction.label, label) then
        local month = transaction.date:sub(1, 7)
        totals[month] = (totals[month] or 0) + transaction.cents
        counts[month] = (counts[month] or 0) + 1
        found = true
      end
    end
  end
  if not found then
    return nil
  end
  local list, sorted, total = {}, {}, 0
  for i, month in ipairs(months) do
    sorted[i] = totals[month] or 0
    total = total + sorted[i]
    list[i] = { month = month, total = amount_text(sorted[i]), count = counts[month] or 0 }
  end
  table.sort(sorted)
  local count = #sorted
  local median = count % 2 == 1 and sorted[(count + 1) / 2] or rounded(sorted[count / 2] + sorted[count / 2 + 1], 2)
  return {
    label = label,
    total = amount_text(total),
    average = amount_text(rounded(total, count)),
    minimum = amount_text(sorted[1]),
    maximum = amount_text(sorted[count]),
    median = amount_text(median),
    standardDeviation = amount_text(deviation(sorted)),
    months = list,
  }
end

function Ledger:financial_breakdown(labels, duration)
  local months = months_before(self.today, duration)
  return users_with(self, "breakdowns", function(accounts)
    local entries = {}
    for _, label in ipairs(labels) do
      entries[#entries + 1] = breakdown(accounts, label, months)
    end
    return entries
  end)
end

-- ---- comparing ------------------------------------------------------------------------------------------------------

-- Any value as text, members by name. cjson's null counts as nothing.
local function text_of(value)
  if type(value) ~= "table" then
    return type(value) == "userdata" and "" or tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for i, each in ipairs(value) do
      parts[i] = text_of(each)
    end
    return "[" .. table.concat(parts, " ") .. "]"
  end
  for _, name in ipairs(sorted_keys(value)) do
    local text = text_of(value[name])
    if text ~= "" then
      parts[#parts + 1] = name .. "=" .. text
    end
  end
  return "{" .. table.concat(parts, " ") .. "}"
end

--- A line per user, to compare two segments and to read the difference.
function ledger.text(users)
  local lines = {}
  for i, user in ipairs(users) do
    lines[i] = text_of(user)
  end
  return table.concat(lines, "\n")
end

return ledger
