-- The service as the source of a rule's segments: jobs through a journal, pages through the client.

local Journal = require "finseg.journal"
local stores = require "finseg.store"

local service = {}

--- The check of a request that a client makes, as finseg.rule.plan wants it.
---@param client finseg.Client
function service.canonical(client)
  return function(kind, parameters)
    return client:open_core("rule"):canonical(kind, parameters)
  end
end

--- A source (see finseg.rule.fetch).
---@param client finseg.Client
---@param options table  of rule:run
---@param report fun(event: table)
---@return table source
function service.new(client, options, report)
  local journal = Journal.new(options.store or assert(stores.open "memory"))
  local source = { canonical = service.canonical(client) }

  function source.open(request)
    local segment, err, made = journal:segment(client, request.kind, request.parameters, {
      fresh = options.fresh,
      timeout = options.timeout,
      on_job = function(job, reused)
        request.job, request.reused = job, reused
        report { name = "job", request = request, job = job, reused = reused }
      end,
    })
    if not segment then
      if made and made ~= request.job then -- and could not be written down
        request.job = made
        report { name = "job", request = request, job = made, reused = nil }
      end
      return nil, err
    end
    request.creationDate = segment.creationDate
    report { name = "ready", request = request, users = segment.totalElements }
    return segment:open_pages(true) -- its records keep the pages
  end

  return source
end

return service
