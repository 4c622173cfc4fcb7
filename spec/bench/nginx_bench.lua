-- What waits cost an nginx worker: requests to a trivial location with and without 1,000 waits in flight, CPU while
-- they wait, and how soon a wait wakes after its answer has arrived. Beside it the same with calls that block.
--
--   make bench, or: lua5.4 spec/bench/nginx_bench.lua [ROUNDS [SECONDS]]

local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local socket = require "socket"

local ROUNDS = tonumber(arg and arg[1]) or 5
local SECONDS = tonumber(arg and arg[2]) or 3
local WAITS = 1000
local CONNECTIONS = 8

local TRIVIAL = [[ location = /trivial { content_by_lua_block { ngx.print "ok" } } ]]

local WAITING = TRIVIAL
  .. [[
  location = /create {
    content_by_lua_block {
      local client = assert(require("finseg.ngx").client(require "service"))
      ngx.print(assert(client:create("highBalance", { threshold = 1 })).jobId)
    }
  }
  location = /wait {
    content_by_lua_block {
      local client = assert(require("finseg.ngx").client(require "service"))
      ngx.print(tostring(select(2, client:job("highBalance", ngx.var.arg_job):wait())))
    }
  }
  location = /pending {
    content_by_lua_block { ngx.print(require("finseg.ngx").client():pending()) }
  }
]]

local BLOCKING = TRIVIAL
  .. [[
  location = /segment {
    content_by_lua_block {
      CLIENT = CLIENT or assert(require("finseg").new(require "service"))
      ngx.print(assert(CLIENT:segment("highBalance", { threshold = 1 })).totalElements)
    }
  }
]]

-- A service whose jobs are ready at once, but which thinks for 50 to 150 ms over each page, and says when it answers.
local PENSIVE = [[
  location = /api/v2/oauth/token {
    content_by_lua_block { ngx.print '{"access_token":"t","token_type":"bearer","expires_in":3600}' }
  }
  location = /api/v1/segments/highBalance {
    content_by_lua_block { ngx.status = 201 ngx.print '{"jobId":"1"}' }
  }
  location = /api/v1/segments/highBalance/1 {
    content_by_lua_block {
      ngx.sleep(0.05 + math.random() / 10)
      ngx.print(('{"users":[],"totalElements":0,"answeredAt":%.6f}'):format(require("finseg.core").now()))
    }
  }
]]

local LATENCY = [[
  location = /latency {
    content_by_lua_block {
      local core = require "finseg.core"
      local client = assert(require("finseg.ngx").client(require "service"))
      local segment = assert(client:job("highBalance", "1"):wait())
      ngx.print(("%.6f"):format(core.now() - segment.answeredAt))
    }
  }
]]

