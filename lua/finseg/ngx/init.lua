--- finseg in nginx: one client a worker, which all requests of that worker share.
---
---     local client = require("finseg.ngx").client()
---     if not client then
---       return ngx.exit(500) -- nginx's error log says why
---     end
---     local segment, err = client:segment("highBalance", { accountType = "checking", threshold = 5000 })
---     if not segment then
---       ngx.log(ngx.ERR, tostring(err))
---       return ngx.exit(502)
---     end
---
--- Not assert(client:segment(...)): of an err that is raised, nginx logs no more than "unknown reason".
---
--- With callbacks a wait ends as soon as the service says so, whichever worker it says it to:
---
---     lua_shared_dict finseg 20m;
---     location /finseg/callback/ {
---       content_by_lua_block { require("finseg.ngx").callback() }
---     }
---
---     local callbacks = { public_url = "https://shop.example/finseg/callback" }
---     local client = require("finseg.ngx").client { callbacks = callbacks }

local check = require "finseg.value.check"
local core = require "finseg.core"
local finseg = require "finseg"
local worker_callbacks = require "finseg.ngx.worker_callbacks"

local nginx = {}

--- The client of this worker, and as text the config it was made from.
local shared, shared_config

--- Why callbacks that were asked for are not to be had: until somebody asks for a client that can be made, none is made
--- without them, since it would quietly poll.
local refused

--- What can be compared of a config: everything but functions, drivers and stores.
local function text_of(config)
  local fields = {}
  for name, value in pairs(config or {}) do
    if name ~= "log" and name ~= "driver" then
      fields[name] = value
    end
  end
  if type(fields.callbacks) == "table" then
    fields.callbacks = { public_url = fields.callbacks.public_url }
  end
  local text, problem = core.to_json(fields)
  if not text then
    return nil, core.error("config", "config: " .. problem)
  end
  return text
end

local callback_options = { public_url = true, store = true }

--- What is wrong with the field `callbacks` of a config; nil when nothing.
local function problem_of_callbacks(callbacks)
  if type(callbacks) ~= "table" then
    return "callbacks: a table expected"
  end
  for name in pairs(callbacks) do
    if not callback_options[name] then
      return ("callbacks: there is no field %s, only public_url and store"):format(tostring(name))
    end
  end
  if type(callbacks.public_url) ~= "string" then
    return "callbacks: public_url is missing: give the URL at which the service finds the location for callbacks; if "
      .. "it comes from an environment variable, nginx needs a line for that: env FINSEG_CALLBACK_URL;"
  end
  if callbacks.store ~= nil and type(callbacks.store) ~= "table" and type(callbacks.store) ~= "function" then
    return "callbacks: store: a store, or a function that answers one, expected"
  end
end

local function make_client(config)
  local fields = {}
  for name, value in pairs(config or {}) do
    fields[name] = value
  end
  local options = fields.callbacks
  fields.callbacks = nil
  local problem = options ~= nil and problem_of_callbacks(options)
  if problem then
    return nil, core.error("config", "config: " .. problem)
  end
  local client, err = finseg.from_env(fields)
  if not client or options == nil then
    return client, err
  end
  local served
  served, err = worker_callbacks.serve(client, options)
  if not served then
    client:close()
    return nil, err
  end
  return client
end

local function worker_client(config)
  if ngx.get_phase() == "init" then
    return nil,
      core.error(
        "invalid",
        "a client cannot be made in init_by_lua, since nginx forks its workers afterwards: "
          .. "call finseg.ngx.client() where a worker needs it, in a request or a timer"
      )
  end
  local made = shared and not shared.closed
  if made and config == nil then
    return shared
  end
  local text, err = text_of(config)
  if not text then
    return nil, err
  end
  if made then
    if text == shared_config then
      return shared
    end
    return nil,
      core.error("config", "this worker's client was made from another config: give the same one, or none, everywhere")
  end
  if config == nil and refused then
    return nil, refused
  end
  local client
  client, err = make_client(config)
  if client then
    shared, shared_config, refused = client, text, nil
  elseif config and config.callbacks ~= nil then
    refused = err
  end
  return client, err
end

--- The client of this worker. The first call makes it, from the environment and `config` on top, as finseg.from_env
--- does; later calls answer the same one. It belongs to no request and is not closed; should it have been, the next
--- call makes another. Why there is none is in nginx's error log, too.
---
--- `config.callbacks` has the client's waits end by callbacks: { public_url = where the service finds the location with
--- finseg.ngx.callback(), store = what the workers share }. The store is the lua_shared_dict `finseg` when not given,
--- or a function that opens one, called once a worker: function() return finseg.store.open("redis", { ... }) end.
---@param config finseg.Config?
---@return finseg.Client? client
---@return finseg.Err? err  `config`: what from_env says, or the worker's client has another config; `invalid`: the
---   workers do not exist yet (init_by_lua)
function nginx.client(config)
  check.optional(config, "table", 1, "client")
  local client, err = worker_client(config)
  if not client then
    ngx.log(ngx.ERR, "finseg: no client: ", tostring(err))
  end
  return client, err
end

--- The store in the options of a function; raises when there are others.
local function store_of(options, name)
  check.optional(options, "table", 1, name, 1)
  for field in pairs(options or {}) do
    if field ~= "store" then
      check.fail(1, name, ("there is no option %s, only store"):format(tostring(field)), 1)
    end
  end
  return options and options.store
end

--- The content handler of the location at `public_url`: takes what the service sends there, for the waits of all
--- workers. It answers 204 at once, to POST alone. It needs no client in its worker; without one, `options.store` says
--- what config.callbacks.store says. What comes first in a worker counts, since a worker has one store.
---@param options { store: finseg.Store|function|nil }?
function nginx.callback(options)
  return require "finseg.ngx.callback"(store_of(options, "callback"))
end

--- How many callbacks were received, by sort (see finseg.Callbacks): by all workers since nginx has started when the
--- store is a shared dict, else by this worker.
---@param options { store: finseg.Store|function|nil }?  as for callback()
---@return table<string, integer>? counts
---@return finseg.Err? err
function nginx.callback_counts(options)
  return worker_callbacks.counts(store_of(options, "callback_counts"))
end

--- A function for the field `log` of clients and stores: tells nginx's error log, at the levels notice and warn. Unlike
--- ngx.log it leaves out which request was served, since the address of a callback is a secret.
---@param event { message: string }
function nginx.log(event)
  check.type(event, "table", 1, "log")
  worker_callbacks.log_event(event)
end

return nginx
