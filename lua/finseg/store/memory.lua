-- The store of one process: it is gone when the process is. The interface is described in finseg.store.

local Watchers = require "finseg.store.watchers"
local checked = require "finseg.store.checked"
local core = require "finseg.core"

---@class finseg.MemoryStore: finseg.Store
---@field entries table<string, { value: string, ends: number }>
---@field puts_left integer  until the next sweep
local MemoryStore = { name = "memory" }
MemoryStore.__index = MemoryStore

--- Puts between two sweeps.
local LEAST_PUTS = 1000

---@return finseg.MemoryStore
function MemoryStore.open()
  local self = { entries = {}, puts_left = LEAST_PUTS, watchers = Watchers.new(), closed = false }
  return setmetatable(self, MemoryStore)
end

--- Drops what has ended. The next sweep is after as many puts as entries are left: so a put costs little, and there are
--- never more than about twice as many entries as live.
local function sweep(self)
  local now, living_count = core.time(), 0
  for key, entry in pairs(self.entries) do
    if entry.ends <= now then
      self.entries[key] = nil
    else
      living_count = living_count + 1
    end
  end
  self.puts_left = math.max(living_count, LEAST_PUTS)
end

--- The entry that has not ended; one that has is dropped on the way.
local function living(self, key)
  local entry = self.entries[key]
  if entry and entry.ends <= core.time() then
    self.entries[key], entry = nil, nil
  end
  return entry
end

function MemoryStore:get(key)
  local entry = living(self, key)
  return entry and entry.value
end

--- Whether what is there is what somebody expects: nil is anything.
local function is_expected(entry, expected)
  return expected == nil or (entry and entry.value or false) == expected
end

function MemoryStore:put(key, value, seconds, expected)
  if not is_expected(living(self, key), expected) then
    return false
  end
  self.puts_left = self.puts_left - 1
  if self.puts_left <= 0 then
    sweep(self)
  end
  self.entries[key] = { value = value, ends = seconds > 0 and core.time() + seconds or 0 }
  return true
end

function MemoryStore:delete(key, expected)
  local entry = living(self, key)
  if not entry or not is_expected(entry, expected) then
    return false
  end
  self.entries[key] = nil
  return true
end

function MemoryStore:list(prefix)
  local keys = {}
  for key in pairs(self.entries) do
    if key:sub(1, #prefix) == prefix then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  local listed = {}
  for _, key in ipairs(keys) do
    local entry = living(self, key)
    if entry then
      listed[#listed + 1] = { key = key, value = entry.value, ends = entry.ends }
    end
  end
  return listed
end

function MemoryStore:notify(key)
  self.watchers:notify(key)
  return true
end

function MemoryStore:watch(key, f)
  return self.watchers:watch(key, f)
end

function MemoryStore:close()
  self.closed, self.entries, self.watchers = true, {}, Watchers.new()
end

return checked.class(MemoryStore)
