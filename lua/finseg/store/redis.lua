-- The store of many hosts: a Redis. The interface is described in finseg.store. The C module finseg.store.hiredis is
-- loaded at the first use.
--
--   finseg.store.open("redis", { host = "10.0.0.7", port = 6379, password = os.getenv "REDIS_PASSWORD" })
--
-- Options, all with defaults:
--   host, port        "127.0.0.1", 6379. An address: a name is looked up at each connect, and the program waits for it.
--   path              a socket in the file system, instead of host and port
--   username, password, database   none, none, 0
--   prefix            "finseg:", before every key. Who is to share a store gives the same.
--   timeout           3 seconds, for the answer to a command; after that the Redis counts as gone
--   connect_timeout   3 seconds
--   log               a function that is told, f { name =, message =, time = }, that the Redis is gone ("store_gone")
--                     and that it is back ("store_back"). It must not wait.
--
-- Opening makes no connection: the first call does. With the Redis gone, calls fail at once with an err of the kind
-- `network`, and it is tried again every few seconds; a put whose answer was lost may have been done. Those who watch
-- are told "deaf" and, later, "hearing".
--
-- What is written ends by itself (PX). A Redis that evicts (maxmemory-policy other than noeviction) may forget earlier.

local Pollable = require "finseg.wait.pollable"
local RedisConnection = require "finseg.store.redis_connection"
local Watchers = require "finseg.store.watchers"
local await = require "finseg.wait.await"
local check = require "finseg.value.check"
local checked = require "finseg.store.checked"
local core = require "finseg.core"
local log_guard = require "finseg.value.log_guard"
local optional_module = require "finseg.value.optional_module"

--- A time to live beyond this is as good as for ever. Milliseconds; Redis adds the time since 1970 in 63 bits.
local LONGEST = 100 * 365 * 86400 * 1000
--- Keys that one SCAN looks at.
local SCAN_COUNT = 500
local ID_LENGTH = 16

local PUT_IF = [[
  if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
  return 1]]

local DELETE_IF = [[
  if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
  return 0]]

local READ_ALL = [[
  local found = {}
  for position, key in ipairs(KEYS) do
    local value = redis.pcall("GET", key)
    found[position] = { type(value) == "string" and value, redis.call("PTTL", key) }
  end
  return found]]

---@class finseg.RedisStore: finseg.Store, finseg.Pollable
---@field closed boolean
---@field closing boolean?
---@field waiting integer  who waits on the store without a call under way
---@field prefix string
---@field id string  tells this store's own notifies
---@field watched integer  how many watch
---@field log_error any  what the log function raised, after which it is called no more
---@field connection finseg.RedisConnection
---@field set userdata
local RedisStore = Pollable.new_class()

-- ---- opening --------------------------------------------------------------------------------------------------------

local function is_text(value)
  return type(value) == "string" and value ~= "" and not value:find "%c" and not value:find "%z"
end

local function is_seconds(value)
  return type(value) == "number" and value > 0 and value < math.huge
end

local function is_whole(from, to)
  return function(value)
    return type(value) == "number" and value >= from and value <= to and math.floor(value) == value
  end
end

local function is_string(value)
  return type(value) == "string"
end

--- By name: what tells a good value, how to say it, and the default.
local options = {
  host = { is_text, "an address", "127.0.0.1" },
  port = { is_whole(1, 65535), "a whole number from 1 to 65535", 6379 },
  path = { is_text, "the path of a socket" },
  username = { is_string, "a text" },
  password = { is_string, "a text" },
  database = { is_whole(0, 2 ^ 31 - 1), "a whole number from 0 on", 0 },
  prefix = { is_string, "a text", "finseg:" },
  timeout = { is_seconds, "a number of seconds above 0", 3 },
  connect_timeout = { is_seconds, "a number of seconds above 0", 3 },
  log = {
    function(value)
      return type(value) == "function"
    end,
    "a function",
  },
}

