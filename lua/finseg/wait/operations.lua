-- What is under way on a client: from a ticket of the core to its outcome, and to whoever waits for that.

local await = require "finseg.wait.await"
local core = require "finseg.core"
local drivers = require "finseg.driver"

--- An operation under way: the waiter of one ticket.
---@class finseg.Operation
---@field client finseg.Client
---@field ticket number
---@field done boolean
---@field ok boolean
---@field value any  the result, or the err
---@field driver finseg.Driver?  while somebody waits
---@field job finseg.Job?  that it asks for: such an operation may end when nobody waits for it any more
---@field next_of_job finseg.Operation?  the job's own, see finseg.job
---@field callback_wait finseg.CallbackWait?  when a callback may end it
local Operation = {}
Operation.__index = Operation

--- Everything under way on one client.
---@class finseg.Operations
---@field client finseg.Client
---@field core userdata?  the core client; nil once closed
---@field driver finseg.Driver?  the one that the client was given
---@field by_ticket table<number, finseg.Operation>
local Operations = {}
Operations.__index = Operations

---@param client finseg.Client
---@param core_client userdata
---@param driver finseg.Driver?
---@return finseg.Operations
function Operations.new(client, core_client, driver)
  return setmetatable({ client = client, core = core_client, driver = driver, by_ticket = {} }, Operations)
end

-- ---- one operation --------------------------------------------------------------------------------------------------

function Operation:cancel()
  if not self.done and not self.client.closed then
    self.client.operations:cancel(self.ticket)
  end
end

--- Takes the outcome and wakes whoever waits for it, before anything else is told.
---@param ok boolean
---@param value any
function Operation:finish(ok, value)
  self.done, self.ok, self.value = true, ok, value
  if self.driver then
    self.driver.wake(self)
  end
  if self.callback_wait then
    self.callback_wait:finish(ok, value)
  end
end

--- Tells the core something about a wait for a job. Where the loop cannot see by a descriptor that the core then has
--- something to do, the waiter is woken to look.
---@param method "called"|"expect_callback"  of the core client
---@param ... any
function Operation:tell(method, ...)
  if self.done or self.client.closed then
    return
  end
  local core_client = self.client.operations.core
  core_client[method](core_client, self.ticket, ...)
  if self.driver then
    self.driver.wake(self)
  end
end

--- Waits for the outcome. Each frame of a sleeping coroutine takes memory, so there are few from here on.
---@param seconds number?
---@param f function?  called every so many seconds meanwhile; it may wait
---@return any value
---@return finseg.Err? err
function Operation:wait(seconds, f)
  if not self.done then
    local driver, err = drivers.choose(self.client.operations.driver)
    if not driver then
      self:cancel()
      return nil, err
    end
    while not await.sleep_until_done(driver, self.client, self, seconds) do
      if not f then
        self:cancel()
        return nil, await.given_up(driver)
      end
      self.driver = nil -- f may wait for something else, and nobody is to wake it out of that
      f()
    end
  end
  if self.ok then
    return self.value
  end
  return nil, self.value
end

-- ---- all of them ----------------------------------------------------------------------------------------------------

--- Starts an operation of the core. It is kept until its outcome has come, whether somebody waits or not. The caller
--- has seen that the client is open.
---@param method string  of the core client, answering a ticket
---@param ... any
---@return finseg.Operation? operation
---@return finseg.Err? err
function Operations:begin(method, ...)
  local ticket, err = self.core[method](self.core, ...)
  if not ticket then
    return nil, err
  end
  local operation = setmetatable({ client = self.client, ticket = ticket, done = false }, Operation)
  self.by_ticket[ticket] = operation
  return operation
end

--- The same, unless no wait for its outcome is possible here.
---@param method string
---@param ... any
---@return finseg.Operation? operation
---@return finseg.Err? err
function Operations:start(method, ...)
  local driver, err = await.driver(self.driver)
  if not driver then
    return nil, err
  end
  return self:begin(method, ...)
end

--- Starts an operation and waits for its outcome.
---@param method string
---@param ... any
---@return any value
---@return finseg.Err? err
function Operations:run(method, ...)
  local operation, err = self:start(method, ...)
  if not operation then
    return nil, err
  end
  return operation:wait()
end

--- Hands out the outcomes that are there. A woken coroutine may run at once, and may close the client.
---@return integer count
function Operations:hand_out()
  local count = 0
  while self.core do
    local ticket, ok, value = self.core:next()
    if not ticket then
      break
    end
    count = count + 1
    local operation = self.by_ticket[ticket]
    self.by_ticket[ticket] = nil
    if operation then
      operation:finish(ok, value)
    end
  end
  return count
end

--- Ends an operation as cancelled, and hands that out at once: a loop that cannot watch descriptors would learn of it
--- late.
---@param ticket number
function Operations:cancel(ticket)
  self.core:cancel(ticket)
  self:hand_out()
end

--- Ends every operation with `err`, though a driver may raise when it wakes one.
---@param err finseg.Err
function Operations:fail_all(err)
  local by_ticket = self.by_ticket
  self.by_ticket = {}
  for _, operation in pairs(by_ticket) do
    pcall(operation.finish, operation, false, err)
  end
end

--- Ends everything under way as cancelled. No operation starts any more. Raises what a driver has raised first.
function Operations:close()
  self.core:cancel_all()
  local ok, problem = pcall(self.hand_out, self)
  self.core = nil
  self:fail_all(core.error("cancelled", "cancelled, because the client was closed"))
  if not ok then
    error(problem, 0)
  end
end

return Operations
