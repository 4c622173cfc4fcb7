--- What a driver promises, whatever the loop: the tests that drivers_spec.lua runs in every host.

local connect_to = require "spec.support.connect"
local core = require "finseg.core"
local drivers = require "finseg.driver"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local until_ = require "spec.support.until"

local PARAMETERS = { accountType = "checking", threshold = 2000 }
local CREATE = "POST /api/v1/segments/highBalance"
local CREATED = { { status = 201, body = '{"jobId":"1"}' } }
local JOB = "GET /api/v1/segments/highBalance/1"
local NOT_READY = { status = 404, body = '{"errors":[]}' }

local unpack = table.unpack or unpack
local until_waiting, wait_until = until_.until_waiting, until_.wait_until

local function collect()
  collectgarbage()
  collectgarbage()
end

local function list(count, make)
  local made = {}
  for i = 1, count do
    made[i] = make(i)
  end
  return made
end

-- Runs `count` functions made by make(i) side by side; answers their results.
local function all(count, make)
  return { assert(finseg.all(unpack(list(count, make)))) }
end

-- Makes every step of the client call `before` first.
local function on_step(client, before)
  local step = client.step
  function client.step(...)
    before()
    return step(...)
  end
end

---@param host table  of support.hosts
return function(host)
  local service, pending, silent

  local function connect(server, overrides)
    local config = { driver = host.driver }
    for field, value in pairs(overrides or {}) do
      config[field] = value
    end
    return connect_to(server, config)
  end

  local function job_of(client)
    return assert(client:job("highBalance", "1"))
  end

  describe("the driver " .. (host.title or host.name), function()
    setup(function()
      service = sandbox.start { users = 60, seed = 3, today = "2024-04-01", delay = 0.03 }
      pending = scripted_server.start { [CREATE] = CREATED, [JOB] = { NOT_READY } }
      silent = scripted_server.start { [CREATE] = CREATED, [JOB] = { { hold = true } } }
    end)

    teardown(function()
      service.stop()
      pending.stop()
      silent.stop()
    end)

    it("is chosen where its loop runs", function()
      host.run(function()
        assert.are.equal(host.name, assert(drivers.choose()).name)
      end)
    end)

    it("has the members of the contract", function()
      local driver = host.run(drivers.choose)
      for _, member in ipairs { "running", "suspend", "wake", "spawn", "sleep" } do
        assert.is_function(driver[member])
      end
    end)

    it("sleeps", function()
      host.run(function()
        local before = core.now()
        assert.is_true(finseg.sleep(0.02))
        assert.is_true(core.now() - before >= 0.02)
        assert.is_true(finseg.sleep(0))
      end)
    end)

    it("wakes a sleeper at its time, whoever sleeps longer", function()
      host.run(function()
        local asleep, others = 0, {}
        local _, failure = finseg.all(unpack(list(5, function(i)
          return function()
            asleep = asleep + 1
            if i == 3 then
              assert(finseg.sleep(0.01))
              wait_until(function()
                return asleep == 5
              end)
              assert.are.same({}, others)
              return nil, "the shortest sleep is over"
            end
            others[i] = select(2, finseg.sleep(60 - i)).kind
            return true
          end
        end)))
        assert.are.equal("the shortest sleep is over", failure)
        assert.are.same({ "cancelled", "cancelled", nil, "cancelled", "cancelled" }, others)
      end)
    end)

    it("serves many waits on one client", function()
      local client = connect(service)
      local totals = host.run(function()
        return all(30, function()
          return function()
            return assert(client:segment("highBalance", PARAMETERS)).totalElements
          end
        end)
      end)
      assert.are.equal(30, #totals)
      for _, total in ipairs(totals) do
        assert.are.equal(totals[1], total)
      end
      client:close()
    end)

    it("serves several clients at once", function()
      local clients = {}
      for i = 1, 4 do
        clients[i] = connect(service)
      end
      local totals = host.run(function()
        return all(16, function(i)
          return function()
            return assert(clients[i % 4 + 1]:segment("highBalance", PARAMETERS)).totalElements
          end
        end)
      end)
      assert.are.equal(16, #totals)
      for _, client in ipairs(clients) do
        client:close()
      end
    end)

    it("keeps deadlines, whether the job is not ready or the service does not answer", function()
      host.run(function()
        for _, server in ipairs { pending, silent } do
          local client = connect(server)
          local segment, err = job_of(client):wait { timeout = 0.05 }
          assert.is_nil(segment)
          assert.are.equal("timeout", err.kind)
          client:close()
        end
      end)
    end)

    it("keeps each wait's own deadline, and goes on for the others when the first ends", function()
      local client = connect(silent)
      local in_time = 0
      local results = host.run(function()
        local longer = job_of(client)
        return all(6, function(i)
          return function()
            if i == 6 then
              wait_until(function()
                return in_time == 3
              end)
              assert.are.equal(2, client:pending())
              return longer:cancel()
            elseif i > 3 then
              return select(2, longer:wait { timeout = 60 }).kind
            end
            local before, timeout = core.now(), i * 0.03
            assert.are.equal("timeout", select(2, job_of(client):wait { timeout = timeout }).kind)
            assert.is_true(core.now() - before >= timeout)
            in_time = in_time + 1
            return i
          end
        end)
      end)
      assert.are.same({ 1, 2, 3, "cancelled", "cancelled", true }, results)
      client:close()
    end)

    it("ends a wait that is cancelled, and no other", function()
      local client = connect(pending)
      local ended = {}
      host.run(function()
        local jobs = { job_of(client), job_of(client), job_of(client) }
        all(4, function(i)
          return function()
            if i < 4 then
              local _, err = jobs[i]:wait { timeout = 60 }
              ended[#ended + 1] = { i, err.kind }
              return true
            end
            until_waiting(client, 3)
            for count, which in ipairs { 1, 3, 2 } do
              assert(jobs[which]:cancel())
              wait_until(function()
                return #ended == count
              end)
            end
            return true
          end
        end)
      end)
      assert.are.same({ { 1, "cancelled" }, { 3, "cancelled" }, { 2, "cancelled" } }, ended)
      client:close()
    end)

    it("ends every wait for a job that is cancelled, whichever ended before", function()
      local client = connect(pending)
      local ended = 0
      local kinds = host.run(function()
        local job = job_of(client)
        return all(5, function(i)
          return function()
            if i == 5 then
              wait_until(function()
                return ended == 2
              end)
              return assert(job:cancel())
            end
            local kind = select(2, job:wait { timeout = i == 2 and 0.03 or i == 4 and 0.05 or 60 }).kind
            ended = ended + 1
            return kind
          end
        end)
      end)
      assert.are.same({ "cancelled", "timeout", "cancelled", "timeout", true }, kinds)
      assert.is_false(job_of(client):cancel())
      client:close()
    end)

    it("lets a wait be inside pcall and inside an iterator", function()
      local client = connect(service, { page_size = 3 })
      host.run(function()
        local ok, segment = pcall(function()
          return assert(client:segment("highBalance", PARAMETERS))
        end)
        assert(ok, segment)
        local count = 0
        for _ in segment:users() do
          count = count + 1
        end
        assert.are.equal(segment.totalElements, count)
        local polls = 0
        for each in
          function()
            polls = polls + 1
            return polls <= 3 and assert(segment.job:poll()) or nil
          end
        do
          assert.are.equal(segment.totalElements, each.totalElements)
        end
        local raised, problem = pcall(function()
          local _, err = client:create("highBalance", { threshold = "no number" })
          error(err, 0)
        end)
        assert.is_false(raised)
        assert.are.equal("invalid", problem.kind)
      end)
      client:close()
    end)

    it("cancels what the others wait for when one function of finseg.all fails", function()
      local client = connect(pending)
      host.run(function()
        local kind, sleeps
        local first, err = finseg.all(function()
          kind = select(2, job_of(client):wait { timeout = 60 }).kind
        end, function()
          until_waiting(client)
          wait_until(function()
            return sleeps
          end)
          error "one function failed"
        end, function()
          sleeps = true
          return finseg.sleep(60)
        end)
        assert.is_nil(first)
        assert.matches("one function failed", err)
        assert.are.equal("cancelled", kind)
      end)
      client:close()
    end)

    it("closes a client that others wait on: each gets an err of kind cancelled", function()
      local clients = { connect(pending), connect(silent) }
      local kinds = host.run(function()
        return all(9, function(i)
          local client = clients[i % 2 + 1]
          return function()
            if i == 9 then
              until_waiting(clients[1], 4)
              until_waiting(clients[2], 4)
              clients[1]:close()
              clients[2]:close()
              return "closed"
            end
            return select(2, job_of(client):wait { timeout = 60 }).kind
          end
        end)
      end)
      for i = 1, 8 do
        assert.are.equal("cancelled", kinds[i])
      end
    end)

    it("lets the one who wakes first close the client", function()
      local client = connect(silent)
      local kinds = host.run(function()
        return all(4, function(i)
          return function()
            local kind = select(2, job_of(client):wait { timeout = i == 1 and 0.05 or 60 }).kind
            client:close()
            return kind
          end
        end)
      end)
      assert.are.same({ "timeout", "cancelled", "cancelled", "cancelled" }, kinds)
    end)

    it("survives a collector that comes at every step", function()
      local client = connect(service, { page_size = 5 })
      on_step(client, collect)
      local counts = host.run(function()
        return all(5, function()
          return function()
            local count = 0
            for _ in assert(client:segment("highBalance", PARAMETERS)):users() do
              count = count + 1
            end
            return count
          end
        end)
      end)
      for _, count in ipairs(counts) do
        assert.are.equal(counts[1], count)
      end
      client:close()
    end)

    it("loses no wake-up among thousands of short waits", function()
      local client = connect(pending, { retry = { attempts = 1 } })
      local polls = 0
      host.run(function()
        all(20, function(i)
          local job = job_of(client)
          return function()
            for round = 1, 100 do
              assert(select(2, job:poll()).kind == "pending")
              polls = polls + 1
              if (i + round) % 10 == 0 then
                finseg.sleep(0)
              end
            end
            return true
          end
        end)
      end)
      assert.are.equal(2000, polls)
      client:close()
    end)

    it("does not run in circles while nothing happens", function()
      local client, steps = connect(silent), 0
      host.run(function()
        all(10, function()
          return function()
            assert(select(2, job_of(client):wait { timeout = 0.4 }).kind == "timeout")
            return true
          end
        end)
      end)
      client:close()
      client = connect(silent)
      on_step(client, function()
        steps = steps + 1
      end)
      host.run(function()
        all(10, function()
          return function()
            assert(select(2, job_of(client):wait { timeout = 0.4 }).kind == "timeout")
            return true
          end
        end)
      end)
      -- Connections, requests, deadlines: a few steps each. A loop that spins makes thousands.
      assert.is_true(steps < 200, steps .. " steps")
      client:close()
    end)

    it("lets the loop end while a client is open that nobody waits on", function()
      local client = connect(service)
      host.run(function()
        assert(client:segment("highBalance", PARAMETERS))
      end)
      host.run(function()
        assert(client:segment("highBalance", PARAMETERS))
      end)
      client:close()
    end)

    it("lets a client be collected while the loop lives", function()
      local alive = setmetatable({}, { __mode = "k" })
      host.run(function()
        for _ = 1, 3 do
          (function()
            local client = connect(service)
            alive[client] = true
            assert(client:segment("highBalance", PARAMETERS))
          end)()
        end
        wait_until(function()
          collect()
          return next(alive) == nil
        end, "the clients are collected")
        assert(connect(service):segment("highBalance", PARAMETERS))
      end)
    end)

    it("waits on the next client with the same descriptor number", function()
      local seen, again = {}, 0
      host.run(function()
        for round = 1, 12 do
          local client = connect(pending)
          local fd = client:pollfd()
          again = again + (seen[fd] and 1 or 0)
          seen[fd] = true
          if round % 2 == 0 then
            assert.are.equal("pending", select(2, job_of(client):poll()).kind)
            client:close()
          else
            local kinds = all(2, function(i)
              return function()
                if i == 2 then
                  until_waiting(client)
                  return client:close() or "closed"
                end
                return select(2, job_of(client):wait()).kind
              end
            end)
            assert.are.same({ "cancelled", "closed" }, kinds)
          end
        end
      end)
      assert.is_true(again > 0, "no descriptor number came twice")
    end)

    it("runs finseg.run in the loop that is there", function()
      local spawned
      local results = host.run(function()
        return {
          finseg.run(function(...)
            finseg.spawn(function(seconds)
              finseg.sleep(seconds)
              spawned = drivers.choose().name
            end, 0.02)
            return select("#", ...), ...
          end, 1, nil, 3),
        }
      end)
      assert.are.same({ 3, 1, nil, 3 }, results)
      assert.are.equal(host.concurrent and host.name or "tasks", spawned)
    end)

    it("runs finseg.run in the functions of finseg.all, and in itself", function()
      local function helper()
        return finseg.run(function()
          local result
          finseg.spawn(function()
            result = finseg.run(finseg.sleep, 0.01)
          end)
          return wait_until(function()
            return result
          end)
        end)
      end
      assert.are.same(
        { true, true },
        host.run(function()
          return { assert(finseg.all(helper, helper)) }
        end)
      )
    end)

    it("raises the error of one task once the others have ended", function()
      local client, total = connect(service), nil
      host.run(function()
        local ok, problem = pcall(finseg.run, function()
          finseg.spawn(error, "a spawned function failed")
          finseg.spawn(function()
            total = assert(client:segment("highBalance", PARAMETERS)).totalElements
          end)
        end)
        assert.is_false(ok)
        assert.matches("a spawned function failed", problem)
        assert.is_number(total)
        local thrown = {}
        ok, problem = pcall(finseg.run, error, thrown)
        assert.is_false(ok)
        assert.are.equal(thrown, problem)
      end)
      client:close()
    end)

    if host.concurrent and host.title == nil then
      it("says clearly where no wait is possible", function()
        local client = connect(pending)
        local function refused(enter)
          local job, err = "untouched", nil
          enter(function()
            job, err = client:create("highBalance", PARAMETERS)
          end)
          assert.is_nil(job)
          assert.are.equal("invalid", err.kind)
          assert.matches("no wait is possible", err.message)
        end
        host.run(function()
          refused(function(f)
            package.preload["spec.waits"] = f
            require "spec.waits"
            package.preload["spec.waits"], package.loaded["spec.waits"] = nil, nil
          end)
          refused(function(f)
            table.sort({ 1, 2 }, function(a, b)
              f()
              return a < b
            end)
          end)
          refused(function(f)
            string.gsub("x", "x", f)
          end)
          if host.nested then
            refused(function(f)
              coroutine.wrap(f)()
            end)
          end
          assert(client:create("highBalance", PARAMETERS))
        end)
        client:close()
      end)
    end
  end)
end
