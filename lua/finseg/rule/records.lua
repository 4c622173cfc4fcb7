-- The records of one segment while a rule runs: its users as a set, and the pages that came, in memory or in a file. Of
-- a segment that nobody can look at, no page is kept.

local SpillList = require "finseg.value.spill_list"
local core = require "finseg.core"

---@class finseg.Records
---@field users finseg.Idset
---@field pages finseg.SpillList?  nil: nobody can look at a record
---@field places integer[]  of each page in `pages`
---@field first_ids string[]  of each page
---@field last_id string?  of the last page
---@field sorted boolean  each userId came after the one before
---@field bound finseg.SpillBound
local Records = {}
Records.__index = Records

---@param bound finseg.SpillBound  what all segments of a run may keep in memory
---@param can_be_seen boolean  whether a predicate or the result may ask for a record
---@return finseg.Records
function Records.new(bound, can_be_seen)
  return setmetatable({
    users = assert(core.idset()),
    pages = can_be_seen and SpillList.new(bound) or nil,
    places = {},
    first_ids = {},
    sorted = true,
    bound = bound,
  }, Records)
end

--- Takes the next page of the segment.
---@param page userdata
---@return boolean? ok
---@return finseg.Err? err  kind `resource`
function Records:add(page)
  local count = page:user_count()
  if count == 0 then
    return true
  end
  local ok, err = self.users:add_page(page)
  if not ok then
    return nil, err
  elseif not self.pages then
    return true
  end
  local place
  place, err = self.pages:add(page, page:size() * 1.5) -- its text, and an index of half its size
  if not place then
    return nil, err
  end
  local first = page:user_id(1)
  self.sorted = self.sorted and page:is_sorted() and (self.last_id == nil or core.precedes(self.last_id, first))
  self.last_id = page:user_id(count)
  self.places[#self.places + 1], self.first_ids[#self.first_ids + 1] = place, first
  return true
end

local function or_raise(value, err)
  if value == nil then
    error(err, 0)
  end
  return value
end

local function load_page(self, number)
  local page = or_raise(self.pages:get(self.places[number]))
  return type(page) == "string" and or_raise(core.page(page)) or page
end

-- ---- users who came in the order of their ids -----------------------------------------------------------------------

--- The number of the page that a user stands on, if on any; 0 before the first.
local function page_number_of(self, id)
  local firsts = self.first_ids
  local low, high = 1, #firsts
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if core.precedes(id, firsts[middle]) then
      high = middle - 1
    else
      low = middle + 1
    end
  end
  return high
end

--- The page that a user stands on and the position there; nil when the segment has none. Users are mostly asked for in
--- the order of their ids, so that the page of the one before is the first to look at.
local function find(self, id)
  local position = self.page and self.page:find_user(id)
  if not position then
    local number = page_number_of(self, id)
    if number == 0 or number == self.page_number then
      return nil
    end
    self.page, self.page_number = load_page(self, number), number
    position = self.page:find_user(id)
  end
  if position then
    return self.page, position
  end
end

-- ---- users who came in another order --------------------------------------------------------------------------------

--- Where the JSON of each user stands: of one who came twice, the first.
---@return table<string, integer> places
---@return finseg.SpillList texts
local function index(self)
  if not self.text_places then
    local places, texts = {}, SpillList.new(self.bound)
    for number = 1, #self.places do
      local page = load_page(self, number)
      for position = 1, page:user_count() do
        local id = page:user_id(position)
        places[id] = places[id] or or_raise(texts:add(page:user_text(position)))
      end
    end
    self.text_places, self.texts = places, texts -- only now: half an index would look like users without records
  end
  return self.text_places, self.texts
end

--- The JSON of a user as it came; nil when the segment has none.
local function text_of(self, id)
  if self.sorted then
    local page, position = find(self, id)
    return page and page:user_text(position)
  end
  local places, texts = index(self)
  return places[id] and or_raise(texts:get(places[id]))
end

-- ---- what is asked for ----------------------------------------------------------------------------------------------

--- The record of a user as a table, without the userId; nil when the segment has none. Raises an err of kind
--- `resource`, as text() does.
---@param id string
---@return table?
function Records:record(id)
  local record
  if not self.pages then
    return nil
  elseif self.sorted then
    local page, position = find(self, id)
    record = page and page:user(position)
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
function Records:text(id)
  local text = self.pages and text_of(self, id)
  return text and (core.json_without(text, "userId"))
end

return Records
