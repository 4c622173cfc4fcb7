--- Waiting for a condition, in whatever loop the test runs: instead of a sleep that hopes for it.

local core = require "finseg.core"
local finseg = require "finseg"

local SECONDS = 30 -- then the test fails
local BETWEEN_LOOKS = 0.001

local until_ = {}

--- Sleeps until `condition()` holds, and answers what it answered. Raises when it does not within 30 seconds.
---@param condition fun(): any
---@param what string?  what is waited for, for the message
---@return any
function until_.wait_until(condition, what)
  local deadline = core.now() + SECONDS
  local answer = condition()
  while not answer do
    if core.now() > deadline then
      error(("%s: not so after %d seconds"):format(what or "the condition", SECONDS), 2)
    end
    assert(finseg.sleep(BETWEEN_LOOKS))
    answer = condition()
  end
  return answer
end

--- Sleeps until as many waits are under way on a client (or a store that has a connection, or finseg.wait.signal's
--- shared signal).
---@param pollable { pending: fun(self): integer }
---@param count integer?  1 when not given
function until_.until_waiting(pollable, count)
  count = count or 1
  until_.wait_until(function()
    return pollable:pending() >= count
  end, ("%d waits under way"):format(count))
end

--- Sleeps until as many of a client's requests are on their way.
---@param client finseg.Client
---@param count integer?  1 when not given
function until_.until_transferring(client, count)
  count = count or 1
  until_.wait_until(function()
    return client:transfers() >= count
  end, ("%d requests on their way"):format(count))
end

return until_
