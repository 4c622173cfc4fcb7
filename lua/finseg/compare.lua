--- Results kept under a name, and two of them compared: who entered, who left, whose amount moved.
---
---     local monday = assert(finseg.compare.keep(result, folder, "monday"))
---     local difference = assert(finseg.compare.kept(folder, "monday", "friday"))
---     print(difference.entered, difference.left, difference.moved, difference.same)
---     for change in difference:changes() do print(change.change, change.userId) end
---
--- A kept result is a file NAME.ndjson of mode 0600: a line about the result, then one JSON object a user, sorted by
--- userId, with the bytes that came. It is written whole or not at all. Comparing walks both files side by side and
--- holds one user of each; amounts are compared and subtracted as decimals, with all their digits.

local check = require "finseg.value.check"
local core = require "finseg.core"
local json_text = require "finseg.value.json_text"

local compare = {}

--- The first line's mark, and the version of what follows.
local FORMAT, VERSION = "finseg-result", 1

local function path_of(folder, name)
  return ("%s/%s.ndjson"):format(folder, name)
end

local function check_name(name)
  if name:match "^[%w_][%w_.-]*$" and #name <= 100 then
    return true
  end
  return nil,
    core.error(
      "invalid",
      ("a result cannot be kept under the name %q: letters, digits, and . _ - make a name"):format(name)
    )
end

local function cannot(verb, path, reason)
  return nil,
    core.error(
      "config",
      ("%s cannot be %s (%s): check that the folder is yours, not read-only and has room"):format(path, verb, reason)
    )
end

-- ---- keeping --------------------------------------------------------------------------------------------------------

local function write_lines(file, result, name)
  local header = {
    format = FORMAT,
    version = VERSION,
    name = name,
    created_at = math.floor(core.time()),
    rule = result.rule.name,
    users = result:count(),
  }
  local ok, reason = file:write(assert(core.to_json(header)), "\n")
  for text in result:texts() do
    if not ok then
      break
    end
    ok, reason = file:write(text, "\n")
  end
  return ok, reason
end

--- Keeps a result under a name, in the place of one of that name.
---@param result finseg.RuleResult
---@param folder string  made when it is not there, for the user alone
---@param name string  letters, digits, . _ and -
---@return string? path  of the file
---@return finseg.Err? err  `invalid`: the name; `config`: the file cannot be written
function compare.keep(result, folder, name)
  check.type(result, "table", 1, "keep")
  check.type(folder, "string", 2, "keep")
  check.type(name, "string", 3, "keep")
  local fine, err = check_name(name)
  if not fine then
    return nil, err
  end
  local path = path_of(folder, name)
  local ok, reason = core.create_folder(folder)
  if not ok then
    return cannot("written", path, reason)
  end
  local temporary = ("%s.%.6f.new"):format(path, core.time())
  ok, reason = core.create_file(temporary)
  if not ok then
    return cannot("written", path, reason)
  end
  local file
  file, reason = io.open(temporary, "wb")
  if file then
    local called
    called, ok, reason = pcall(write_lines, file, result, name)
    local closed, problem = file:close()
    if not called then
      os.remove(temporary)
      return nil, ok
    end
    if ok and not closed then
      ok, reason = nil, problem
    end
  end
  if file and ok then
    ok, reason = os.rename(temporary, path)
  end
  if not (file and ok) then
    os.remove(temporary)
    return cannot("written", path, reason)
  end
  return path
end

-- ---- reading --------------------------------------------------------------------------------------------------------

---@class finseg.KeptResult
---@field path string
---@field header table  name, created_at (seconds since 1970), rule, users
local KeptResult = {}
KeptResult.__index = KeptResult

local function open_file(path)
  local file, reason = io.open(path, "rb")
  if not file then
    return nil, core.error("invalid", ("there is no result at %s (%s): keep one first"):format(path, reason))
  end
  local header = core.from_json(file:read "*l" or "")
  if type(header) ~= "table" or header.format ~= FORMAT or type(header.version) ~= "number" then
    file:close()
    return nil, core.error("invalid", path .. " is not a result that finseg has kept")
  elseif header.version > VERSION then
    file:close()
    return nil, core.error("invalid", path .. " was written by a later version of finseg: update finseg")
  end
  return file, header
end

