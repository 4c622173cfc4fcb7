-- Following: a wait under way whose job's callback is awaited. It learns from the store that the callback has come, and
-- whether the store can be relied on; while it cannot, the wait asks the service at the ordinary schedule.
--
-- The store may live longer than the client, so it must not keep it: what it calls refers to the following weakly. The
-- client's operation keeps the following.

local stores = require "finseg.store"

---@class finseg.Following
---@field callbacks finseg.Callbacks
---@field expectation finseg.Expectation
---@field operation finseg.Operation
---@field created_at number?  of the job; nil when it was picked up
---@field told boolean  that the callback has come
---@field slow boolean  the wait asks at the slow rate
---@field deaf boolean  the store cannot tell
---@field stop function  ends the watch
---@field held finseg.Following[]  itself, weakly
local Following = {}
Following.__index = Following

--- Seconds that the store keeps what it is told. A callback that is later than that finds nobody.
Following.KEEP = 86400

local weak = { __mode = "v" }

local function ignore() end

--- Calls a method of the store; f(following, value, err) unless nobody waits any more.
function Following:ask(method, key, value, seconds, f)
  local held = self.held
  stores.ask(self.callbacks.store, method, key, value, seconds, function(...)
    local following = held[1]
    if following and not following:is_over() then
      f(following, ...)
    end
  end)
end

--- Has the core look at the wait anew. Where the loop cannot see that by a descriptor, the waiter is woken to tell it.
function Following:tell(method, ...)
  self.operation:tell(method, ...)
end

--- Whether there is nothing left to learn.
---@return boolean
function Following:is_over()
  return self.told or self.operation.done
end

function Following:called()
  if not self.told then
    self.told = true
    self:tell "called"
  end
end

--- Has the wait ask at the slow rate, if a callback would be heard of.
---@param kept boolean  whether the store knows of the job
function Following:rely(kept)
  local slow = kept and not self.deaf and not self.callbacks.closed
  if slow ~= self.slow then
    self.slow = slow
    self:tell("expect_callback", slow)
  end
end

--- The callback has come, or somebody has found the job's end without it.
function Following:take_mark(mark)
  local at, expectation = tonumber(mark), self.expectation
  if at and self.created_at and at < self.created_at and not expectation.early then
    expectation.early = true
    self.callbacks:count "early"
  end
  self:called()
end

--- No callback has come. Of a job that was picked up, the store may not know at all.
function Following:go_on_waiting()
  local expectation = self.expectation
  if expectation.token then
    return self:rely(expectation.kept)
  end
  self:ask("get", "callback " .. expectation.id, nil, nil, function(following, known)
    following:rely(known ~= nil)
  end)
end

--- Looks whether the callback has come already, or came while the store could not tell.
function Following:look()
  self:ask("get", "called " .. self.expectation.id, nil, nil, function(following, mark, err)
    if mark then
      following:take_mark(mark)
    elseif err then
      following:rely(false)
    else
      following:go_on_waiting()
    end
  end)
end

--- Looks, and tells the store of the job if that may not know of it.
function Following:resume()
  local expectation = self.expectation
  if not expectation.token then
    return self:look()
  end
  local key, seconds = "callback " .. expectation.id, Following.KEEP
  self:ask("put_if_absent", key, expectation.token, seconds, function(following, _, err)
    expectation.kept = err == nil
    following:look()
  end)
end

--- What the store says about the key.
---@param news nil|"deaf"|"hearing"
function Following:hear(news)
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
function Following:watch()
  local held, stop = self.held, ignore
  local watching = stores.call(self.callbacks.store, "watch", "callback " .. self.expectation.id, function(news)
    local following = held[1]
    if following then
      following:hear(news)
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
function Following:finish(ok, value)
  pcall(self.stop) -- a store may be broken or closed
  self.callbacks._follow[self] = nil
  self.expectation.waits[self] = nil
  self.callbacks:conclude(self.expectation, ok, value, self.told)
end

--- Follows an operation.
---@param callbacks finseg.Callbacks
---@param expectation finseg.Expectation
---@param operation finseg.Operation
---@param created_at number?
---@param slow boolean
---@return finseg.Following
function Following.begin(callbacks, expectation, operation, created_at, slow)
  local following = setmetatable({
    callbacks = callbacks,
    expectation = expectation,
    operation = operation,
    created_at = expectation.token and created_at or nil,
    told = false,
    slow = slow,
    deaf = false,
    stop = ignore,
  }, Following)
  following.held = setmetatable({ following }, weak)
  operation.callback_wait = following
  expectation.waits = expectation.waits or {}
  expectation.waits[following] = true
  following:watch()
  if expectation.kept then
    following:look()
  else
    following:resume()
  end
  return following
end

return Following
