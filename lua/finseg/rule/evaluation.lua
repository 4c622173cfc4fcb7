-- Working a rule out once its segments are there: set operations first, the cheaper side before the dearer one, and a
-- predicate only for users who can still be in the result.
--
-- set_of(node, within) is the heart: the users of a part of the rule, as far as `within` goes (nil: all of them).

local core = require "finseg.core"
local guard = require "finseg.rule.guard"

---@class finseg.Evaluation
---@field plan finseg.Plan
---@field records table<finseg.Request, finseg.Records>
---@field steps string[]  what was done, for people
local Evaluation = {}
Evaluation.__index = Evaluation

--- Tells what finseg has raised from a table of a rule's own.
local err_metatable = getmetatable(core.error("invalid", "none"))

---@param plan finseg.Plan
---@param records table<finseg.Request, finseg.Records>
---@return finseg.Evaluation
function Evaluation.new(plan, records)
  local self = setmetatable({ plan = plan, records = records, steps = {}, whole = {}, upper = {} }, Evaluation)
  function self.size(request)
    return records[request].users:count()
  end
  self.user_metatable = {
    __index = function(user, name)
      local record = self:look_up(user, name) -- no tail call: its errors name the line three levels up
      return record
    end,
  }
  return self
end

function Evaluation:note(text, ...)
  self.steps[#self.steps + 1] = text:format(...)
end

local function users_text(count)
  return count == 1 and "1 user" or ("%d users"):format(count)
end

-- ---- users, as predicates see them ----------------------------------------------------------------------------------

--- The id of a user, also when a function wrote over user.userId.
local function id_of(self, user)
  local id = user == self.user and self.user_id or rawget(user, "userId")
  if type(id) ~= "string" then
    error("this user's userId was written over", 4)
  end
  return id
end

--- user.NAME: the record of that segment; nil when the user is not in it.
function Evaluation:look_up(user, name)
  local request = self.plan.names[name]
  if request then
    local record = self.records[request]:record(id_of(self, user))
    if record then
      rawset(user, name, record)
    end
    return record
  elseif request == false then
    error(
      ("user.%s: the rule has more than one segment of that name; give each its own with :named, and use that"):format(
        name
      ),
      3
    )
  end
  error(("user.%s: the rule has no segment of that name; it has %s"):format(tostring(name), self.plan:list_names()), 3)
end

--- Why a function of the rule failed for a user.
local function describe_failure(node, id, problem)
  if getmetatable(problem) == err_metatable then
    return problem
  end
  local hint = ""
  if type(problem) == "string" and problem:find("attempt to index", 1, true) then
    hint = "; a user need not be in every segment: write user.NAME and user.NAME.accounts ..."
  end
  return core.error(
    "invalid",
    ("%s (in the function of :%s, for user %s%s)"):format(guard.message_of(problem, node.f_place), node.op, id, hint)
  )
end

--- Calls node.f for each user of a set, in their order, and take(userId, answer) with what it answered.
---@return boolean? ok
---@return finseg.Err? err
function Evaluation:call_for_each(node, among, take)
  local f, user_metatable = node.f, self.user_metatable
  local failure
  local ok, problem = guard.call(function(renew)
    for id in among:ids() do
      local user = setmetatable({ userId = id }, user_metatable)
      self.user, self.user_id = user, id
      local ok, answer = pcall(f, user)
      if not ok then
        if guard.is_interrupt(answer) then
          error(answer, 0)
        end
        failure = describe_failure(node, id, answer)
        return
      end
      failure = take(id, answer)
      if failure then
        return
      end
      renew()
    end
  end)
  if not ok then
    failure = core.error("invalid", guard.message_of(problem, node.f_place))
  end
  if failure then
    return nil, failure
  end
  return true
end

-- ---- parts of the rule ----------------------------------------------------------------------------------------------

--- Users among whom those of a part certainly are, found without calling a function.
function Evaluation:upper_bound(node)
  local known = self.upper[node]
  if known then
    return known
  end
  local set
  if node.op == "segment" then
    set = self.records[self.plan.request_of[node]].users
  elseif node.op == "union" then
    set = self:upper_bound(node.left) + self:upper_bound(node.right)
  elseif node.op == "intersection" then
    set = self:upper_bound(node.left) * self:upper_bound(node.right)
  else
    set = self:upper_bound(node.left)
  end
  self.upper[node] = set
  return set
end

local function restrict(set, within)
  return within and set * within or set
end

local work_out = {}

function work_out.segment(self, node, within)
  return restrict(self:upper_bound(node), within)
end

function work_out.union(self, node, within)
  local first, second = self.plan:cheaper_first(node, self.size)
  local found, err = self:set_of(first, within)
  if not found or first == second then
    return found, err
  end
  -- Who is in already need not be looked at again.
  local others = restrict(self:upper_bound(second), within) - found
  local more
  more, err = self:set_of(second, others)
  if not more then
    return nil, err
  end
  local set = found + more
  self:note("%s: %s", tostring(node), users_text(set:count()))
  return set
end

function work_out.intersection(self, node, within)
  local first, second = self.plan:cheaper_first(node, self.size)
  local found, err = self:set_of(first, within)
  if not found then
    return nil, err
  end
  local set
  set, err = self:set_of(second, found)
  if set then
    self:note("%s: %s", tostring(node), users_text(set:count()))
  end
  return set, err
end

function work_out.difference(self, node, within)
  local _, _, right_first = self.plan:cheaper_first(node, self.size)
  local set, err
  if right_first then
    local candidates = restrict(self:upper_bound(node.left), within)
    local without
    without, err = self:set_of(node.right, candidates)
    if not without then
      return nil, err
    end
    set, err = self:set_of(node.left, candidates - without)
  else
    local found
    found, err = self:set_of(node.left, within)
    if not found then
      return nil, err
    end
    local without
    without, err = self:set_of(node.right, found)
    set = without and found - without
  end
  if set then
    self:note("%s: %s", tostring(node), users_text(set:count()))
  end
  return set, err
end

function work_out.where(self, node, within)
  local among, err = self:set_of(node.left, within)
  if not among then
    return nil, err
  end
  local kept = assert(core.idset())
  local ok
  ok, err = self:call_for_each(node, among, function(id, answer)
    if answer then
      kept:add(id)
    end
  end)
  if not ok then
    return nil, err
  end
  self:note(":where(%s): %s of %d", node.f_place, users_text(kept:count()), among:count())
  return kept
end

--- The greatest numbers first; of equals, the first by userId.
local function ranks_before(a, b)
  if a.score ~= b.score then
    return a.score > b.score
  end
  return core.precedes(a.id, b.id)
end

function work_out.top(self, node, within)
  -- What is outside of `within` counts too: it may push others out.
  local among, err = self:set_of(node.left)
  if not among then
    return nil, err
  end
  local ranked = {}
  local ok
  ok, err = self:call_for_each(node, among, function(id, score)
    if type(score) == "number" and score == score then
      ranked[#ranked + 1] = { id = id, score = score }
    elseif score then
      local got = type(score) == "number" and "not a number (0/0)" or "a " .. type(score)
      return core.error(
        "invalid",
        ("%s: the function of :top must answer a number, and answered %s (for user %s)"):format(node.f_place, got, id)
      )
    end
  end)
  if not ok then
    return nil, err
  end
  table.sort(ranked, ranks_before)
  local top = assert(core.idset())
  for position = 1, math.min(node.count, #ranked) do
    top:add(ranked[position].id)
  end
  self:note(":top(%d, %s): %s of %d", node.count, node.f_place, users_text(top:count()), among:count())
  return restrict(top, within)
end

--- The users of a part of the rule, as far as `within` goes.
---@param node finseg.Expression
---@param within finseg.Idset?
---@return finseg.Idset? set
---@return finseg.Err? err
function Evaluation:set_of(node, within)
  if node.op == "segment" or self.plan.uses[node] == 1 then
    return work_out[node.op](self, node, within)
  end
  -- A part that stands more than once is worked out once, whole.
  local whole = self.whole[node]
  if not whole then
    local err
    whole, err = work_out[node.op](self, node)
    if not whole then
      return nil, err
    end
    self.whole[node] = whole
  end
  return restrict(whole, within)
end

--- The users of the whole rule.
---@return finseg.Idset? set
---@return finseg.Err? err
function Evaluation:run()
  for _, request in ipairs(self.plan.requests) do
    self:note("%s: %s", request.label, users_text(self.size(request)))
  end
  return self:set_of(self.plan.root)
end

return Evaluation
