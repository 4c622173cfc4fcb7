-- The collector may come at any moment: nothing is freed too early, nothing is kept for ever.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"

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
    assert.matches(
      "^resource\tthe client's event set: out of file descriptors; [^\n]+\n"
        .. "resource\ta wait: out of file descriptors; [^\n]+\n$",
      printed
    )
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
    assert.is_nil(next(client.operations.by_ticket))
    client:close()
  end)

  -- How many of 2,000 pages of 90 KB, made one after the other in a fresh Lua, were in memory at once; an index of half
  -- their size is what each of them holds in C. `use` is done with each: Lua code.
  local function most_alive(use)
    local _, printed = run_lua(([[
      local finseg = require "finseg"
      local text = {}
      for i = 1, 500 do
        text[i] = ('{"userId":"%%036d","accounts":[{"accountId":"1","amount":1}],"pad":"%%s"}'):format(i, ("x"):rep(100))
      end
      text = '{"users":[' .. table.concat(text, ",") .. "]}"
      local alive, most = setmetatable({}, { __mode = "v" }), 0
      for i = 1, 2000 do
        local page = assert(finseg.decode(text))
        alive[i] = page._first
        %s
        if i %% 50 == 0 then
          local count = 0
          for _ in pairs(alive) do
            count = count + 1
          end
          most = math.max(most, count)
        end
      end
      io.write(most)
    ]]):format(use))
    return assert(tonumber(printed), printed)
  end

  it("the pages behind a reader, whatever their number", function()
    assert.is_true(most_alive "page:amounts()()" < 300)
  end)

  it("pages that have seen many collections of what is young", function()
    assert.is_true(most_alive [[
      if i == 1 and _VERSION == "Lua 5.4" then
        collectgarbage "generational"
      end
      for _ = 1, 4 do
        collectgarbage "step"
      end
    ]] < 300)
  end)

  it("a page keeps the text that it was made of", function()
    local page
    do
      local users = {}
      for i = 1, 300 do
        users[i] = ('{"userId":"%d","accounts":[{"accountId":"%d","amount":%d}]}'):format(i, -i, i)
      end
      page = assert(finseg.decode('{"users":[' .. table.concat(users, ",") .. "]}"))
    end
    collect()
    local filler = ""
    for i = 1, 100 do
      filler = filler .. ("x"):rep(100 + i)
    end
    assert.are.equal(15050, #filler)
    local count = 0
    for user in page:users() do
      count = count + 1
      local accounts = { { accountId = tostring(-count), amount = count } }
      assert.are.same({ userId = tostring(count), accounts = accounts }, user)
    end
    assert.are.equal(300, count)
    assert.are.equal(300 * 301 / 2, (page:sum()))
  end)

  it("a page's memory serves the next, and nothing of it comes back", function()
    local large, small = {}, '{"users":[{"userId":"\\u0061","accounts":[{"amount":7}]}],"totalElements":1}'
    for i = 1, 200 do
      large[i] = ('{"userId":"%d\\u0030","accounts":[{"amount":%d}]}'):format(i, i)
    end
    large = '{"users":[' .. table.concat(large, ",") .. "]}"
    for _ = 1, 20 do
      assert.are.equal(20100, (assert(finseg.decode(large)):sum()))
      assert.is_nil(finseg.decode(large:sub(1, -2)))
      local page = assert(finseg.decode(small))
      assert.are.equal(7, (page:sum()))
      assert.are.equal("a", page:users()().userId)
      collect()
    end
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
    local reader = core.user_reader()
    assert.has_error(function()
      reader:fill(page)
    end)
    assert.has_error(function()
      reader:fill(reader, {})
    end)
    assert.has_error(function()
      reader.fill(page, page, {})
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