local function refuse(name, expected)
  return nil, core.error("config", ("the store of the type redis: %s: %s expected"):format(name, expected))
end

---@return table? config
---@return table? err
local function read_options(given)
  local config = {}
  for name, option in pairs(options) do
    config[name] = option[3]
  end
  for name, value in pairs(given) do
    local option = options[name]
    if not option then
      return refuse(tostring(name), "an option that there is (see finseg.store.redis), not this one,")
    elseif not option[1](value) then
      return refuse(name, option[2])
    end
    config[name] = value
  end
  if given.path and (given.host or given.port) then
    return refuse("path", "either it, or host and port,")
  elseif given.username and not given.password then
    return refuse("password", "one for the username")
  end
  return config
end

local function address_of(config)
  if config.path then
    return config.path
  end
  return (config.host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(config.host, config.port)
end

local function new_id(set)
  return ("%08x%08x"):format(math.floor(set:random() * 2 ^ 32), math.floor(set:random() * 2 ^ 32))
end

local function tell(entry, news)
  if not entry.stopped then
    entry.f(news)
  end
end

---@param given table?  see above
---@return finseg.RedisStore? store
---@return table? err  kind `config`, or `resource`
function RedisStore.open(given)
  check.optional(given, "table", 1, "open")
  local config, err = read_options(given or {})
  if not config then
    return nil, err
  end
  local hiredis
  hiredis, err = optional_module "finseg.store.hiredis"
  if not hiredis then
    return nil, err
  end
  local set, reason, is_shortage = hiredis.open()
  if not set then
    return nil, core.error(is_shortage and "resource" or "network", "a store in a Redis: " .. reason)
  end
  local address = address_of(config)
  config.place = "the Redis at " .. address
  config.channel = ("%snotify:%d"):format(config.prefix, config.database)
  local self = setmetatable({
    name = ("redis %s, %s"):format(address, config.prefix),
    closed = false,
    waiting = 0,
    watched = 0,
    watchers = Watchers.new(),
    prefix = config.prefix,
    channel = config.channel,
    set = set,
    id = new_id(set),
  }, RedisStore)
  self.log = config.log and log_guard(self, config.log)
  self.connection = RedisConnection.new(set, config, {
    heard = function(text)
      self:_heard(text)
    end,
    hearing = function(hearing)
      for _, entry in ipairs(self.watchers:all()) do
        self.connection:later(tell, entry, hearing and "hearing" or "deaf")
      end
    end,
    log = function(event)
      if self.log and not self.closed then
        self.log(event)
      end
    end,
  })
  return self
end

local CLOSED = { kind = "cancelled", message = "cancelled, because the store was closed" }

--- Raises when the store is closed; answers an err while it closes, and where it is another process's.
local function problem_here(self)
  if self.closing then
    return core.error(CLOSED.kind, CLOSED.message)
  elseif self.closed then
    error("finseg: the store is closed", 4)
  elseif not self.set:is_own() then
    return core.error(
      "invalid",
      "the store was opened in another process: open one in each process (in nginx: in a worker, not in init_by_lua)"
    )
  end
end

-- ---- calls ----------------------------------------------------------------------------------------------------------

--- What replies there can be.
local function is_number(reply)
  return type(reply) == "number"
end

local function is_value(reply) -- false: there is none
  return reply == false or type(reply) == "string"
end

local function is_list(reply, is_member)
  if type(reply) ~= "table" then
    return false
  end
  for _, member in ipairs(reply) do
    if not is_member(member) then
      return false
    end
  end
  return true
end

local function is_text_of_any_length(reply)
  return type(reply) == "string"
end

local function is_page(reply)
  return type(reply) == "table" and type(reply[1]) == "string" and is_list(reply[2], is_text_of_any_length)
end

local function is_value_and_life(reply)
  return type(reply) == "table" and is_value(reply[1]) and is_number(reply[2])
end

local function is_anything()
  return true
end

--- How each method begins: start.METHOD(self, f, ...).
local start = {}

function start.get(self, f, key)
  self.connection:call({ "GET", self.prefix .. key }, is_value, function(value, err)
    f(value or nil, err)
  end)
end

local function is_positive(f)
  return function(count, err)
    if err then
      return f(nil, err)
    end
    f(count > 0)
  end
end

local function is_true_if_ok(f)
  return function(reply, err)
    if err then
      return f(nil, err)
    end
    f(reply == "OK")
  end
end

--- What has ended already is put: nothing is there afterwards.
local function put_nothing(self, f, key, expected)
  if expected == false then
    return self.connection:call({ "EXISTS", self.prefix .. key }, is_number, function(count, err)
      if err then
        return f(nil, err)
      end
      f(count == 0)
    end)
  end
  start.delete(self, function(deleted, err)
    if err then
      return f(nil, err)
    end
    f(deleted or expected == nil)
  end, key, expected)
end

function start.put(self, f, key, value, seconds, expected)
  if seconds <= 0 or seconds ~= seconds then
    return put_nothing(self, f, key, expected)
  end
  local name, life = self.prefix .. key, ("%.0f"):format(math.min(math.ceil(seconds * 1000), LONGEST))
  if expected then
    self.connection:call({ "EVAL", PUT_IF, "1", name, expected, value, life }, is_number, is_positive(f))
  elseif expected == false then
    self.connection:call({ "SET", name, value, "NX", "PX", life }, is_value, is_true_if_ok(f))
  else
    self.connection:call({ "SET", name, value, "PX", life }, is_value, is_true_if_ok(f))
  end
end

function start.delete(self, f, key, expected)
  if expected then
    self.connection:call({ "EVAL", DELETE_IF, "1", self.prefix .. key, expected }, is_number, is_positive(f))
  else
    self.connection:call({ "DEL", self.prefix .. key }, is_number, is_positive(f))
  end
end

--- The time at which something with so many milliseconds to live ends.
local function end_of(milliseconds)
  return milliseconds >= 0 and core.time() + milliseconds / 1000 or math.huge
end

--- Reads the values of keys into `found`, by key.
local function read_page(self, keys, found, f)
  if #keys == 0 then
    return f()
  end
  local words = { "EVAL", READ_ALL, ("%d"):format(#keys) }
  for _, key in ipairs(keys) do
    words[#words + 1] = key
  end
  local function is_good(reply)
    return is_list(reply, is_value_and_life) and #reply == #keys
  end
  self.connection:call(words, is_good, function(reply, err)
    for position, pair in ipairs(reply or {}) do
      if pair[1] then
        local key = keys[position]:sub(#self.prefix + 1)
        found[key] = { key = key, value = pair[1], ends = end_of(pair[2]) }
      end
    end
    f(err)
  end)
end

local function sorted(found)
  local listed = {}
  for _, item in pairs(found) do
    listed[#listed + 1] = item
  end
  table.sort(listed, function(a, b)
    return a.key < b.key
  end)
  return listed
end

function start.list(self, f, prefix)
  local pattern = (self.prefix .. prefix):gsub("[%*%?%[%]\\]", "\\%0") .. "*"
  local found = {} -- a SCAN may name a key more than once
  local function scan(cursor)
    local words = { "SCAN", cursor, "MATCH", pattern, "COUNT", ("%d"):format(SCAN_COUNT) }
    self.connection:call(words, is_page, function(reply, err)
      if err then
        return f(nil, err)
      end
      read_page(self, reply[2], found, function(problem)
        if problem then
          f(nil, problem)
        elseif reply[1] == "0" then
          f(sorted(found))
        else
          scan(reply[1])
        end
      end)
    end)
  end
  scan "0"
end

--- Begins a call and returns at once. f gets what the method would have answered, from step(). (In a process forked
--- from the store's own, where nothing can be called, it gets that err at once.)
---@param method "get"|"put"|"delete"|"list"
---@param f function
---@param ... any  the method's arguments
function RedisStore:begin(method, f, ...)
  if not start[method] then
    check.fail(1, "begin", "get, put, delete or list expected")
  end
  check.type(f, "function", 2, "begin")
  checked.arguments(method, ...)
  local err = problem_here(self)
  if err then
    f(nil, err)
  else
    start[method](self, f, ...)
  end
end

for method in pairs(start) do
  RedisStore[method] = function(self, ...)
    return await.call(self, method, ...)
  end
end

-- ---- notify and watch -----------------------------------------------------------------------------------------------

--- Has the Redis tell the other processes. What is lost with the connection on its way there is sent once more.
local function publish(self, key, is_last)
  self.connection:call({ "PUBLISH", self.channel, self.id .. " " .. key }, is_anything, function(_, err)
    if err and not is_last and not self.closed then
      publish(self, key, true)
    end
  end)
end

function RedisStore:notify(key)
  local err = problem_here(self)
  self.watchers:notify(key)
  if err then
    return nil, err
  end
  publish(self, key)
  err = self.connection:problem()
  if err then
    return nil, err
  end
  return true
end

--- A message of the channel, which every store of this prefix hears. So watching a key costs the Redis nothing, and is
-- in force at once.
function RedisStore:_heard(text)
  if text:sub(1, ID_LENGTH) ~= self.id then
    self.watchers:notify(text:sub(ID_LENGTH + 2))
  end
end

function RedisStore:watch(key, f)
  if problem_here(self) then
    return self.watchers:watch(key, f)
  end
  local stop_watching = self.watchers:watch(key, f)
  local stopped = false
  self.watched = self.watched + 1
  if self.watched == 1 then
    self.connection:want(true)
  else
    self.connection:when_deaf(function()
      if not stopped then
        f "deaf"
      end
    end)
  end
  return function()
    if stopped then
      return
    end
    stopped = true
    stop_watching()
    self.watched = self.watched - 1
    if self.watched == 0 and not self.closed then
      self.connection:want(false)
    end
  end
end

-- ---- pollable -------------------------------------------------------------------------------------------------------

--- The descriptor to watch for reading, the same while the store is open; nil once it is closed.
---@return integer?
function RedisStore:pollfd()
  if not self.closed then
    return self.set:fd()
  end
end

--- Does the work that is ready, without waiting: calls back what has been answered, and tells those who watch.
---@return integer? count
---@return table? err
function RedisStore:step()
  local err = problem_here(self)
  if err then
    return nil, err
  end
  return self.connection:step()
end

--- Calls under way, and those who wait for a notify.
---@return integer
function RedisStore:pending()
  return self.closed and 0 or self.connection.outstanding + self.waiting
end

--- Whether it is gone and tries to come back: whoever steps it only while something is under way goes on for that.
---@return boolean
function RedisStore:is_recovering()
  return not self.closed and self.connection.gone
end

--- Above 0 while something may arrive soon.
---@return integer
function RedisStore:transfers()
  return not self.closed and self.connection:is_active() and 1 or 0
end

--- Seconds until step() has something to do by the clock alone; nil: nothing is planned.
---@return number?
function RedisStore:next_timeout()
  if self.closed then
    return nil
  elseif self.connection.ready:count() > 0 then
    return 0
  end
  local due = self.connection:due()
  return due and math.max(due - core.now(), 0)
end

function RedisStore:close()
  if self.closed then
    return
  end
  self.closed, self.watchers = true, Watchers.new()
  self.closing = true -- what is called back may call again
  local ok, problem = pcall(self.connection.close, self.connection, CLOSED)
  self.closing = false
  if not ok then
    error(problem, 0)
  end
end

return checked.class(RedisStore)
