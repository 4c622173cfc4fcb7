-- What a rule is made of: segments, joined by + (union), * (intersection) and - (difference), and narrowed by
-- :where(f), :top(n, f). An expression asks nobody and never changes; finseg.rule.plan reads it.

local core = require "finseg.core"

---@class finseg.Expression
---@field op string  "segment", "union", "intersection", "difference", "where" or "top"
---@field place string  where it was written, "rule.lua:3"
---@field kind string?  of a segment, as its parameters (JSON text) and the name that :named gave it
---@field parameters string?
---@field name string?
---@field left finseg.Expression?  of an operation; of where and top, what they narrow
---@field right finseg.Expression?
---@field f function?  of where and top
---@field count integer?  of top
local metatable = {}

--- Under this key an expression keeps its fields, so that every assignment to it is seen, and refused.
local FIELDS = {}

--- Where the caller at that level stands.
local function place_of(level)
  local info = debug.getinfo(level + 1, "Sl")
  if not info or info.currentline < 0 then
    return "?"
  end
  return ("%s:%d"):format(info.short_src, info.currentline)
end

local function is_expression(value)
  return getmetatable(value) == metatable
end

local function make(place, fields)
  fields.place = place
  return setmetatable({ [FIELDS] = fields }, metatable)
end

local function fail(place, message, ...)
  error(("%s: %s"):format(place, message:format(...)), 0)
end

local function operation(op, sign)
  return function(left, right)
    for _, side in ipairs { { left }, { right } } do
      if not is_expression(side[1]) then
        local hint = side[1] == nil and " (is the name spelt right?)" or ""
        error(("'%s' joins two segments or expressions, and one side is %s%s"):format(sign, type(side[1]), hint), 2)
      end
    end
    return make(place_of(2), { op = op, left = left, right = right })
  end
end

metatable.__add = operation("union", "+")
metatable.__mul = operation("intersection", "*")
metatable.__sub = operation("difference", "-")

function metatable.__newindex()
  error("an expression does not change: make another one", 2)
end

function metatable.__call(expression)
  local hint = expression.op == "segment" and ("segment.%s { ... } is the segment already"):format(expression.kind)
    or "it is no function"
  error("an expression cannot be called: " .. hint, 2)
end

local signs = { union = "+", intersection = "*", difference = "-" }

--- Parts within parts are shown down to here.
local SHOWN_DEPTH = 4

local function describe(node, depth)
  if node.op == "segment" then
    return node.name or node.kind
  elseif depth > SHOWN_DEPTH then
    return "(...)"
  end
  local left = describe(node.left, depth + 1)
  if node.op == "where" then
    return ("%s:where(%s)"):format(left, node.f_place)
  elseif node.op == "top" then
    return ("%s:top(%d, %s)"):format(left, node.count, node.f_place)
  end
  return ("(%s %s %s)"):format(left, signs[node.op], describe(node.right, depth + 1))
end

--- The expression as one writes it, functions by their place.
function metatable.__tostring(self)
  return describe(self, 1)
end

local function place_of_function(f)
  local info = debug.getinfo(f, "S")
  return info.linedefined > 0 and ("%s:%d"):format(info.short_src, info.linedefined) or "a function of C"
end

---@class finseg.ExpressionMethods
local methods = {}

--- The users for whom f(user) answers something true. f must depend on the user alone: it may be called for fewer users
--- than one thinks, and twice for one.
---@param f fun(user: table): any
---@return finseg.Expression
function methods.where(place, self, f)
  if type(f) ~= "function" then
    fail(place, ":where needs a function, function(user) return ... end, and got %s", type(f))
  end
  return make(place, { op = "where", left = self, f = f, f_place = place_of_function(f) })
end

--- The `count` users for whom f(user) answers the greatest numbers; of equals, the first by userId. A user for whom it
--- answers nil or false is left out.
---@param count integer
---@param f fun(user: table): number?
---@return finseg.Expression
function methods.top(place, self, count, f)
  if type(count) ~= "number" or count < 1 or count ~= math.floor(count) or count > 2 ^ 53 then
    fail(place, ":top needs a count, a whole number from 1 on, before its function")
  elseif type(f) ~= "function" then
    fail(place, ":top needs a function that answers a number, function(user) return ... end, and got %s", type(f))
  end
  return make(place, { op = "top", left = self, count = count, f = f, f_place = place_of_function(f) })
end

--- The same segment under a name of its own: user.NAME is its record in predicates and results.
---@param name string
---@return finseg.Expression
function methods.named(place, self, name)
  if self.op ~= "segment" then
    fail(place, ":named gives a name to a segment, not to an expression: name the segments in it")
  elseif type(name) ~= "string" or not name:match "^[%a_][%w_]*$" or name == "userId" then
    fail(place, ":named needs a name of letters, digits and _, other than userId")
  end
  return make(place, { op = "segment", kind = self.kind, parameters = self.parameters, name = name })
end

-- A method is bound to its place when it is looked up: a call in a `return` leaves no trace of its line.
function metatable.__index(node, name)
  local method = methods[name]
  if not method then
    return rawget(node, FIELDS)[name]
  end
  local place = place_of(2)
  return function(self, ...)
    if not is_expression(self) then
      fail(place, "write expression:%s(...), with a colon", name)
    end
    return method(place, self, ...)
  end
end

local expression = { is = is_expression }

--- A segment of that kind.
local function new_segment(place, kind, parameters)
  if parameters ~= nil and type(parameters) ~= "table" then
    fail(place, "segment.%s needs its parameters in braces: segment.%s { name = value }", kind, kind)
  end
  local text, problem = core.to_json(parameters or {})
  if not text then
    fail(place, "segment.%s: %s", kind, problem)
  end
  return make(place, { op = "segment", kind = kind, parameters = text })
end

--- segment.KIND { parameters }: an expression of one segment, its parameters in the wire's names. Any kind may be
--- named; which there are, the client knows.
expression.segment = setmetatable({}, {
  __index = function(_, kind)
    if type(kind) ~= "string" then
      error(("segment[...] takes the name of a kind, as in segment.highBalance, and got a %s"):format(type(kind)), 2)
    end
    local place = place_of(2)
    return function(parameters)
      return new_segment(place, kind, parameters)
    end
  end,
  __newindex = function()
    error("segment holds the kinds and cannot be changed: keep what you make in a local", 2)
  end,
  __call = function()
    error("write segment.KIND { parameters }, as in segment.highBalance { threshold = 5000 }", 2)
  end,
})

return expression
