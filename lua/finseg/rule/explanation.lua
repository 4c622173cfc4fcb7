-- A plan as text: which jobs there will be, which are there already, and what is done with them in which order.

local core = require "finseg.core"

local explanation = {}

local function parameters_text(request)
  local names = {}
  for name in pairs(request.parameters) do
    names[#names + 1] = name
  end
  table.sort(names)
  for position, name in ipairs(names) do
    local value = request.parameters[name]
    names[position] = ("%s = %s"):format(name, type(value) == "table" and core.to_json(value) or tostring(value))
  end
  return table.concat(names, ", ")
end

local function age_text(seconds)
  for _, unit in ipairs { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" } } do
    local count = math.floor(seconds / unit[1])
    if count > 0 then
      return ("%d %s%s"):format(count, unit[2], count == 1 and "" or "s")
    end
  end
  return "less than a minute"
end

local function reuse_text(entry)
  if not entry then
    return "a new job"
  end
  return ("job %s, made %s ago, is reused"):format(entry.jobId, age_text(core.time() - entry.created_at))
end

--- Nobody knows sizes before the segments are there.
local function unknown_size()
  return math.huge
end

local add = {}

--- Appends a step; answers how later steps refer to it.
local function append(steps, text)
  steps[#steps + 1] = text
  return ("(%d)"):format(#steps)
end

--- The same in one word, so that more can be said of it: a step of its own where it is not.
local function one_name(steps, text)
  return text:find(" ", 1, true) and append(steps, text) or text
end

--- Appends the steps of a part, in the order they are done; answers how later steps refer to it.
---@param within string  "" or " in (1) not in x": of whom only it is asked
local function add_steps(plan, node, steps, within)
  if node.op == "segment" then
    return plan.request_of[node].label .. within
  elseif plan.uses[node] == 1 then
    return add[node.op](plan, node, steps, within)
  end
  -- A part that stands more than once is worked out once, whole.
  steps.of[node] = steps.of[node] or add[node.op](plan, node, steps, "")
  return steps.of[node] .. within
end

function add.union(plan, node, steps, within)
  local first, second = plan:cheaper_first(node, unknown_size)
  local a = add_steps(plan, first, steps, within)
  if first == second then
    return a
  end
  a = one_name(steps, a)
  local b = add_steps(plan, second, steps, within .. " not in " .. a)
  return append(steps, ("%s, and %s"):format(a, b))
end

function add.intersection(plan, node, steps, within)
  local first, second = plan:cheaper_first(node, unknown_size)
  local a = add_steps(plan, first, steps, within)
  local b = add_steps(plan, second, steps, " in " .. one_name(steps, a))
  return one_name(steps, b)
end

function add.difference(plan, node, steps, within)
  local _, _, right_first = plan:cheaper_first(node, unknown_size)
  if right_first then
    local without = one_name(steps, add_steps(plan, node.right, steps, ""))
    return one_name(steps, add_steps(plan, node.left, steps, within .. " not in " .. without))
  end
  local left = add_steps(plan, node.left, steps, within)
  if node.right.op == "segment" then
    return append(steps, ("%s not in %s"):format(left, plan.request_of[node.right].label))
  end
  left = one_name(steps, left)
  local without = add_steps(plan, node.right, steps, " in " .. left)
  return append(steps, ("%s not in %s"):format(left, without))
end

function add.where(plan, node, steps, within)
  local left = add_steps(plan, node.left, steps, within)
  return append(steps, ("%s: those for whom the function at %s says so"):format(left, node.f_place))
end

function add.top(plan, node, steps, within)
  -- What is outside of `within` counts too: it may push others out.
  local left = add_steps(plan, node.left, steps, "")
  local top = append(steps, ("%s: the %d with the most by the function at %s"):format(left, node.count, node.f_place))
  return top .. within
end

--- The plan as lines of text.
---@param rule finseg.Rule
---@param plan finseg.Plan
---@param parallel integer
---@param find fun(request: finseg.Request): finseg.JournalEntry?, table?  the job that is there
---@return string? text
---@return table? err
function explanation.of(rule, plan, parallel, find)
  local lines = { ("%s: %s"):format(rule.name, tostring(plan.root)) }
  local count = #plan.requests
  if count == 1 then
    lines[2] = "1 job:"
  elseif count > parallel then
    lines[2] = ("%d jobs, at most %d at the same time:"):format(count, parallel)
  else
    lines[2] = ("%d jobs, at the same time:"):format(count)
  end
  for _, request in ipairs(plan.requests) do
    local entry, err = find(request)
    if err then
      return nil, err
    end
    local kind = request.label == request.kind and "" or request.kind .. " "
    local times = request.nodes > 1 and ("; asked for %d times"):format(request.nodes) or ""
    lines[#lines + 1] = ("  %s: %s{ %s }: %s%s"):format(
      request.label,
      kind,
      parameters_text(request),
      reuse_text(entry),
      times
    )
  end
  local steps = { of = {} }
  local whole = add_steps(plan, plan.root, steps, "")
  lines[#lines + 1] = "Steps, the cheaper side first (the smaller one, once sizes are known):"
  if whole ~= ("(%d)"):format(#steps) then
    lines[#lines + 1] = "  all of " .. whole
  end
  for number, step in ipairs(steps) do
    lines[#lines + 1] = ("  %d. %s"):format(number, step)
  end
  return table.concat(lines, "\n")
end

return explanation
