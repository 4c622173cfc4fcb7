-- Equal requests of several hosts become one job: journals over one Redis, with a real redis-server and the sandbox.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local redis = require "spec.support.redis"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local until_ = require "spec.support.until"
local wire = require "spec.support.wire"

local PARAMETERS = { accountType = "checking", threshold = 2000 }

-- Runs where another host would: a name of its own in the kernel, where the tests may make one.
local AS_HOST = [[
  host() {
    if unshare --uts true 2>/dev/null; then unshare --uts sh -c 'hostname "$0"; exec "$@"' "$@"; else shift; "$@"; fi
  }
]]

-- What each of two hosts does: five equal requests at once, round by round, beside the other host's.
local SCRIPT = [[
  local finseg = require "finseg"
  local name, rounds = arg[1], %d
  local store = assert(finseg.store.open("redis", { path = %q }))
  local client = assert(finseg.new { base_url = %q, client_id = %q, client_secret = %q, poll = { first = 0.01, max = 0.05 } })
  local journal = finseg.journal.new(store)
  finseg.run(function()
    for round = 1, rounds do
      store:put("here " .. round .. name, "", 60, false)
      repeat finseg.sleep(0.001) until #store:list("here " .. round) == 2
      local wanted = {}
      for i = 1, 5 do
        wanted[i] = function()
          local count = 0
          local segment = assert(journal:segment(client, "highBalance", { threshold = 1000 + round }, { within = 60 }))
          for _ in segment:users() do count = count + 1 end
          return segment.job.jobId .. " " .. count
        end
      end
      for _, line in ipairs { assert(finseg.all((unpack or table.unpack)(wanted))) } do
        print("round " .. round, line)
      end
    end
  end)
]]

