-- Where a worker of nginx receives callbacks: one finseg.Callbacks a worker, over one store, whichever comes first, its
-- client or a request to the location of callbacks.

local Callbacks = require "finseg.callback"
local core = require "finseg.core"
local log = require "finseg.driver.ngx_log"
local stores = require "finseg.store"

local worker_callbacks = {}

--- The lua_shared_dict that is taken when nobody names a store.
local DICT = "finseg"

---@type finseg.Store?
local shared_store

--- What it was opened with, since it has to be opened anew should somebody have closed it.
---@type finseg.Store|function|nil
local shared_given

---@type finseg.Callbacks?
local current

--- What this worker has received, whichever object has counted it.
---@type table<string, integer>?
local counts

--- What deserves to be seen at once.
local warnings = { store_gone = true, store_back = true, store_refused = true }

--- A `log` function for callbacks, clients and stores.
function worker_callbacks.log_event(event)
  log(warnings[event.name] and ngx.WARN or ngx.NOTICE, tostring(event.message))
end

--- The store of this worker.
---@param given finseg.Store|function|nil  a function answers a store, or nil and an err, and is called once a worker.
---   nil: the lua_shared_dict `finseg`. What counts is what was given first; a store that was closed is opened anew.
---@return finseg.Store? store
---@return finseg.Err? err
function worker_callbacks.store(given)
  if shared_store and not shared_store.closed then
    return shared_store
  elseif shared_store then
    given = shared_given
  end
  local store, err
  if type(given) == "function" then
    store, err = given()
  elseif given then
    store = given
  else
    store, err = stores.open("shared_dict", DICT)
  end
  if not store then
    return nil, err or core.error("config", "callbacks: the function `store` has answered no store")
  end
  shared_store, shared_given = store, given
  return store
end

--- From now on this worker's callbacks are the business of that object.
---@param callbacks finseg.Callbacks
local function adopt(callbacks)
  counts = counts or callbacks.counts
  callbacks.counts = counts
  current = callbacks
end

--- Has the jobs of this worker's client end by callbacks.
---@param client finseg.Client
---@param options { public_url: string, store: finseg.Store|function|nil }
---@return boolean? ok
---@return finseg.Err? err
function worker_callbacks.serve(client, options)
  local store, err = worker_callbacks.store(options.store)
  if not store then
    return nil, err
  end
  local callbacks
  callbacks, err =
    client:receive_callbacks { public_url = options.public_url, store = store, log = worker_callbacks.log_event }
  if not callbacks then
    return nil, err
  end
  adopt(callbacks)
  return true
end

--- The object that takes callbacks in this worker: its client's, or one that receives for clients elsewhere.
---@param given finseg.Store|function|nil  see worker_callbacks.store
---@return finseg.Callbacks? callbacks
---@return finseg.Err? err
function worker_callbacks.callbacks(given)
  if current and not current.closed and not current.store.closed then
    return current
  end
  local store, err = worker_callbacks.store(given)
  if not store then
    return nil, err
  end
  local callbacks
  callbacks, err = Callbacks.for_others { store = store, log = worker_callbacks.log_event }
  if not callbacks then
    return nil, err
  end
  adopt(callbacks)
  return callbacks
end

--- How many callbacks of each sort were received: by all workers when the store counts for them, else by this one.
---@param given finseg.Store|function|nil  see worker_callbacks.store
---@return table<string, integer>? counts
---@return finseg.Err? err
function worker_callbacks.counts(given)
  local callbacks, err = worker_callbacks.callbacks(given)
  if not callbacks then
    return nil, err
  end
  local answer, store = {}, callbacks.store
  for sort, count in pairs(callbacks.counts) do
    answer[sort] = store.counted and store:counted("callbacks " .. sort) or count
  end
  return answer
end

return worker_callbacks
