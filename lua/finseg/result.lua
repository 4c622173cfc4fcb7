-- What a whole segment and a single page share: reading users and amounts, page after page.
--
-- A class made here gives its objects `open_pages`. It answers `next_page`, a function that gives one core page after
-- another, then nil (or nil and an err), and `abandon`, which drops what is still under way. A page is good until the
-- next one is asked for, unless `keeps_pages` was given.

local check = require "finseg.value.check"
local core = require "finseg.core"

---@class finseg.Result
---@field creationDate string?  of the result, YYYY-MM-DD
---@field durationInMonth integer?
---@field totalElements integer?  users over all pages
---@field _first userdata  the first page
---@field _members table?  its members but for users, once they were asked for
---@field open_pages fun(self: finseg.Result, keeps_pages: boolean?): function, function
---@field _wrap fun(self: finseg.Result, page: userdata): finseg.Page
local Result = {}

--- Lua 5.4 calls this when a `for` loop is left early, so that pages under way are dropped at once. LuaJIT does not:
--- there they arrive unread, at most parallel_pages of them.
local leaving = {
  __close = function(closing)
    closing.abandon()
  end,
}

--- What a generic `for` takes: the iterator, and as its closing value what drops the pages under way.
local function iterate(iterator, abandon)
  return iterator, nil, nil, setmetatable({ abandon = abandon }, leaving)
end

--- The next page; raises the err when there is one.
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
  local next_page, abandon = self:open_pages()
  local reader = core.user_reader()
  local users = {}
  local page
  local position, count = 0, 0
  local function read_more()
    position, count = 0, page and reader:fill(page, users) or 0
    while count == 0 do
      page = nil
      page = page_or_raise(next_page)
      if not page then
        return false
      end
      count = reader:fill(page, users)
    end
    return true
  end
  -- What LuaJIT is to compile well has no loop, and calls nothing that is made anew for each segment.
  local function next_user()
    if position == count and not read_more() then
      return nil
    end
    position = position + 1
    return users[position]
  end
  return iterate(next_user, abandon)
end

--- In LuaJIT no C function may wait for the next page, so the amounts come in tables, some at a time.
local function iterate_in_lua(next_page, account_ids)
  local walk = core.walk()
  local user_ids, amounts = {}, {}
  account_ids = account_ids and {}
  local page
  local position, count = 0, 0
  return function()
    while position == count do
      position, count = 0, page and walk:fill(page, user_ids, amounts, account_ids) or 0
      if count == 0 then
        page = nil
        page = next_page()
        if not page then
          return nil
        end
      end
    end
    position = position + 1
    if account_ids then
      return user_ids[position], amounts[position], account_ids[position]
    end
    return user_ids[position], amounts[position]
  end
end

local iterate_amounts = core.amounts or iterate_in_lua

local amounts_options = { account_ids = "boolean" }

--- Iterates over the amounts of every page without making tables: userId, amount, one step an account. An amount is
--- the nearest float; text when it is beyond the floats' range. Raises the err object, like users(); kind `invalid`
--- when the kind has no amounts.
---@param options { account_ids: boolean }?  the iterator gives accountId, nil without one, as its third value
---@return fun(): string?, number|string|nil, string?
function Result:amounts(options)
  local problem
  options, problem = check.options(options, amounts_options, 1, "amounts")
  if not options then
    error(core.error("invalid", problem), 0)
  end
  local next_page, abandon = self:open_pages()
  local function next_with_amounts()
    local page = page_or_raise(next_page)
    if page and page:amount_count() == 0 and page:user_count() > 0 then
      abandon()
      error(core.error("invalid", "the users of this result carry no amounts"), 0)
    end
    return page
  end
  return iterate(iterate_amounts(next_with_amounts, options.account_ids), abandon)
end

--- Iterates over the pages. Raises the err object, like users().
---@return fun(): finseg.Page?
function Result:pages()
  local next_page, abandon = self:open_pages(true)
  return iterate(function()
    local page = page_or_raise(next_page)
    return page and self:_wrap(page)
  end, abandon)
end

--- Gives every page to `gathered`, a method of it at a time, and answers it.
---@param self finseg.Result
---@param gathered userdata
---@param add function  (gathered, page) -> what is true | nil, err
---@return userdata? gathered
---@return table? err
local function gather(self, gathered, add)
  local next_page, abandon = self:open_pages()
  local page, err = next_page()
  while page do
    local added
    added, err = add(gathered, page)
    if not added then
      abandon()
      return nil, err
    end
    page, err = next_page()
  end
  if err then
    return nil, err
  end
  return gathered
end

--- Gathers the amounts of every page in an aggregate of the core, and answers its result.
local function aggregate(self, made, ...)
  local gathered, err = gather(self, made, made.add)
  if not gathered then
    return nil, err
  end
  return gathered:result(...)
end

--- Adds up the amounts of every page, exactly. An amount with more than four decimals or beyond 64 bits, or a kind
--- without amounts, is an err of kind `invalid`, here and in the methods below.
---@return number? sum  the nearest float
---@return string|table exact  the sum as decimal text, "12345.60"; when there is none, the err
function Result:sum()
  return aggregate(self, core.total())
end

local function check_bound(bound, position, name, what)
  if type(bound) ~= "number" and type(bound) ~= "string" then
    check.fail(position, name, ("%s: number or decimal text expected, got %s"):format(what, type(bound)), 1)
  end
end

--- Counts the amounts of every page, or those from `min` to `max`, both included.
---@param bounds { min: number|string|nil, max: number|string|nil }?  numbers, or decimal text
---@return integer? count
---@return table? err  `invalid`, too, for a bound that is no amount
function Result:count(bounds)
  check.optional(bounds, "table", 1, "count")
  bounds = bounds or {}
  for name, bound in pairs(bounds) do
    if name ~= "min" and name ~= "max" then
      return nil, core.error("invalid", ("count has no option %s, only min and max"):format(tostring(name)))
    end
    check_bound(bound, 1, "count", name)
  end
  local tally, err = core.tally(bounds.min, bounds.max)
  if not tally then
    return nil, err
  end
  return aggregate(self, tally)
end

--- The smallest amount of every page; nothing but nil when there are no amounts at all.
---@return number? amount  the nearest float
---@return string|table|nil exact  as decimal text, "-12.50"; the err, when there is one
function Result:min()
  return aggregate(self, core.range(), false)
end

--- The largest amount, as min() answers the smallest.
---@return number? amount
---@return string|table|nil exact
function Result:max()
  return aggregate(self, core.range(), true)
end

--- Counts the amounts of every page by class. n bounds make n + 1 classes: below the first bound; from each bound,
--- included, to below the next one; and from the last bound on.
---@param bounds (number|string)[]  rising
---@return integer[]? counts
---@return table? err  `invalid`, too, for a bound that is no amount, and for bounds that do not rise
function Result:histogram(bounds)
  check.type(bounds, "table", 1, "histogram")
  for position, bound in ipairs(bounds) do
    check_bound(bound, 1, "histogram", ("bound %d"):format(position))
  end
  local histogram, err = core.histogram(bounds)
  if not histogram then
    return nil, err
  end
  return aggregate(self, histogram)
end

--- The ids of all users, as a set (see finseg.idset), without a string for each of them.
---@return finseg.Idset? ids
---@return table? err
function Result:ids()
  local set, err = core.idset()
  if not set then
    return nil, err
  end
  return gather(self, set, set.add_page)
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
