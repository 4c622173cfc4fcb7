-- What a whole segment and a single page share: reading users and amounts, page after page.
--
-- A class made here gives its objects `_open`, which begins a reading: it answers `next_page`, a function that gives
-- one core page after the other, then nil (or nil and an err), and `abandon`, which drops what is still under way.

local check = require "finseg.check"
local core = require "finseg.core"

---@class finseg.Result
---@field creationDate string?  of the result, YYYY-MM-DD
---@field durationInMonth integer?
---@field totalElements integer?  users over all pages
---@field _first userdata  the first page
---@field _members table?  its members but for users, once they were asked for
---@field _open fun(self: finseg.Result): function, function
---@field _wrap fun(self: finseg.Result, page: userdata): finseg.Page
local Result = {}

--- Lua 5.4 calls this when a `for` loop is left early, so that pages under way are dropped at once. LuaJIT does not:
--- there they arrive unread, at most parallel_pages of them.
local leaving = {
  __close = function(reading)
    reading.abandon()
  end,
}

--- What a generic `for` takes: the iterator, and as its closing value the reading.
local function iterate(iterator, abandon)
  return iterator, nil, nil, setmetatable({ abandon = abandon }, leaving)
end

--- The next page of a reading; raises its err.
local function page_or_raise(next_page)
  local page, err = next_page()
  if err then
    error(err, 0)
  end
  return page
end

--- Iterates over the users of every page, each a table with all its members as they are on the wire. JSON's null is
--- finseg.null. In LuaJIT, where every number is a float, whole numbers beyond 2^53 lose digits. Raises the err object
--- when a page cannot be had or the result does not hold together.
---@return fun(): table?
function Result:users()
  local next_page, abandon = self:_open()
  local page
  local position, count = 0, 0
  local function next_user()
    while position == count do
      page = page_or_raise(next_page)
      if not page then
        return nil
      end
      position, count = 0, page:user_count()
    end
    position = position + 1
    return page:user(position)
  end
  return iterate(next_user, abandon)
end

local amounts_options = { account_ids = "boolean" }

--- Iterates over the amounts of every page without making tables: userId, amount, one step an account. An amount is
--- the nearest float; text when it is beyond the floats' range. Raises the err object, like users(); kind `invalid`
--- when the kind has no amounts.
---@param options { account_ids: boolean }?  the iterator gives accountId, nil without one, as its third value
---@return fun(): string?, number|string|nil, string?
function Result:amounts(options)
  local unknown
  options, unknown = check.options(options, amounts_options, 1, "amounts")
  if not options then
    error(core.error("invalid", "amounts has no option " .. unknown), 0)
  end
  local next_page, abandon = self:_open()
  local next_of_page
  local function next_amount()
    while true do
      if next_of_page then
        local user_id, amount, account_id = next_of_page()
        if user_id then
          return user_id, amount, account_id
        end
      end
      local page = page_or_raise(next_page)
      if not page then
        next_of_page = nil
        return nil
      end
      local err
      next_of_page, err = page:amounts(options.account_ids)
      if not next_of_page then
        abandon()
        error(err, 0)
      end
    end
  end
  return iterate(next_amount, abandon)
end

--- Iterates over the pages. Raises the err object, like users().
---@return fun(): finseg.Page?
function Result:pages()
  local next_page, abandon = self:_open()
  return iterate(function()
    local page = page_or_raise(next_page)
    return page and self:_wrap(page)
  end, abandon)
end

--- Adds up the amounts of every page, exactly. An amount with more than four decimals or beyond 64 bits, or a kind
--- without amounts, is an err of kind `invalid`.
---@return number? sum  the nearest float
---@return string|table exact  the sum as decimal text, "12345.60"; when there is none, the err
function Result:sum()
  local next_page, abandon = self:_open()
  local total = core.total()
  local page, err = next_page()
  while page do
    local added
    added, err = total:add(page)
    if not added then
      abandon()
      return nil, err
    end
    page, err = next_page()
  end
  if err then
    return nil, err
  end
  return total:result()
end

--- The members of the (first) page but for `users`, as they are on the wire. Indexing the result by a member's name
--- does the same; this way also reaches members that are called like a method.
---@return table<string, any>
function Result:members()
  if not self._members then
    self._members = self._first:members()
  end
  return self._members
end

--- Makes a class of results: its own methods, those above, and the wire's members by plain indexing.
---@return table class
---@return table metatable  for its objects
local function new_class()
  local class = setmetatable({}, { __index = Result })
  local metatable = {}
  function metatable.__index(self, key)
    local method = class[key]
    if method ~= nil then
      return method
    end
    return Result.members(self)[key]
  end
  return class, metatable
end

return new_class
