-- Callbacks in nginx: from a callback's arrival to the coroutine that goes on elsewhere, its confirming GET included;
-- what a load of them loses while nginx reloads (and the Redis restarts); what waiting for them costs. Once between the
-- workers of one nginx, through its shared dict, and once from one nginx to another, through a Redis. The sandbox sends
-- the callbacks.
--
--   make bench, or: lua5.4 spec/bench/ngx_callback_bench.lua [JOBS [RATE]]

local cjson = require "cjson"
local http = require "spec.support.http"
local nginx = require "spec.lua.ngx.support.nginx"
local redis = require "spec.support.redis"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local socket = require "socket"

local JOBS = tonumber(arg and arg[1]) or 10000
local RATE = tonumber(arg and arg[2]) or 1000 -- jobs made, and then callbacks sent, a second
local BATCH = 100 -- jobs that one request to nginx makes and waits for
local PATIENCE = 120 -- seconds

local STORE = [[
  local function open_store()
    if os.getenv "REDIS_PATH" then
      return require("finseg").store.open("redis", { path = os.getenv "REDIS_PATH" })
    end
    return require("finseg").store.open("shared_dict", "finseg")
  end
]]

local RECEIVING = [[
  location /finseg/callback/ {
    content_by_lua_block {
      STORE
      local id = ngx.var.uri:match "(%x+)%.%x+$"
      local told = ngx.shared.arrivals
      told:safe_add(id, ("%s %.6f %d\n"):format(id, require("finseg.core").now(), ngx.worker.pid()))
      require("finseg.ngx").callback { store = open_store }
    }
  }
  location = /arrivals {
    content_by_lua_block {
      local told = ngx.shared.arrivals
      for _, id in ipairs(told:get_keys(0)) do
        ngx.print(told:get(id))
      end
    }
  }
]]

