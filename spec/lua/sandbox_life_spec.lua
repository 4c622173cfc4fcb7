-- Jobs and results of the sandbox outlive its end, however it comes.

local cjson = require("cjson")
local http = require("spec.lua.support.http")
local sandbox = require("spec.lua.support.sandbox")
local shell = require("spec.lua.support.shell")
local wire = require("spec.lua.support.wire")

local ROUNDS = tonumber(os.getenv("FINSEG_SPEC_KILLS") or 12)
local ANYONE = '{"threshold":-1000000}'

local function with_db(finally, options)
  local folder = shell.scratch()
  finally(function()
    shell.remove(folder)
  end)
  options = options or {}
  options.db = folder .. "/bank.db"
  options.today = options.today or "2024-04-15"
  return options
end

-- Makes jobs until the service is gone; answers the ids that were promised.
local function create_until_killed(service)
  local promised = {}
  local header = "Bearer " .. wire.token(service)
  shell.check(("(sleep 0.%02d; kill -KILL %d) >/dev/null 2>&1 &"):format(math.random(0, 15), service.pid))
  while true do
    local alive, answer = pcall(http.request, "POST", service.base_url .. "/segments/highBalance", {
      headers = { Authorization = header, ["Content-Type"] = "application/json" },
      body = ANYONE,
    })
    if not alive then
      return promised
    end
    promised[#promised + 1] = answer.status == 201 and cjson.decode(answer.body).jobId or nil
  end
end

describe("a job", function()
  it("is not lost by kill -9 at any moment, and computed again when it was not", function()
    local options = with_db(finally, { users = 300 })
    local service = sandbox.start(options)
    finally(function()
      service.stop()
    end)
    local expected = wire.segment_text(service, "highBalance", { threshold = -1000000 })
    local all = {}
    for _ = 1, ROUNDS do
      for _, job in ipairs(create_until_killed(service)) do
        all[#all + 1] = job
      end
      service.kill()
      service = sandbox.start(options)
    end
    assert.truthy(#all > ROUNDS, #all .. " jobs")
    for _, job in ipairs(all) do
      assert.equal(300, wire.wait(service, "highBalance", job).json.totalElements)
    end
    local last = wire.get(service, "highBalance", all[#all], "size=500").body
    assert.equal(last, wire.get(service, "highBalance", all[1], "size=500").body)
    assert.equal(expected, wire.segment_text(service, "highBalance", { threshold = -1000000 }))
  end)

  it("keeps its result, whatever is loaded and whatever the day", function()
    local options = with_db(finally, { users = 20 })
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = -1000000 })
    local body = wire.wait(service, "highBalance", job).body
    service.stop()
    options.users, options.seed, options.today = 30, 99, "2024-06-01"
    service = sandbox.start(options)
    finally(service.stop)
    assert.equal(body, wire.get(service, "highBalance", job).body)
  end)

  it("keeps the time of its end over a restart", function()
    local options = with_db(finally, { users = 2, job_ttl = 1.5 })
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = -1000000 })
    wire.wait(service, "highBalance", job)
    service.stop()
    options.job_ttl = 3600
    service = sandbox.start(options)
    finally(service.stop)
    wire.eventually("the job has expired", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
    wire.eventually("it was swept", function()
      return wire.stats(service).jobs.swept == 1
    end)
  end)
end)
