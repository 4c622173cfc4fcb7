-- What a rule found: the users, sorted by the bytes of userId, and why each is among them.

local core = require "finseg.core"
local json_text = require "finseg.json_text"

---@class finseg.RuleResult
---@field rule finseg.Rule
---@field jobs table[]  label, kind, parameters, jobId, reused, creationDate and users (their number) of each
local RuleResult = {}
RuleResult.__index = RuleResult

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
---@return finseg.RuleResult
function RuleResult.new(rule, evaluation, set)
  return setmetatable({
    rule = rule,
    jobs = describe_jobs(evaluation.plan, evaluation.rolls),
    _evaluation = evaluation,
    _set = set,
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

--- Has the records of every user of the result be at hand; raises the err when they cannot be read again.
local function bring_records(self)
  local evaluation, set = self._evaluation, self._set
  for request, roll in pairs(evaluation.rolls) do
    if not roll:is_at_hand(set) then
      local ok, err = evaluation.recall(request, set)
      if not ok then
        error(err, 0)
      end
    end
  end
end

--- Iterates over the users: { userId =, NAME = record, ... }, a record for each segment of the rule that has one for
--- the user, its members as they came but for userId. Raises the err when records that were too many to keep cannot be
--- read again.
---
--- Numbers are Lua's, the nearest to those that came; texts() has every digit.
---@return fun(): table?
function RuleResult:users()
  bring_records(self)
  local evaluation, next_id = self._evaluation, self._set:each()
  return function()
    local id = next_id()
    if not id then
      return nil
    end
    local user = { userId = id }
    for _, request in ipairs(evaluation.plan.requests) do
      user[request.label] = evaluation.rolls[request]:record(id)
    end
    return user
  end
end

--- Iterates over the users as JSON, each on one line: {"userId":"...","NAME":{...},...}. Names stand in the order in
--- which the rule names the segments, and each record is the text that came, byte by byte, but for its userId and for
--- line ends between its members: what is to be written somewhere. Raises as users() does.
---@return fun(): string?
function RuleResult:texts()
  bring_records(self)
  local evaluation, next_id = self._evaluation, self._set:each()
  local requests, names = evaluation.plan.requests, {}
  for position, request in ipairs(requests) do
    names[position] = "," .. core.to_json(request.label) .. ":"
  end
  return function()
    local id = next_id()
    if not id then
      return nil
    end
    local parts = { '{"userId":', (assert(core.to_json(id))) }
    for position, request in ipairs(requests) do
      local text = evaluation.rolls[request]:text(id)
      if text then
        parts[#parts + 1] = names[position]
        parts[#parts + 1] = json_text.one_line(text)
      end
    end
    parts[#parts + 1] = "}"
    return table.concat(parts)
  end
end

--- What was done, with how many users came out of each step.
---@return string
function RuleResult:explain()
  return table.concat(self._evaluation.steps, "\n")
end

return RuleResult
