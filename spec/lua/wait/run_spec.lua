-- finseg.run, spawn, all and sleep: many waits in one thread.

local Signal = require "finseg.wait.signal"
local await = require "finseg.wait.await"
local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local tasks = require "finseg.driver.tasks"
local until_ = require "spec.support.until"

local until_waiting, wait_until = until_.until_waiting, until_.wait_until

local PARAMETERS = { accountType = "checking", threshold = 5000 }
local CREATE = "POST /api/v1/segments/highBalance"
local CREATED = { { status = 201, body = '{"jobId":"1"}' } }
local JOB = "GET /api/v1/segments/highBalance/1"
local NOT_READY = { status = 404, body = '{"errors":[]}' }

-- A server whose job never gets ready, and one that never answers the GET.
local function start_pending()
  return scripted_server.start { [CREATE] = CREATED, [JOB] = { NOT_READY } }
end

local function start_silent()
  return scripted_server.start { [CREATE] = CREATED, [JOB] = { { hold = true } } }
end

describe("finseg.wait.run", function()
  it("hands arguments in and results out, nils included", function()
    local results = { n = 0 }
    local function keep(...)
      results = { n = select("#", ...), ... }
    end
    keep(finseg.run(function(a, b, c)
      finseg.sleep(0)
      return c, b, a, nil
    end, 1, nil, 3))
    assert.are.same({ n = 4, 3, nil, 1, nil }, results)
  end)

  it("returns only when every task has ended", function()
    local ended = 0
    finseg.run(function()
      for i = 1, 3 do
        finseg.spawn(function(seconds)
          finseg.sleep(seconds)
          finseg.spawn(function()
            finseg.sleep(0)
            ended = ended + 1
          end)
        end, i / 1000)
      end
    end)
    assert.are.equal(3, ended)
  end)

  it("takes turns among tasks that sleep for no time", function()
    local order = {}
    finseg.run(function()
      for name = 1, 2 do
        finseg.spawn(function()
          for _ = 1, 3 do
            order[#order + 1] = name
            finseg.sleep(0)
          end
        end)
      end
    end)
    assert.are.same({ 1, 2, 1, 2, 1, 2 }, order)
  end)

  it("raises its function's error again, with the task's traceback, after the others have ended", function()
    local other_ended = false
    local ok, problem = pcall(finseg.run, function()
      finseg.spawn(function()
        finseg.sleep(0)
        other_ended = true
      end)
      error "the first task failed"
    end)
    assert.is_false(ok)
    assert.matches("the first task failed", problem)
    assert.matches("stack traceback", problem)
    assert.is_true(other_ended)
  end)

  it("raises the error of a spawned task, after the others have ended", function()
    local main_ended = false
    local ok, problem = pcall(finseg.run, function()
      finseg.spawn(function()
        error "a spawned task failed"
      end)
      finseg.sleep(0)
      main_ended = true
    end)
    assert.is_false(ok)
    assert.matches("a spawned task failed", problem)
    assert.is_true(main_ended)
  end)

  it("raises error objects as they are", function()
    local thrown = { kind = "mine" }
    local ok, problem = pcall(finseg.run, error, thrown)
    assert.is_false(ok)
    assert.are.equal(thrown, problem)
  end)

  it("may be called again after an error, and inside itself", function()
    pcall(finseg.run, error, "x")
    assert.are.equal(1, finseg.run(finseg.run, math.abs, -1))
    local ok, problem = finseg.run(pcall, finseg.run, coroutine.yield)
    assert.is_false(ok)
    assert.matches("coroutine.yield", problem)
  end)

  it("refuses a wait in a coroutine made inside a task, instead of hanging", function()
    finseg.run(function()
      local ok, err = coroutine.wrap(function()
        return finseg.sleep(0.01)
      end)()
      assert.is_nil(ok)
      assert.are.equal("invalid", err.kind)
      assert.matches("finseg.spawn", err.message)
    end)
  end)

  it("fails a task that yields by itself", function()
    local ok, problem = pcall(finseg.run, coroutine.yield, 1)
    assert.is_false(ok)
    assert.matches("coroutine.yield", problem)
  end)

  it("leaves nothing under way when its loop fails, and never goes on with those tasks", function()
    local server = start_silent()
    finally(server.stop)
    local client = connect(server)
    local resumed = false
    local ok, problem = pcall(finseg.run, function()
      local job = assert(client:job("highBalance", "1"))
      finseg.spawn(function()
        job:wait { timeout = 0.05 }
        resumed = true
      end)
      until_waiting(client)
      function client.step()
        client.step = nil
        error "the step failed"
      end
      finseg.sleep(3600)
    end)
    assert.is_false(ok)
    assert.matches("the step failed", problem)
    assert.are.equal(0, client:pending())
    finseg.run(function()
      local job = assert(client:job("highBalance", "1"))
      assert.are.equal("timeout", select(2, job:wait { timeout = 0.1 }).kind)
    end)
    assert.is_false(resumed)
  end)

  it("raises when every task waits for another one", function()
    local ok, problem = pcall(finseg.run, function()
      local waiter = { done = false, cancel = function() end }
      await.signal(tasks, assert(Signal.shared()), waiter)
    end)
    assert.is_false(ok)
    assert.matches("nothing is left that could wake one", problem)
  end)

  it("checks its arguments", function()
    assert.has_error(function()
      finseg.run "not a function"
    end, "bad argument #1 to 'run' (function expected, got string)")
    assert.has_error(function()
      finseg.sleep(-1)
    end, "bad argument #1 to 'sleep' (0 or more seconds expected)")
  end)
end)

describe("outside of finseg.run", function()
  it("spawn raises and says what to do", function()
    local ok, problem = pcall(finseg.spawn, print)
    assert.is_false(ok)
    assert.matches("inside finseg.run", problem)
  end)

  it("sleep blocks", function()
    assert.is_true(finseg.sleep(0.01))
  end)

  it("all runs its functions side by side all the same", function()
    local turn = 0
    local a, b = finseg.all(function()
      while turn == 0 do
        finseg.sleep(0)
      end
      return "a"
    end, function()
      turn = 1
      return "b"
    end)
    assert.are.equal("a", a)
    assert.are.equal("b", b)
  end)
end)

describe("finseg.wait.all", function()
  it("gives the first result of each function in order, nil and false among them", function()
    finseg.run(function()
      local a, b, c, d = finseg.all(function()
        finseg.sleep(0.01)
        return 1, "not this"
      end, function()
        return nil
      end, function()
        return false
      end, function()
        return 4
      end)
      assert.are.same({ 1, nil, false, 4 }, { a, b, c, d })
    end)
  end)

  it("gives nothing for no functions", function()
    assert.are.equal(0, select("#", finseg.all()))
  end)

  it("answers the first failure, cancels what the others wait for, and waits for their end", function()
    local others, asleep = {}, 0
    local result, failure = finseg.all(function()
      asleep = asleep + 1
      others.sleep = select(2, finseg.sleep(3600)).kind
      others.later = select(2, finseg.sleep(3600)).kind
    end, function()
      local _, err = finseg.all(function()
        asleep = asleep + 1
        return finseg.sleep(3600)
      end)
      others.inner = err.kind
      _, err = finseg.all(function()
        return finseg.sleep(3600)
      end)
      others.inner_later = err.kind
    end, function()
      wait_until(function()
        return asleep == 2
      end)
      return nil, "the first failure"
    end)
    assert.is_nil(result)
    assert.are.equal("the first failure", failure)
    local cancelled = "cancelled"
    assert.are.same({ sleep = cancelled, later = cancelled, inner = cancelled, inner_later = cancelled }, others)
  end)

  it("answers what a function raised as a failure", function()
    local thrown = { "thrown" }
    local result, failure = finseg.all(function()
      error(thrown)
    end)
    assert.is_nil(result)
    assert.are.equal(thrown, failure)
  end)

  it("counts a function that yields by itself as failed, and does not wait for it", function()
    local function check_all()
      local other
      local result, failure = finseg.all(coroutine.yield, function()
        other = select(2, finseg.sleep(3600)).kind
      end)
      assert.is_nil(result)
      assert.matches("coroutine.yield", failure)
      assert.are.equal("cancelled", other)
    end
    check_all()
    finseg.run(check_all)
  end)

  it("cancels operations of a client", function()
    local server = start_silent()
    finally(server.stop)
    local client = connect(server)
    local waited
    local _, failure = finseg.all(function()
      local segment, err = client:segment("highBalance", PARAMETERS)
      waited = err
      return segment, err
    end, function()
      wait_until(function()
        return client:transfers() == 1 and #server.requests() == 3
      end)
      return nil, "enough"
    end)
    assert.are.equal("enough", failure)
    assert.are.equal("cancelled", waited.kind)
    assert.are.equal(0, client:pending())
  end)

  it("checks its arguments", function()
    assert.has_error(function()
      finseg.all(print, 2)
    end, "bad argument #2 to 'all' (function expected, got number)")
  end)
end)

describe("waits in tasks", function()
  it("are under way at the same time: 200 jobs of one client", function()
    local service = sandbox.start { users = 20, seed = 3, today = "2024-04-01", delay = 0.5 }
    finally(service.stop)
    local client = connect(service)
    local ready, peak = 0, 0
    finseg.run(function()
      for _ = 1, 200 do
        finseg.spawn(function()
          local segment = assert(client:segment("highBalance", PARAMETERS))
          assert(segment.users)
          ready = ready + 1
        end)
      end
      wait_until(function()
        peak = math.max(peak, client:pending())
        return ready == 200
      end)
    end)
    assert.is_true(peak > 100, "no more than " .. peak .. " under way at once")
  end)

  it("end by themselves when the deadline passes, and the job lives on", function()
    local server = start_pending()
    finally(server.stop)
    local client = connect(server)
    local job = assert(client:create("highBalance", PARAMETERS))
    local segment, err = job:wait { timeout = 0.05 }
    assert.is_nil(segment)
    assert.are.equal("timeout", err.kind)
    assert.is_true(err.retryable)
    assert.are.equal("pending", job:state())
    assert.are.equal(0, client:pending())
  end)

  it("do not spin while nothing happens", function()
    local server = start_silent()
    finally(server.stop)
    local client = connect(server)
    local job = assert(client:create("highBalance", PARAMETERS))
    local polls, poll = 0, core.poll
    function core.poll(...)
      polls = polls + 1
      return poll(...)
    end
    finally(function()
      core.poll = poll
      server.stop()
    end)
    job:wait { timeout = 0.3 }
    finseg.run(job.wait, job, { timeout = 0.3 })
    finseg.run(finseg.sleep, 0.1)
    assert.is_true(polls < 40, polls .. " polls for three waits")
  end)

  it("are ended by job:cancel, every one of that job and no other", function()
    local server = start_pending()
    finally(server.stop)
    local client = connect(server)
    local kinds = {}
    finseg.run(function()
      local job = assert(client:create("highBalance", PARAMETERS))
      local other = assert(client:create("highBalance", PARAMETERS))
      for i = 1, 3 do
        finseg.spawn(function()
          kinds[i] = select(2, job:wait()).kind
        end)
      end
      finseg.spawn(function()
        kinds.other = select(2, other:wait { timeout = 0.2 }).kind
      end)
      until_waiting(client, 4)
      assert.is_true(job:cancel())
      assert.is_false(kinds[1] ~= nil)
      wait_until(function()
        return kinds[3]
      end)
      assert.is_false(job:cancel())
    end)
    assert.are.same({ "cancelled", "cancelled", "cancelled", other = "timeout" }, kinds)
  end)

  it("are ended by client:close, and later calls raise", function()
    local server = start_pending()
    finally(server.stop)
    local client = connect(server)
    local kinds = {}
    local job
    finseg.run(function()
      job = assert(client:create("highBalance", PARAMETERS))
      for i = 1, 3 do
        finseg.spawn(function()
          kinds[i] = select(2, job:wait()).kind
        end)
      end
      until_waiting(client, 3)
      client:close()
    end)
    client:close()
    assert.are.same({ "cancelled", "cancelled", "cancelled" }, kinds)
    local calls = {
      create = function()
        client:create("highBalance", PARAMETERS)
      end,
      segment = function()
        client:segment("highBalance", PARAMETERS)
      end,
      job = function()
        client:job("highBalance", "1")
      end,
      ["job:wait"] = function()
        job:wait()
      end,
      ["job:poll"] = function()
        job:poll()
      end,
      ["job:cancel"] = function()
        job:cancel()
      end,
      step = function()
        client:step()
      end,
      pending = function()
        client:pending()
      end,
    }
    for name, call in pairs(calls) do
      assert.has_error(call, ("finseg: the client is closed (in %s)"):format(name))
    end
    assert.is_nil(client:pollfd())
  end)
end)
