-- Reads a segment again for users who are looked at once, in the order of their ids and some at a time, so that the
-- records of many users are never held together.

local Roll = require "finseg.rule.records"
local core = require "finseg.core"

---@class finseg.Reader
---@field roll finseg.Roll
---@field reopen fun(): function?, function|table
---@field texts table<string, string>  userId -> record as JSON, of the users brought last
---@field page userdata?  of a sorted segment, where the next users are looked for first
local Reader = {}
Reader.__index = Reader

---@param roll finseg.Roll
---@param reopen fun(): function?, function|table  next_page and abandon | nil, err
---@return finseg.Reader
function Reader.new(roll, reopen)
  return setmetatable({ roll = roll, reopen = reopen, texts = {} }, Reader)
end

--- Brings the records of these users. A sorted segment is read on from where the users before were.
---@param users finseg.UserSet
---@param last string  the greatest id of them
---@return boolean? ok
---@return finseg.Err? err
function Reader:bring(users, last)
  local sorted = self.roll.sorted
  self.texts = {}
  local left = (users * self.roll.users):count()
  if left == 0 then
    return true
  end
  local page, err = self.page, nil
  if not (sorted and self.next_page) then
    self.next_page, self.abandon = self.reopen()
    if not self.next_page then
      return nil, self.abandon
    end
  end
  page = page or self.next_page()
  while page do
    left = left - Roll.take(page, users, self.texts)
    if left == 0 or (sorted and page:user_count() > 0 and page:user_id(page:user_count()) >= last) then
      break
    end
    page, err = self.next_page()
  end
  self.page = sorted and page or nil
  if not sorted then
    self:close()
  end
  if err then
    return nil, err
  end
  return true
end

--- Drops what is under way.
function Reader:close()
  if self.next_page and self.abandon then
    self.abandon()
  end
  self.next_page, self.abandon, self.page = nil, nil, nil
end

--- As of a roll.
function Reader:record(id)
  local text = self.texts[id]
  local record = text and core.from_json(text)
  if record then
    record.userId = nil
  end
  return record
end

--- As of a roll.
function Reader:text(id)
  local text = self.texts[id]
  return text and (core.json_without(text, "userId"))
end

return Reader
