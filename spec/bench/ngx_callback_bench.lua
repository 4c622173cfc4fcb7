-- Callbacks between the workers of nginx: from a callback's arrival in one worker to the coroutine that goes on in the
-- other, its confirming GET included; what a load of them loses while nginx reloads; what waiting for them costs. The
-- sandbox sends the callbacks.
--
--   make bench, or: lua5.4 spec/bench/ngx_callback_bench.lua [JOBS [RATE]]

local cjson = require "cjson"
local http = require "spec.lua.support.http"
local nginx = require "spec.nginx.support.nginx"
local sandbox = require "spec.lua.support.sandbox"
local shell = require "spec.lua.support.shell"
local socket = require "socket"

local JOBS = tonumber(arg and arg[1]) or 10000
local RATE = tonumber(arg and arg[2]) or 1000 -- jobs made, and then callbacks sent, a second
local BATCH = 100 -- jobs that one request to nginx makes and waits for

local LOCATIONS = [[
  location /finseg/callback/ {
    content_by_lua_block {
      local id = ngx.var.uri:match "(%x+)%.%x+$"
      ngx.shared.arrivals:set(id, ("%.6f %d"):format(require("finseg.core").now(), ngx.worker.pid()))
      require("finseg.ngx").callback()
    }
  }
  location = /jobs {
    content_by_lua_block {
      local core = require "finseg.core"
      local config = {}
      for name, value in pairs(require "service") do config[name] = value end
      config.callbacks = { public_url = "http://127.0.0.1:" .. ngx.var.server_port .. "/finseg/callback" }
      local client = assert(require("finseg.ngx").client(config))
      local lines = {}
      local function one(after)
        ngx.sleep(after)
        local job, err = client:create("highBalance", { threshold = 1 })
        local segment
        if job then
          ngx.shared.made:incr("count", 1, 0)
          segment, err = job:wait { timeout = 300 }
        end
        local woken = core.now()
        if not segment then
          lines[#lines + 1] = "lost " .. tostring(err)
          return
        end
        local at, pid = (ngx.shared.arrivals:get(job.callback) or ""):match "^(%S+) (%d+)$"
        lines[#lines + 1] = at and ("%s %.3f"):format(
          tonumber(pid) == ngx.worker.pid() and "same" or "other", (woken - tonumber(at)) * 1000) or "polled 0"
      end
      local threads = {}
      for i = 1, tonumber(ngx.var.arg_count) do
        threads[i] = ngx.thread.spawn(one, tonumber(ngx.var.arg_first) + (i - 1) * tonumber(ngx.var.arg_gap))
      end
      for _, thread in ipairs(threads) do
        ngx.thread.wait(thread)
      end
      ngx.print(table.concat(lines, "\n"), "\n")
    }
  }
  location = /made { content_by_lua_block { ngx.print(ngx.shared.made:get "count" or 0) } }
  location = /counts {
    content_by_lua_block {
      ngx.print(require("cjson").encode((require("finseg.ngx").callback_counts())))
    }
  }
]]

local function parts_for(service)
  local dicts = "lua_shared_dict finseg 40m; lua_shared_dict arrivals 20m; lua_shared_dict made 1m;"
  return {
    tcp = true,
    workers = 2,
    http = nginx.service(service, { poll = { callback = 600 } }) .. dicts,
    server = LOCATIONS,
  }
end

local function part_of(values, part)
  table.sort(values)
  return values[math.max(math.ceil(#values * part), 1)] or 0 / 0
end

--- Begins to make that many jobs at that rate, and to wait for them: connections to read.
local function begin(server, jobs, rate)
  local connections, batches = {}, math.ceil(jobs / BATCH)
  local path = "/jobs?count=%d&first=%.4f&gap=%.4f"
  for i = 1, batches do
    connections[i] = server.open(path:format(BATCH, (i - 1) / rate, batches / rate), {
      worker = server.workers()[i % 2 + 1],
    })
  end
  return connections
end

local function until_made(server, jobs)
  repeat
    socket.sleep(0.1)
  until tonumber(server.get("/made").body) >= jobs
end

--- The outcomes: how many of each kind, and the latencies of each.
local function outcomes(connections)
  local found = { same = {}, other = {}, polled = {}, lost = {} }
  local pending = connections
  while #pending > 0 do
    local still = {}
    for _, connection in ipairs(pending) do
      if not connection:take() then
        still[#still + 1] = connection
      end
    end
    pending = still
    socket.sleep(0.05)
  end
  for _, connection in ipairs(connections) do
    for kind, value in connection:answer().body:gmatch "(%a+) ([^\n]*)\n" do
      table.insert(found[kind], tonumber(value) or value)
    end
  end
  return found
end

local function requests_per_job(service, jobs)
  local count = 0
  for _, request in ipairs(cjson.decode(http.request("GET", service.url .. "/__stats").body).requests) do
    if tostring(request.path or request.place):find("segments", 1, true) then
      count = count + request.count
    end
  end
  return count / jobs
end

local function print_latencies(found)
  for _, place in ipairs { "other", "same" } do
    local values = found[place]
    print(
      ("  %-34s median %6.2f ms, 99%% %7.2f ms (%d)"):format(
        place == "other" and "to another worker" or "within the worker",
        part_of(values, 0.5),
        part_of(values, 0.99),
        #values
      )
    )
  end
end

--- Seconds of CPU that these processes have used.
local function cpu(pids)
  local sum = 0
  for _, pid in ipairs(pids) do
    sum = sum + tonumber(shell.read_file(("/proc/%d/schedstat"):format(pid)):match "^%d+") / 1e9
  end
  return sum
end

print "nginx, two workers: from a callback's arrival to the coroutine that waited for it, GET included"

local calm = sandbox.start { users = 10, delay = 2 }
local server = nginx.start(parts_for(calm))
local found = outcomes(begin(server, 500, 50))
print_latencies(found)
print(("  %-34s %.2f"):format("requests to the service a job", requests_per_job(calm, 500)))
server.stop()
calm.stop()

local far = sandbox.start { users = 10, delay = 3600 }
server = nginx.start(parts_for(far))
local pids = server.workers()
server.get "/made"
local idle = { cpu(pids) }
socket.sleep(3)
idle[2] = cpu(pids)
local connections = begin(server, JOBS, RATE)
until_made(server, JOBS)
socket.sleep(2)
idle[3] = cpu(pids)
socket.sleep(5)
idle[4] = cpu(pids)
print(
  ("  %-34s %.2f %% of a core each; without waits %.2f %%"):format(
    ("CPU of workers with %d waits"):format(JOBS / 2),
    (idle[4] - idle[3]) / 5 * 50,
    (idle[2] - idle[1]) / 3 * 50
  )
)
for _, connection in ipairs(connections) do
  connection:abort()
end
server.stop()
far.stop()

print(("\n%d jobs waiting, then %d callbacks a second, nginx reloading amid them"):format(JOBS, RATE))
local busy = sandbox.start { users = 10, delay = JOBS / RATE + 5 }
server = nginx.start(parts_for(busy))
connections = begin(server, JOBS, RATE)
until_made(server, JOBS)

--- Callbacks that the sandbox has delivered.
local function delivered()
  return cjson.decode(http.request("GET", busy.url .. "/__stats").body).callbacks.delivered
end

--- Waits until that many are delivered; answers when that was.
local function until_delivered(count)
  local deadline = socket.gettime() + 120
  repeat
    socket.sleep(0.05)
  until delivered() >= count or socket.gettime() > deadline
  return socket.gettime()
end

local began = until_delivered(JOBS / 10)
until_delivered(JOBS / 3)
server.signal "HUP"
local ended = until_delivered(JOBS)
found = outcomes(connections)
print_latencies(found)
print(("  %-34s %.0f"):format("callbacks a second", JOBS * 0.9 / (ended - began)))
print(("  %-34s %d lost, %d without a callback"):format("of " .. JOBS, #found.lost, #found.polled))
print(("  %-34s %s"):format("received", server.get("/counts").body))
print(("  %-34s %.2f"):format("requests to the service a job", requests_per_job(busy, JOBS)))
for i = 1, math.min(#found.lost, 5) do
  print("    " .. found.lost[i])
end
server.stop()
busy.stop()
