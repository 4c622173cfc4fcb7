-- What a rule found: the users, sorted by the bytes of userId, and why each is among them.

local check = require "finseg.value.check"
local core = require "finseg.core"
local json_text = require "finseg.value.json_text"

---@class finseg.RuleResult
---@field rule finseg.Rule
---@field jobs table[]  label, kind, parameters, jobId, reused, creationDate and users (their number) of each
local RuleResult = {}
RuleResult.__index = RuleResult

local function describe_jobs(plan, records)
  local jobs = {}
  for position, request in ipairs(plan.requests) do
    jobs[position] = {
      label = request.label,
      kind = request.kind,
      parameters = request.parameters,
      jobId = request.job and request.job.jobId,
      reused = request.reused,
      creationDate = request.creationDate,
      users = records[request].users:count(),
    }
  end
  return jobs
end

---@param rule finseg.Rule
---@param evaluation finseg.Evaluation
---@param set finseg.Idset
---@return finseg.RuleResult
function RuleResult.new(rule, evaluation, set)
  return setmetatable({
    rule = rule,
    jobs = describe_jobs(evaluation.plan, evaluation.records),
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
  return self._set:contains(user_id)
end

--- The user ids as a set of its own, as segment:ids() has it.
---@return finseg.Idset
function RuleResult:ids()
  return self._set + self._set
end

--- Iterates over the first users, all when there is no limit, as make(id) gives them.
local function iterate(self, limit, make)
  local next_id, left = self._set:ids(), limit or math.huge
  return function()
    left = left - 1
    local id = left >= 0 and next_id()
    if id then
      return make(id)
    end
  end
end

--- Iterates over the users: { userId =, NAME = record, ... }, a record for each segment of the rule that has one for
--- the user, its members as they came but for userId. Raises an err of kind `resource` when records that were too many
--- to keep in memory cannot be read from their file.
---
--- Numbers are Lua's, the nearest to those that came; texts() has every digit.
---@param limit integer?  the first users alone
---@return fun(): table?
function RuleResult:users(limit)
  check.optional(limit, "number", 1, "users")
  local requests, records = self._evaluation.plan.requests, self._evaluation.records
  return iterate(self, limit, function(id)
    local user = { userId = id }
    for _, request in ipairs(requests) do
      user[request.label] = records[request]:record(id)
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
  local requests, records, names = self._evaluation.plan.requests, self._evaluation.records, {}
  for position, request in ipairs(requests) do
    names[position] = "," .. core.to_json(request.label) .. ":"
  end
  return iterate(self, limit, function(id)
    local parts = { '{"userId":', (assert(core.to_json(id))) }
    for position, request in ipairs(requests) do
      local text = records[request]:text(id)
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
