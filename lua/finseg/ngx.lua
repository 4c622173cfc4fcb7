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

local check = require "finseg.check"
local core = require "finseg.core"
local finseg = require "finseg"

local nginx = {}

--- The client of this worker, and as text the config it was made from.
local shared, shared_config

--- What can be compared of a config: everything but functions and drivers.
local function text_of(config)
  local fields = {}
  for name, value in pairs(config or {}) do
    if name ~= "log" and name ~= "driver" then
      fields[name] = value
    end
  end
  local text, problem = core.to_json(fields)
  if not text then
    return nil, core.error("config", "config: " .. problem)
  end
  return text
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
  local client
  client, err = finseg.from_env(config)
  if client then
    shared, shared_config = client, text
  end
  return client, err
end

--- The client of this worker. The first call makes it, from the environment and `config` on top, as finseg.from_env
--- does; later calls answer the same one. It belongs to no request and is not closed; should it have been, the next
--- call makes another. Why there is none is in nginx's error log, too.
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

return nginx
