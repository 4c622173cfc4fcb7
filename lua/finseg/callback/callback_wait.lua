-- The callback wait: a wait under way whose job's callback is expected. It learns from the store that the callback has
-- come, and whether the store can be relied on; while it cannot, the wait asks the service at the ordinary schedule.
--
-- The store may live longer than the client, so it must not keep it: what it calls refers to the wait weakly. The
-- client's operation keeps it.

local stores = require "finseg.store"

---@class finseg.CallbackWait
---@field callbacks finseg.Callbacks
---@field expectation finseg.Expectation
---@field operation finseg.Operation
---@field created_at number?  of the job; nil when it was picked up
---@field told boolean  that the callback has come
---@field slow boolean  the wait asks at the slow rate
---@field deaf boolean  the store cannot tell
---@field stop function  ends the watch
---@field held finseg.CallbackWait[]  itself, weakly
local CallbackWait = {}
CallbackWait.__index = CallbackWait

--- Seconds that the store keeps what it is told. A callback that is later than that finds nobody.
CallbackWait.KEEP = 86400

local weak = { __mode = "v" }

local function ignore() end

--- Calls a method of the store; f(wait, value, err) unless nobody waits any more.
function CallbackWait:ask(method, f, ...)
  local held = self.held
  stores.ask(self.callbacks.store, method, function(...)
    local wait = held[1]
    if wait and not wait:is_over() then
      f(wait, ...)
    end
  end, ...)
end

--- Whether there is nothing left to learn.
---@return boolean
function CallbackWait:is_over()
  return self.told or self.operation.done
end

function CallbackWait:called()
  if not self.told then
    self.told = true
    self.operation:tell "called"
  end
end

--- Has the wait ask at the slow rate, if a callback would be heard of.
---@param kept boolean  whether the store knows of the job
function CallbackWait:rely(kept)
  local slow = kept and not self.deaf and not self.callbacks.closed
  if slow ~= self.slow then
    self.slow = slow
    self.operation:tell("expect_callback", slow)
  end
end

--- The callback has come, or somebody has found the job's end without it.
function CallbackWait:take_mark(mark)
  local at, expectation = tonumber(mark), self.expectation
  if at and self.created_at and at < self.created_at and not expectation.early then
    expectation.early = true
    self.callbacks:count "early"
  end
  self:called()
end

--- No callback has come. Of a job that was picked up, the store may not know at all.
function CallbackWait:go_on_waiting()
  local expectation = self.expectation
  if expectation.token then
    return self:rely(expectation.kept)
  end
  self:ask("get", function(wait, known)
    wait:rely(known ~= nil)
  end, "callback " .. expectation.id)
end

--- Looks whether the callback has come already, or came while the store could not tell.
function CallbackWait:look()
  self:ask("get", function(wait, mark, err)
    if mark then
      wait:take_mark(mark)
    elseif err then
      wait:rely(false)
    else
      wait:go_on_waiting()
    end
  end, "called " .. self.expectation.id)
end

--- Looks, and tells the store of the job if that may not know of it.
function CallbackWait:resume()
  local expectation = self.expectation
  if not expectation.token then
    return self:look()
  end
  self:ask("put", function(wait, _, err)
    expectation.kept = err == nil
    wait:look()
  end, "callback " .. expectation.id, expectation.token, CallbackWait.KEEP, false)
end

--- What the store says about the key.
---@param news nil|"deaf"|"hearing"
function CallbackWait:hear(news)
  if self:is_over() then
    return
  elseif news == nil then
    return self:called()
  end
  self.deaf = news == "deaf"
  if self.deaf then
    self:rely(false)
  else
    self:resume() -- what it knew may be gone, and what it was told meanwhile was not heard
  end
end

--- Has the store tell. What it tells once nobody waits any more ends the watch.
function CallbackWait:watch()
  local held, stop = self.held, ignore
  local watching = stores.call(self.callbacks.store, "watch", "callback " .. self.expectation.id, function(news)
    local wait = held[1]
    if wait then
      wait:hear(news)
    else
      stop()
    end
  end)
  if type(watching) == "function" then
    stop = watching
    self.stop = stop
  else
    self:hear "deaf"
  end
end

--- The operation has its outcome.
---@param ok boolean
---@param value any  the err, unless ok
function CallbackWait:finish(ok, value)
  pcall(self.stop) -- a store may be broken or closed
  self.callbacks:forget_wait(self)
  self.expectation.waits[self] = nil
  self.callbacks:conclude(self.expectation, ok, value, self.told)
end

--- Begins for an operation, a wait of the core's.
---@param callbacks finseg.Callbacks
---@param expectation finseg.Expectation
---@param operation finseg.Operation
---@param created_at number?
---@param slow boolean
---@return finseg.CallbackWait
function CallbackWait.begin(callbacks, expectation, operation, created_at, slow)
  local wait = setmetatable({
    callbacks = callbacks,
    expectation = expectation,
    operation = operation,
    created_at = expectation.token and created_at or nil,
    told = false,
    slow = slow,
    deaf = false,
    stop = ignore,
  }, CallbackWait)
  wait.held = setmetatable({ wait }, weak)
  operation.callback_wait = wait
  expectation.waits = expectation.waits or {}
  expectation.waits[wait] = true
  wait:watch()
  if expectation.kept then
    wait:look()
  else
    wait:resume()
  end
  return wait
end

return CallbackWait
