-- The journal: equal requests are one job, across runs and processes, and no create is forgotten.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"
local until_ = require "spec.support.until"

local CREATE = "POST /api/v1/segments/highBalance"
local JOB = "GET /api/v1/segments/highBalance/"
local READY = { { body = '{"users":[{"userId":"anna","accounts":[]}]}' } }
local PARAMETERS = { accountType = "checking", threshold = 5000 }

local function created(id)
  return { status = 201, body = ('{"jobId":"%s"}'):format(id) }
end

describe("a journal", function()
  local folder, path, store, journal, server, client

  local function start(routes)
    server = scripted_server.start(routes)
    client = connect(server)
  end

  before_each(function()
    folder = shell.scratch()
    path = folder .. "/jobs.db"
    store = assert(finseg.store.open("file", path))
    journal = finseg.journal.new(store)
  end)

  after_each(function()
    if client then
      client:close()
      server.stop()
      client = nil
    end
    store:close()
    shell.remove(folder)
  end)

  local function creates()
    local count = 0
    for _, request in ipairs(server.requests()) do
      count = count + (request.method == "POST" and request.path:find("/segments/", 1, true) and 1 or 0)
    end
    return count
  end

  local function states()
    local list = {}
    for _, entry in ipairs(assert(journal:list())) do
      list[#list + 1] = entry.state
    end
    table.sort(list)
    return list
  end

  it("answers equal requests with one job, however they were written", function()
    start { [CREATE] = { created "1", created "2" } }
    local equal = {
      { accountType = "checking", threshold = 5000 },
      { accountType = "CHECKING", threshold = 5000.0 },
      { accountType = "Checking", threshold = "5000.00" },
      { accountType = "checking", threshold = 5000, callbackURL = "https://here.example/a-token" },
    }
    for position, parameters in ipairs(equal) do
      local job, reused = journal:obtain(client, "highBalance", parameters)
      assert.are.equal("1", job.jobId)
      assert.are.equal(position > 1, reused)
    end
    assert.are.equal(1, creates())
  end)

  it("makes another job for another request, client or base URL", function()
    start { [CREATE] = { created "1", created "2", created "3" } }
    assert.are.equal("1", journal:obtain(client, "highBalance", PARAMETERS).jobId)
    assert.are.equal("2", journal:obtain(client, "highBalance", { threshold = 5000 }).jobId)
    local other = connect(server, { client_id = "another" })
    assert.are.equal("3", journal:obtain(other, "highBalance", PARAMETERS).jobId)
    local elsewhere = connect(server, { base_url = server.url .. "/other/api/v1" })
    assert.is_nil(journal:find(elsewhere, "highBalance", PARAMETERS))
    other:close()
    elsewhere:close()
  end)

  it("makes a new job when asked for a fresh one, and then answers with that", function()
    start { [CREATE] = { created "1", created "2" } }
    journal:obtain(client, "highBalance", PARAMETERS)
    assert.are.equal("2", journal:obtain(client, "highBalance", PARAMETERS, { fresh = true }).jobId)
    assert.are.equal("2", journal:obtain(client, "highBalance", PARAMETERS).jobId)
  end)

  it("lists what it knows, newest first, and forgets a job", function()
    start { [CREATE] = { created "1", created "2" } }
    journal:obtain(client, "highBalance", PARAMETERS)
    journal:obtain(client, "highBalance", { threshold = "7.50" })
    local entries = assert(journal:list())
    assert.are.equal("2", entries[1].jobId)
    assert.are.equal("1", entries[2].jobId)
    assert.are.equal("made", entries[1].state)
    assert.are.equal("highBalance", entries[1].kind)
    assert.are.same({ threshold = 7.5 }, entries[1].parameters)
    assert.are.equal(server.base_url, entries[1].base_url)
    assert.is_true(journal:forget(client, "highBalance", { threshold = 7.5 }))
    assert.are.equal(1, #journal:list())
  end)

  it("takes what is no entry of its own for none", function()
    start { [CREATE] = { created "1", created "2" }, [JOB .. "1"] = READY }
    assert(journal:obtain(client, "highBalance", PARAMETERS))
    local item = store:list("job ")[1]
    local mine = '{"kind":"highBalance","created_at":1,"parameters":"{}"%s}'
    for _, text in ipairs {
      '{"kind":"highBalance","created_at":1}',
      '{"kind":"highBalance","created_at":1,"jobId":"1"}',
      '{"kind":"highBalance","created_at":1,"jobId":"1","parameters":{}}',
      '{"kind":"highBalance","created_at":1,"jobId":"1","parameters":"x"}',
      '{"kind":"highBalance","created_at":1e300,"jobId":"1","parameters":"{}"}',
      mine:format "",
      mine:format ',"jobId":1',
    } do
      assert(store:put(item.key, text, 60))
      assert.are.same({}, assert(journal:list()), text)
      assert.is_nil(journal:find(client, "highBalance", PARAMETERS), text)
    end
    assert.are.equal("2", assert(journal:obtain(client, "highBalance", PARAMETERS)).jobId)
    local intent = '{"kind":"highBalance","created_at":%d,"parameters":"{}","ends":%d,"before":%s}'
    for _, before in ipairs { "7", "{}", '{"jobId":1,"created_at":1}', '{"jobId":"1","created_at":"x"}' } do
      assert(store:put("job x", intent:format(os.time(), os.time() + 60, before), 60))
      assert.are.same({ "made", "making" }, states(), before)
    end
    for _, ends in ipairs { '"x"', "1e300", "null" } do
      assert(store:put("job x", (intent:format(os.time(), 0, "7"):gsub('"ends":0', '"ends":' .. ends)), 60))
      assert.are.same({ "made" }, states(), ends)
    end
  end)

  it("keeps a job for less than the 14 days that the service keeps it", function()
    start { [CREATE] = { created "1" } }
    journal:obtain(client, "highBalance", PARAMETERS)
    local seconds = store:list("job ")[1].ends - os.time()
    assert.is_true(seconds > 13 * 86400 and seconds < 14 * 86400 - 3600)
  end)

  it("writes no secret, no token and no callback", function()
    start { [CREATE] = { created "1" } }
    local with_callback = { threshold = 1, callbackURL = "https://here.example/unguessable" }
    journal:obtain(client, "highBalance", with_callback)
    local bytes = shell.read_file(path)
    assert.truthy(bytes:find("scripted-client", 1, true))
    for _, secret in ipairs { server.client_secret, "scripted-token", "unguessable" } do
      assert.is_nil(bytes:find(secret, 1, true))
    end
  end)

  it("refuses wrong parameters before anything is written or sent", function()
    start {}
    local job, err = journal:obtain(client, "highBalance", { treshold = 1 })
    assert.is_nil(job)
    assert.are.equal("invalid", err.kind)
    assert.matches("treshold", err.message)
    assert.are.same({}, states())
    assert.are.equal(0, creates())
  end)

  it("writes the intent before the create, and takes it away with the job", function()
    start { [CREATE] = { { hold = true } } }
    finseg.run(function()
      finseg.spawn(function()
        journal:obtain(client, "highBalance", PARAMETERS)
      end)
      until_.wait_until(function()
        return creates() > 0
      end)
      assert.are.same({ "making" }, states())
      client:close()
    end)
    client = connect(server)
    -- the create had been sent and its end is not known
    assert.are.same({ "lost" }, states())
  end)

  it("knows a create whose answer was lost as a job that may exist", function()
    start { [CREATE] = { { raw = "" }, created "2" } }
    local job, err = journal:obtain(client, "highBalance", PARAMETERS)
    assert.is_nil(job)
    assert.is_true(err.maybe_created)
    assert.are.same({ "lost" }, states())
    assert.are.equal("2", journal:obtain(client, "highBalance", PARAMETERS).jobId)
    assert.are.same({ "lost", "made" }, states())
  end)

  it("keeps no note of a create that was refused", function()
    start { [CREATE] = { { status = 422, body = '{"errors":[{"message":"no","code":"X"}]}' }, created "2" } }
    local _, err = journal:obtain(client, "highBalance", PARAMETERS)
    assert.are.equal("invalid", err.kind)
    assert.are.same({}, states())
    assert.are.equal("2", journal:obtain(client, "highBalance", PARAMETERS).jobId)
  end)

  it("lists the lost creates of a request", function()
    start { [CREATE] = { { raw = "" }, created "2" } }
    journal:obtain(client, "highBalance", PARAMETERS)
    local lost = assert(journal:list_lost(client, "highBalance", { accountType = "CHECKING", threshold = "5000.0" }))
    assert.are.same({ "lost", 5000 }, { lost[1].state, lost[1].parameters.threshold })
    assert.are.same({}, journal:list_lost(client, "highBalance", { threshold = 5000 }))
  end)

  it("is told by the store when another task has made the job, and does not ask all the time", function()
    start { [CREATE] = { { hold = true }, created "2" } }
    local slow = connect(server, { timeout = 0.5 })
    local memory = assert(finseg.store.open "memory")
    local looks = 0
    local counting = setmetatable({
      get = function(_, key)
        looks = looks + 1
        return memory:get(key)
      end,
    }, { __index = memory })
    for _, name in ipairs { "put", "delete", "list", "notify", "watch" } do
      counting[name] = function(_, ...)
        return memory[name](memory, ...)
      end
    end
    local job
    finseg.run(function()
      finseg.spawn(function()
        finseg.journal.new(memory):obtain(slow, "highBalance", PARAMETERS)
      end)
      until_.wait_until(function()
        return creates() > 0
      end)
      job = finseg.journal.new(counting):obtain(slow, "highBalance", PARAMETERS)
    end)
    slow:close()
    assert.are.equal("2", job.jobId)
    assert.is_true(looks < 8, looks .. " looks")
  end)

  it("waits for a create that takes longer than its intent holds, in stores that notify and others", function()
    start { [CREATE] = { { hold = true }, created "2" } }
    for _, others in ipairs { journal, finseg.journal.new(assert(finseg.store.open "memory")) } do
      local slow = connect(server, { timeout = 1 })
      others.lease = 0.15
      local before, outcomes = creates(), {}
      finseg.run(function()
        finseg.spawn(function()
          outcomes[1] = select(2, others:obtain(slow, "highBalance", { threshold = 1 + before }))
        end)
        until_.wait_until(function()
          return creates() > before
        end)
        local _
        _, outcomes[2] = others:obtain(slow, "highBalance", { threshold = 1 + before }, { patience = 0.6 })
      end)
      slow:close()
      assert.are.equal("timeout", outcomes[2].kind)
      assert.matches("has been making the same job", outcomes[2].message)
      assert.is_true(outcomes[1].maybe_created)
      server.stop()
      start { [CREATE] = { { hold = true } } }
    end
  end)

  it("ends a wait for another task when it is cancelled", function()
    start { [CREATE] = { { hold = true } } }
    local memory = assert(finseg.store.open "memory")
    local others = finseg.journal.new(memory)
    local err
    finseg.run(function()
      finseg.spawn(function()
        others:obtain(client, "highBalance", PARAMETERS)
      end)
      until_.wait_until(function()
        return creates() > 0
      end)
      finseg.all(function()
        local _
        _, err = others:obtain(client, "highBalance", PARAMETERS)
        return nil, err
      end, function()
        until_.until_waiting(require("finseg.wait.signal").shared())
        return nil, { kind = "invalid", message = "enough" }
      end)
      client:close()
    end)
    assert.are.equal("cancelled", err.kind)
    client = connect(server)
  end)

  -- Runs a process that makes the job, in a journal over the file with a short lease, and kills itself where it is
  -- told: `kill` is Lua that may call die().
  local function die_amid_create(kill, more)
    local script = ([[
      local finseg = require "finseg"
      local function die() io.stdout:flush() os.execute "kill -9 $PPID" end
      local client = assert(finseg.new { base_url = %q, client_id = %q, client_secret = %q, timeout = 0.2,
        log = function(event) if event.name == "request" and event.method == "POST" and event.url:find "segments" then
          if POSTED then POSTED() end end end })
      local store = assert(finseg.store.open("file", %q))
      local journal = finseg.journal.new(store)
      journal.lease = 0.5
      %s
      journal:obtain(client, "highBalance", { threshold = 5000, accountType = "checking" }, { %s })
      print "alive"
    ]]):format(server.base_url, server.client_id, server.client_secret, path, kill, more or "")
    local _, printed = run_lua(script)
    assert.is_nil(printed:find("alive", 1, true))
  end

  it("takes over from a process that died amid its create once its intent has ended, and remembers that", function()
    start { [CREATE] = { created "2" } }
    die_amid_create "POSTED = die"
    assert.are.same({ "making" }, states())
    local job, reused = journal:obtain(client, "highBalance", PARAMETERS, { patience = 20 })
    assert.is_false(reused)
    assert.is_truthy(job)
    assert.are.same({ "lost", "made" }, states())
  end)

  -- Kills at the n-th change of the store: before it, or after it and before anything else.
  local KILL_AT = [[
    local changes = 0
    for _, name in ipairs { "put", "delete" } do
      local change = store[name]
      store[name] = function(...)
        changes = changes + 1
        if changes == %d and %s then die() end
        local answer, err = change(...)
        if changes == %d then die() end
        return answer, err
      end
    end
  ]]

  it("has the id of the job there was, or of the new one, wherever a process that makes a fresh one dies", function()
    start { [CREATE] = { created "1", created "2", created "3", created "4", created "5" } }
    assert(journal:obtain(client, "highBalance", PARAMETERS))
    for change = 1, 2 do
      for _, before in ipairs { "true", "false" } do
        die_amid_create(KILL_AT:format(change, before, change), "fresh = true")
        local entry = assert(journal:find(client, "highBalance", PARAMETERS))
        assert.matches("^[1-5]$", entry.jobId)
        local job, reused = assert(journal:obtain(client, "highBalance", PARAMETERS))
        assert.are.same({ entry.jobId, true }, { job.jobId, reused })
      end
    end
  end)

  it("knows no create as lost whose job was written down, wherever its process died", function()
    start { [CREATE] = { created "1" } }
    die_amid_create(KILL_AT:format(2, "false", 2))
    assert.are.same({ "made" }, states())
    finseg.sleep(0.6) -- beyond the lease
    assert.are.same({ "made" }, states())
  end)

  it("takes over as soon from a process that is dead and not yet reaped", function()
    start { [CREATE] = { { hold = true }, created "2" } }
    local script = ([[
      local finseg = require "finseg"
      local client = assert(finseg.new { base_url = %q, client_id = %q, client_secret = %q })
      local journal = finseg.journal.new(assert(finseg.store.open("file", %q)))
      journal.lease = 0.5
      journal:obtain(client, "highBalance", { threshold = 5000, accountType = "checking" })
    ]]):format(server.base_url, server.client_id, server.client_secret, path)
    shell.write_file(folder .. "/maker.lua", script)
    -- the parent never waits for its child
    local parent = io.popen(
      ([[exec env LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}" perl -e '
      $child = fork; if (!$child) { exec split / /, "%s"; }
      open(F, ">", "%s"); print F $child; close F; <STDIN>']]):format(
        shell.lua .. " " .. folder .. "/maker.lua",
        folder .. "/pid"
      ),
      "w"
    )
    until_.wait_until(function()
      return creates() == 1
    end)
    shell.check("kill -9 " .. shell.read_file(folder .. "/pid"))
    local began = core.now()
    local job, reused = journal:obtain(client, "highBalance", PARAMETERS, { patience = 20 })
    local seconds = core.now() - began
    parent:write "\n"
    parent:close()
    assert.are.same({ "2", false }, { job.jobId, reused })
    assert.is_true(seconds < 5, seconds)
  end)

  it("leaves a job to who has taken over from it while it was stopped", function()
    start { [CREATE] = { created "1", created "2" } }
    local others = finseg.journal.new(store)
    local create_while = client.create_while
    function client.create_while(...)
      client.create_while = create_while
      local key = store:list("job ")[1].key
      local text = store:get(key)
      assert(store:put(key, (text:gsub('"ends":[%d.]+', '"ends":1')), 60)) -- the lease is over
      assert.are.equal("1", others:obtain(client, "highBalance", PARAMETERS).jobId)
      return create_while(...)
    end
    assert.are.equal("2", journal:obtain(client, "highBalance", PARAMETERS).jobId)
    assert.are.equal("1", journal:find(client, "highBalance", PARAMETERS).jobId)
    assert.are.same({ "lost", "made" }, states())
  end)

  it("renews and replaces an intent though the answer to a renewal was lost", function()
    start { [CREATE] = { created "1" } }
    local put = store.put
    function store.put(self, key, value, ...)
      local answer, err = put(self, key, value, ...)
      if value:find '"ends"' and select("#", ...) > 1 and type((select(2, ...))) == "string" then
        return nil, core.error("network", "the answer was lost")
      end
      return answer, err
    end
    local create_while = client.create_while
    function client.create_while(self, kind, parameters, seconds, renew)
      renew()
      renew()
      return create_while(self, kind, parameters, seconds, renew)
    end
    assert.are.equal("1", journal:obtain(client, "highBalance", PARAMETERS).jobId)
    assert.are.same({ "made" }, states())
  end)

  it("keeps the job there was when a fresh one is refused", function()
    start { [CREATE] = { created "1", { status = 422, body = '{"errors":[]}' } } }
    assert(journal:obtain(client, "highBalance", PARAMETERS))
    local before = store:list("job ")[1]
    local _, err = journal:obtain(client, "highBalance", PARAMETERS, { fresh = true })
    assert.are.equal("invalid", err.kind)
    local after = store:list("job ")[1]
    assert.are.same(core.from_json(before.value), core.from_json(after.value))
    assert.is_true(math.abs(before.ends - after.ends) < 10)
    assert.are.same({ "made" }, states())
  end)

  it("answers with the job there is while a fresh one is made", function()
    start { [CREATE] = { created "1", { hold = true } } }
    assert(journal:obtain(client, "highBalance", PARAMETERS))
    finseg.run(function()
      finseg.spawn(function()
        journal:obtain(client, "highBalance", PARAMETERS, { fresh = true })
      end)
      until_.wait_until(function()
        return creates() == 2
      end)
      local job, reused = journal:obtain(client, "highBalance", PARAMETERS)
      assert.are.same({ "1", true }, { job.jobId, reused })
      assert.are.same({ "made", "making" }, states())
      client:close()
    end)
    client = connect(server)
  end)

  it("reads a file of version 1", function()
    start { [CREATE] = { created "new" } }
    store:close()
    shell.check(("cp spec/data/store_version_1.db %s"):format(path))
    store = assert(finseg.store.open("file", path))
    journal = finseg.journal.new(store)
    assert.are.same({ "lost", "lost", "made" }, states())
    local old = connect(server, { base_url = "http://127.0.0.1:1" })
    local job, reused = journal:obtain(old, "highBalance", PARAMETERS)
    old:close()
    assert.are.same({ "old-1", true }, { job.jobId, reused })
    assert(store:notify "a")
  end)

  it("lets one of two tasks make the job, and the other wait for it", function()
    start { [CREATE] = { created "1", created "2" } }
    local function obtain()
      return journal:obtain(client, "highBalance", PARAMETERS)
    end
    local a, b = finseg.all(obtain, obtain)
    assert.are.equal("1", a.jobId)
    assert.are.equal("1", b.jobId)
    assert.are.equal(1, creates())
  end)

  it("lets one of several processes make the job, and the others wait for it", function()
    start { [CREATE] = { created "1", created "2", created "3", created "4" } }
    local script = ([[
      local finseg = require "finseg"
      local client = assert(finseg.new { base_url = %q, client_id = %q, client_secret = %q })
      local job = assert(finseg.journal.new(assert(finseg.store.open("file", %q))):obtain(client, "highBalance",
        { threshold = 5000, accountType = "checking" }))
      print("job " .. job.jobId)
    ]]):format(server.base_url, server.client_id, server.client_secret, path)
    shell.write_file(folder .. "/obtain.lua", script)
    local printed = shell.check(([[
      for i in 1 2 3 4; do LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}" %s %s/obtain.lua & done
      wait
    ]]):format(shell.lua, folder))
    assert.are.equal(("job 1\n"):rep(4), printed)
    assert.are.equal(1, creates())
  end)

  it("waits for another process no longer than it was told", function()
    start { [CREATE] = { { hold = true } } }
    local err
    finseg.run(function()
      finseg.spawn(function()
        journal:obtain(client, "highBalance", PARAMETERS)
      end)
      until_.wait_until(function()
        return creates() > 0
      end)
      local _
      _, err = journal:obtain(client, "highBalance", PARAMETERS, { patience = 0.05 })
      client:close()
    end)
    assert.are.equal("timeout", err.kind)
    assert.matches("has been making the same job", err.message)
    client = connect(server)
  end)

  it("makes a job anew that the service no longer has", function()
    start {
      [CREATE] = { created "1", created "2" },
      [JOB .. "1"] = { { status = 400, body = '{"errors":[]}' } },
      [JOB .. "2"] = READY,
    }
    journal:obtain(client, "highBalance", PARAMETERS)
    local jobs = {}
    local segment = assert(journal:segment(client, "highBalance", PARAMETERS, {
      on_job = function(job, reused)
        jobs[#jobs + 1] = job.jobId .. (reused and " reused" or " new")
      end,
    }))
    assert.are.equal("2", segment.job.jobId)
    assert.are.same({ "1 reused", "2 new" }, jobs)
    assert.are.equal("2", journal:find(client, "highBalance", PARAMETERS).jobId)
  end)

  it("does not make a new job twice when it fails too", function()
    start {
      [CREATE] = { created "1", created "2", created "3" },
      [JOB .. "1"] = { { status = 422, body = '{"errors":[]}' } },
      [JOB .. "2"] = { { status = 422, body = '{"errors":[]}' } },
    }
    journal:obtain(client, "highBalance", PARAMETERS)
    local segment, err, job = journal:segment(client, "highBalance", PARAMETERS)
    assert.is_nil(segment)
    assert.are.equal("failed", err.kind)
    assert.are.equal("2", job.jobId)
    assert.are.equal(2, creates())
  end)

  it("passes the store's failure on", function()
    start { [CREATE] = { created "1" } }
    local broken = setmetatable({
      get = function()
        return nil, { kind = "config", message = "the disk is gone" }
      end,
    }, { __index = store })
    local job, err = finseg.journal.new(broken):obtain(client, "highBalance", PARAMETERS)
    assert.is_nil(job)
    assert.are.equal("the disk is gone", err.message)
    assert.are.equal(0, creates())
  end)

  it("raises for what is no store", function()
    assert.error_matches(function()
      finseg.journal.new {}
    end, "bad argument #1 to 'new' %(a store needs")
  end)
end)
