-- The main job against the sandbox: log in, create, wait, page through the users.

local cjson = require "cjson.safe"
local connect = require "spec.support.connect"
local finseg = require "finseg"
local http = require "spec.support.http"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"

local PARAMETERS = { accountType = "checking", threshold = 2000 }

describe("a segment of the sandbox", function()
  local service, client, users, raw

  -- The whole result as one page, by another HTTP client and another JSON decoder.
  local function fetch_raw(job_id)
    local token = cjson.decode(http.request("POST", service.token_url, {
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
      body = http.form {
        grant_type = "client_credentials",
        client_id = service.client_id,
        client_secret = service.client_secret,
      },
    }).body).access_token
    local answer =
      http.request("GET", ("%s/segments/highBalance/%s?number=0&size=500"):format(service.base_url, job_id), {
        headers = { Authorization = "Bearer " .. token },
      })
    assert.are.equal(200, answer.status)
    return answer.body
  end

  setup(function()
    service = sandbox.start { users = 150, seed = 11, today = "2024-04-01" }
    client = connect(service)
    local job = assert(client:create("highBalance", PARAMETERS))
    assert(job:wait())
    raw = fetch_raw(job.jobId)
    users = assert(cjson.decode(raw)).users
    assert(#users > 20 and #users < 150, #users .. " users are no test")
  end)

  teardown(function()
    client:close()
    service.stop()
  end)

  local function exact_sum()
    local cents = 0
    for _, user in ipairs(users) do
      for _, account in ipairs(user.accounts) do
        cents = cents + math.floor(account.amount * 100 + 0.5)
      end
    end
    return ("%d.%02d"):format(math.floor(cents / 100), cents % 100)
  end

  it("has the same users whatever the page size and the number of pages under way", function()
    for _, page_size in ipairs { 1, 7, #users - 1, #users, #users + 1, 500 } do
      for _, parallel_pages in ipairs { 1, 4 } do
        local reader = connect(service, { page_size = page_size, parallel_pages = parallel_pages })
        local segment = assert(reader:segment("highBalance", PARAMETERS))
        local seen = {}
        for user in segment:users() do
          seen[#seen + 1] = user
        end
        assert.are.same(users, seen)
        assert.are.equal(0, reader:pending())
        reader:close()
      end
    end
  end)

  it("keeps the job in the err when the wait fails, and answers no third value", function()
    local slow = sandbox.start { users = 1, delay = 60 }
    finally(slow.stop)
    -- LuaJIT's assert raises its last argument: a third value would take the err's place.
    local results = { connect(slow):segment("highBalance", PARAMETERS, { timeout = 0.05 }) }
    assert.are.equal("timeout", results[2].kind)
    assert.are.equal("highBalance", results[2].job.kind)
    assert.is_nil(results[3])
  end)

  it("has its amounts without tables, with account ids when asked", function()
    local reader = connect(service, { page_size = 9 })
    local segment = assert(reader:segment("highBalance", PARAMETERS))
    local expected, seen, with_ids = {}, {}, {}
    for _, user in ipairs(users) do
      for _, account in ipairs(user.accounts) do
        expected[#expected + 1] = { user.userId, account.amount, account.accountId }
      end
    end
    for user_id, amount, account_id in segment:amounts() do
      assert.is_nil(account_id)
      seen[#seen + 1] = { user_id, amount, expected[#seen + 1][3] }
    end
    for user_id, amount, account_id in segment:amounts { account_ids = true } do
      with_ids[#with_ids + 1] = { user_id, amount, account_id }
    end
    assert.are.same(expected, seen)
    assert.are.same(expected, with_ids)
    reader:close()
  end)

  it("sums exactly", function()
    local reader = connect(service, { page_size = 9 })
    local number, text = assert(reader:segment("highBalance", PARAMETERS)):sum()
    assert.are.equal(exact_sum(), text)
    assert.are.equal(tonumber(text), number)
    reader:close()
  end)

  it("tells the wire's members by plain indexing", function()
    local segment = assert(client:segment("highBalance", PARAMETERS))
    assert.are.equal("2024-04-01", segment.creationDate)
    assert.are.equal(#users, segment.totalElements)
    assert.are.equal(0, segment.durationInMonth)
    assert.is_nil(segment.noSuchMember)
    assert.is_nil(segment:members().users)
    assert.are.equal(#users, segment:members().totalElements)
  end)

  it("comes in pages that stand for themselves", function()
    local reader = connect(service, { page_size = 10 })
    local segment = assert(reader:segment("highBalance", PARAMETERS))
    local count, pages = 0, 0
    for page in segment:pages() do
      pages = pages + 1
      count = count + page:user_count()
      assert.are.equal(#users, page.totalElements)
      local again = assert(finseg.decode(page:text()))
      assert.are.equal(select(2, page:sum()), select(2, again:sum()))
    end
    assert.are.equal(#users, count)
    assert.are.equal(math.ceil(#users / 10), pages)

    local second = assert(segment:page(1))
    assert.are.same(users[11], second:users()())
    assert.are.same(users[1], assert(segment:page(0)):users()())
    assert.are.equal(0, assert(segment:page(1000)):user_count())
    local none, err = segment:page(-1)
    assert.is_nil(none)
    assert.are.equal("invalid", err.kind)
    reader:close()
  end)

  it("may be read by several at once, and left early", function()
    local reader = connect(service, { page_size = 3 })
    local segment = assert(reader:segment("highBalance", PARAMETERS))
    local one, two = segment:users(), segment:users()
    for position = 1, #users do
      assert.are.same(users[position], one())
      if position <= 5 then
        assert.are.same(users[position], two())
      end
    end
    assert.is_nil(one())
    assert.is_nil(one())
    for _ in segment:users() do
      break
    end
    for _ in segment:amounts() do
      break
    end
    assert.are.equal(select(2, segment:sum()), exact_sum())
    reader:close()
  end)

  it("is the same when its job is picked up by its id", function()
    local job = assert(client:create("highBalance", PARAMETERS))
    assert.are.equal("highBalance", job.kind)
    local other = connect(service)
    local again = assert(other:job("highBalance", job.jobId))
    assert.are.equal(#users, assert(again:wait()).totalElements)
    assert.are.equal("ready", again:state())
    assert.are.equal(again.jobId, assert(again:wait()).job.jobId)
    other:close()
  end)

  it("decodes from saved text without a client", function()
    local page = assert(finseg.decode(raw))
    local seen = {}
    for user in page:users() do
      seen[#seen + 1] = user
    end
    assert.are.same(users, seen)
    assert.are.equal(exact_sum(), select(2, page:sum()))
    assert.are.equal(#users, page:user_count())
    assert.are.equal(raw, page:text())
    assert.are.equal(raw:match '"users":%s*(%[.*%])', page:users_text())
    local pages = 0
    for each in page:pages() do
      pages = pages + 1
      assert.are.equal(page, each)
    end
    assert.are.equal(1, pages)
  end)

  it("of another kind and with exact decimal text for its threshold", function()
    local segment = assert(client:segment("lowBalance", {
      accountType = "CHECKING",
      threshold = "-100.00",
      durationInMonth = 3,
    }))
    assert.are.equal(3, segment.durationInMonth)
    for _, amount in segment:amounts() do
      assert.is_true(amount < -100)
    end
  end)

  it("keeps its first page when the client is closed, and raises for the others", function()
    local reader = connect(service, { page_size = 10 })
    local segment = assert(reader:segment("highBalance", PARAMETERS))
    reader:close()
    assert.are.equal(#users, segment.totalElements)
    assert.are.equal(10, assert(segment:page(0)):user_count())
    local ok, problem = pcall(function()
      for _ in segment:users() do
        assert.is_true(true)
      end
    end)
    assert.is_false(ok)
    assert.matches("the client is closed", tostring(problem), 1, true)
  end)

  it("logs in with a user's name and password, and with a ready-made token", function()
    local user = connect(service, { username = service.username, password = service.password })
    assert(user:segment("highBalance", PARAMETERS))
    user:close()
    local token = cjson.decode(http.request("POST", service.token_url, {
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
      body = http.form {
        grant_type = "client_credentials",
        client_id = service.client_id,
        client_secret = service.client_secret,
      },
    }).body).access_token
    local ready_made = assert(finseg.new { base_url = service.base_url, access_token = token })
    assert(ready_made:create("highBalance", PARAMETERS))
    ready_made:close()
  end)
end)

describe("a result", function()
  it("keeps members it does not know, at every level, and null as finseg.null", function()
    local page = assert(finseg.decode [[{"x":{"y":[1]},"users":[
      {"userId":"a","accounts":[{"accountId":"1","amount":5,"currency":"EUR","z":null}],"tags":["t"]}],"w":null}]])
    local user = page:users()()
    assert.are.same({ y = { 1 } }, page.x)
    assert.are.equal(finseg.null, page.w)
    assert.are.same({ "t" }, user.tags)
    assert.are.equal("EUR", user.accounts[1].currency)
    assert.are.equal(finseg.null, user.accounts[1].z)
  end)

  it("reaches members called like a method through members()", function()
    local page = assert(finseg.decode '{"users":[],"sum":5,"pages":[],"_first":1}')
    assert.is_function(page.sum)
    assert.are.equal(5, page:members().sum)
    assert.are.equal(1, page:members()._first)
  end)

  it("without users is empty, and its sum is zero", function()
    local page = assert(finseg.decode '{"users":[],"totalElements":0}')
    assert.is_nil(page:users()())
    assert.is_nil(page:amounts()())
    assert.are.same({ 0, "0.00" }, { page:sum() })
  end)

  it("without amounts says so: amounts raises, sum answers the err", function()
    local page = assert(finseg.decode '{"users":[{"userId":"a","accounts":[{"accountId":"1","incomingCount":2}]}]}')
    local number, err = page:sum()
    assert.is_nil(number)
    assert.are.equal("invalid", err.kind)
    local ok, raised = pcall(page:amounts())
    assert.is_false(ok)
    assert.are.equal("invalid", raised.kind)
    assert.are.equal(2, page:users()().accounts[1].incomingCount)
  end)

  it("does not round: sum refuses an amount beyond its scale, and amounts gives the nearest", function()
    local page = assert(
      finseg.decode [[{"users":[{"userId":"a","accounts":[
      {"accountId":"1","amount":0.00001},{"amount":1e400},{"accountId":"\u0032","amount":922337203685477.5807}]}]}]]
    )
    local number, err = page:sum()
    assert.is_nil(number)
    assert.are.equal("invalid", err.kind)
    assert.matches("0.00001", err.message, 1, true)
    local seen = {}
    for user_id, amount, account_id in page:amounts { account_ids = true } do
      seen[#seen + 1] = { user_id, amount, account_id or "none" }
    end
    assert.are.same({ { "a", 0.00001, "1" }, { "a", "1e400", "none" }, { "a", 922337203685477.5807, "2" } }, seen)
  end)

  it("that is no result is refused with the byte where it goes wrong", function()
    local texts = { "", "{", "[]", "{}", '{"users":1}', '{"users":[]} x', "\255", '{"users":[{"userId":1}]}' }
    for _, text in ipairs(texts) do
      local page, err = finseg.decode(text)
      assert.is_nil(page)
      assert.are.equal("protocol", err.kind)
    end
    assert.has_error(function()
      finseg.decode(1)
    end, "bad argument #1 to 'decode' (string expected, got number)")
  end)

  it("that is short, doubled or changing is never passed on silently", function()
    local function page_of(total, ...)
      local users = {}
      for _, id in ipairs { ... } do
        users[#users + 1] = ('{"userId":"%s","accounts":[{"accountId":"1","amount":1}]}'):format(id)
      end
      local announced = total and ('"totalElements":%d,'):format(total) or ""
      return { body = ('{%s"users":[%s]}'):format(announced, table.concat(users, ",")) }
    end
    -- name, the pages, the users that may be passed on before it shows
    local cases = {
      { "short", { page_of(5, "a", "b"), page_of(5, "c", "d"), page_of(5) }, 4 },
      { "doubled", { page_of(5, "a", "b"), page_of(5, "a", "b"), page_of(5, "e") }, 2 },
      { "changing", { page_of(5, "a", "b"), page_of(6, "c", "d"), page_of(6, "e") }, 2 },
      { "no result", { page_of(5, "a", "b"), { body = "<html>" } }, 2 },
      {
        "short of a late total",
        { page_of(nil, "a", "b"), page_of(10, "c", "d"), page_of(nil, "e"), page_of(nil) },
        5,
      },
    }
    for _, case in ipairs(cases) do
      local name, answers, expected = case[1], case[2], case[3]
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = answers,
      }
      local client = connect(server, { page_size = 2, parallel_pages = 1 })
      local segment = assert(client:segment("highBalance", PARAMETERS))
      local received = 0
      local ok, err = pcall(function()
        for _ in segment:users() do
          received = received + 1
        end
      end)
      assert.is_false(ok, name)
      assert.are.equal("protocol", err.kind, name)
      assert.are.equal(expected, received, name)
      client:close()
      server.stop()
    end
  end)

  it("left early drops the pages under way at once (Lua 5.4)", function()
    if _VERSION ~= "Lua 5.4" then
      return
    end
    local first = '{"totalElements":3,"users":[{"userId":"a","accounts":[{"accountId":"1","amount":1}]}]}'
    local server = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = { { body = '{"jobId":"1"}' } },
      ["GET /api/v1/segments/highBalance/1"] = { { body = first }, { hold = true } },
    }
    finally(server.stop)
    local client = connect(server, { page_size = 1 })
    local segment = assert(client:segment("highBalance", PARAMETERS))
    for _ in segment:users() do
      assert.are.equal(2, client:pending())
      break
    end
    client:step()
    assert.are.equal(0, client:pending())
    client:close()
  end)

  it("may end without ever telling its length", function()
    local user = '{"users":[{"userId":"%s","accounts":[{"accountId":"1","amount":1}]}]}'
    for _, last in ipairs { '{"users":[]}', user:format "c" } do
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          { body = user:format "a" },
          { body = user:format "b" },
          { body = last },
          { body = '{"users":[]}' },
        },
      }
      local client = connect(server, { page_size = 1, parallel_pages = 1 })
      local segment = assert(client:segment("highBalance", PARAMETERS))
      local pages = 0
      for page in segment:pages() do
        pages = pages + 1
        assert.are.equal(1, page:user_count())
      end
      assert.are.equal(last:find "userId" and 3 or 2, pages)
      client:close()
      server.stop()
    end
  end)
end)

describe("the pollable face", function()
  it("lets a loop of the user's own drive the client", function()
    local server = scripted_server.start { ["POST /api/v1/segments/highBalance"] = { { body = '{"jobId":"1"}' } } }
    finally(server.stop)
    local client = connect(server)
    assert.is_number(client:pollfd())
    assert.are.equal("r", client:events())
    assert.is_nil(client:timeout())
    assert.are.equal(0, client:step())
    assert.are.equal(0, client:transfers())
    assert.is_nil(client:next_timeout())
    assert.matches("0 under way", tostring(client), 1, true)
    client:close()
    assert.matches("closed", tostring(client), 1, true)
  end)
end)

describe("an option that there is not", function()
  it("is refused by its name, beside those that there are", function()
    local client = assert(finseg.new { base_url = "http://127.0.0.1:9/api/v1", access_token = "x" })
    finally(function()
      client:close()
    end)
    local job = assert(client:job("highBalance", "1"))
    local function problem_of(...)
      local answer, err = ...
      assert.is_nil(answer)
      assert.are.equal("invalid", err.kind)
      return err.message
    end
    local wrong = { colour = 1 }
    assert.are.equal("wait has no option colour, only timeout", problem_of(job:wait(wrong)))
    assert.are.equal(
      "segment has no option colour, only timeout",
      problem_of(client:segment("highBalance", PARAMETERS, wrong))
    )
    assert.are.equal(
      "job has no option colour, only callback and created_at",
      problem_of(client:job("highBalance", "1", wrong))
    )
    assert.are.equal(
      "receive_callbacks has no option colour, only log, public_url and store",
      problem_of(client:receive_callbacks(wrong))
    )
    local listening = "listen has no option colour, only host, max_body, path, port, public_url, rate and store"
    assert.are.equal(listening, problem_of(client:listen(wrong)))
  end)
end)
