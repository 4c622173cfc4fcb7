-- The store of one machine: a file (SQLite, mode 0600) that its processes share. The interface is described in
-- finseg.store. The C module finseg.store.sqlite is loaded at the first use.
--
-- A file cannot wake anybody. So a notify is written down for the other processes, and while somebody watches, the
-- store looks every INTERVAL whether another process has changed the file. It is pollable for that.

local Pollable = require "finseg.wait.pollable"
local Watchers = require "finseg.store.watchers"
local check = require "finseg.value.check"
local checked = require "finseg.store.checked"
local core = require "finseg.core"
local optional_module = require "finseg.value.optional_module"

--- Seconds between two looks for notifies of other processes. A look takes some twenty microseconds.
local INTERVAL = 0.1

---@class finseg.FileStore: finseg.Store, finseg.Pollable
---@field path string
---@field handle userdata?  nil once closed
---@field puts_left integer  until the next sweep
---@field closed boolean
---@field waiting integer  who waits on it
---@field watchers finseg.Watchers
---@field due number  when it looks next, by core.now()
---@field deaf boolean  the last look failed
local FileStore = Pollable.new_class()

--- Puts of one process between two sweeps. What has ended is found by an index, so a sweep costs what it drops.
local PUTS_A_SWEEP = 1000

--- What to do about each problem of finseg.store.sqlite.
local advice = {
  newer = "it was written by a later version of finseg: update finseg, or name another file",
  foreign = "it is no store of finseg, or damaged from its first byte on: name another file",
  corrupt = "it is damaged: move it away, and a new one is made (jobs made so far are then made again)",
  locked = "another process keeps it locked: try again, or end that process",
  readonly = "it cannot be written: check its owner and mode, and that the disk is not read-only, or name another file",
  full = "the disk is full or fails: make room, or name another file",
  access = "check that the folder is there and yours, or name another file",
  other = "name another file if this goes on",
}

local function failure(path, reason, problem)
  if problem == "resource" then
    return core.error("resource", ("the store %s cannot be used: %s"):format(path, reason))
  end
  local message = ("the store %s cannot be used (%s): %s"):format(path, reason, advice[problem])
  return core.error(problem == "locked" and "timeout" or "config", message)
end

--- Opens the file, or makes it. Its folder is made too, for the user alone.
---@param path string
---@return finseg.FileStore? store
---@return table? err  kind `config`, `timeout` or `resource`
function FileStore.open(path)
  check.type(path, "string", 1, "open")
  local sqlite, err = optional_module "finseg.store.sqlite"
  if not sqlite then
    return nil, err
  end
  local folder = path:match "^(.+)/[^/]*$"
  if folder then
    local made, reason = core.create_folder(folder)
    if not made then
      return nil, failure(path, reason, "access")
    end
  end
  local handle, reason, problem = sqlite.open(path)
  if not handle then
    return nil, failure(path, reason, problem)
  end
  local signal
  signal, err = core.signal()
  if not signal then
    handle:close()
    return nil, err
  end
  handle:sweep("", core.time())
  return setmetatable({
    name = "file " .. path,
    path = path,
    handle = handle,
    puts_left = PUTS_A_SWEEP,
    closed = false,
    waiting = 0,
    watchers = Watchers.new(),
    due = 0,
    deaf = false,
    _core = signal,
  }, FileStore)
end

--- Calls a method of the handle: its answer, or nil and an err.
local function call(self, method, key, ...)
  local answer, reason, problem = self.handle[method](self.handle, key, core.time(), ...)
  if problem then
    return nil, failure(self.path, reason, problem)
  end
  return answer
end

function FileStore:get(key)
  return call(self, "get", key)
end

function FileStore:put(key, value, seconds, expected)
  local ends = seconds > 0 and core.time() + seconds or 0
  local put, err = call(self, "put", key, value, ends, expected)
  if put then
    self.puts_left = self.puts_left - 1
    if self.puts_left <= 0 then
      self.puts_left = PUTS_A_SWEEP
      self.handle:sweep("", core.time()) -- if it fails, the next one drops as much
    end
  end
  return put, err
end

function FileStore:delete(key, expected)
  return call(self, "delete", key, expected)
end

function FileStore:list(prefix)
  local listed, err = call(self, "list", prefix)
  for position, item in ipairs(listed or {}) do
    listed[position] = { key = item[1], value = item[2], ends = item[3] }
  end
  return listed, err
end

function FileStore:notify(key)
  local written, err = call(self, "notify", key)
  self._core:raise() -- whoever polls it for a wait that this ends
  self.watchers:notify(key)
  return written, err
end

-- ---- watching -------------------------------------------------------------------------------------------------------

--- Tells what other processes have notified.
local function look(self)
  local keys, err = call(self, "heard", "")
  if self.deaf ~= (err ~= nil) then
    self.deaf = err ~= nil
    self.watchers:tell_all(self.deaf and "deaf" or "hearing")
  end
  local failed, problem = false, nil
  for _, key in ipairs(keys or {}) do
    local ok, raised = pcall(self.watchers.notify, self.watchers, key)
    if not ok and not failed then
      failed, problem = true, raised
    end
  end
  if failed then
    error(problem, 0)
  end
end

function FileStore:watch(key, f)
  if self.watchers:is_empty() then
    self.deaf = call(self, "hear", "") == nil
    self.due = core.now() + INTERVAL
    self._core:raise_in(INTERVAL)
  end
  local stop = self.watchers:watch(key, f)
  if self.deaf then
    f "deaf"
  end
  return stop
end

--- Looks, if it is time. Raises what a watcher has raised.
---@return integer count
function FileStore:step()
  self._core:clear()
  if self.closed or self.watchers:is_empty() then
    return 0
  end
  local left = self.due - core.now()
  if left > 0 then
    self._core:raise_in(left)
    return 0
  end
  self.due = core.now() + INTERVAL
  self._core:raise_in(INTERVAL)
  look(self)
  return 1
end

--- Who waits on it.
---@return integer
function FileStore:pending()
  return self.waiting
end

--- Seconds until step() has something to do; nil: nothing is planned.
---@return number?
function FileStore:next_timeout()
  return not self.watchers:is_empty() and math.max(self.due - core.now(), 0) or nil
end

function FileStore:close()
  if not self.closed then
    self.closed, self.watchers = true, Watchers.new()
    self.handle:close()
    self.handle = nil
  end
end

return checked.class(FileStore)