describe("journals over one Redis", function()
  local service, server, stores, folder, client

  before_each(function()
    service = sandbox.start { users = 60, seed = 3, today = "2024-04-01", delay = 0.05 }
    server = redis.start()
    folder = shell.scratch()
    client = connect(service)
    stores = {}
  end)

  after_each(function()
    for _, store in ipairs(stores) do
      store:close()
    end
    client:close()
    service.stop()
    server.stop()
    shell.remove(folder)
  end)

  -- The journal of one more host.
  local function open(more)
    local store = assert(finseg.store.open("redis", server.options(more)))
    stores[#stores + 1] = store
    return finseg.journal.new(store), store
  end

  it("make one job of equal requests of two hosts at once, and both get its users", function()
    local rounds = 8
    local script = SCRIPT:format(rounds, server.path, service.base_url, service.client_id, service.client_secret)
    shell.write_file(folder .. "/host.lua", script)
    local printed = shell.check(AS_HOST .. ([[
      export LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}"
      host one %s %s/host.lua one >%s/one.out 2>&1 &
      host two %s %s/host.lua two >%s/two.out 2>&1 &
      wait
      export LD_PRELOAD=
      cat %s/*.out
    ]]):format(shell.lua, folder, folder, shell.lua, folder, folder, folder))
    local answers, lines = {}, 0
    for round, answer in printed:gmatch "round (%d+)%s+([^\n]+)" do
      assert.are.equal(answers[round] or answer, answer, printed)
      answers[round] = answer
      lines = lines + 1
    end
    assert.are.equal(10 * rounds, lines, printed)
    assert.are.equal(rounds, wire.stats(service).jobs.made)
    local entries = assert((open()):list())
    assert.are.equal(rounds, #entries)
    assert.are.equal("made", entries[1].state)
  end)

  it("let any host pick up a job that another has made", function()
    local here, there = open(), open()
    local job = assert(here:obtain(client, "highBalance", PARAMETERS))
    local entry = assert(there:find(client, "highBalance", PARAMETERS))
    assert.are.equal(job.jobId, entry.jobId)
    local segment = assert(client:job(entry.kind, entry.jobId):wait { timeout = 10 })
    assert.is_true(segment.totalElements > 0)
  end)

  it("make a new job when the one there is older than the caller takes", function()
    local here, there = open(), open()
    local first = assert(here:obtain(client, "highBalance", PARAMETERS))
    local same, reused = there:obtain(client, "highBalance", PARAMETERS, { within = 60 })
    assert.are.same({ first.jobId, true }, { same.jobId, reused })
    until_.wait_until(function()
      return core.time() > first.created_at + 0.01
    end)
    local second
    second, reused = there:obtain(client, "highBalance", PARAMETERS, { within = 0.01 })
    assert.is_false(reused)
    assert.are_not.equal(first.jobId, second.jobId)
    assert.are.equal(second.jobId, here:obtain(client, "highBalance", PARAMETERS).jobId)
    local segment = assert(here:segment(client, "highBalance", PARAMETERS, { within = 60 }))
    assert.are.equal(second.jobId, segment.job.jobId)
  end)

  it("are told by a notify that the other host's job is there, and need not look for it", function()
    local here, here_store = open()
    local _, there_store = open()
    -- the other host: it has begun, and ends when this one waits
    local intent = assert(core.to_json {
      kind = "highBalance",
      parameters = "{}",
      created_at = core.time(),
      ends = core.time() + 60,
    })
    local key, job, reused
    finseg.run(function()
      local put = here_store.put
      function here_store.put(self, wanted, ...)
        if not key and wanted:find "^job " then
          key = wanted:match "^job (.*)"
          there_store:put(wanted, intent, 60, false)
        end
        return put(self, wanted, ...)
      end
      finseg.spawn(function()
        until_.wait_until(function()
          return here_store.connection.told == true and here_store.connection.outstanding == 0
        end)
        there_store:put(
          "job " .. key,
          core.to_json { kind = "highBalance", parameters = "{}", created_at = core.time(), jobId = "7" },
          60
        )
        there_store:notify(key)
        there_store:get "" -- until the notify has left
        until_.wait_until(function()
          return job
        end)
      end)
      job, reused = here:obtain(client, "highBalance", PARAMETERS, { patience = 20 })
    end)
    assert.are.same({ "7", true }, { job.jobId, reused })
    assert.are.equal(0, here_store.watched)
    assert.are.equal(0, wire.stats(service).jobs.made)
  end)

  it("go on without the Redis when it is gone, say so once, and share again when it is back", function()
    local told = {}
    local here, store = open {
      log = function(event)
        told[#told + 1] = event
      end,
    }
    assert(here:obtain(client, "highBalance", PARAMETERS))
    server.kill()
    for _ = 1, 3 do
      local segment = assert(here:segment(client, "highBalance", PARAMETERS))
      assert.is_true(segment.totalElements > 0)
    end
    assert.are.equal(4, wire.stats(service).jobs.made)
    assert.are.equal(1, #told)
    assert.are.equal("store_gone", told[1].name)
    assert.matches("go on without it", told[1].message)
    server.start()
    while #told < 2 do
      core.poll({ store:pollfd() }, 5)
      store:step()
    end
    assert.are.equal("store_back", told[2].name)
    local job = assert(here:obtain(client, "highBalance", PARAMETERS))
    local same, reused = (open()):obtain(client, "highBalance", PARAMETERS)
    assert.are.same({ job.jobId, true }, { same.jobId, reused })
  end)

  it("take over soon from a host that died amid its create, and list that as lost", function()
    sandbox.signal(service.pid, "STOP") -- the create is not answered
    local script = [[
      local pid_file = io.open(arg[0] .. ".pid", "w")
      pid_file:write(io.open("/proc/self/stat"):read "*n")
      pid_file:close()
      local finseg = require "finseg"
      local store = assert(finseg.store.open("redis", { path = %q }))
      local client = assert(finseg.new { base_url = %q, client_id = %q, client_secret = %q })
      local journal = finseg.journal.new(store)
      journal.lease = 0.6
      journal:obtain(client, "highBalance", { accountType = "checking", threshold = 2000 })
    ]]
    script = script:format(server.path, service.base_url, service.client_id, service.client_secret)
    shell.write_file(folder .. "/host.lua", script)
    local pipe = assert(io.popen(AS_HOST .. ([[
      export LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}"
      host other %s %s/host.lua other >%s/host.out 2>&1
    ]]):format(shell.lua, folder, folder)))
    local here, store = open()
    local intent = until_.wait_until(function()
      return store:list("job ")[1]
    end)
    local deadline = core.now() + 10
    repeat -- beyond the time for which the intent stood first
      finseg.sleep(0.01)
      assert.are.equal("making", here:list()[1].state)
    until core.time() > intent.value:match '"ends":([%d.]+)' + 1 or core.now() > deadline
    sandbox.signal(tonumber(shell.read_file(folder .. "/host.lua.pid")), "KILL")
    pipe:close()
    sandbox.signal(service.pid, "CONT")
    local job, reused = here:obtain(client, "highBalance", PARAMETERS, { patience = 10 })
    assert.is_false(reused)
    assert.is_truthy(job)
    local states = {}
    for _, entry in ipairs(here:list()) do
      states[#states + 1] = entry.state
    end
    assert.are.same({ "made", "lost" }, states)
  end)

  it("make the job themselves when the Redis goes while they wait for another host", function()
    local here, store = open()
    local put = store.put
    function store.put(self, key, ...)
      if key:find "^job " then -- another host was first
        store.put = put
        local text = core.to_json {
          kind = "highBalance",
          parameters = "{}",
          created_at = core.time(),
          ends = core.time() + 60,
        }
        put(self, key, text, 60)
      end
      return put(self, key, ...)
    end
    finseg.run(function()
      finseg.spawn(function()
        until_.wait_until(function()
          return store.watched > 0
        end)
        server.kill()
      end)
      local job, reused = here:obtain(client, "highBalance", PARAMETERS, { patience = 30 })
      assert.is_false(reused)
      assert.is_truthy(job)
    end)
    assert.are.equal(1, wire.stats(service).jobs.made)
  end)

  it("go on without a Redis that is full, as without one that is gone", function()
    local here = open()
    server.cli "CONFIG SET maxmemory 1"
    assert.is_true(assert(here:segment(client, "highBalance", PARAMETERS)).totalElements > 0)
    assert.are.equal(1, wire.stats(service).jobs.made)
  end)

  it("pass on what only the caller can mend", function()
    server.cli "CONFIG SET requirepass other"
    local job, err = (open()):obtain(client, "highBalance", PARAMETERS)
    assert.is_nil(job)
    assert.are.equal("auth", err.kind)
    assert.are.equal(0, wire.stats(service).jobs.made)
  end)
end)
