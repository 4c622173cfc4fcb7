-- What is attached to a client: pollables whose descriptors live in the client's, so that whoever steps the client
-- steps them, too.

---@class finseg.Attached
---@field core userdata?  the core client; nil once closed
---@field on_failure fun(problem: any)
---@field by_descriptor table<integer, table>
local Attached = {}
Attached.__index = Attached

---@param core_client userdata
---@param on_failure fun(problem: any)  takes what one of them raises in its step
---@return finseg.Attached
function Attached.new(core_client, on_failure)
  return setmetatable({ core = core_client, on_failure = on_failure, by_descriptor = {} }, Attached)
end

--- Has the core tell when the pollable wants a step by the clock alone.
local function set_alarm(self, descriptor, pollable)
  self.core:alarm(descriptor, pollable:next_timeout() or -1)
end

---@param pollable table
---@return boolean? ok
---@return finseg.Err? err
function Attached:add(pollable)
  local descriptor = pollable:pollfd()
  local other = self.by_descriptor[descriptor]
  if other == pollable then
    return true
  elseif other and other.closed then
    self.core:unwatch(descriptor) -- its number has come again
  end
  local ok, err = self.core:watch(descriptor)
  if not ok then
    return nil, err
  end
  self.by_descriptor[descriptor] = pollable
  set_alarm(self, descriptor, pollable)
  return true
end

--- Lets go of what was attached; of anything else, too, without harm.
---@param pollable table
function Attached:remove(pollable)
  for descriptor, other in pairs(self.by_descriptor) do
    if other == pollable then
      self.by_descriptor[descriptor] = nil
      self.core:unwatch(descriptor)
      return
    end
  end
end

--- Whether anything is under way in one of them. (What a program attaches may have no pending().)
---@return boolean
function Attached:is_busy()
  for _, pollable in pairs(self.by_descriptor) do
    if pollable.pending and pollable:pending() > 0 then
      return true
    end
  end
  return false
end

---@return integer
function Attached:transfers()
  local count = 0
  for _, pollable in pairs(self.by_descriptor) do
    count = count + pollable:transfers()
  end
  return count
end

--- Steps those that are ready. Each may close the client. What one raises must not end the loop of everybody else.
function Attached:step()
  while self.core do
    local descriptor = self.core:next_ready()
    if not descriptor then
      return
    end
    local pollable = self.by_descriptor[descriptor]
    if pollable.closed then
      self:remove(pollable)
    else
      local ok, problem = pcall(pollable.step, pollable)
      if not ok then
        self.on_failure(problem)
      end
    end
    if self.core and self.by_descriptor[descriptor] == pollable then
      set_alarm(self, descriptor, pollable)
    end
  end
end

function Attached:close()
  self.core = nil
end

return Attached
