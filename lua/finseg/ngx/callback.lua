-- The content handler of the location to which the service sends callbacks (see finseg.ngx.callback).

local core = require "finseg.core"
local driver = require "finseg.driver.ngx"
local log = require "finseg.driver.ngx_log"
local worker_callbacks = require "finseg.ngx.worker_callbacks"

--- Seconds that a callback may take after its answer: a store across the network may not answer.
local PATIENCE = 30

--- Waits until the callback is worked off: while somebody waits, the store is stepped.
local function wait(store, waiter)
  local deadline = core.now() + PATIENCE
  while not waiter.done and core.now() < deadline do
    driver.suspend(store, waiter, deadline - core.now())
  end
end

--- Calls f(...); what it raises goes to the log.
local function attempt(f, ...)
  local ok, problem = pcall(f, ...)
  if not ok then
    log(ngx.ERR, "a callback could not be worked off: " .. tostring(problem))
  end
  return ok
end

--- Works off a callback. What remains to be waited for is a timer's business, since the connection may bring the next
--- callback; where nginx grants none, the request waits itself.
---@param callbacks finseg.Callbacks
---@param target string
local function work_off(callbacks, target)
  local waiter = { done = false }
  local taken = attempt(callbacks.take, callbacks, target, function()
    waiter.done = true
    driver.wake(waiter)
  end)
  if not taken or waiter.done then
    return
  end
  local granted = ngx.timer.at(0, function()
    attempt(wait, callbacks.store, waiter)
  end)
  if not granted then
    attempt(wait, callbacks.store, waiter)
  end
end

--- Answers 204 at once and does the work afterwards: who calls is not kept waiting. The body of a callback says nothing
--- that the URL does not say, and is not read.
---@param store finseg.Store|function|nil  see worker_callbacks.store
return function(store)
  if ngx.req.get_method() ~= "POST" then
    ngx.header["Allow"] = "POST"
    return ngx.exit(ngx.HTTP_NOT_ALLOWED)
  end
  local callbacks, err = worker_callbacks.callbacks(store)
  if not callbacks then
    log(ngx.ERR, "no callbacks: " .. tostring(err))
    return ngx.exit(ngx.HTTP_INTERNAL_SERVER_ERROR)
  end
  ngx.req.discard_body()
  ngx.status = ngx.HTTP_NO_CONTENT
  ngx.eof()
  work_off(callbacks, ngx.var.uri)
end
