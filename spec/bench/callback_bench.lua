-- Callbacks in a script: how long after a callback was sent the coroutine that waits for its job goes on, its GET
-- included; how many requests a job takes by callback and by polling; and whether any of 10,000 waits is lost at 1,000
-- callbacks a second.

local connect = require "spec.support.connect"
local finseg = require "finseg"
local hosts = require "spec.support.hosts"
local http = require "socket.http"
local sandbox = require "spec.support.sandbox"
local socket = require "socket"
local wire = require "spec.support.wire"

local ROUNDS = 300
local IDLE = 100 -- other waits beside the one that is measured
local JOBS, RATE = 10000, 1000
local SLOW_JOBS, SLOW_SECONDS = 20, 5

local KIND = "highBalance"
local NEVER = { first = 600, max = 600, callback = 600 } -- so that callbacks alone end a wait

local function start_service(after)
  local command = "exec setpriv --pdeathsig KILL lua5.4 spec/bench/support/callback_service.lua " .. after
  local pipe = assert(io.popen(command))
  local port, pid = pipe:read("*n", "*n")
  local service = { url = "http://127.0.0.1:" .. port, client_id = "x", client_secret = "x" }
  service.base_url = service.url .. "/api/v1"
  function service.counts()
    return assert((loadstring or load)("return " .. http.request(service.url .. "/counts")))()
  end
  function service.stop()
    sandbox.signal(pid, "KILL")
    pipe:close()
  end
  return service
end

local function print_latencies(name, latencies)
  table.sort(latencies)
  local median, late = latencies[math.ceil(#latencies / 2)], latencies[math.ceil(#latencies * 0.99)]
  print(("  %-16s median %.3f ms, p99 %.3f ms"):format(name, median * 1000, late * 1000))
end

-- Waits for a job and notes how long after its callback it went on.
local function wait_for(job, latencies)
  local segment = job:wait()
  if segment then
    latencies[#latencies + 1] = socket.gettime() - tonumber(segment.calledAt)
  end
end

local function measure_wake(host)
  local service = start_service "0.01"
  local latencies = {}
  host.run(function()
    local client = connect(service, { poll = NEVER })
    assert(client:listen())
    for i = 1, host.concurrent and IDLE or 0 do
      finseg.spawn(function()
        client:job(KIND, "idle" .. i):wait()
      end)
    end
    for _ = 1, ROUNDS do
      wait_for(assert(client:create(KIND, { threshold = 1 })), latencies)
    end
    client:close()
  end)
  service.stop()
  print_latencies(host.title or host.name, latencies)
end

-- Requests a job to the sandbox, whose jobs take a while.
local function measure_requests(name, with_callbacks)
  local service = sandbox.start { users = 5, today = "2024-04-01", delay = SLOW_SECONDS }
  local client = finseg.new {
    base_url = service.base_url,
    client_id = service.client_id,
    client_secret = service.client_secret,
  }
  if with_callbacks then
    assert(client:listen())
  end
  finseg.run(function()
    for i = 1, SLOW_JOBS do
      finseg.spawn(function()
        assert(client:segment(KIND, { threshold = i }))
      end)
    end
  end)
  client:close()
  local count = 0
  for _, request in ipairs(wire.stats(service).requests) do
    count = count + (request.path:find "/segments/" and request.count or 0)
  end
  service.stop()
  print(("  %-16s %.2f requests a job of %d s"):format(name, count / SLOW_JOBS, SLOW_SECONDS))
end

local function measure_load()
  local service = start_service "told"
  local client = connect(service, { poll = NEVER })
  local listener = assert(client:listen())
  local latencies, started, took = {}, 0, nil
  finseg.run(function()
    local jobs = {}
    local function create_some()
      while started < JOBS do
        started = started + 1
        local job = assert(client:create(KIND, { threshold = 1 }))
        jobs[#jobs + 1] = job
      end
      return true
    end
    local creators = {}
    for i = 1, 50 do
      creators[i] = create_some
    end
    assert(finseg.all((table.unpack or unpack)(creators)))
    for _, job in ipairs(jobs) do
      finseg.spawn(function()
        wait_for(job, latencies)
      end)
    end
    finseg.sleep(0.1)
    local begin = socket.gettime()
    http.request(("%s/go/%d"):format(service.url, RATE), "")
    while #latencies < JOBS and socket.gettime() - begin < 3 * JOBS / RATE do
      finseg.sleep(0.01)
    end
    took = socket.gettime() - begin
    for _, job in ipairs(jobs) do
      job:cancel()
    end
  end)
  local counts = service.counts()
  service.stop()
  print(
    ("  %d waits, %d callbacks a second: %d ended, %d lost, in %.1f s"):format(
      JOBS,
      RATE,
      #latencies,
      JOBS - #latencies,
      took
    )
  )
  print(("  %d callbacks accepted, %d refused, %d GETs"):format(counts.accepted, counts.refused, counts.gets))
  print_latencies("from callback", latencies)
  listener:close()
  client:close()
end

print(("callbacks: from a callback sent to its coroutine going on (%s)"):format(jit and jit.version or _VERSION))
for _, host in ipairs(hosts) do
  measure_wake(host)
end
print "requests a job"
measure_requests("by polling", false)
measure_requests("by callback", true)
print "under load"
measure_load()
