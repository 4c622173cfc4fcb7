-- The connection to a Redis: a socket for commands, one for the subscription (which a Redis wants apart), and what
-- becomes of them when the Redis goes away, hangs and comes back. finseg.store.redis says what the commands mean.
--
-- It is made when it is first needed, and is up, or on its way there, or gone. Gone means that connecting has failed or
-- that no answer has come in time: then calls fail at once, and it is tried again every few seconds. One socket is
-- never kept without the other.
--
-- Nothing here waits. Whatever is called back is called back from step(), failures too.

local Queue = require "finseg.wait.queue"
local core = require "finseg.core"
local redis_error = require "finseg.store.redis_error"

local unpack = table.unpack or unpack

local COMMANDS, SUBSCRIPTION = 1, 2

--- Seconds between attempts to connect: the first pause and the longest.
local FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5
--- A connection that was up for so many seconds and is lost is made anew at once: Redis closes idle connections.
local STABLE = 1
--- Seconds of silence on the subscription after which it is asked for a sign of life.
local SILENCE = 5
--- The most replies that one step takes, and the most that it calls back besides: others have their turn then.
local BATCH = 500

---@class finseg.RedisSocket
---@field number integer
---@field state "down"|"opening"|"up"
---@field deadline number?  for "opening"
---@field awaited finseg.Queue  of { take, deadline }: what is to be done with each reply that is still to come

---@class finseg.RedisConnection
---@field set userdata?  of finseg.store.hiredis; nil once closed
---@field config table  where, username, password, database, timeout, connect_timeout, channel
---@field on table  heard(text), hearing(boolean) and log(event)
---@field outstanding integer  calls that have not been called back
---@field calls finseg.Queue  of { take, words }: they wait for the connection to be up
---@field ready finseg.Queue  of what is to be called back at the next step
---@field failure table?  kind and message of why it was lost last
---@field stepping boolean
---@field gone boolean
---@field admits boolean  whether calls may wait for the attempt under way
---@field refusing string?  the command that a Redis which is there refuses for a while, and the log says so
---@field retry_at number
---@field pause number?
---@field wanted boolean  somebody watches
---@field told boolean?  what those who watch are told last; nil: nothing yet
---@field subscribing integer  answers to SUBSCRIBE that are still to come
---@field heard_at number
---@field asked_at number?  when the subscription was asked for a sign of life that has not come
local RedisConnection = {}
RedisConnection.__index = RedisConnection

local function new_socket(number)
  return { number = number, state = "down", awaited = Queue.new() }
end

---@param set userdata
---@param config table
---@param on table
function RedisConnection.new(set, config, on)
  return setmetatable({
    set = set,
    config = config,
    on = on,
    commands = new_socket(COMMANDS),
    subscription = new_socket(SUBSCRIPTION),
    calls = Queue.new(),
    outstanding = 0,
    ready = Queue.new(),
    stepping = false,
    gone = false,
    admits = true,
    retry_at = 0,
    wanted = false,
    subscribing = 0,
    heard_at = 0,
    up_since = 0,
  }, RedisConnection)
end

--- Has f(...) called at the next step.
function RedisConnection:later(f, ...)
  self.ready:push { f, n = select("#", ...), ... }
end

local function error_of(failure)
  local err = core.error(failure.kind, failure.message)
  err.retryable = failure.retryable or err.retryable
  return err
end

-- ---- sockets -------------------------------------------------------------------------------------------------------

--- Sends words on a socket. take(what, value) gets the reply: "reply" and its value, "refusal" and a text, or "lost"
--- and a failure. When sending fails, set:next() tells so, and all that the socket awaits is lost.
local function send(self, socket, words, take)
  self.set:send(socket.number, words, self.stepping)
  socket.awaited:push { take = take, deadline = core.now() + self.config.timeout }
end

--- Ends a socket; what it awaited is lost.
local function drop(self, socket)
  self.set:disconnect(socket.number)
  local awaited = socket.awaited
  socket.state, socket.awaited = "down", Queue.new()
  return awaited
end

