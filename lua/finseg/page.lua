-- One page of a result.

local new_class = require "finseg.result"

---@class finseg.Page: finseg.Result
local Page, metatable = new_class()

---@param core_page userdata
---@return finseg.Page
function Page.new(core_page)
  return setmetatable({ _first = core_page, _members = false }, metatable)
end

function Page:open_pages()
  local given = false
  return function()
    if not given then
      given = true
      return self._first
    end
  end, function() end
end

function Page:_wrap()
  return self
end

--- The users on this page.
---@return integer
function Page:user_count()
  return self._first:user_count()
end

--- The page's JSON as it came.
---@return string
function Page:text()
  return self._first:text()
end

--- The page's users as JSON as they came, "[{...},{...}]".
---@return string
function Page:users_text()
  return self._first:users_text()
end

return Page
