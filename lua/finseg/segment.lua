-- A segment that is ready: its first page, and the others as they are read.

local Page = require "finseg.page"
local Pages = require "finseg.pages"
local check = require "finseg.value.check"
local core = require "finseg.core"
local new_class = require "finseg.result"

---@class finseg.Segment: finseg.Result
---@field job finseg.Job  the job it came from
local Segment, metatable = new_class()

---@param client finseg.Client
---@param job finseg.Job
---@param core_job userdata
---@param first userdata  the first page
---@return finseg.Segment
function Segment.new(client, job, core_job, first)
  return setmetatable(
    { job = job, _client = client, _core_job = core_job, _first = first, _members = false },
    metatable
  )
end

function Segment._wrap(_, core_page)
  return Page.new(core_page)
end

function Segment:open_pages(keeps_pages)
  local pages = Pages.new(self._client, self._core_job, self._first, keeps_pages)
  return function()
    return pages:next_page()
  end, function()
    pages:abandon()
  end
end

--- Fetches one page by its number on the wire (the first is config.first_page). The first page is kept and costs no
--- request.
---@param number integer
---@return finseg.Page? page  without users when the number is beyond the last
---@return finseg.Err? err
function Segment:page(number)
  check.type(number, "number", 1, "page")
  if number == self._client.first_page then
    return Page.new(self._first)
  elseif not (number >= 0 and number < 2 ^ 53 and math.floor(number) == number) then
    return nil, core.error("invalid", "a page number is a whole number from 0 on")
  end
  self._client:open_core "page"
  local page, err = self._client.operations:run("start_fetch", self._core_job, number, 0)
  if not page then
    return nil, err
  end
  return Page.new(page)
end

return Segment
