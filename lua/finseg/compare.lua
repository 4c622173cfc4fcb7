--- Results kept under a name, and two of them compared: who entered, who left, whose amount moved.
---
---     local monday = assert(finseg.compare.keep(result, folder, "monday"))
---     local difference = assert(finseg.compare.kept(folder, "monday", "friday"))
---     print(difference.entered, difference.left, difference.moved, difference.same)
---     for change in assert(difference:changes()) do print(change.change, change.userId) end
---
--- A kept result is a file NAME.ndjson of mode 0600: a line about the result, then one JSON object a user, sorted by
--- userId. It is written whole or not at all. Comparing walks both files side by side and holds one user of each.

local check = require "finseg.check"
local core = require "finseg.core"

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

-- ---- keeping
-- ----------------------------------------------------------------------------------------------------------

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
  for user in result:users() do
    if not ok then
      break
    end
    ok, reason = file:write(assert(core.to_json(user)), "\n")
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

-- ---- reading
-- ----------------------------------------------------------------------------------------------------------

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
  if type(header) ~= "table" or header.format ~= FORMAT then
    file:close()
    return nil, core.error("invalid", path .. " is no result that finseg has kept")
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

--- Iterates over the users, each as result:users() gave it. Raises an err when the file is damaged.
function KeptResult:users()
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
        damaged(("it ends after %d of %d users"):format(users, header.users))
      end
      file:close()
      return nil
    end
    local user = core.from_json(line)
    if type(user) ~= "table" or type(user.userId) ~= "string" then
      damaged "this is no user"
    elseif last and last >= user.userId then
      damaged "the users are out of order"
    end
    users, last = users + 1, user.userId
    return user
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

-- ---- comparing
-- --------------------------------------------------------------------------------------------------------

--- Amounts as whole units of 10^-4, in which they are added and subtracted exactly up to 2^53 units.
local UNITS = 10000

local function units_of(amount)
  return math.floor(amount * UNITS + 0.5)
end

--- The amounts of a user: "lowBalance account 4711" -> units. An insurance goes by its account, provider and type.
local function amounts_of(user)
  local amounts = {}
  for name, record in pairs(user) do
    if type(record) == "table" then
      for _, list in ipairs { record.accounts or {}, record.insurances or {} } do
        for _, item in ipairs(list) do
          if type(item.amount) == "number" then
            local words = { name }
            for _, member in ipairs { "accountId", "provider", "type" } do
              words[#words + 1] = type(item[member]) == "string" and item[member] or nil
            end
            local key = table.concat(words, " ")
            amounts[key] = (amounts[key] or 0) + units_of(item.amount)
          end
        end
      end
    end
  end
  return amounts
end

--- What moved between two records of a user: a list of { what, before, after, by }, amounts as numbers; empty when
--- nothing did. An amount that is only in one of them has no before or no after.
local function movements(before, after)
  local old, new = amounts_of(before), amounts_of(after)
  local names = {}
  for what, units in pairs(old) do
    if new[what] ~= units then
      names[#names + 1] = what
    end
  end
  for what in pairs(new) do
    if old[what] == nil then
      names[#names + 1] = what
    end
  end
  table.sort(names)
  for position, what in ipairs(names) do
    local a, b = old[what], new[what]
    names[position] = {
      what = what,
      before = a and a / UNITS,
      after = b and b / UNITS,
      by = a and b and (b - a) / UNITS,
    }
  end
  return names
end

---@class finseg.Difference
---@field entered integer  users only in the second
---@field left integer  users only in the first
---@field moved integer  users in both, with another amount
---@field same integer  users in both, with the same amounts
local Difference = {}
Difference.__index = Difference

--- Walks both results side by side: the change of each user in turn.
local function walk(before, after)
  local next_old, next_new = before:users(), after:users()
  local old, new = next_old(), next_new()
  return function()
    if not old and not new then
      return nil
    end
    local change
    if not new or (old and old.userId < new.userId) then
      change = { change = "left", userId = old.userId, before = old }
      old = next_old()
    elseif not old or new.userId < old.userId then
      change = { change = "entered", userId = new.userId, after = new }
      new = next_new()
    else
      local moved = movements(old, new)
      change =
        { change = #moved > 0 and "moved" or "same", userId = new.userId, before = old, after = new, amounts = moved }
      old, new = next_old(), next_new()
    end
    return change
  end
end

--- Iterates over the users who changed, sorted by userId: { change = "entered" | "left" | "moved", userId, before,
--- after (the users as results gave them), amounts (of who moved: a list of { what, before, after, by }) }. Raises an
--- err when a file is damaged or gone.
---@return fun(): table?
function Difference:changes()
  local next_change = walk(self.before, self.after)
  return function()
    local change
    repeat
      change = next_change()
    until not change or change.change ~= "same"
    return change
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
