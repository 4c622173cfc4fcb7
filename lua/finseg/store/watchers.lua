-- Who watches which key, within this process: the half of notify that every kind of store needs.

---@class finseg.Watchers
local Watchers = {}
Watchers.__index = Watchers

---@return finseg.Watchers
function Watchers.new()
  return setmetatable({ by_key = {} }, Watchers)
end

--- Calls f() at each notify of the key, until the function that this answers is called.
---@param key string
---@param f function
---@return function stop
function Watchers:watch(key, f)
  local watching = self.by_key[key] or {}
  self.by_key[key] = watching
  local entry = { f = f }
  watching[#watching + 1] = entry
  return function()
    for position, other in ipairs(watching) do
      if other == entry then
        table.remove(watching, position)
        break
      end
    end
    if #watching == 0 and self.by_key[key] == watching then
      self.by_key[key] = nil
    end
  end
end

--- A watcher may stop, or watch anew, while it is called.
---@param key string
function Watchers:notify(key)
  local called = {}
  for position, entry in ipairs(self.by_key[key] or {}) do
    called[position] = entry
  end
  for _, entry in ipairs(called) do
    entry.f()
  end
end

return Watchers
