-- Who watches which key, within this process: the half of notify that every type of store needs.

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
    entry.stopped = true
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

local function copy_into(called, watching)
  for _, entry in ipairs(watching) do
    called[#called + 1] = entry
  end
  return called
end

--- Calls them all; then raises what the first has raised, if any has.
local function call_all(called, news)
  local failed, problem
  for _, entry in ipairs(called) do
    local ok, raised = pcall(entry.f, news)
    if not ok and not failed then
      failed, problem = true, raised
    end
  end
  if failed then
    error(problem, 0)
  end
end

--- A watcher may stop, or watch anew, while it is called.
---@param key string
function Watchers:notify(key)
  call_all(copy_into({}, self.by_key[key] or {}))
end

--- Everybody, whatever key they watch: a list of { f =, stopped = true when it is over }.
---@return table[]
function Watchers:all()
  local all = {}
  for _, watching in pairs(self.by_key) do
    copy_into(all, watching)
  end
  return all
end

--- Calls f(news) of everybody.
---@param news "deaf"|"hearing"
function Watchers:tell_all(news)
  call_all(self:all(), news)
end

---@return boolean
function Watchers:is_empty()
  return next(self.by_key) == nil
end

return Watchers