--- Opens a kept result.
---@return finseg.KeptResult? kept
---@return finseg.Err? err
local function open(path)
  local file, header = open_file(path)
  if not file then
    return nil, header
  end
  file:close()
  return setmetatable({ path = path, header = header }, KeptResult)
end

--- Iterates over the users as JSON, each as result:texts() gave it. Raises an err when the file is damaged.
---@return fun(): string?
function KeptResult:texts()
  local file, header = open_file(self.path)
  if not file then
    error(header, 0)
  end
  local line_number, users, last = 1, 0, nil
  local function damaged(what)
    file:close()
    error(core.error("invalid", ("%s:%d: %s: keep the result again"):format(self.path, line_number, what)), 0)
  end
  return function()
    local line = file:read "*l"
    line_number = line_number + 1
    if not line then
      if users ~= header.users then
        damaged(("it ends after %d of %s users"):format(users, tostring(header.users)))
      end
      file:close()
      return nil
    end
    local id = json_text.string(json_text.fields(line).userId)
    if not id then
      damaged "this is no user"
    elseif last and not core.precedes(last, id) then
      damaged "the users are out of order"
    end
    users, last = users + 1, id
    return line
  end
end

--- Iterates over the users as tables, each as result:users() gave it. Raises an err when the file is damaged.
---@return fun(): table?
function KeptResult:users()
  local next_text = self:texts()
  return function()
    local text = next_text()
    return text and core.from_json(text)
  end
end

--- Opens the result kept under a name.
---@param folder string
---@param name string
---@return finseg.KeptResult? kept  with `header` (name, created_at, rule, users) and :users()
---@return finseg.Err? err
function compare.open(folder, name)
  check.type(folder, "string", 1, "open")
  check.type(name, "string", 2, "open")
  local fine, err = check_name(name)
  if not fine then
    return nil, err
  end
  return open(path_of(folder, name))
end

-- ---- comparing ------------------------------------------------------------------------------------------------------

--- A user of a result.
local function read_user(text)
  if not text then
    return nil
  end
  local fields = json_text.fields(text)
  return { userId = json_text.string(fields.userId), text = text, fields = fields }
end

--- Adds an amount to those that go by its name. One whose sum would be absurdly long goes by a name of its own.
local function add_amount(amounts, name, text)
  local sum = amounts[name] and core.decimal_add(amounts[name], text)
  if amounts[name] and not sum then
    name = ("%s of %s"):format(name, text)
  end
  amounts[name] = sum or text
end

