-- The calls of a type of store that comes with finseg: each checks its arguments, and raises once the store is closed.

local check = require "finseg.value.check"

local checked = {}

--- The types of what each call takes; "expected" is text, false or nil; "string?" text or nil.
local signatures = {
  get = { "string" },
  put = { "string", "string", "number", "expected" },
  delete = { "string", "string?" },
  list = { "string" },
  notify = { "string" },
  watch = { "string", "function" },
}

--- Raises in the name of the call for arguments of wrong types.
function checked.arguments(method, ...)
  for position, expected in ipairs(signatures[method]) do
    local value = (select(position, ...))
    if expected == "string?" or expected == "expected" and value then
      check.optional(value, "string", position, method, 1)
    elseif expected ~= "expected" then
      check.type(value, expected, position, method, 1)
    end
  end
end

--- Has the calls of a class check. A store that is `closing` answers its calls itself.
---@param Store table
---@return table Store
function checked.class(Store)
  for method in pairs(signatures) do
    local call = Store[method]
    Store[method] = function(self, ...)
      checked.arguments(method, ...)
      if self.closed and not self.closing then
        error("finseg: the store is closed", 2)
      end
      return call(self, ...)
    end
  end
  return Store
end

return checked
