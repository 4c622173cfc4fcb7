-- The plan of a rule: which segments are asked for, equal requests as one, and under which names their records stand.

local core = require "finseg.core"

---@class finseg.Request  one job of a rule
---@field kind string
---@field parameters table
---@field canonical string  the same text for equal requests
---@field label string  its name in results: the name that :named gave, else the kind, numbered when it stands twice
---@field place string  where it was written first
---@field nodes integer  how many times the rule asks for it

---@class finseg.Plan
---@field root finseg.Expression
---@field requests finseg.Request[]  in the order they stand in
---@field request_of table<finseg.Expression, finseg.Request>
---@field uses table<finseg.Expression, integer>  how many times a part stands in the rule
---@field names table<string, finseg.Request|false>  false: more than one goes by that name
local Plan = {}
Plan.__index = Plan

--- Parts within parts beyond this many are a mistake, and would be one too many for Lua's stack.
local MAX_DEPTH = 150

local function fail(place, message)
  return core.error("invalid", ("%s: %s"):format(place, message))
end

--- Puts a request for a segment into the plan, or finds the equal one.
---@param canonical fun(kind: string, parameters: string): string?, table?
local function add_request(self, node, canonical)
  local text, err = canonical(node.kind, node.parameters)
  if not text then
    err.message = ("%s: %s"):format(node.place, err.message)
    return nil, err
  end
  local key = node.kind .. " " .. text
  local request = self.by_key[key]
  if not request then
    local parameters = core.from_json(node.parameters)
    request = { kind = node.kind, parameters = parameters, canonical = text, place = node.place, nodes = 0 }
    self.by_key[key] = request
    self.requests[#self.requests + 1] = request
  end
  request.nodes = request.nodes + 1
  self.request_of[node] = request
  return request
end

--- Enters the name of a segment. Names that were given must differ, and win over a kind of that name; kinds need not
--- differ. user.userId is the user's, whatever a kind is called.
local function add_name(self, node, request)
  local name = node.name or node.kind
  local known, given = self.names[name], self.given[name]
  if known == request then
    self.given[name] = given or node.name
  elseif node.name and given then
    return nil, fail(node.place, ("two different segments are named %s"):format(name))
  elseif node.name then
    self.names[name], self.given[name] = request, name
  elseif not given then
    self.names[name] = known == nil and name ~= "userId" and request
  end
  request.name = request.name or node.name
  return true
end

local function joined(a, b)
  local set = {}
  for _, side in ipairs { a, b } do
    for request in pairs(side) do
      set[request] = true
    end
  end
  return set
end

local function shared(a, b)
  local set = {}
  for request in pairs(a) do
    set[request] = b[request]
  end
  return set
end

--- Notes for a part of the rule the segments of which every user is in it, and those of which none is, as far as the
--- operations alone tell. Those of its own parts have been noted.
local function note_reach(self, node)
  local left, right = self.reach[node.left], self.reach[node.right]
  local all_of, none_of = {}, left and left.none_of or {}
  if node.op == "segment" then
    all_of[self.request_of[node]] = true
  elseif node.op == "union" then
    all_of, none_of = joined(left.all_of, right.all_of), shared(none_of, right.none_of)
  elseif node.op == "intersection" then
    all_of, none_of = shared(left.all_of, right.all_of), joined(none_of, right.none_of)
  elseif node.op == "difference" then
    none_of = joined(none_of, right.all_of)
  end
  self.reach[node] = { all_of = all_of, none_of = none_of }
end

local function walk(self, node, canonical, depth)
  if depth > MAX_DEPTH then
    return nil,
      fail(node.place, ("more than %d parts stand within each other here: write a rule with fewer"):format(MAX_DEPTH))
  end
  local uses = self.uses[node]
  self.uses[node] = (uses or 0) + 1
  if uses then
    return true
  end
  if node.op == "segment" then
    local request, err = add_request(self, node, canonical)
    if not request then
      return nil, err
    end
    note_reach(self, node)
    return add_name(self, node, request)
  end
  local ok, err = walk(self, node.left, canonical, depth + 1)
  if ok and node.right then
    ok, err = walk(self, node.right, canonical, depth + 1)
  end
  if ok then
    note_reach(self, node)
  end
  return ok, err
end

--- Gives every request the one name under which results show it.
local function add_labels(self)
  local counts = {}
  for _, request in ipairs(self.requests) do
    local base = request.name or request.kind
    request.label = base
    if self.names[base] ~= request then
      local number = counts[base] or 0
      repeat
        number = number + 1
        request.label = base .. "_" .. number
      until self.names[request.label] == nil
      counts[base] = number
    end
    self.names[request.label] = request
  end
end

--- Reads a rule.
---@param root finseg.Expression
---@param canonical fun(kind: string, parameters: string): string?, table?  checks a request and answers its canonical
---parameters
---@return finseg.Plan? plan
---@return finseg.Err? err  kind `invalid`; the message begins with the place in the rule
function Plan.new(root, canonical)
  local self = setmetatable({
    root = root,
    requests = {},
    request_of = {},
    uses = {},
    names = {},
    given = {},
    by_key = {},
    costs = {},
    reach = {},
  }, Plan)
  local ok, err = walk(self, root, canonical, 1)
  if not ok then
    return nil, err
  end
  add_labels(self)
  return self
end

--- The names of the rule's segments, for messages: "highBalance, lowBalance".
---@return string
function Plan:list_names()
  local labels = {}
  for position, request in ipairs(self.requests) do
    labels[position] = request.label
  end
  return table.concat(labels, ", ")
end

--- The segments of which no record is ever asked for: none of their users is in the result, nor comes before a
--- predicate. In a - b, that is b.
---@return table<finseg.Request, boolean>
function Plan:unseen()
  local unseen = self.reach[self.root].none_of
  for node in pairs(self.uses) do
    if node.f then
      unseen = shared(unseen, self.reach[node.left].none_of)
    end
  end
  return unseen
end

-- ---- what costs how much --------------------------------------------------------------------------------------------

---@class finseg.Cost
---@field functions integer  predicates to be called on the way
---@field users number  at most so many come out; math.huge when nobody knows

--- What it costs to work a part out.
---@param node finseg.Expression
---@param size fun(request: finseg.Request): number
---@return finseg.Cost
local function find_cost(self, node, size)
  if node.op == "segment" then
    return { functions = 0, users = size(self.request_of[node]) }
  end
  local left = self:cost(node.left, size)
  if node.op == "where" then
    return { functions = left.functions + 1, users = left.users }
  elseif node.op == "top" then
    return { functions = left.functions + 1, users = math.min(left.users, node.count) }
  end
  local right = self:cost(node.right, size)
  local users = left.users
  if node.op == "union" then
    users = left.users + right.users
  elseif node.op == "intersection" then
    users = math.min(left.users, right.users)
  end
  return { functions = left.functions + right.functions, users = users }
end

--- The same, kept for each size function: a part may stand in many others.
function Plan:cost(node, size)
  local known = self.costs[size] or {}
  self.costs[size] = known
  known[node] = known[node] or find_cost(self, node, size)
  return known[node]
end

--- Both sides of an operation, the cheaper one first: the one with fewer functions to call, else with fewer users, else
--- the left one. Whether they were turned round.
---@return finseg.Expression first
---@return finseg.Expression second
---@return boolean turned
function Plan:cheaper_first(node, size)
  local left, right = self:cost(node.left, size), self:cost(node.right, size)
  local turned = right.functions < left.functions or (right.functions == left.functions and right.users < left.users)
  if turned then
    return node.right, node.left, true
  end
  return node.left, node.right, false
end

return Plan
