-- The roll of one segment: its users as a set, and their records, kept as the pages that came. When the pages would
-- take more memory than the run may use, they are let go and read again for the users who are looked at. Of a segment
-- that nobody can look at, no page is kept.

local UserSet = require "finseg.rule.userset"
local core = require "finseg.core"

---@class finseg.RollBudget  bytes of pages that a run may still keep
---@field left number

---@class finseg.Roll
---@field users finseg.UserSet
---@field is_wanted boolean  false: no user whose record is asked for is in it
---@field pages userdata[]?  nil once let go
---@field bytes number  of the pages kept
---@field sorted boolean  every userId so far came after the one before
---@field texts table<string, string>?  userId -> its record as JSON, for the users `texts_for`
---@field texts_for finseg.UserSet?
---@field looked_for finseg.UserSet?  the last set that is_at_hand() found at hand
local Roll = {}
Roll.__index = Roll

--- A page in memory: its text, and an index of half its size.
local function bytes_of(page)
  return page:size() * 1.5
end

---@param budget finseg.RollBudget
---@param is_wanted boolean
---@return finseg.Roll
function Roll.new(budget, is_wanted)
  return setmetatable({
    users = UserSet.new(),
    is_wanted = is_wanted,
    pages = is_wanted and {} or nil,
    first_ids = {},
    budget = budget,
    bytes = 0,
    sorted = true,
  }, Roll)
end

function Roll:let_go()
  self.budget.left = self.budget.left + self.bytes
  self.pages, self.first_ids, self.page_of, self.bytes = nil, nil, nil, 0
end

--- Takes the next page of the segment.
---@param page userdata
function Roll:add(page)
  local count = page:user_count()
  if count == 0 then
    return
  end
  self.users:add_page(page)
  if not self.is_wanted then
    return
  end
  local first, last = page:user_id(1), page:user_id(count)
  self.sorted = self.sorted and page:is_sorted() and (self.last_id == nil or self.last_id < first)
  self.last_id = last
  if not self.pages then
    return
  end
  local position = #self.pages + 1
  self.pages[position], self.first_ids[position] = page, first
  local bytes = bytes_of(page)
  self.bytes, self.budget.left = self.bytes + bytes, self.budget.left - bytes
  if self.budget.left < 0 then
    self:let_go()
  end
end

--- The page that a user of a sorted roll stands on, if on any.
local function page_by_order(self, id)
  local firsts = self.first_ids
  local low, high = 1, #firsts
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if firsts[middle] <= id then
      low = middle + 1
    else
      high = middle - 1
    end
  end
  return self.pages[high]
end

--- userId -> its page and position, as page * 2^31 + position, for rolls that came in another order.
local function index_of(self)
  if not self.page_of then
    self.page_of = {}
    for number, page in ipairs(self.pages) do
      for position = 1, page:user_count() do
        local id = page:user_id(position)
        self.page_of[id] = self.page_of[id] or number * 2 ^ 31 + position
      end
    end
  end
  return self.page_of
end

--- The page of a user and the position there; nil when the segment has none.
local function find(self, id)
  if self.sorted then
    local page = page_by_order(self, id)
    return page, page and page:find_user(id)
  end
  local place = index_of(self)[id]
  if place then
    return self.pages[math.floor(place / 2 ^ 31)], place % 2 ^ 31
  end
end

--- The JSON of a user as it came; nil when the segment has none.
local function text_of(self, id)
  if not self.pages then
    return self.texts and self.texts[id]
  end
  local page, position = find(self, id)
  return position and page:user_text(position)
end

--- Whether record() and text() can answer for the users of a set; else recall() them first.
---@param among finseg.UserSet
---@return boolean
function Roll:is_at_hand(among)
  if self.pages or not self.is_wanted or self.looked_for == among then
    return true
  end
  local is_covered = self.texts_for ~= nil and (among - self.texts_for):count() == 0
  self.looked_for = is_covered and among or nil
  return is_covered
end

--- The record of a user as a table, without the userId; nil when the segment has none.
---@param id string
---@return table?
function Roll:record(id)
  local record
  if self.pages then
    local page, position = find(self, id)
    record = position and page:user(position)
  else
    local text = text_of(self, id)
    record = text and core.from_json(text)
  end
  if record then
    record.userId = nil
  end
  return record
end

--- The record of a user as the JSON that came, without the userId; nil when the segment has none.
---@param id string
---@return string?
function Roll:text(id)
  local text = text_of(self, id)
  return text and (core.json_without(text, "userId"))
end

local function keep_texts(self, texts, among)
  self.texts, self.texts_for, self.looked_for = texts, among, nil
end

--- Takes those records of a page that are asked for and not there yet; answers how many. (A user who stands twice has
--- the first record, as where pages are kept.)
---@param page userdata
---@param among finseg.UserSet
---@param texts table<string, string>  userId -> record as JSON
---@return integer
function Roll.take(page, among, texts)
  local taken = 0
  for position = 1, page:user_count() do
    local id = page:user_id(position)
    if not texts[id] and among:has(id) then
      texts[id] = page:user_text(position)
      taken = taken + 1
    end
  end
  return taken
end

--- Reads the segment again, as far as it must, and keeps the records of these users.
---@param among finseg.UserSet
---@param next_page fun(): userdata?, table?
---@param abandon fun()
---@return boolean? ok
---@return table? err
function Roll:recall(among, next_page, abandon)
  local texts, left, err = {}, (among * self.users):count(), nil
  while left > 0 do
    local page
    page, err = next_page()
    if not page then
      break
    end
    left = left - Roll.take(page, among, texts)
  end
  abandon()
  if err then
    return nil, err
  end
  keep_texts(self, texts, among)
  return true
end

--- Lets go of the records of all others when these users are few, the only ones to be looked at from now on.
---@param among finseg.UserSet
function Roll:narrow(among)
  local there = self.pages and self.users or self.texts_for
  if not there or among:count() * 2 > there:count() or not self:is_at_hand(among) then
    return
  end
  local texts = {}
  for id in among:each() do
    texts[id] = text_of(self, id)
  end
  if self.pages then
    self:let_go()
  end
  keep_texts(self, texts, among)
end

return Roll
