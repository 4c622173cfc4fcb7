-- Jobs and results of the sandbox outlive its end, however it comes.

local afterwards = require("spec.support.afterwards")
local cjson = require("cjson")
local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local socket = require("socket")
local wire = require("spec.support.wire")

local ROUNDS = tonumber(os.getenv("FINSEG_SPEC_KILLS") or 12)
local ANYONE = '{"threshold":-1000000}'

local function with_db(finally, options)
  local folder = shell.scratch()
  afterwards(finally, function()
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

-- A folder of CSV files: a bank of `count` users with one account each, in the order of their ids.
local function many_users(finally, count)
  local folder = shell.scratch()
  afterwards(finally, function()
    shell.remove(folder)
  end)
  local ids, accounts = {}, {}
  for i = 1, count do
    ids[i] = ("%06d-%s"):format(i, ("u"):rep(100))
    accounts[i] = ("%d,%s,CHECKING,2020-01-01"):format(i, ids[i])
  end
  shell.write_file(folder .. "/users.csv", "userId\r\n" .. table.concat(ids, "\r\n") .. "\r\n")
  shell.write_file(
    folder .. "/accounts.csv",
    "accountId,userId,type,opened\r\n" .. table.concat(accounts, "\r\n") .. "\r\n"
  )
  shell.write_file(folder .. "/transactions.csv", "accountId,date,amount,label,counterpart\r\n")
  return folder, ids
end

-- Bytes that a process has read from files so far.
local function bytes_read(pid)
  return tonumber(shell.read_file(("/proc/%d/io"):format(pid)):match("rchar: (%d+)"))
end

local function assert_all_pages(service, job, ids)
  local seen = 0
  for number = 0, math.ceil(#ids / 500) do
    local page = wire.get(service, "highBalance", job, ("number=%d&size=500"):format(number)).json
    assert.equal(#ids, page.totalElements)
    for _, user in ipairs(page.users) do
      seen = seen + 1
      assert.equal(ids[seen], user.userId)
    end
  end
  assert.equal(#ids, seen)
end

describe("a job", function()
  it("is not lost by kill -9 at any moment, and computed again when it was not", function()
    local options = with_db(finally, { users = 300 })
    local service = sandbox.start(options)
    afterwards(finally, function()
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
    afterwards(finally, service.stop)
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
    afterwards(finally, service.stop)
    wire.eventually("the job has expired", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
    wire.eventually("it was swept", function()
      return wire.stats(service).jobs.swept == 1
    end)
  end)

  it("that was killed while its large result was stored is computed again", function()
    local folder, ids = many_users(finally, 40000)
    local options = with_db(finally, { import = "csv=" .. folder })
    local service = sandbox.start(options)
    afterwards(finally, function()
      service.stop()
    end)
    local jobs = {}
    for i = 1, 6 do
      jobs[i] = wire.create(service, "highBalance", { threshold = -1 })
      socket.sleep(i * 0.05)
      service.kill()
      service = sandbox.start(options)
    end
    for _, job in ipairs(jobs) do
      assert_all_pages(service, job, ids)
    end
  end)

  it("with a large result gives each page without reading the rest", function()
    local folder, ids = many_users(finally, 40000)
    local options = with_db(finally, { import = "csv=" .. folder })
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = -1 })
    wire.wait(service, "highBalance", job)
    assert_all_pages(service, job, ids)
    service.stop()
    service = sandbox.start(options)
    afterwards(finally, service.stop)
    local before = bytes_read(service.pid)
    assert.equal(ids[39501], wire.get(service, "highBalance", job, "number=79&size=500").json.users[1].userId)
    local read = bytes_read(service.pid) - before
    assert.truthy(read < 2 * 1024 * 1024, read .. " bytes were read")
    assert_all_pages(service, job, ids)
  end)

  it("with a large result gives the same pages without --db", function()
    local folder, ids = many_users(finally, 40000)
    local service = sandbox.start({ import = "csv=" .. folder, today = "2024-04-15" })
    afterwards(finally, service.stop)
    local job = wire.create(service, "highBalance", { threshold = -1 })
    wire.wait(service, "highBalance", job)
    assert_all_pages(service, job, ids)
  end)
end)
