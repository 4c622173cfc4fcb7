-- Reads a segment: its pages in order, the next ones under way while one is read, and what came held against what was
-- announced.

local Queue = require "finseg.wait.queue"
local core = require "finseg.core"

---@class finseg.Pages
---@field client finseg.Client
---@field core_job userdata
---@field first userdata  the first page
---@field traversal userdata?  made when the first page is asked for
---@field ahead finseg.Queue  of operations: the pages asked for
---@field keeps_pages boolean  else a page is good until the next one is asked for, and its memory is used again
---@field page userdata?  the one that was given last, when it may be used again
---@field ended boolean
---@field err finseg.Err?  why it ended early
local Pages = {}
Pages.__index = Pages

---@param client finseg.Client
---@param core_job userdata
---@param first userdata  the first page
---@param keeps_pages boolean
---@return finseg.Pages
function Pages.new(client, core_job, first, keeps_pages)
  return setmetatable({
    client = client,
    core_job = core_job,
    first = first,
    keeps_pages = keeps_pages,
    ahead = Queue.new(),
    ended = false,
  }, Pages)
end

function Pages:fail(err)
  self:abandon()
  self.ended, self.err = true, err
  return nil, err
end

--- Drops the pages under way.
function Pages:abandon()
  for operation in self.ahead.pop, self.ahead do
    operation:cancel()
  end
  self.ended = true
end

--- Asks for as many pages as may be under way.
function Pages:ask()
  local number, size = self.traversal:request()
  while number do
    self.client:open_core "pages"
    local operation, err = self.client.operations:begin("start_fetch", self.core_job, number, size)
    if not operation then
      return nil, err
    end
    self.ahead:push(operation)
    number, size = self.traversal:request()
  end
  return true
end

function Pages:begin()
  local traversal, err = self.client:open_core("pages"):traverse(self.first)
  if not traversal then
    return self:fail(err)
  end
  self.traversal = traversal
  local ok
  ok, err = self:ask()
  if not ok then
    return self:fail(err)
  end
  return self.first
end

--- Holds what came against what was announced.
function Pages:finish()
  local finished, err = self.traversal:finished()
  if not finished then
    return self:fail(err or core.error("protocol", "the result ended before all of its pages came"))
  end
  self.ended = true
  return nil
end

--- Takes the page that was asked for first, and asks for more.
function Pages:take()
  local page, err = self.ahead:pop():wait()
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
function Pages:recycle()
  local page = self.page
  self.page = nil
  if page and not self.client.closed then
    self.client:open_core("pages"):recycle(page)
  end
end

--- The next page; nil at the end.
---@return userdata? page
---@return finseg.Err? err  again at each later call
function Pages:next_page()
  self:recycle()
  if self.ended then
    return nil, self.err
  elseif not self.traversal then
    return self:begin()
  end
  while self.ahead:first() do
    local page, err = self:take()
    -- A result that does not tell its length ends with an empty page.
    if not page or page:user_count() > 0 then
      self.page = not self.keeps_pages and page or nil
      return page, err
    end
  end
  return self:finish()
end

return Pages