local function median(values, part)
  table.sort(values)
  return values[math.max(math.ceil(#values * (part or 0.5)), 1)]
end

--- Requests a second, and the 99th percentile of their times in milliseconds.
local function load(server)
  local printed =
    shell.check(("wrk -t1 -c%d -d%ds --latency http://127.0.0.1:%d/trivial"):format(CONNECTIONS, SECONDS, server.port))
  local number, unit = printed:match "99%%%s+([%d.]+)(%a+)"
  local milliseconds = { us = 0.001, ms = 1, s = 1000 }
  return tonumber(printed:match "Requests/sec:%s+([%d.]+)"), number and tonumber(number) * milliseconds[unit] or 0
end

--- Seconds of CPU that the server's worker has used.
local function cpu(server)
  local stat = shell.read_file(("/proc/%d/stat"):format(server.workers()[1])):match "%) (.*)"
  local fields = {}
  for field in stat:gmatch "%S+" do
    fields[#fields + 1] = tonumber(field) or 0
  end
  return (fields[12] + fields[13]) / 100
end

--- The part of a core that the worker uses while nobody asks it anything.
local function idle_cpu(server, seconds)
  local before = cpu(server)
  socket.sleep(seconds)
  return (cpu(server) - before) / seconds
end

local function start(service, overrides, server)
  return nginx.start { tcp = true, http = nginx.service(service, overrides), server = server }
end

--- Has wrk hold requests that wait, and answers what ends them.
local function begin_waits(server)
  local command = "exec setpriv --pdeathsig KILL sh -c 'setpriv --pdeathsig KILL wrk -t1 -c%d -d3600s %s "
    .. ">/dev/null & echo $!; wait'"
  local url = ("http://127.0.0.1:%d/wait?job=%s"):format(server.port, server.get("/create").body)
  local pipe = assert(io.popen(command:format(WAITS, url)))
  local pid = pipe:read "*l"
  nginx.eventually("all waits are in flight", function()
    return server.get("/pending").body == tostring(WAITS)
  end)
  return function()
    sandbox.signal(pid, "KILL")
    pipe:close()
  end
end

local function row(...)
  print(("%-44s %14s %14s %8s"):format(...))
end

local function number(value, format)
  return (format or "%.0f"):format(value)
end

local service = sandbox.start { users = 10, delay = 3600 }

-- Both ask the service on finseg's own schedule; that of the second is in full swing, the third has its next question
-- far ahead.
local alone = start(service, { poll = false }, WAITING)
local waiting = start(service, { poll = false }, WAITING)
local idle = start(service, { poll = { first = 600, factor = 1, max = 600 } }, WAITING)
alone.get "/create"
local ends = { begin_waits(waiting), begin_waits(idle) }
socket.sleep(10) -- for the schedule to leave its first, short intervals

local rates, times = { {}, {} }, { {}, {} }
for round = 1, ROUNDS do
  for i, server in ipairs { alone, waiting } do
    rates[i][round], times[i][round] = load(server)
  end
end
local rate, rate_waiting = median(rates[1]), median(rates[2])
local p99, p99_waiting = median(times[1]), median(times[2])

print(("nginx, one worker, %d waits in flight; medians of %d rounds of %d s\n"):format(WAITS, ROUNDS, SECONDS))
row("", "without waits", "with waits", "ratio")
row("trivial location, requests a second", number(rate), number(rate_waiting), number(rate_waiting / rate, "%.2f"))
row("  its 99th percentile, ms", number(p99, "%.2f"), number(p99_waiting, "%.2f"), number(p99_waiting / p99, "%.2f"))
row("CPU of the worker, % of a core, polling", "", number(100 * idle_cpu(waiting, 5), "%.2f"), "")
row("  between two polls", number(100 * idle_cpu(alone, 5), "%.2f"), number(100 * idle_cpu(idle, 5), "%.2f"), "")

for _, server in ipairs { alone, waiting, idle } do
  server.stop()
end
for _, finish in ipairs(ends) do
  finish()
end
service.stop()

-- The same with calls that block: three waits of a second each, one after the other.
local slow = sandbox.start { users = 10, delay = 1 }
local blocking = start(slow, { driver = "blocking" }, BLOCKING)
local calls = {}
for i = 1, 3 do
  calls[i] = blocking.open "/segment"
end
local rate_blocking, p99_blocking = load(blocking)
row(
  "with 3 blocking calls: requests a second",
  number(rate),
  number(rate_blocking),
  number(rate_blocking / rate, "%.2f")
)
if rate_blocking > 0 then
  row("  99th percentile, ms", number(p99, "%.2f"), number(p99_blocking, "%.2f"), number(p99_blocking / p99, "%.2f"))
end
blocking.read_all(calls)
blocking.stop()
slow.stop()

local pensive = nginx.start { tcp = true, server = PENSIVE }
local account = { base_url = ("http://127.0.0.1:%d/api/v1"):format(pensive.port), client_id = "a", client_secret = "b" }
local asking = start(account, nil, LATENCY)
local latencies = {}
for _ = 1, 20 do
  local paths = {}
  for i = 1, 10 do
    paths[i] = "/latency"
  end
  for _, answer in ipairs(asking.get_all(paths)) do
    latencies[#latencies + 1] = tonumber(answer.body) * 1000
  end
end
print(
  ("\nfrom the answer to the woken wait, ms: median %.2f, 90%% %.2f, 99%% %.2f (%d waits)"):format(
    median(latencies),
    median(latencies, 0.9),
    median(latencies, 0.99),
    #latencies
  )
)
asking.stop()
pensive.stop()
