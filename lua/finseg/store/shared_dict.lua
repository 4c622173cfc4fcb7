-- The store of nginx's workers: a lua_shared_dict. The interface is described in finseg.store. Its calls never wait; it
-- lives as long as nginx, reloads included.
--
-- An entry with a short key and value takes a quarter of a kilobyte of the dict, and the notes of notifies (see
-- finseg.store.dict_notes) an eighth of it, a megabyte at most. finseg never pushes anything out to make room: a full
-- dict refuses what is put, and waits that have begun are notified all the same. But a program that puts entries of its
-- own into the dict with nginx's dict:set pushes out those of finseg; so give finseg a dict of its own.

local DictNotes = require "finseg.store.dict_notes"
local check = require "finseg.value.check"
local checked = require "finseg.store.checked"
local core = require "finseg.core"

--- What keys of finseg's begin with in the dict.
local VALUE, LOCK, COUNT = "finseg:value:", "finseg:lock:", "finseg:count:"

--- Seconds after which the lock of a worker that was killed is void, and for which another one tries to get it.
local LOCK_LIFE, LOCK_PATIENCE = 1, 2

--- The longest life that is sure to fit into the dict's milliseconds: 30 years.
local LONGEST = 1e9

--- Seconds between two searches of a full dict for entries that have ended.
local SWEEPING = 1

---@class finseg.SharedDict: finseg.Store
---@field closed boolean
---@field dict table  of nginx
---@field dict_name string
---@field notes finseg.DictNotes
---@field stops table<function, boolean>  what ends the watches
---@field swept_at number
local SharedDict = {}
SharedDict.__index = SharedDict

--- The err for what a dict complains about.
local function failure(name, dict, problem)
  local message
  if problem == "no memory" then
    message = ("the shared dict %s is full (%d KiB): make it larger in nginx.conf, and restart nginx"):format(
      name,
      dict:capacity() / 1024
    )
  else
    message = ("the shared dict %s refused a key (%s): use another key"):format(name, problem)
  end
  return core.error("config", message)
end

--- Opens the dict of that name.
---@param name string  what nginx.conf calls it: `lua_shared_dict finseg 20m;`
---@return finseg.SharedDict? store
---@return table? err  kind `config`
function SharedDict.open(name)
  check.type(name, "string", 1, "open")
  local ngx = rawget(_G, "ngx")
  if type(ngx) ~= "table" or type(ngx.shared) ~= "table" then
    return nil, core.error("config", "a store of the type shared_dict is for nginx's workers, and this is not nginx")
  end
  local dict = ngx.shared[name]
  if not dict then
    local message = "there is no shared dict %s: add `lua_shared_dict %s 20m;` to the http block of nginx.conf"
    return nil, core.error("config", message:format(name, name))
  end
  local notes, problem = DictNotes.of(name, dict)
  if not notes then
    return nil, type(problem) == "table" and problem or failure(name, dict, problem)
  end
  return setmetatable({
    name = "shared_dict " .. name,
    closed = false,
    dict = dict,
    dict_name = name,
    notes = notes,
    stops = {},
    swept_at = -math.huge,
  }, SharedDict)
end

--- dict:safe_add. nginx looks for entries that have ended at the end of its list alone; so a dict that is full is
--- searched for them, but not again and again.
local function safe_add(self, key, value, seconds)
  local added, problem = self.dict:safe_add(key, value, seconds)
  if problem ~= "no memory" or core.now() - self.swept_at < SWEEPING then
    return added, problem
  end
  self.swept_at = core.now()
  self.dict:flush_expired()
  return self.dict:safe_add(key, value, seconds)
end

function SharedDict:get(key)
  local value, problem = self.dict:get(VALUE .. key)
  if type(problem) == "string" then
    return nil, failure(self.dict_name, self.dict, problem)
  end
  return value
end

