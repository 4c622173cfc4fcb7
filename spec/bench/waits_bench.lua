-- 10,000 jobs waited for at once in one process: memory a job, CPU while nothing is due, how the polls spread.
-- Beside it, what as many sleeping threads of cqueues take, which wait for nothing but the clock.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"

local JOBS = 10000
local QUIET_SECONDS = 3
local FIRST_POLL = 20 -- seconds: long enough for the starts and the quiet time

local function resident_bytes()
  collectgarbage()
  collectgarbage()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s*(%d+) kB"
    if kilobytes then
      return tonumber(kilobytes) * 1024
    end
  end
end

-- What part of a core this process takes while it sleeps.
local function cpu_share(sleep)
  local cpu, clock = os.clock(), core.now()
  sleep(QUIET_SECONDS)
  return (os.clock() - cpu) / (core.now() - clock)
end

-- Prints the ids of new jobs.
local function create_jobs(base_url)
  local client = connect { base_url = base_url, client_id = "sandbox-client", client_secret = "sandbox-secret" }
  finseg.run(function()
    local started = 0
    for _ = 1, 50 do
      finseg.spawn(function()
        while started < JOBS do
          started = started + 1
          print(assert(client:create("highBalance", { threshold = 1 })).jobId)
        end
      end)
    end
  end)
end

local function wait_for_all(service, ids)
  local client = connect(service, { poll = { first = FIRST_POLL, factor = 1.5, max = 30 } })
  local before = resident_bytes()
  local bytes, share
  local started = core.now()
  finseg.run(function()
    local jobs = {}
    for position, id in ipairs(ids) do
      jobs[position] = client:job("highBalance", id)
      finseg.spawn(function()
        jobs[position]:wait { timeout = math.huge }
      end)
    end
    finseg.sleep(0.5)
    bytes = (resident_bytes() - before) / JOBS
    print(("  started in %.2f s"):format(core.now() - started - 0.5))
    share = cpu_share(finseg.sleep)
    for _, job in ipairs(jobs) do
      job:cancel()
    end
  end)
  client:close()
  return bytes, share
end

-- The polls of one round, in hundredths of the first pause: how many the busiest one holds, in means.
local function poll_spread(service, ids)
  local times = {}
  local client = connect(service, {
    poll = { first = 4, factor = 1.5, max = 30 },
    log = function(event)
      if event.name == "request" and event.method == "GET" then
        times[#times + 1] = event.time
      end
    end,
  })
  finseg.run(function()
    local jobs = {}
    for position, id in ipairs(ids) do
      jobs[position] = client:job("highBalance", id)
      finseg.spawn(function()
        jobs[position]:wait()
      end)
    end
    finseg.sleep(12)
    for _, job in ipairs(jobs) do
      job:cancel()
    end
  end)
  client:close()
  table.sort(times)
  local buckets, busiest, count = {}, 0, 0
  for _, time in ipairs(times) do
    local bucket = math.floor((time - times[1]) / 0.1)
    if not buckets[bucket] then
      count = count + 1
    end
    buckets[bucket] = (buckets[bucket] or 0) + 1
    busiest = math.max(busiest, buckets[bucket])
  end
  return #times, times[#times] - times[1], busiest / (#times / count), busiest
end

-- Prints what a sleeping thread of cqueues takes.
local function measure_threads()
  local cqueues = require "cqueues"
  local before = resident_bytes()
  local controller = cqueues.new()
  for _ = 1, JOBS do
    controller:wrap(function()
      cqueues.sleep(3600)
    end)
  end
  controller:step(0)
  local bytes = (resident_bytes() - before) / JOBS
  local share = cpu_share(function(seconds)
    local deadline = core.now() + seconds
    while core.now() < deadline do
      controller:step(deadline - core.now())
    end
  end)
  print(bytes, share)
end

local parts = { create = create_jobs, threads = measure_threads }
if parts[arg[1]] then
  parts[arg[1]](arg[2])
  return
end

-- A part of this bench in a process of its own: memory that was freed here would count as none.
local function run_part(words)
  return assert(io.popen(("%s %s %s"):format(arg[-1], arg[0], words)))
end

print(("waits: %d jobs waited for at once (%s)"):format(JOBS, jit and jit.version or _VERSION))
local service = sandbox.start { users = 1, seed = 1, delay = 3600 }
local ids = {}
for id in run_part("create " .. service.base_url):lines() do
  ids[#ids + 1] = id
end
local bytes, share = wait_for_all(service, ids)
print(("  memory a job: %.0f bytes; CPU while nothing is due: %.2f %% of a core"):format(bytes, share * 100))
local polls, seconds, peak, busiest = poll_spread(service, ids)
print(
  ("  polls: %d over %.1f s; the busiest tenth of a second has %d, %.2f times the mean"):format(
    polls,
    seconds,
    busiest,
    peak
  )
)
local thread_bytes, thread_share = run_part("threads"):read("*n", "*n")
print(("  a sleeping thread of cqueues: %.0f bytes, %.2f %% of a core"):format(thread_bytes, thread_share * 100))
print(("  ratio of memory, a job to such a thread: %.2f"):format(bytes / thread_bytes))
service.stop()
