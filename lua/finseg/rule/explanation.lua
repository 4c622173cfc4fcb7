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

--- Appends the steps of a part, in the order they are done; answers how later steps refer to it.
local function add_steps(plan, node, steps)
  if node.op == "segment" then
    return plan.request_of[node].label
  end
  if steps.of[node] then
    return steps.of[node]
  end
  local text = add[node.op](plan, node, steps)
  steps[#steps + 1] = text
  steps.of[node] = ("(%d)"):format(#steps)
  return steps.of[node]
end

local function add_operation(words, words_turned)
  return function(plan, node, steps)
    local first, second, turned = plan:cheaper_first(node, unknown_size)
    local a = add_steps(plan, first, steps)
    local b = add_steps(plan, second, steps)
    return (turned and words_turned or words):format(a, b)
  end
end

add.union = add_operation("%s and, of the users not in it, %s", "%s and, of the users not in it, %s")
add.intersection = add_operation("%s, of these %s", "%s, of these %s")
add.difference = add_operation("%s without %s", "who is not in %s, of these %s")

function add.where(plan, node, steps)
  return ("%s, of these those for whom the function at %s says so"):format(
    add_steps(plan, node.left, steps),
    node.f_place
  )
end

function add.top(plan, node, steps)
  return ("%s, of these the %d with the most by the function at %s"):format(
    add_steps(plan, node.left, steps),
    node.count,
    node.f_place
  )
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
  local whole = add_steps(plan, plan.root, steps)
  lines[#lines + 1] = "Steps, the cheaper side first (the smaller one, once sizes are known):"
  if #steps == 0 then
    lines[#lines + 1] = "  all of " .. whole
  end
  for number, step in ipairs(steps) do
    lines[#lines + 1] = ("  %d. %s"):format(number, step)
  end
  return table.concat(lines, "\n")
end

return explanation
