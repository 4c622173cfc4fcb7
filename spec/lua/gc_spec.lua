-- The collector may come at any moment: nothing is freed too early, nothing is kept for ever.

local connect = require "spec.lua.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local run_lua = require "spec.lua.support.run_lua"
local sandbox = require "spec.lua.support.sandbox"

local PARAMETERS = { accountType = "checking", threshold = 2000 }

local function collect()
  collectgarbage()
  collectgarbage()
end

local function open_descriptors()
  local pipe = assert(io.popen "ls /proc/$PPID/fd | wc -l")
  local count = tonumber(pipe:read "*a")
  pipe:close()
  return count
end

describe("under a collector that never rests", function()
  local service
  local pause, multiplier

  setup(function()
    service = sandbox.start { users = 120, seed = 5, today = "2024-04-01", delay = 0.02 }
    pause = collectgarbage("setpause", 0)
    multiplier = collectgarbage("setstepmul", 10000)
  end)

  teardown(function()
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", multiplier)
    service.stop()
  end)

  it("the main job works", function()
    local client = connect(service, { page_size = 5 })
    local counts = {
      finseg.all(function()
        local count = 0
        for user in assert(client:segment("highBalance", PARAMETERS)):users() do
          count = count + (user.userId and 1 or 0)
        end
        return count
      end, function()
        local count, last = 0, nil
        for user_id in assert(client:segment("highBalance", PARAMETERS)):amounts { account_ids = true } do
          collectgarbage "step"
          count = count + (user_id ~= last and 1 or 0)
          last = user_id
        end
        return count
      end, function()
        return assert(client:segment("highBalance", PARAMETERS)).totalElements
      end),
    }
    assert.is_true(counts[1] > 20)
    assert.are.same({ counts[1], counts[1], counts[1] }, counts)
  end)
end)

describe("what is dropped is freed", function()
  local service

  setup(function()
    service = sandbox.start { users = 120, seed = 5, today = "2024-04-01" }
  end)

  teardown(function()
    service.stop()
  end)

  it("a client closes itself, with what was under way", function()
    collect()
    local before = open_descriptors()
    for _ = 1, 20 do
      local client = connect(service)
      assert(client._core:start_create("highBalance", core.to_json(PARAMETERS)))
      client:step()
    end
    collect()
    -- An open client has three descriptors at least; the test runner's own come and go by one or two.
    assert.is_true(open_descriptors() < before + 20)
  end)

  it("clients and signals give up their descriptors when others need them", function()
    local status, printed = run_lua(
      [[
        local core, finseg = require "finseg.core", require "finseg"
        collectgarbage "stop"
        for _ = 1, 100 do
          assert(finseg.new { base_url = "http://127.0.0.1:1/api/v1", access_token = "x" })
        end
        for _ = 1, 100 do
          assert(core.signal())
        end
      ]],
      nil,
      64
    )
    assert.are.equal("", printed)
    assert.are.equal(0, status)
  end)

  it("no descriptor at all is an error", function()
    local _, printed = run_lua(
      [[
        local core, finseg = require "finseg.core", require "finseg"
        local kept = {}
        local function fill(make)
          local made, err
          repeat
            made, err = make()
            kept[#kept + 1] = made
          until not made
          print(err.kind, err)
        end
        fill(function()
          return finseg.new { base_url = "http://127.0.0.1:1/api/v1", access_token = "x" }
        end)
        fill(core.signal)
      ]],
      nil,
      64
    )
    assert.matches("^network\tno descriptor for the client's .-\nnetwork\tno descriptor for a wait: [^\n]+\n$", printed)
  end)

  it("an iterator that is left early keeps nothing under way for ever", function()
    local client = connect(service, { page_size = 2, parallel_pages = 8 })
    local segment = assert(client:segment("highBalance", PARAMETERS))
    for _ = 1, 20 do
      for _ in segment:users() do
        break
      end
    end
    while client:pending() > 0 do
      core.poll({ client:pollfd() }, 5)
      client:step()
    end
    assert.is_nil(next(client._operations))
    client:close()
  end)

  it("the pages behind a reader, whatever their number", function()
    local text = {}
    for i = 1, 500 do
      text[i] = ('{"userId":"%036d","accounts":[{"accountId":"1","amount":1}],"pad":"%s"}'):format(i, ("x"):rep(100))
    end
    text = '{"users":[' .. table.concat(text, ",") .. "]}"
    local alive = setmetatable({}, { __mode = "v" })
    for i = 1, 2000 do
      local page = assert(finseg.decode(text))
      alive[i] = page._first
      page:amounts()()
    end
    local count = 0
    for _ in pairs(alive) do
      count = count + 1
    end
    assert.is_true(count < 200, count .. " of 2000 pages are still in memory")
  end)

  it("objects are used by their own methods only", function()
    local client = connect(service)
    local page = assert(core.page '{"users":[]}')
    for _, wrong in ipairs { page, io.stdout, {}, 1, "x", true } do
      assert.has_error(function()
        client._core.step(wrong)
      end)
      assert.has_error(function()
        client._core:traverse(wrong == page and client or wrong)
      end)
    end
    local read_user = core.user_reader()
    assert.has_error(function()
      read_user(page, 1)
    end)
    assert.has_error(function()
      read_user(page, 0)
    end)
    client._core:recycle(page)
    assert.has_error(function()
      page:user_count()
    end)
    assert.has_error(function()
      client._core:recycle(page)
    end)
    local core_client = client._core
    client:close()
    core_client:close()
    assert.has_error(function()
      core_client:step()
    end, "finseg: the client is closed")
  end)
end)
