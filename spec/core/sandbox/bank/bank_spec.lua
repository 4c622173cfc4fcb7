-- A bank in a file: what outlives a restart, and what is refused.

local afterwards = require("spec.support.afterwards")
local bank = require("spec.support.bank")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local EXCERPT = "spec/data/berka"

describe("with --db", function()
  local TODAY = "2024-04-15"

  local function database(finally)
    local folder = shell.scratch()
    afterwards(finally, function()
      shell.remove(folder)
    end)
    return folder .. "/bank.db"
  end

  it("bank, jobs and results outlive a restart", function()
    local options = { users = 30, seed = 5, today = TODAY, db = database(finally) }
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = 0 })
    local before = wire.wait(service, "highBalance", job).body
    service.stop()
    service = bank.start(finally, options)
    assert.equal(before, wire.get(service, "highBalance", job).body)
    assert.equal(30, #wire.segment(service, "highBalance", { threshold = -100000000 }), "loaded once")
  end)

  it("a population outlives the day it was made on", function()
    local options = { users = 10, seed = 1, today = "2024-01-10", db = database(finally) }
    local service = sandbox.start(options)
    local before = bank.high_balance(service, "-100000000")
    service.stop()
    options.today = "2024-01-11"
    service = bank.start(finally, options)
    assert.equal(before, bank.high_balance(service, "-100000000"))
    assert.matches("users=10 seed=1 today=2024%-01%-10 is in the bank already", service.errors())
  end)

  it("another number of users of a seed that the bank has is refused", function()
    local db = database(finally)
    sandbox.start({ users = 10, seed = 1, today = TODAY, db = db }).stop()
    local status, printed, said = sandbox.run({ "--db", db, "--seed", "1", "--users", "12", "--today", TODAY })
    assert.equal(1, status)
    assert.equal("", printed)
    assert.matches("the bank has 10 users of seed 1: start it with %-%-users 10, or with another %-%-seed", said)
    local service = bank.start(finally, { users = 10, seed = 11, today = TODAY, db = db })
    assert.equal(20, #wire.segment(service, "highBalance", { threshold = -100000000 }))
  end)

  it("a second sandbox is refused while one serves, whatever it was to do, and changes nothing", function()
    local db = database(finally)
    local service = sandbox.start({ users = 10, seed = 1, today = TODAY, db = db })
    local before = bank.low_balance(service, "100", 3)
    for _, words in ipairs({
      { "--db", db, "--today", "2023-06-15" },
      { "--db", db, "--users", "3", "--seed", "2" },
      { "--db", db, "--import", "berka=" .. EXCERPT, "--export", db .. "-csv" },
    }) do
      local status, printed, said = sandbox.run(words)
      assert.equal(1, status)
      assert.equal("", printed)
      local reason = " is in use by another sandbox: end that one, or take another --db\n"
      assert.equal("finseg-sandbox: " .. db .. reason, said)
    end
    assert.equal(before, bank.low_balance(service, "100", 3))
    service.kill()
    service = bank.start(finally, { today = TODAY, db = db })
    assert.equal(before, bank.low_balance(service, "100", 3))
  end)

  it("the files are their owner's alone", function()
    local db = database(finally)
    bank.start(finally, { users = 3, today = TODAY, db = db })
    for mode in shell.check("stat -c %a " .. db .. "*"):gmatch("%d+") do
      assert.equal("600", mode)
    end
  end)

  it("a job outlives kill -9, at whatever moment", function()
    local options = { users = 30, seed = 5, today = TODAY, db = database(finally) }
    local jobs = {}
    for i = 1, 5 do
      local service = sandbox.start(options)
      jobs[i] = wire.create(service, "highBalance", { threshold = 0 })
      service.kill()
    end
    local service = bank.start(finally, options)
    local expected = wire.wait(service, "highBalance", jobs[1]).body
    for i = 2, 5 do
      assert.equal(expected, wire.wait(service, "highBalance", jobs[i]).body)
    end
  end)

  it("jobs not yet computed at kill -9 are computed from the bank they were made at", function()
    local db = database(finally)
    local service = sandbox.start({ users = 1000, seed = 5, today = TODAY, db = db })
    local jobs = {}
    for i = 1, 30 do -- faster than they are computed
      jobs[i] = wire.create(service, "lowBalance", { threshold = 100000000, durationInMonth = 1 })
    end
    service.kill()
    service = bank.start(finally, { users = 10, seed = 6, today = "2024-06-15", db = db })
    local expected = wire.get(service, "lowBalance", jobs[1]).body
    assert.truthy(expected:find('"creationDate":"' .. TODAY .. '"', 1, true))
    for i = 2, #jobs do
      assert.equal(expected, wire.get(service, "lowBalance", jobs[i]).body)
    end
  end)

  it("a result does not move when the bank does", function()
    local db = database(finally)
    local service = sandbox.start({ users = 30, seed = 5, today = TODAY, db = db })
    local job = wire.create(service, "highBalance", { threshold = -100000000 })
    local before = wire.wait(service, "highBalance", job).body
    service.stop()
    service = bank.start(finally, { users = 10, seed = 6, today = "2024-06-15", db = db })
    assert.equal(before, wire.get(service, "highBalance", job).body)
    local now = wire.wait(service, "highBalance", wire.create(service, "highBalance", { threshold = -100000000 })).json
    assert.equal(40, now.totalElements)
    assert.equal("2024-06-15", now.creationDate)
  end)

  it("an expired job stays gone", function()
    local options = { users = 3, today = TODAY, db = database(finally), job_ttl = 0.2 }
    local service = sandbox.start(options)
    local job = wire.create(service, "highBalance", { threshold = 0 })
    service.stop()
    service = bank.start(finally, options)
    wire.eventually("the job has expired", function()
      return wire.get(service, "highBalance", job).status == 400
    end)
  end)

  it("a file of another format is refused by name, and left as it is", function()
    local db = database(finally)
    sandbox.start({ users = 3, today = TODAY, db = db }).stop()
    local bytes = shell.read_file(db)
    local old = bytes:sub(1, 60) .. "\0\0\0\0" .. bytes:sub(65) -- SQLite's user_version
    shell.write_file(db, old)
    local status, printed, said = sandbox.run({ "--db", db, "--today", TODAY })
    assert.equal(1, status)
    assert.equal("", printed)
    local refusal = "finseg-sandbox: " .. db .. " is of format 0 "
    assert.equal(refusal, said:sub(1, #refusal))
    assert.matches("^[^\n]+; take another %-%-db\n$", said)
    assert.equal(old, shell.read_file(db))
  end)
end)
