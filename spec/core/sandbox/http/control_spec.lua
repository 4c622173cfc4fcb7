-- What /__stats counts.

local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local wire = require("spec.support.wire")

local ANYONE = { threshold = -1000000 }

local function start(finally, options)
  options = options or {}
  options.today = "2024-04-15"
  options.users = options.users or 9
  local service = sandbox.start(options)
  finally(service.stop)
  return service
end

describe("the sandbox's counters", function()
  it("tell requests, connections, tokens, jobs and callbacks", function()
    local service = start(finally)
    local job = wire.create(service, "highBalance", ANYONE)
    wire.wait(service, "highBalance", job)
    wire.get(service, "highBalance", "unknown")
    http.request("GET", service.url .. "/nowhere")
    local stats = wire.stats(service)
    local counts = {}
    for _, request in ipairs(stats.requests) do
      counts[("%s %s %d"):format(request.method, request.path, request.status)] = request.count
    end
    assert.equal(1, counts["POST /api/v1/segments/{kind} 201"])
    assert.truthy(counts["GET /api/v1/segments/{kind}/{jobId} 200"] >= 1)
    assert.equal(1, counts["GET /api/v1/segments/{kind}/{jobId} 400"])
    assert.equal(1, counts["* * 404"])
    assert.truthy(counts["POST /api/v2/oauth/token 200"] >= 3)
    assert.equal(1, stats.tokens.made)
    assert.equal(counts["POST /api/v2/oauth/token 200"], stats.tokens.handed)
    assert.same({ made = 1, computed = 1, failed = 0, swept = 0 }, stats.jobs)
    assert.same({ sent = 0, delivered = 0, givenUp = 0 }, stats.callbacks)
    assert.truthy(stats.connections.opened >= 5)
    assert.truthy(stats.connections.open >= 1)
  end)

  it("count the jobs that were swept", function()
    local service = start(finally, { job_ttl = 0.2 })
    wire.create(service, "highBalance", ANYONE)
    wire.eventually("the job was swept", function()
      return wire.stats(service).jobs.swept == 1
    end)
  end)
end)
