-- The store of one machine: a file (SQLite, mode 0600) that its processes share. The interface is described in
-- finseg.store. The C module finseg.store.sqlite is loaded at the first use.

local Watchers = require "finseg.store.watchers"
local check = require "finseg.value.check"
local core = require "finseg.core"
local optional_module = require "finseg.value.optional_module"

---@class finseg.FileStore: finseg.Store
---@field path string
---@field handle userdata?  nil once closed
---@field puts_left integer  until the next sweep
local FileStore = {
  -- A notify stays within the process, so who waits for another process looks for itself.
  poll_interval = 0.25,
}
FileStore.__index = FileStore

--- Puts of one process between two sweeps. What has ended is found by an index, so a sweep costs what it drops.
local PUTS_A_SWEEP = 1000

--- What to do about each kind of failure of finseg.store.sqlite.
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

local function failure(path, reason, kind)
  if kind == "resource" then
    return core.error("resource", ("the store %s cannot be used: %s"):format(path, reason))
  end
  local message = ("the store %s cannot be used (%s): %s"):format(path, reason, advice[kind])
  return core.error(kind == "locked" and "timeout" or "config", message)
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
  local handle, reason, kind = sqlite.open(path)
  if not handle then
    return nil, failure(path, reason, kind)
  end
  local self =
    { name = "file " .. path, path = path, handle = handle, puts_left = PUTS_A_SWEEP, watchers = Watchers.new() }
  handle:sweep("", core.time())
  return setmetatable(self, FileStore)
end

--- Calls a method of the handle: its answer, or nil and an err.
local function call(self, method, key, ...)
  if not self.handle then
    error("finseg: the store is closed", 3)
  end
  local answer, reason, kind = self.handle[method](self.handle, key, core.time(), ...)
  if kind then
    return nil, failure(self.path, reason, kind)
  end
  return answer
end

function FileStore:get(key)
  check.type(key, "string", 1, "get")
  return call(self, "get", key)
end

function FileStore:put_if_absent(key, value, seconds)
  check.type(key, "string", 1, "put_if_absent")
  check.type(value, "string", 2, "put_if_absent")
  check.type(seconds, "number", 3, "put_if_absent")
  local put, err = call(self, "put_if_absent", key, value, core.time() + seconds)
  if put then
    self.puts_left = self.puts_left - 1
    if self.puts_left <= 0 then
      self.puts_left = PUTS_A_SWEEP
      self.handle:sweep("", core.time()) -- if it fails, the next one drops as much
    end
  end
  return put, err
end

function FileStore:delete(key, value)
  check.type(key, "string", 1, "delete")
  check.optional(value, "string", 2, "delete")
  return call(self, "delete", key, value)
end

function FileStore:list(prefix)
  check.type(prefix, "string", 1, "list")
  local rows, err = call(self, "list", prefix)
  if not rows then
    return nil, err
  end
  for position, row in ipairs(rows) do
    rows[position] = { key = row[1], value = row[2], ends = row[3] }
  end
  return rows
end

Watchers.serve(FileStore)

function FileStore:close()
  if self.handle then
    self.handle:close()
    self.handle = nil
    self.watchers:close()
  end
end

return FileStore
