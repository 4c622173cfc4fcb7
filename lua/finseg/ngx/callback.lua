-- The content handler of the location to which the service sends callbacks (see finseg.ngx.callback).

local core = require "finseg.core"
local driver = require "finseg.driver.ngx"
local log = require "finseg.ngx.log"
local receiver = require "finseg.ngx.receiver"

--- Seconds that a callback may take after its answer: a store across the network may not answer.
local PATIENCE = 30

--- Has the callback worked off, and waits for that while the store is asked.
---@param callbacks finseg.Callbacks
---@param target string
local function take(callbacks, target)
  local waiter = { done = false }
  callbacks:take(target, function()
    waiter.done = true
    driver.wake(waiter)
  end)
  local deadline = core.now() + PATIENCE
  while not waiter.done and core.now() < deadline do
    driver.suspend(callbacks.store, waiter, deadline - core.now())
  end
end

--- Answers 204 at once and does the work afterwards: who calls is not kept waiting. The body of a callback says nothing
--- that the URL does not say, and is not read.
---@param store finseg.Store|function|nil  see receiver.store
return function(store)
  if ngx.req.get_method() ~= "POST" then
    ngx.header["Allow"] = "POST"
    return ngx.exit(ngx.HTTP_NOT_ALLOWED)
  end
  local callbacks, err = receiver.callbacks(store)
  if not callbacks then
    log(ngx.ERR, "no callbacks: " .. tostring(err))
    return ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR)
  end
  ngx.req.discard_body()
  ngx.status = ngx.HTTP_NO_CONTENT
  ngx.eof()
  local ok, problem = pcall(take, callbacks, ngx.var.uri)
  if not ok then
    log(ngx.ERR, "a callback could not be worked off: " .. tostring(problem))
  end
end
