-- The roll of one segment: its users as a set, and their records, kept as the pages that came. When the pages would
-- take more memory than the run may use, they are let go and read again for the users who are looked at.

local UserSet = require "finseg.rule.userset"
local core = require "finseg.core"

---@class finseg.RollBudget  bytes of pages that a run may still keep
---@field left number

---@class finseg.Roll
---@field users finseg.UserSet
---@field pages userdata[]?  nil once let go
---@field bytes number  of the pages kept
---@field sorted boolean  every userId so far came after the one before
---@field recalled table<string, string>?  userId -> its record as JSON, read again for `recalled_for`
---@field recalled_for finseg.UserSet?
local Roll = {}
Roll.__index = Roll

---@param budget finseg.RollBudget
---@return finseg.Roll
function Roll.new(budget)
  return setmetatable(
    { users = UserSet.new(), pages = {}, first_ids = {}, budget = budget, bytes = 0, sorted = true },
    Roll
  )
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
  if not self.pages then
    return
  end
  local first, last = page:user_id(1), page:user_id(count)
  self.sorted = self.sorted and page:is_sorted() and (self.last_id == nil or self.last_id < first)
  self.last_id = last
  local position = #self.pages + 1
  self.pages[position], self.first_ids[position] = page, first
  local bytes = page:size()
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

local function find(self, id)
  if self.sorted then
    local page = page_by_order(self, id)
    local position = page and page:find_user(id)
    return position and page:user(position)
  end
  local place = index_of(self)[id]
  return place and self.pages[math.floor(place / 2 ^ 31)]:user(place % 2 ^ 31)
end

--- Whether record() can answer for the users of a set; else recall() them first.
---@param among finseg.UserSet
---@return boolean
function Roll:is_at_hand(among)
  return self.pages ~= nil or self.recalled_for == among
end

--- The record of a user, without the userId; nil when the segment has none.
---@param id string
---@return table?
function Roll:record(id)
  local record
  if self.pages then
    record = find(self, id)
  else
    local text = self.recalled[id]
    record = text and core.from_json(text)
  end
  if record then
    record.userId = nil
  end
  return record
end

--- Reads the segment again and keeps the records of these users.
---@param among finseg.UserSet
---@param next_page fun(): userdata?, table?
---@return boolean? ok
---@return table? err
function Roll:recall(among, next_page)
  local recalled = {}
  local page, err = next_page()
  while page do
    for position = 1, page:user_count() do
      local id = page:user_id(position)
      if among:has(id) then
        recalled[id] = page:user_text(position)
      end
    end
    page, err = next_page()
  end
  if err then
    return nil, err
  end
  self.recalled, self.recalled_for = recalled, among
  return true
end

return Roll
