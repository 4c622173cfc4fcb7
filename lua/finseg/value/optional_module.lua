-- Loads a C module that finseg can do without, when something first needs it.

local core = require "finseg.core"

--- What uses a module, and where it comes from.
local modules = {
  ["finseg.http_server"] = { "client:listen", "libmicrohttpd-dev", "finseg-listener" },
  ["finseg.store.hiredis"] = { "a store in a Redis", "libhiredis-dev", "finseg-redis" },
  ["finseg.store.sqlite"] = { "a store in a file", "libsqlite3-dev", "finseg-sqlite" },
}

local MISSING = "%s needs finseg's module %s, which is not there: install %s and run `make all`, or install the rock "
  .. "%s (%s)"

---@param name "finseg.http_server"|"finseg.store.hiredis"|"finseg.store.sqlite"
---@return table? module
---@return finseg.Err? err  kind `config`: it is not installed
return function(name)
  local loaded, module = pcall(require, name)
  if loaded then
    return module
  end
  local user, package_name, rock = (table.unpack or unpack)(modules[name])
  local reason = tostring(module):match "[^\n]+"
  return nil, core.error("config", MISSING:format(user, name, package_name, rock, reason))
end