--- What an amount goes by: "lowBalance account 4711"; an insurance by its account, provider and type.
local function name_of(label, fields)
  local words = { label }
  for _, member in ipairs { "accountId", "provider", "type" } do
    words[#words + 1] = json_text.string(fields[member])
  end
  return table.concat(words, " ")
end

--- The amounts of a user by what they go by, as decimal text: as it came, or the sum of those that share a name.
---@return table<string, string>
local function amounts_of(user)
  local amounts = {}
  for label, record in pairs(user.fields) do
    local fields = json_text.fields(record)
    for _, list in ipairs { "accounts", "insurances" } do
      for _, item in ipairs(json_text.elements(fields[list])) do
        local members = json_text.fields(item)
        if members.amount and json_text.is_number(members.amount) then
          add_amount(amounts, name_of(label, members), members.amount)
        end
      end
    end
  end
  return amounts
end

--- What moved between two records of a user: a list of { what, before, after, by }, amounts as decimal text; empty
--- when nothing did. An amount that is only in one of them has no before or no after.
local function movements(before, after)
  if before.text == after.text then
    return {}
  end
  local old, new = amounts_of(before), amounts_of(after)
  local names = {}
  for what, amount in pairs(old) do
    if not new[what] or core.decimal_compare(amount, new[what]) ~= 0 then
      names[#names + 1] = what
    end
  end
  for what in pairs(new) do
    if old[what] == nil then
      names[#names + 1] = what
    end
  end
  table.sort(names, core.precedes)
  local moved = {}
  for position, what in ipairs(names) do
    local a, b = old[what], new[what]
    moved[position] = {
      what = what,
      before = a,
      after = b,
      by = a and b and core.decimal_subtract(b, a),
    }
  end
  return moved
end

---@class finseg.Difference
---@field entered integer  users only in the second
---@field left integer  users only in the first
---@field moved integer  users in both, with another amount
---@field same integer  users in both, with the same amounts
local Difference = {}
Difference.__index = Difference

--- Walks both results side by side: the change of each user in turn, its records and amounts as text.
local function walk(before, after)
  local next_old, next_new = before:texts(), after:texts()
  local old, new = read_user(next_old()), read_user(next_new())
  return function()
    if not old and not new then
      return nil
    end
    local change
    if not new or (old and core.precedes(old.userId, new.userId)) then
      change = { change = "left", userId = old.userId, before = old.text }
      old = read_user(next_old())
    elseif not old or core.precedes(new.userId, old.userId) then
      change = { change = "entered", userId = new.userId, after = new.text }
      new = read_user(next_new())
    else
      local moved = movements(old, new)
      change = {
        change = #moved > 0 and "moved" or "same",
        userId = new.userId,
        before = old.text,
        after = new.text,
        amounts = moved,
      }
      old, new = read_user(next_old()), read_user(next_new())
    end
    return change
  end
end

--- The changes of a walk but for users who stayed the same.
local function walk_changes(difference)
  local next_change = walk(difference.before, difference.after)
  return function()
    local change
    repeat
      change = next_change()
    until not change or change.change ~= "same"
    return change
  end
end

--- Iterates over the users who changed, sorted by userId: { change = "entered" | "left" | "moved", userId, before,
--- after (the users as results gave them), amounts (of who moved: a list of { what, before, after, by }) }. Numbers are
--- Lua's, the nearest ones; texts() has every digit. Raises an err when a file is damaged or gone.
---@return fun(): table?
function Difference:changes()
  local next_change = walk_changes(self)
  return function()
    local change = next_change()
    if change then
      change.before = change.before and core.from_json(change.before)
      change.after = change.after and core.from_json(change.after)
      for _, amount in ipairs(change.amounts or {}) do
        for _, name in ipairs { "before", "after", "by" } do
          amount[name] = tonumber(amount[name])
        end
      end
    end
    return change
  end
end

local function amounts_text(amounts)
  local texts = {}
  for position, amount in ipairs(amounts) do
    local members = { '"what":' .. assert(core.to_json(amount.what)) }
    for _, name in ipairs { "before", "after", "by" } do
      members[#members + 1] = amount[name] and ('"%s":%s'):format(name, amount[name])
    end
    texts[position] = "{" .. table.concat(members, ",") .. "}"
  end
  return "[" .. table.concat(texts, ",") .. "]"
end

--- Iterates over the same changes as JSON, each on one line, with the bytes that came: amounts have all their digits.
--- before and after have no userId of their own.
---@param options { records: boolean }?  false: without before and after
---@return fun(): string?
function Difference:texts(options)
  check.optional(options, "table", 1, "texts")
  local next_change, with_records = walk_changes(self), not options or options.records ~= false
  return function()
    local change = next_change()
    if not change then
      return nil
    end
    local members = { ('"change":"%s","userId":%s'):format(change.change, (core.to_json(change.userId))) }
    for _, side in ipairs { "before", "after" } do
      if with_records and change[side] then
        members[#members + 1] = ('"%s":%s'):format(side, core.json_without(change[side], "userId"))
      end
    end
    if change.amounts then
      members[#members + 1] = '"amounts":' .. amounts_text(change.amounts)
    end
    return "{" .. table.concat(members, ",") .. "}"
  end
end

--- Compares two results: what compare.open answers, or results of rules as they are.
---@param before finseg.KeptResult|finseg.RuleResult
---@param after finseg.KeptResult|finseg.RuleResult
---@return finseg.Difference? difference
---@return finseg.Err? err  a file is damaged
function compare.results(before, after)
  check.type(before, "table", 1, "results")
  check.type(after, "table", 2, "results")
  local difference = { before = before, after = after, entered = 0, left = 0, moved = 0, same = 0 }
  local ok, err = pcall(function()
    for change in walk(before, after) do
      difference[change.change] = difference[change.change] + 1
    end
  end)
  if not ok then
    if type(err) ~= "table" then
      error(err, 0)
    end
    return nil, err
  end
  return setmetatable(difference, Difference)
end

--- Compares the results kept under two names.
---@param folder string
---@param before string
---@param after string
---@return finseg.Difference? difference
---@return finseg.Err? err
function compare.kept(folder, before, after)
  local first, err = compare.open(folder, before)
  if not first then
    return nil, err
  end
  local second
  second, err = compare.open(folder, after)
  if not second then
    return nil, err
  end
  return compare.results(first, second)
end

return compare