--- Keeps others from changing the key, those aside who put it where nothing is: dict:safe_add needs no lock. Whoever
--- has the lock lets go of it within microseconds, unless its worker is stopped or killed just then.
---@return boolean? locked
---@return table? err  kind `timeout`, or `config` when the dict is full
local function lock(self, key)
  local deadline = core.now() + LOCK_PATIENCE
  repeat
    local added, problem = safe_add(self, LOCK .. key, true, LOCK_LIFE)
    if added then
      return true
    elseif problem ~= "exists" then
      return nil, failure(self.dict_name, self.dict, problem)
    end
    core.poll({}, 0.001)
    ngx.update_time() -- by which the dict knows that a lock has ended
  until core.now() > deadline
  return nil, core.error("timeout", ("another worker keeps an entry of %s locked: try again"):format(self.name))
end

local function put_if_absent(self, key, value, seconds)
  if seconds <= 0 then
    return self.dict:get(VALUE .. key) == nil
  end
  local added, problem = safe_add(self, VALUE .. key, value, seconds)
  if not added and problem ~= "exists" then
    return nil, failure(self.dict_name, self.dict, problem)
  end
  return added
end

--- Puts the value if what is there is expected; nil expects anything.
local function replace(self, key, value, seconds, expected)
  if expected and self.dict:get(VALUE .. key) ~= expected then
    return false
  elseif seconds <= 0 then
    self.dict:delete(VALUE .. key)
    return true
  end
  local set, problem = self.dict:safe_set(VALUE .. key, value, seconds)
  if set then
    return true
  end
  return nil, failure(self.dict_name, self.dict, problem)
end

function SharedDict:put(key, value, seconds, expected)
  seconds = seconds > 0 and math.max(math.min(seconds, LONGEST), 0.001) or 0
  if expected == false then
    return put_if_absent(self, key, value, seconds)
  end
  local locked, err = lock(self, key)
  if not locked then
    return nil, err
  end
  local put
  put, err = replace(self, key, value, seconds, expected)
  self.dict:delete(LOCK .. key)
  return put, err
end

--- Deletes the entry if it has that value, or any when `expected` is nil.
local function delete(self, key, expected)
  local found = self.dict:get(VALUE .. key)
  if found == nil or expected and found ~= expected then
    return false
  end
  self.dict:delete(VALUE .. key)
  return true
end

function SharedDict:delete(key, expected)
  local locked, err = lock(self, key)
  -- In a full dict there is no room for a lock, and a deletion makes some.
  if not locked and (expected or err.kind == "timeout") then
    return nil, err
  end
  local deleted = delete(self, key, expected)
  if locked then
    self.dict:delete(LOCK .. key)
  end
  return deleted
end

--- Goes through the whole dict, and no worker can use it meanwhile: about a millisecond for 10,000 entries.
function SharedDict:list(prefix)
  local dict, keys = self.dict, {}
  for _, key in ipairs(dict:get_keys(0)) do
    if key:sub(1, #VALUE + #prefix) == VALUE .. prefix then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  local listed = {}
  for _, key in ipairs(keys) do
    local value, left = dict:get(key), dict:ttl(key)
    if value and left then
      listed[#listed + 1] = { key = key:sub(#VALUE + 1), value = value, ends = core.time() + left }
    end
  end
  return listed
end

function SharedDict:notify(key)
  local ok, problem = self.notes:notify(key)
  if not ok then
    return nil, failure(self.dict_name, self.dict, problem)
  end
  return true
end

function SharedDict:watch(key, f)
  local stop_watching = self.notes:watch(key, f)
  local function stop()
    self.stops[stop] = nil
    stop_watching()
  end
  self.stops[stop] = true
  return stop
end

--- Adds one to a count of all workers. What does not fit into the dict is not counted.
---@param name string
function SharedDict:count(name)
  local dict = self.dict
  if not dict:incr(COUNT .. name, 1) and not dict:safe_add(COUNT .. name, 1) then
    dict:incr(COUNT .. name, 1)
  end
end

--- The count of that name over all workers, since nginx has started.
---@param name string
---@return number
function SharedDict:counted(name)
  return self.dict:get(COUNT .. name) or 0
end

function SharedDict:close()
  for stop in pairs(self.stops) do
    stop()
  end
  self.closed = true
end

return checked.class(SharedDict)
