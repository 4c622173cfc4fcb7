-- Reading a segment: its pages in order, the next ones under way while one is read, and what came held against what was
-- announced.

local await = require "finseg.wait.await"
local core = require "finseg.core"

---@class finseg.Reading
---@field segment finseg.Segment
---@field traversal userdata?  made when the first page is asked for
---@field ahead finseg.Operation[]  pages asked for, from `head` to `tail`
---@field keeps_pages boolean  else a page is good until the next one is asked for, and its memory is used again
---@field page userdata?  the one that was given last, when it may be used again
---@field ended boolean
---@field err table?  why it ended early
local Reading = {}
Reading.__index = Reading

---@param segment finseg.Segment
---@param keeps_pages boolean
---@return finseg.Reading
function Reading.new(segment, keeps_pages)
  return setmetatable(
    { segment = segment, keeps_pages = keeps_pages, ahead = {}, head = 1, tail = 0, ended = false },
    Reading
  )
end

function Reading:fail(err)
  self:abandon()
  self.ended, self.err = true, err
  return nil, err
end

--- Drops the pages under way.
function Reading:abandon()
  for position = self.head, self.tail do
    self.ahead[position]:cancel()
  end
  self.head, self.tail, self.ended = 1, 0, true
end

--- Asks for as many pages as may be under way.
function Reading:ask()
  local segment = self.segment
  local client = segment._client
  local number, size = self.traversal:request()
  while number do
    local ticket, err = client:_open_core("pages"):start_fetch(segment.job._core, number, size)
    if not ticket then
      return nil, err
    end
    self.tail = self.tail + 1
    self.ahead[self.tail] = await.begin(client, ticket)
    number, size = self.traversal:request()
  end
  return true
end

function Reading:begin()
  local client, first = self.segment._client, self.segment._first
  local traversal, err = client:_open_core("pages"):traverse(first)
  if not traversal then
    return self:fail(err)
  end
  self.traversal = traversal
  local ok
  ok, err = self:ask()
  if not ok then
    return self:fail(err)
  end
  return first
end

--- Holds what came against what was announced.
function Reading:finish()
  local finished, err = self.traversal:finished()
  if not finished then
    return self:fail(err or core.error("protocol", "the result ended before all of its pages came"))
  end
  self.ended = true
  return nil
end

--- Takes the page that was asked for first, and asks for more.
function Reading:take()
  local operation = self.ahead[self.head]
  self.ahead[self.head] = nil
  self.head = self.head + 1
  local page, err = await.finish(operation)
  if not page then
    return self:fail(err)
  end
  local ok
  ok, err = self.traversal:accept(page)
  if ok then
    ok, err = self:ask()
  end
  if not ok then
    return self:fail(err)
  end
  return page
end

--- Gives the memory of the last page to those that come.
function Reading:recycle()
  local page, client = self.page, self.segment._client
  self.page = nil
  if page and not client.closed then
    client._core:recycle(page)
  end
end

--- The next page; nil at the end.
---@return userdata? page
---@return table? err  again at each later call
function Reading:next_page()
  self:recycle()
  if self.ended then
    return nil, self.err
  elseif not self.traversal then
    return self:begin()
  end
  while self.head <= self.tail do
    local page, err = self:take()
    -- A result that does not tell its length ends with an empty page.
    if not page or page:user_count() > 0 then
      self.page = not self.keeps_pages and page or nil
      return page, err
    end
  end
  return self:finish()
end

return Reading
