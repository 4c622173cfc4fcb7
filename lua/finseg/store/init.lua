-- Stores: what must be remembered beyond a client (jobs made, callbacks received) goes through one interface. Nothing
-- else in finseg remembers.
--
-- A store keeps texts under keys, each until an end by the wall clock. It is a table with these members; a program may
-- bring its own: spec/lua/store/contract.lua is what a store must do, as tests to run on it.
--
--   name                text, for messages: "memory", "file /home/ann/.local/state/finseg/store.db"
--   get(self, key)      -> value | nil: there is none, or it has ended | nil, err
--   put(self, key, value, seconds, expected)
--                       -> true | false: something else than `expected` is there | nil, err
--                       keeps the value for that long; with 0 seconds or less, nothing is there afterwards. `expected`
--                       nil: whatever is there is replaced; false: only if nothing is there; text: only if exactly
--                       that is there. However many processes try at once, one of them gets true.
--   delete(self, key, expected)
--                       -> whether there was one | nil, err
--                       `expected` text: only if exactly that is there
--   list(self, prefix)  -> a list of { key =, value =, ends = seconds since 1970 }, sorted by the bytes of the keys
--                       | nil, err
--   notify(self, key)   -> true | nil, err
--                       tells everybody who watches the key, in any process that shares the store, that there is
--                       something new about it. An err: perhaps not everybody. Never waits.
--   watch(self, key, f) -> stop, a function
--                       calls f() at each notify of the key until stop(), by whatever means the store has: at once
--                       when the notify was made in this process. f must not wait. While notifies of other processes
--                       cannot arrive (a connection is lost), the watcher is told: f("deaf") when that begins or when
--                       the watch does, and f("hearing") when it is over; f has to look for what it has missed.
--   begin(self, method, f, ...)
--                       only in stores whose calls wait: starts get, put, delete or list with these arguments and
--                       returns at once; f is called with what the call answers, from the store's step()
--   count(self, name)   only in stores that count for all their processes: adds one
--   counted(self, name) only there -> the number
--   close(self)         lets go of everything; again is harmless. Other calls on a closed store raise.
--
-- A store that needs to be stepped, to hear notifies or since its calls wait, is pollable, as client:attach()
-- describes, and has `waiting`, a number in which finseg counts who waits on it; pending() is that and the calls
-- under way.
--
-- Keys and values are text; zero bytes in values are kept. Failures are err objects of finseg: kind `config` when the
-- store cannot be used as it stands (the message says what to do), `auth` when it refuses the caller, `timeout` when
-- another process kept it locked too long, `network` when it is out of reach: then the work goes on without it. Where a
-- wait depends on it, a method that raises counts as one that failed.
--
-- What finseg keeps: the journal's entries, which are no secrets, and of each job whose callback is expected the token
-- that its callback has to bring, until the job's end is known, a day at most. Whoever can read that can make a wait
-- ask the service early, and nothing else. Whoever can write to a store can have a job of the journal answer for
-- another.
--
-- Types that come with finseg: memory (this process), file (SQLite; processes of this machine), shared_dict (the
-- workers of one nginx), redis (any host).

local check = require "finseg.value.check"
local core = require "finseg.core"

---@class finseg.Store
---@field name string
---@field get fun(self: finseg.Store, key: string): string?, table?
---@field put fun(self: finseg.Store, key: string, value: string, seconds: number, expected: any): boolean?, table?
---@field delete fun(self: finseg.Store, key: string, expected: string?): boolean?, table?
---@field list fun(self: finseg.Store, prefix: string): table[]?, table?
---@field notify fun(self: finseg.Store, key: string): boolean?, table?
---@field watch fun(self: finseg.Store, key: string, f: function): function
---@field close fun(self: finseg.Store)

local store = {}

local types = {
  memory = "finseg.store.memory",
  file = "finseg.store.file",
  shared_dict = "finseg.store.shared_dict",
  redis = "finseg.store.redis",
}
local methods = { "get", "put", "delete", "list", "notify", "watch", "close" }

local function type_names()
  local names = {}
  for name in pairs(types) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- Opens a store of a type that comes with finseg: store.open "memory", store.open("file", path),
--- store.open("shared_dict", name), store.open("redis", { host =, port =, ... }).
---@param type_name string
---@param ... any  what the type takes
---@return finseg.Store? store
---@return table? err  kind `config`
function store.open(type_name, ...)
  check.type(type_name, "string", 1, "open")
  local module = types[type_name]
  if not module then
    return nil,
      core.error("config", ("there is no store of the type %s: the types are %s"):format(type_name, type_names()))
  end
  return require(module).open(...)
end

--- What a table lacks to be a store; nil when nothing.
---@param candidate any
---@return string?
function store.problem_of(candidate)
  if type(candidate) ~= "table" then
    return "a store must be a table, see finseg.store"
  end
  for _, name in ipairs(methods) do
    if type(candidate[name]) ~= "function" then
      return ("a store needs `%s`, a function (see finseg.store)"):format(name)
    end
  end
  if type(candidate.name) ~= "string" then
    return "a store needs `name`, a text (see finseg.store)"
  end
end

---@return finseg.Err
local function failure(target, method, problem)
  return core.error("config", ("the store %s failed (in %s): %s"):format(target.name, method, tostring(problem)))
end

local function answer_of(target, method, ok, ...)
  if ok then
    return ...
  end
  return nil, failure(target, method, (...))
end

--- Calls a method of a store, which may be a program's own: when it raises, that is an err.
---@param target finseg.Store
---@param method string
---@return any value
---@return finseg.Err? err
function store.call(target, method, ...)
  return answer_of(target, method, pcall(target[method], target, ...))
end

--- Calls a method now, or starts it where calls wait; f gets what it answers, once, and an err when it raises.
---@param target finseg.Store
---@param method "get"|"put"|"delete"|"list"
---@param f function
---@param ... any  the method's arguments
function store.ask(target, method, f, ...)
  if not target.begin then
    return f(store.call(target, method, ...))
  end
  local answered = false
  local function answer(...)
    if not answered then
      answered = true
      f(...)
    end
  end
  local ok, problem = pcall(target.begin, target, method, answer, ...)
  if not ok then
    answer(nil, failure(target, method, problem))
  end
end

return store