--- Ends both sockets. Answers the functions that take what becomes of each call.
local function drop_all(self)
  drop(self, self.subscription)
  local takes = {}
  for _, queue in ipairs { drop(self, self.commands), self.calls } do
    for entry in queue.pop, queue do
      takes[#takes + 1] = entry.take
    end
  end
  self.subscribing, self.asked_at = 0, nil
  return takes
end

local function open_socket(self, socket)
  local config = self.config
  socket.awaited = Queue.new()
  socket.state, socket.deadline = "opening", core.now() + config.connect_timeout
  local ok, reason, is_shortage =
    self.set:connect(socket.number, config.path or config.host, config.path and 0 or config.port)
  if not ok then
    self:lose((is_shortage and redis_error.shortage or redis_error.unreachable)(config, reason))
  end
end

local function greeting_of(config)
  local words = {}
  if config.password then
    words[1] = config.username and { "AUTH", config.username, config.password } or { "AUTH", config.password }
  end
  if config.database > 0 then
    words[#words + 1] = { "SELECT", ("%d"):format(config.database) }
  end
  words[#words + 1] = { "PING" } -- a Redis that hangs, or still loads, is not up yet
  return words
end

--- Introduces itself on a socket that is connected; become_up() when the Redis agrees.
local function greet(self, socket)
  socket.deadline = core.now() + self.config.connect_timeout
  local greeting = greeting_of(self.config)
  for position, words in ipairs(greeting) do
    send(self, socket, words, function(what, value)
      if what == "refusal" then
        self:lose(redis_error.greeting_refused(self.config, words[1], value))
      elseif what == "reply" and position == #greeting then
        self:become_up(socket)
      end
    end)
  end
end

-- ---- up, lost, gone -------------------------------------------------------------------------------------------------

function RedisConnection:tell(hearing)
  if self.wanted and self.told ~= hearing then
    self.told = hearing
    self:later(self.on.hearing, hearing)
  end
end

function RedisConnection:log(name, message)
  self:later(self.on.log, { name = name, message = message, time = core.time(), seconds = 0 })
end

--- Begins to connect.
---@param admits boolean  whether calls may wait for this attempt
function RedisConnection:open(admits)
  self.retry_at, self.admits = math.huge, admits
  open_socket(self, self.commands)
  if self.wanted and self.commands.state ~= "down" then
    open_socket(self, self.subscription)
  end
end

function RedisConnection:become_up(socket)
  socket.state = "up"
  if socket == self.commands then
    self.up_since = core.now()
    for call in self.calls.pop, self.calls do
      send(self, socket, call.words, call.take)
    end
  else
    self.heard_at, self.asked_at = core.now(), nil
    if self.wanted then
      self:subscribe()
    end
  end
  self:check_back()
end

--- Whether all that is wanted works.
function RedisConnection:is_whole()
  return self.commands.state == "up" and (not self.wanted or self.told == true)
end

function RedisConnection:check_back()
  if self.gone and self:is_whole() then
    self.gone = false
    self:log("store_back", ("%s is back, and is used again"):format(self.config.place))
  end
end

--- Both sockets end. What was under way fails.
---@param failure table
function RedisConnection:lose(failure)
  local now = core.now()
  local was_stable = self.commands.state == "up" and now - self.up_since > STABLE
  self.failure = failure
  for _, take in ipairs(drop_all(self)) do
    self:later(take, "lost", failure)
  end
  self:tell(false)
  if was_stable and not failure.lasting then
    self.retry_at, self.pause = now, nil
    return
  end
  self.pause = math.min((self.pause or FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
  self.retry_at = now + self.pause * (0.75 + self.set:random() / 2)
  if not self.gone then
    self.gone = true
    self:log("store_gone", failure.message .. "; meanwhile waits and jobs go on without it, by polling")
  end
end

-- ---- commands -------------------------------------------------------------------------------------------------------

local function notice_end(self, socket)
  if socket.state == "up" and not self.set:is_alive(socket.number) then
    self:lose(redis_error.unreachable(self.config, "it has closed the connection"))
  end
end

--- Says, once, that a Redis which is there is of no use for now.
function RedisConnection:note_refusal(command, failure)
  if failure.kind == "network" and not self.refusing then
    self.refusing = command
    self:log("store_gone", failure.message .. "; meanwhile waits and jobs go on without it, by polling")
  end
end

function RedisConnection:note_success(command)
  if self.refusing == command then
    self.refusing = nil
    self:log("store_back", ("%s takes what it refused, and is used again"):format(self.config.place))
  end
end

--- Sends a command; f(reply) or f(nil, err) is called from step(). A reply is text, a number, a list, or false.
---@param words string[]
---@param is_good fun(reply: any): boolean?  whether it can be a reply to that; if not, the connection is lost
---@param f function
function RedisConnection:call(words, is_good, f)
  self.outstanding = self.outstanding + 1
  local function take(what, value)
    self.outstanding = self.outstanding - 1
    if what == "reply" and not is_good(value) then
      local failure = redis_error.nonsense(self.config, words[1])
      self:lose(failure)
      f(nil, error_of(failure))
    elseif what == "reply" then
      self:note_success(words[1])
      f(value)
    elseif what == "refusal" then
      local failure = redis_error.refused(self.config, words[1], value)
      self:note_refusal(words[1], failure)
      f(nil, error_of(failure))
    else
      f(nil, error_of(value))
    end
  end
  notice_end(self, self.commands)
  if self.commands.state == "down" and core.now() >= self.retry_at then
    self:open(true)
  end
  if self.commands.state == "up" then
    send(self, self.commands, words, take)
  elseif self.commands.state == "opening" and (self.admits or not self.gone) then
    self.calls:push { words = words, take = take }
  else
    self:later(take, "lost", self.failure)
  end
  self:plan()
end

-- ---- the subscription -----------------------------------------------------------------------------------------------

function RedisConnection:subscribe()
  self.subscribing = self.subscribing + 1
  self.set:send(SUBSCRIPTION, { "SUBSCRIBE", self.config.channel })
end

--- Says whether anybody watches. While they do, on.heard(text) is called for each message; on.hearing(false) when
--- messages cannot arrive, on.hearing(true) when they can from now on.
---@param wanted boolean
function RedisConnection:want(wanted)
  self.wanted, self.told = wanted, nil
  notice_end(self, self.subscription)
  if not wanted then
    if self.subscription.state == "up" then
      self.set:send(SUBSCRIPTION, { "UNSUBSCRIBE", self.config.channel })
    end
  elseif self.subscription.state == "up" then
    self.heard_at = core.now()
    self:subscribe()
  elseif self.subscription.state == "opening" then
    return -- it will subscribe
  elseif self.commands.state ~= "down" then
    open_socket(self, self.subscription)
  elseif core.now() >= self.retry_at then
    self:open(true)
  else
    self:tell(false)
  end
  self:plan()
end

--- What a subscription says once it is greeted.
local function hear(self, value)
  if value[1] == "message" then
    if type(value[3]) ~= "string" then
      self:lose(redis_error.nonsense(self.config, "SUBSCRIBE"))
      return
    end
    self.on.heard(value[3])
  elseif value[1] == "subscribe" and self.subscribing > 0 then
    self.subscribing = self.subscribing - 1
    if self.subscribing == 0 then
      self:tell(true)
      self:check_back()
    end
  end
end

-- ---- stepping -------------------------------------------------------------------------------------------------------

local function receive(self, socket, what, value)
  if socket == self.subscription then
    self.heard_at, self.asked_at = core.now(), nil
  end
  local entry = socket.awaited:pop()
  if entry then
    entry.take(what, value)
  elseif what == "refusal" then
    local refused = socket == self.subscription and "SUBSCRIBE" or "the connection"
    self:lose(redis_error.greeting_refused(self.config, refused, value))
  elseif socket == self.subscription and type(value) == "table" then
    hear(self, value)
  end
end

--- Takes what the connections tell.
---@return integer count  of replies; with BATCH there may be more
local function hand_out(self)
  local count = 0
  while self.set and count < BATCH do
    local number, what, value = self.set:next()
    if not number then
      break
    end
    local socket = number == COMMANDS and self.commands or self.subscription
    if what == "connected" then
      greet(self, socket)
    elseif what == "gone" then
      self:lose(redis_error.unreachable(self.config, value))
    else
      count = count + 1
      receive(self, socket, what, value)
    end
  end
  return count
end

--- Calls back what stands ready now; what that adds has its turn at the next step.
local function deliver(self)
  local count = math.min(self.ready:count(), BATCH)
  for _ = 1, count do
    local item = self.ready:pop()
    if item then -- else one of them has closed the connection
      item[1](unpack(item, 2, item.n + 1))
    end
  end
  return count
end

local function ask_for_life(self, now)
  if not self.wanted or self.subscription.state ~= "up" then
    return
  end
  if not self.asked_at and now >= self.heard_at + SILENCE then
    self.asked_at = now
    self.set:send(SUBSCRIPTION, { "PING" })
  end
end

--- The moment by which a socket must have answered; nil when nothing is awaited.
local function deadline_of(self, socket)
  if socket.state == "opening" then
    return socket.deadline
  end
  local entry = socket.awaited:first()
  if entry then
    return entry.deadline
  end
  if socket == self.subscription and self.asked_at then
    return self.asked_at + self.config.timeout
  end
end

local function check_clock(self, now)
  for _, socket in ipairs { self.commands, self.subscription } do
    local deadline = deadline_of(self, socket)
    if deadline and now >= deadline then
      local seconds = socket.state == "opening" and self.config.connect_timeout or self.config.timeout
      self:lose(redis_error.silent(self.config, seconds))
      return
    end
  end
  if self.commands.state == "down" and self.failure and now >= self.retry_at then
    self:open(false)
  end
  ask_for_life(self, now)
end

--- When there is something to do by the clock alone; nil: never.
---@return number? moment
function RedisConnection:due()
  local due
  local function consider(moment)
    if moment and moment < math.huge and (not due or moment < due) then
      due = moment
    end
  end
  for _, socket in ipairs { self.commands, self.subscription } do
    consider(deadline_of(self, socket))
  end
  if self.commands.state == "down" and self.failure then
    consider(self.retry_at)
  end
  if self.wanted and self.subscription.state == "up" and not self.asked_at then
    consider(self.heard_at + SILENCE)
  end
  return due
end

--- Sees to it that the descriptor is readable when there is something to do.
---@param at_once boolean?
function RedisConnection:plan(at_once)
  if self.set then
    self.set:plan(self:due(), at_once or self.ready:count() > 0)
  end
end

--- Answers how much was done, and whether there is more to do at once.
local function work(self)
  local count = hand_out(self)
  local more = count == BATCH
  if self.set then
    if not more then -- else an answer that seems to be late may lie there
      check_clock(self, core.now())
    end
    count = count + deliver(self)
  end
  return count, more
end

--- Does what is ready; never waits. Raises what is raised by what it calls back; the rest then waits for the next step.
---@return integer? count
---@return table? err
function RedisConnection:step()
  local ok, reason = self.set:step()
  if not ok then
    return nil, core.error("network", ("%s cannot be used any more: %s"):format(self.config.place, reason))
  end
  local count, more
  self.stepping = true -- what is sent meanwhile leaves together
  ok, count, more = pcall(work, self)
  self.stepping = false
  if self.set then
    self.set:flush()
  end
  self:plan(more or not ok)
  if not ok then
    error(count, 0)
  end
  return count
end

--- Why calls fail at once; nil when they do not.
---@return finseg.Err?
function RedisConnection:problem()
  local state = self.commands.state
  if self.gone and state ~= "up" and not (state == "opening" and self.admits) then
    return error_of(self.failure)
  end
end

--- Has f() called at the next step if those who watch have been told that they hear nothing, and that is still so.
function RedisConnection:when_deaf(f)
  if self.told == false then
    self:later(function()
      if self.told == false then
        f()
      end
    end)
    self:plan()
  end
end

--- Whether anything may arrive soon.
---@return boolean
function RedisConnection:is_active()
  return self.outstanding > 0
    or self.ready:count() > 0
    or self.commands.state == "opening"
    or self.subscription.state == "opening"
    or (self.wanted and self.subscription.state == "up")
end

--- Closes at once. What was under way ends with `failure`.
---@param failure table
function RedisConnection:close(failure)
  local takes = drop_all(self)
  for item in self.ready.pop, self.ready do
    takes[#takes + 1] = function()
      item[1](unpack(item, 2, item.n + 1))
    end
  end
  local set, raised, problem = self.set, false, nil
  self.set = nil
  for _, take in ipairs(takes) do
    local ok, problem_of_one = pcall(take, "lost", failure)
    if not ok and not raised then
      raised, problem = true, problem_of_one
    end
  end
  set:close() -- who waited has let go of the descriptor by now
  if raised then
    error(problem, 0)
  end
end

return RedisConnection
