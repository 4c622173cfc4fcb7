-- What a rule found: the users, sorted by the bytes of userId, and why each is among them.

local Reader = require "finseg.rule.reader"
local UserSet = require "finseg.rule.userset"
local check = require "finseg.value.check"
local core = require "finseg.core"
local json_text = require "finseg.value.json_text"

---@class finseg.RuleResult
---@field rule finseg.Rule
---@field jobs table[]  label, kind, parameters, jobId, reused, creationDate and users (their number) of each
local RuleResult = {}
RuleResult.__index = RuleResult

--- Users whose records are held together when they must be read again. More where a segment is not sorted, since it is
--- read from its start for each batch.
local BATCH, BATCH_UNSORTED = 1000, 20000

local function describe_jobs(plan, rolls)
  local jobs = {}
  for position, request in ipairs(plan.requests) do
    jobs[position] = {
      label = request.label,
      kind = request.kind,
      parameters = request.parameters,
      jobId = request.job and request.job.jobId,
      reused = request.reused,
      creationDate = request.creationDate,
      users = rolls[request].users:count(),
    }
  end
  return jobs
end

---@param rule finseg.Rule
---@param evaluation finseg.Evaluation
---@param set finseg.UserSet
---@param reopen fun(request: finseg.Request): function?, function|table  reads a segment again
---@return finseg.RuleResult
function RuleResult.new(rule, evaluation, set, reopen)
  return setmetatable({
    rule = rule,
    jobs = describe_jobs(evaluation.plan, evaluation.rolls),
    _evaluation = evaluation,
    _set = set,
    _reopen = reopen,
  }, RuleResult)
end

function RuleResult:__tostring()
  local count = self:count()
  return ("result of %s: %d user%s"):format(self.rule.name, count, count == 1 and "" or "s")
end

---@return integer
function RuleResult:count()
  return self._set:count()
end

---@param user_id string
---@return boolean
function RuleResult:has(user_id)
  return self._set:has(user_id)
end

--- The user ids as a set: set:count(), set:has(id), `for id in set:each()`, and + * - with other sets.
---@return finseg.UserSet
function RuleResult:ids()
  return self._set
end

--- The first users, all when there is no limit.
local function first_of(set, limit)
  if not limit or limit >= set:count() then
    return set
  end
  local first, next_id = UserSet.new(), set:each()
  for _ = 1, limit do
    first:add(next_id())
  end
  return first
end

--- Where the records of these users are found, request by request: in its roll, or with a reader that must bring them
--- first. A small result is brought to the roll, and stays there.
local function find_records(self, among)
  local sources, readers = {}, {}
  local evaluation, stays = self._evaluation, among == self._set and among:count() <= BATCH
  for request, roll in pairs(evaluation.rolls) do
    sources[request] = roll
    if not roll:is_at_hand(among) then
      if stays then
        local ok, err = evaluation.recall(request, among)
        if not ok then
          error(err, 0)
        end
      else
        sources[request] = Reader.new(roll, function()
          return self._reopen(request)
        end)
        readers[#readers + 1] = sources[request]
      end
    end
  end
  return sources, readers
end

local function batch_size(readers)
  for _, reader in ipairs(readers) do
    if not reader.roll.sorted then
      return BATCH_UNSORTED
    end
  end
  return BATCH
end

--- The next ids, their records with the readers.
local function next_batch(next_id, readers)
  local ids, users = {}, UserSet.new()
  for position = 1, batch_size(readers) do
    local id = next_id()
    if not id then
      break
    end
    ids[position] = id
    users:add(id)
  end
  for _, reader in ipairs(ids[1] and readers or {}) do
    local ok, err = reader:bring(users, ids[#ids])
    if not ok then
      error(err, 0)
    end
  end
  return ids
end

--- Iterates over users as make(id, sources) gives them.
local function iterate(self, limit, make)
  local among = first_of(self._set, limit)
  local sources, readers = find_records(self, among)
  local next_id = among:each()
  local ids, position = {}, 0
  local function close()
    for _, reader in ipairs(readers) do
      reader:close()
    end
  end
  local function next_user()
    if position == #ids then
      ids, position = next_batch(next_id, readers), 0
    end
    position = position + 1
    if not ids[position] then
      close()
      return nil
    end
    return make(ids[position], sources)
  end
  -- Lua 5.4 calls this when a `for` loop is left early; elsewhere the pages under way arrive unread.
  return next_user, nil, nil, setmetatable({}, { __close = close })
end

--- Iterates over the users: { userId =, NAME = record, ... }, a record for each segment of the rule that has one for
--- the user, its members as they came but for userId. Raises the err when records that were too many to keep cannot be
--- read again.
---
--- Numbers are Lua's, the nearest to those that came; texts() has every digit.
---@param limit integer?  the first users alone; no more records than theirs are read again
---@return fun(): table?
function RuleResult:users(limit)
  check.optional(limit, "number", 1, "users")
  local requests = self._evaluation.plan.requests
  return iterate(self, limit, function(id, sources)
    local user = { userId = id }
    for _, request in ipairs(requests) do
      user[request.label] = sources[request]:record(id)
    end
    return user
  end)
end

--- Iterates over the users as JSON, each on one line: {"userId":"...","NAME":{...},...}. Names stand in the order in
--- which the rule names the segments, and each record is the text that came, byte by byte, but for its userId and for
--- line ends between its members: what is to be written somewhere. Raises as users() does.
---@param limit integer?  as of users()
---@return fun(): string?
function RuleResult:texts(limit)
  check.optional(limit, "number", 1, "texts")
  local requests, names = self._evaluation.plan.requests, {}
  for position, request in ipairs(requests) do
    names[position] = "," .. core.to_json(request.label) .. ":"
  end
  return iterate(self, limit, function(id, sources)
    local parts = { '{"userId":', (assert(core.to_json(id))) }
    for position, request in ipairs(requests) do
      local text = sources[request]:text(id)
      if text then
        parts[#parts + 1] = names[position]
        parts[#parts + 1] = json_text.one_line(text)
      end
    end
    parts[#parts + 1] = "}"
    return table.concat(parts)
  end)
end

--- What was done, with how many users came out of each step.
---@return string
function RuleResult:explain()
  return table.concat(self._evaluation.steps, "\n")
end

return RuleResult