-- /jobs makes jobs, waits for them, and tells of each when its coroutine went on.
local WAITING = [[
  location = /jobs {
    content_by_lua_block {
      STORE
      local core = require "finseg.core"
      local config = {}
      for name, value in pairs(require "service") do config[name] = value end
      config.callbacks = { public_url = os.getenv "CALLBACK_URL", store = open_store }
      local client = assert(require("finseg.ngx").client(config))
      local lines = {}
      local function one(after)
        ngx.sleep(after)
        local segment
        local job, err = client:create("highBalance", { threshold = 1 })
        ngx.shared.made:incr("count", 1, 0)
        if job then
          segment, err = job:wait { timeout = tonumber(ngx.var.arg_patience) }
        end
        lines[#lines + 1] = segment and ("%s %.6f %d"):format(job.callback, core.now(), ngx.worker.pid())
          or "lost " .. tostring(err)
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
]]

-- ---- the two ways ---------------------------------------------------------------------------------------------------

local function parts(service, locations, environment)
  return {
    tcp = true,
    workers = 2,
    main = "env CALLBACK_URL; env REDIS_PATH;",
    http = nginx.service(service, { poll = { callback = 600 } })
      .. "lua_shared_dict finseg 40m; lua_shared_dict arrivals 20m; lua_shared_dict made 1m;",
    server = locations:gsub("STORE", STORE),
    environment = environment,
  }
end

local function callback_url(port)
  return ("CALLBACK_URL=http://127.0.0.1:%d/finseg/callback"):format(port)
end

--- One nginx. Its callbacks come in by a second server block's port, which is known before it starts.
local function through_shared_dict(service)
  local port
  do
    local probe = assert(socket.bind("127.0.0.1", 0))
    port = select(2, probe:getsockname())
    probe:close()
  end
  local listening = ("listen 127.0.0.1:%d; %s"):format(port, RECEIVING .. WAITING)
  local server = nginx.start(parts(service, listening, { callback_url(port) }))
  return {
    waiting = server,
    receiving = server,
    disturb = function()
      server.signal "HUP"
    end,
    stop = server.stop,
  }
end

--- Two, with a Redis between them.
local function through_redis(service)
  local store = redis.start()
  local place = "REDIS_PATH=" .. store.path
  local receiving = nginx.start(parts(service, RECEIVING, { place }))
  local waiting = nginx.start(parts(service, WAITING, { place, callback_url(receiving.port) }))
  return {
    waiting = waiting,
    receiving = receiving,
    disturb = function()
      waiting.signal "HUP"
      receiving.signal "HUP"
      store.kill()
      store.start()
    end,
    stop = function()
      waiting.stop()
      receiving.stop()
      store.stop()
    end,
  }
end

-- ---- a round --------------------------------------------------------------------------------------------------------

--- Begins to make that many jobs at that rate, and to wait for them: connections to read.
local function begin(server, jobs, rate)
  local connections, batches = {}, math.ceil(jobs / BATCH)
  local path = "/jobs?count=%d&first=%.4f&gap=%.4f&patience=%d"
  local workers = server.workers()
  for i = 1, batches do
    connections[i] = server.open(path:format(BATCH, (i - 1) / rate, batches / rate, PATIENCE), {
      worker = workers[i % 2 + 1],
    })
  end
  return connections
end

local function eventually(f)
  local deadline = socket.gettime() + PATIENCE
  repeat
    socket.sleep(0.05)
  until f() or socket.gettime() > deadline
  return socket.gettime()
end

local function until_made(server, jobs)
  eventually(function()
    return tonumber(server.get("/made").body) >= jobs
  end)
end

local function stats(service)
  return cjson.decode(http.request("GET", service.url .. "/__stats").body)
end

local function until_delivered(service, count)
  return eventually(function()
    return stats(service).callbacks.delivered >= count
  end)
end

local function requests_per_job(service, jobs)
  local count = 0
  for _, request in ipairs(stats(service).requests) do
    if tostring(request.path or request.place):find("segments", 1, true) then
      count = count + request.count
    end
  end
  return count / jobs
end

--- What has become of the jobs: the latencies in ms, to another worker and within the same; and how many went on
--- without a callback, and what the others say that did not go on.
local function outcomes(servers, connections)
  eventually(function()
    local ended = true
    for _, connection in ipairs(connections) do
      ended = connection:take() and ended
    end
    return ended
  end)
  local arrivals, found = {}, { other = {}, same = {}, polled = 0, lost = {} }
  for id, at, pid in servers.receiving.get("/arrivals").body:gmatch "(%x+) (%S+) (%d+)\n" do
    arrivals[id] = { tonumber(at), pid }
  end
  for _, connection in ipairs(connections) do
    for line in connection:answer().body:gmatch "[^\n]+" do
      local id, at, pid = line:match "^(%x+) (%S+) (%d+)$"
      local arrival = arrivals[id]
      if arrival then
        table.insert(arrival[2] == pid and found.same or found.other, (tonumber(at) - arrival[1]) * 1000)
      elseif id then
        found.polled = found.polled + 1
      else
        table.insert(found.lost, line)
      end
    end
  end
  return found
end

-- ---- printing -------------------------------------------------------------------------------------------------------

local function say(what, text, ...)
  print(("  %-36s " .. text):format(what, ...))
end

local function say_latencies(found)
  for place, name in pairs { other = "to another worker", same = "within the worker" } do
    local values = found[place]
    table.sort(values)
    if #values > 0 then
      local median, late = values[math.ceil(#values / 2)], values[math.ceil(#values * 0.99)]
      say(name, "median %.2f ms, 99%% %.2f ms (%d)", median, late, #values)
    end
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

-- ---- what is measured -----------------------------------------------------------------------------------------------

local function measure_calm(start)
  local service = sandbox.start { users = 10, delay = 2 }
  local servers = start(service)
  local found = outcomes(servers, begin(servers.waiting, 500, 50))
  print "\n50 callbacks a second"
  say_latencies(found)
  say("requests to the service a job", "%.2f", requests_per_job(service, 500))
  servers.stop()
  service.stop()
end

local function measure_idle(start)
  local service = sandbox.start { users = 10, delay = 3600 }
  local servers = start(service)
  local connections = begin(servers.waiting, JOBS, RATE)
  until_made(servers.waiting, JOBS)
  socket.sleep(2)
  local pids = servers.waiting.workers()
  local before = cpu(pids)
  socket.sleep(5)
  print(("\n%d jobs waiting"):format(JOBS))
  say("CPU of each of the two workers", "%.2f %% of a core", (cpu(pids) - before) / 5 / #pids * 100)
  for _, connection in ipairs(connections) do
    connection:abort()
  end
  servers.stop()
  service.stop()
end

local function measure_load(start, disturbance)
  local service = sandbox.start { users = 10, delay = JOBS / RATE + 5 }
  local servers = start(service)
  local connections = begin(servers.waiting, JOBS, RATE)
  until_made(servers.waiting, JOBS)
  local began = until_delivered(service, JOBS / 10)
  until_delivered(service, JOBS / 3)
  servers.disturb()
  local ended = until_delivered(service, JOBS)
  local found = outcomes(servers, connections)
  print(("\n%d jobs waiting, then their callbacks, %s amid them"):format(JOBS, disturbance))
  say_latencies(found)
  say("callbacks a second", "%.0f", JOBS * 0.9 / (ended - began))
  say("lost", "%d", #found.lost)
  say("went on without a callback", "%d", found.polled)
  say("requests to the service a job", "%.2f", requests_per_job(service, JOBS))
  for i = 1, math.min(#found.lost, 5) do
    print("    " .. found.lost[i])
  end
  servers.stop()
  service.stop()
end

print "From a callback's arrival to the coroutine that waited for it, its GET included: one nginx, a shared dict"
measure_calm(through_shared_dict)
measure_idle(through_shared_dict)
measure_load(through_shared_dict, "a reload")

print "\nThe same from one nginx to another, through a Redis"
measure_calm(through_redis)
measure_idle(through_redis)
measure_load(through_redis, "reloads and a restart of the Redis")
