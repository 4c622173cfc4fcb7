--- Clients of a service that a test has started, with waits short enough for tests.

local finseg = require "finseg"

--- @param service table  of support.sandbox or support.scripted_server
--- @param overrides table?  config fields
--- @return table client  closed by the test, or by the collector
return function(service, overrides)
  local config = {
    base_url = service.base_url,
    client_id = service.client_id,
    client_secret = service.client_secret,
    poll = { first = 0.01, factor = 1.2, max = 0.05 },
    retry = { attempts = 4, base = 0.01, max = 0.02 },
  }
  for field, value in pairs(overrides or {}) do
    config[field] = value
  end
  return assert(finseg.new(config))
end
