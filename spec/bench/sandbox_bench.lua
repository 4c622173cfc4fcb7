-- How fast the sandbox is: filling the bank, each kind of segment over it, pages of 500 users at the beginning, in the
-- middle and at the end, and 64 keep-alive clients. wrk (a Debian package) makes the load.
--
--   make bench                                     10,000 users
--   FINSEG_BENCH_USERS=100000 make bench           some 23 million transactions
--   FINSEG_BENCH_DB=FILE make bench                the bank in a file, not in memory

local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local socket = require("socket")
local wire = require("spec.support.wire")

local USERS = tonumber(os.getenv("FINSEG_BENCH_USERS") or "10000")
local DB = os.getenv("FINSEG_BENCH_DB")
local TODAY = "2024-04-15"
local PAGE_SIZE = 500
local CLIENTS = 64
local SECONDS = 3 -- that wrk runs for

local KINDS = {
  { "highBalance", { threshold = 0 } },
  { "lowBalance", { threshold = 100, durationInMonth = 12 } },
  { "incomeSpendingSummary", { durationInMonth = 12 } },
  { "insuranceSpending", { durationInMonth = 12 } },
  { "financialBreakdown", { durationInMonth = 12, labels = { "SALARY", "INSURANCE", "GROCERIES" } } },
}

local function report(what, form, ...)
  print(("%-46s " .. form):format(what, ...))
end

-- The most memory that the process has had, in MiB.
local function peak_memory(service)
  local status = shell.read_file(("/proc/%d/status"):format(service.pid))
  return tonumber(status:match("VmHWM:%s*(%d+) kB")) / 1024
end

-- Seconds from the create to the first page.
local function measure_kind(service, kind, parameters)
  local headers = { Authorization = "Bearer " .. wire.token(service) }
  local started = socket.gettime()
  local url = ("%s/segments/%s/%s"):format(service.base_url, kind, wire.create(service, kind, parameters))
  local answer
  repeat
    socket.select(nil, nil, 0.01)
    answer = http.request("GET", url .. "?size=1", { headers = headers })
  until answer.status ~= 404
  assert(answer.status == 200, answer.body)
  report(kind, "%8.2f s  %d users", socket.gettime() - started, answer.body:match('"totalElements":(%d+)'))
  return url, tonumber(answer.body:match('"totalElements":(%d+)'))
end

-- wrk's lines for requests to these paths, in turn.
local function load(service, paths, clients)
  local script = os.tmpname()
  local list = {}
  for i, path in ipairs(paths) do
    list[i] = ("%q"):format(path)
  end
  shell.write_file(
    script,
    ([[
      local paths, i = { %s }, 0
      wrk.headers["Authorization"] = "Bearer %s"
      function request() i = i %% #paths + 1; return wrk.format("GET", paths[i]) end
      function done(summary, latency)
        io.write(("done %%f %%f %%f %%f %%d\n"):format(summary.requests / summary.duration * 1e6,
          summary.bytes / summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
          summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
      end]]):format(table.concat(list, ", "), wire.token(service))
  )
  local threads = math.min(clients, 2)
  local command = ("wrk -t%d -c%d -d%ds -s %s %s"):format(threads, clients, SECONDS, script, service.url)
  local rate, megabytes, p50, p99, errors = shell.check(command):match("done (%S+) (%S+) (%S+) (%S+) (%S+)")
  os.remove(script)
  assert(errors == "0", "wrk saw errors: " .. errors)
  return tonumber(rate), tonumber(megabytes), tonumber(p50), tonumber(p99)
end

local function page_path(service, url, number)
  return ("%s?number=%d&size=%d"):format(url:sub(#service.url + 1), number, PAGE_SIZE)
end

local function measure_pages(service, kind, url, total)
  local last = math.max(0, math.floor((total - 1) / PAGE_SIZE))
  for _, number in ipairs({ 0, math.floor(last / 2), last }) do
    local _, _, p50, p99 = load(service, { page_path(service, url, number) }, 1)
    report(("%s, page %d of %d"):format(kind, number, last + 1), "%8.3f ms  p99 %.3f ms", p50, p99)
  end
  local paths = {}
  for number = 0, last do
    paths[number + 1] = page_path(service, url, number)
  end
  local rate, megabytes, p50, p99 = load(service, paths, CLIENTS)
  local form = "%8.0f/s  %.0f MB/s, p50 %.2f ms, p99 %.2f ms"
  report(("%s, %d clients, all pages"):format(kind, CLIENTS), form, rate, megabytes, p50, p99)
end

local started = socket.gettime()
local service = sandbox.start({ users = USERS, today = TODAY, db = DB })
report(
  ("%d users made and loaded"):format(USERS),
  "%8.1f s  peak %.0f MiB",
  socket.gettime() - started,
  peak_memory(service)
)
local urls, totals = {}, {}
for _, kind in ipairs(KINDS) do
  urls[kind[1]], totals[kind[1]] = measure_kind(service, kind[1], kind[2])
end
for _, kind in ipairs({ "highBalance", "financialBreakdown" }) do
  measure_pages(service, kind, urls[kind], totals[kind])
end
local form = "%8.0f/s"
report(
  ("pages of one user, %d clients"):format(CLIENTS),
  form,
  (load(service, { urls.highBalance:sub(#service.url + 1) .. "?size=1" }, CLIENTS))
)
report(("what is at no path, %d clients"):format(CLIENTS), form, (load(service, { "/" }, CLIENTS)))
report("peak memory at the end", "%8.0f MiB", peak_memory(service))
service.stop()
