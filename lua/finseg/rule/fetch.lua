-- Fetches what a plan asks for: its requests side by side, each from its job to the last of its pages.
--
-- A source answers requests with pages. It is a table with
--   canonical(kind, parameters as JSON) -> canonical parameters | nil, err
--   open(request) -> next_page, abandon | nil, err
-- next_page() answers one core page after the other, then nil, or nil and an err; abandon() drops what is under way.

local Records = require "finseg.rule.records"
local all = require "finseg.wait.all"

--- Puts the place of a request before the message of an err.
local function locate(request, err)
  if type(err) == "table" and err.message and not err.message:find(request.place, 1, true) then
    err.message = ("%s: %s"):format(request.place, err.message)
  end
  return nil, err
end

--- Reads one request into its records.
local function read(source, request, records, report)
  local next_page, abandon = source.open(request)
  if not next_page then
    return locate(request, abandon)
  end
  local page, err = next_page()
  while page do
    local added
    added, err = records:add(page)
    if not added then
      abandon()
      break
    end
    report { name = "page", request = request, users = page:user_count() }
    page, err = next_page()
  end
  if err then
    return locate(request, err)
  end
  report { name = "read", request = request, users = records.users:count() }
  return true
end

--- Reads all requests, at most `parallel` at once.
---@param source table
---@param plan finseg.Plan
---@param parallel integer
---@param bound finseg.SpillBound
---@param report fun(event: table)
---@return table<finseg.Request, finseg.Records>? records
---@return finseg.Err? err
return function(source, plan, parallel, bound, report)
  local records, requests, unseen = {}, plan.requests, plan:unseen()
  for _, request in ipairs(requests) do
    records[request] = Records.new(bound, not unseen[request])
  end
  local begun = 0
  local function work()
    while begun < #requests do
      begun = begun + 1
      local request = requests[begun]
      local ok, err = read(source, request, records[request], report)
      if not ok then
        return nil, err
      end
    end
    return true
  end
  local workers = {}
  for position = 1, math.min(parallel, #requests) do
    workers[position] = work
  end
  local ok, err = all(workers)
  if not ok then
    return nil, err
  end
  return records
end
