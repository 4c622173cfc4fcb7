-- Stores: what must be remembered beyond a client (jobs made, callbacks come) goes through one interface. Nothing else
-- in finseg remembers.
--
-- A store keeps texts under keys, each until an end by the wall clock. It is a table with these members; a program may
-- bring its own: spec/lua/store/contract.lua is the contract that one must keep, as tests to run on it.
--
--   name                text, for messages: "memory", "file /home/ann/.local/state/finseg/store.db"
--   get(self, key)      -> value | nil when there is none, or no more | nil, err
--   put_if_absent(self, key, value, seconds)
--                       -> true | false when the key is taken | nil, err
--                       keeps the value for that long. However many processes try at once, one gets true.
--   delete(self, key, value)
--                       -> whether there was one | nil, err
--                       with a value, only while the store holds exactly that: so that one process, of several that
--                       try, takes an entry away
--   list(self, prefix)  -> a list of { key =, value =, ends = seconds since 1970 }, sorted by the bytes of the keys
--                       | nil, err
--   notify(self, key)   -> true | nil, err
--                       tells whoever watches the key that there is something new about it. A hint: it may reach
--                       nobody, and who is told looks again.
--   watch(self, key, f) -> stop, a function
--                       calls f() at each notify of the key that reaches this process, until stop(). f must not wait.
--                       A store whose notifies may cease to arrive (its connection is lost) calls f("deaf") when they
--                       do, and f("hearing") once they arrive again; what was missed in between f has to look for.
--                       A watch that began while they do not arrive is told either as soon as that is known.
--   begin(self, method, key, value, seconds, f)
--                       only in stores whose calls wait: starts that method (get, put_if_absent, delete, list) and
--                       returns at once; f is called with what it answers, from the store's step(). Such a store is
--                       pollable, as client:attach() describes, and for drivers (see finseg.driver): get and its like
--                       are await.call(self, "get", key). `waiting` is a number in which finseg counts who waits on
--                       it; pending() is that and the calls under way. notify never waits.
--   poll_interval       seconds after which a watcher looks for itself, since a notify may not reach it from where it
--                       was made (another process: a file cannot wake one, and a message of a Redis may be lost); nil:
--                       every notify does
--   count(self, name)   only in stores that count for all their processes: adds one
--   counted(self, name) only there -> the number
--   close(self)         lets go of everything; again is harmless. Other calls on a closed store raise.
--
-- Keys and values are text; zero bytes in values are kept. Failures are err objects of finseg: kind `config` when the
-- store cannot be used as it stands (the message says what to do), `auth` when it refuses who asks, `timeout` when
-- somebody else kept it too long, `network` when it is out of reach: then the work goes on without it. Where a wait
-- depends on it, a method that raises counts as one that failed.
--
-- What finseg keeps: the journal's entries, which are no secrets, and of each job whose callback is awaited the token
-- that its callback has to bring, until the job's end is known, a day at most. Who can read that can make a wait ask
-- the service early, and nothing else; who can write to a store can have a job of the journal answer for another.
--
-- Kinds that come with finseg: memory (this process), file (SQLite; processes of this machine), shared_dict (the
-- workers of one nginx), redis (any host).

local check = require "finseg.value.check"
local core = require "finseg.core"

---@class finseg.Store
---@field name string
---@field poll_interval number?
---@field get fun(self: finseg.Store, key: string): string?, table?
---@field put_if_absent fun(self: finseg.Store, key: string, value: string, seconds: number): boolean?, table?
---@field delete fun(self: finseg.Store, key: string, value: string?): boolean?, table?
---@field list fun(self: finseg.Store, prefix: string): table[]?, table?
---@field notify fun(self: finseg.Store, key: string): boolean?, table?
---@field watch fun(self: finseg.Store, key: string, f: function): function
---@field close fun(self: finseg.Store)

local store = {}

local kinds = {
  memory = "finseg.store.memory",
  file = "finseg.store.file",
  shared_dict = "finseg.store.shared_dict",
  redis = "finseg.store.redis",
}
local methods = { "get", "put_if_absent", "delete", "list", "notify", "watch", "close" }

local function kind_names()
  local names = {}
  for name in pairs(kinds) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- Opens a store of a kind that comes with finseg: store.open "memory", store.open("file", path),
--- store.open("shared_dict", name), store.open("redis", { host =, port =, ... }).
---@param kind string
---@param ... any  what the kind takes
---@return finseg.Store? store
---@return table? err  kind `config`
function store.open(kind, ...)
  check.type(kind, "string", 1, "open")
  local module = kinds[kind]
  if not module then
    return nil, core.error("config", ("there is no store of the kind %s: the kinds are %s"):format(kind, kind_names()))
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
---@param method "get"|"put_if_absent"|"delete"|"list"
---@param key string
---@param value string?
---@param seconds number?
---@param f function
function store.ask(target, method, key, value, seconds, f)
  if not target.begin then
    return f(store.call(target, method, key, value, seconds))
  end
  local answered = false
  local function answer(...)
    if not answered then
      answered = true
      f(...)
    end
  end
  local ok, problem = pcall(target.begin, target, method, key, value, seconds, answer)
  if not ok then
    answer(nil, failure(target, method, problem))
  end
end

return store
