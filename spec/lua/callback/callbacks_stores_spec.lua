-- Waits for callbacks over stores that fail, that are shared with other processes, or that outlive the client.

local cjson = require "cjson.safe"
local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"
local until_ = require "spec.support.until"

local URL = "https://bank.example/finseg"
local NEVER = 3600
local QUICK = { first = 0.02, factor = 1, max = 0.05, callback = NEVER } -- asks soon unless a callback is relied on
local SLOW = { first = NEVER, max = NEVER, callback = NEVER }

local PENDING = { status = 404, body = "{}" }
local READY = { body = '{"users":[{"userId":"u"}]}' }

local server, clients, stores, folder

-- A service whose jobs are answered so, in turn.
local function serve(...)
  server = scripted_server.start {
    ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
    ["GET /api/v1/segments/highBalance/1"] = { ... },
    ["GET /api/v1/segments/highBalance/other"] = { { status = 404, body = "{}" } },
  }
end

local function keep(list, object)
  list[#list + 1] = object
  return object
end

local function open_memory()
  return keep(stores, assert(finseg.store.open "memory"))
end

-- The store of one more process of this machine.
local function open_file()
  return keep(stores, assert(finseg.store.open("file", folder .. "/store.db")))
end

local function new_client(poll, more)
  local overrides = more or {}
  overrides.poll = poll
  return keep(clients, connect(server, overrides))
end

local function receive(client, store, more)
  local options = more or {}
  options.public_url, options.store = options.public_url or URL, store
  return assert(client:receive_callbacks(options))
end

local function create(client)
  return assert(client:create("highBalance", { threshold = 1 }))
end

-- The path that the service would call for the newest create.
local function callback_path()
  local path
  for _, request in ipairs(server.requests()) do
    if request.method == "POST" and request.path:find "/segments/" then
      path = cjson.decode(request.body).callbackURL:match "^https?://[^/]+(.*)$"
    end
  end
  return path
end

local function retrieves()
  local count = 0
  for _, request in ipairs(server.requests()) do
    count = count + (request.method == "GET" and 1 or 0)
  end
  return count
end

-- Waits in a task while f(), if any, does something in another; gives up after some seconds. (The wait's own timeout
-- would have it ask halfway.)
local function wait_beside(job, f)
  local segment, err
  local ended = false
  finseg.run(function()
    finseg.spawn(function()
      segment, err = job:wait()
      ended = true
    end)
    if f then
      finseg.spawn(f)
    end
    local deadline = core.now() + 10
    while not ended and core.now() < deadline do
      finseg.sleep(0.005)
    end
    if not ended and not job._client.closed then
      job:cancel()
    end
  end)
  return segment, err
end

local function raise_in(store, method)
  store[method] = function()
    error("the store is broken", 0)
  end
end

local function set_up()
  clients, stores, folder = {}, {}, shell.scratch()
end

local function tear_down()
  for _, client in ipairs(clients) do
    client:close()
  end
  for _, store in ipairs(stores) do
    store:close()
  end
  server.stop()
  shell.remove(folder)
end

-- A driver that knows no loop: whoever resumes the coroutine steps the client. finseg looks for every driver's loop, so
-- this one says where it is meant.
local function bare_driver()
  local driver = { name = "bare", spawn = error, sleep = error, serves = setmetatable({}, { __mode = "k" }) }
  function driver.start(f)
    local thread = coroutine.create(f)
    driver.serves[thread] = true
    assert(coroutine.resume(thread))
    return thread
  end
  function driver.running()
    return driver.serves[coroutine.running() or 0] == true
  end
  function driver.suspend()
    coroutine.yield()
    return true
  end
  function driver.wake() end
  return driver
end

describe("a store that raises", function()
  before_each(set_up)
  after_each(tear_down)

  for _, method in ipairs { "put", "watch", "get", "delete", "notify" } do
    it("in " .. method .. " is one that failed: the job is waited for all the same, and everything closes", function()
      serve(READY)
      local client, store = new_client(QUICK), open_memory()
      receive(client, store)
      raise_in(store, method)
      local segment, err = wait_beside(create(client), function()
        until_.until_waiting(client)
        client._callbacks:take(callback_path())
      end)
      assert.is_truthy(segment, err)
      assert(create(client))
      client:close()
      assert.is_true(client.closed)
    end)
  end

  it("in a store whose calls wait is one that failed, too", function()
    serve(READY)
    local client, store = new_client(QUICK), open_memory()
    receive(client, store)
    raise_in(store, "begin")
    assert(wait_beside(create(client)))
    client:close()
  end)

  it("while others wait leaves every wait its end, and is closed beside them", function()
    serve(PENDING)
    local client, store = new_client(SLOW), open_memory()
    receive(client, store)
    local ended = 0
    local function wait(job)
      return function()
        local segment, err = job:wait()
        assert.is_nil(segment)
        assert.are.equal("cancelled", err.kind)
        ended = ended + 1
      end
    end
    finseg.run(function()
      local before, after = create(client), create(client)
      finseg.spawn(wait(before))
      until_.until_waiting(client)
      store:close()
      finseg.spawn(wait(after))
      for _ = 1, 5 do
        finseg.spawn(wait(assert(client:job("highBalance", "other"))))
      end
      until_.until_waiting(client, 7)
      client:close()
    end)
    assert.are.equal(7, ended)
    assert.is_nil(client:pollfd())
  end)

  it("does not end the loop of others when a callback comes, which still ends the wait", function()
    serve(READY)
    local client, store = new_client(SLOW), open_memory()
    local listener = assert(client:listen { store = store })
    local slept = false
    local segment = wait_beside(create(client), function()
      local socket = require "socket"
      store:close()
      local connection = assert(socket.connect("127.0.0.1", listener.port))
      connection:send(("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"):format(callback_path()))
      until_.wait_until(function()
        return listener:counts().accepted == 1
      end)
      connection:close()
      finseg.sleep(0)
      slept = true
    end)
    assert.is_truthy(segment)
    assert.is_true(slept)
  end)

  it("once a journal's job is made does not lose the job", function()
    serve(READY)
    local client, store = new_client(QUICK), open_memory()
    local journal, create_in = finseg.journal.new(store), client.create_while
    function client.create_while(...)
      raise_in(store, "put")
      return create_in(...)
    end
    local job, err, made = journal:obtain(client, "highBalance", { threshold = 1 })
    assert.is_nil(job)
    assert.matches("the store memory failed %(in put%): the store is broken", err.message)
    assert.are.equal("1", made.jobId)
  end)
end)

describe("what raises beside a client's work", function()
  before_each(set_up)
  after_each(tear_down)

  it("a log of callbacks: it is called no more, and the callback counts", function()
    serve(READY)
    local client = new_client(SLOW)
    local called = 0
    local callbacks = receive(client, open_memory(), {
      log = function()
        called = called + 1
        error("the log is broken", 0)
      end,
    })
    local segment, err = wait_beside(create(client), function()
      callbacks:take "/nonsense"
      callbacks:take(callback_path())
    end)
    assert.is_truthy(segment, err)
    assert.are.equal(1, called)
    assert.are.equal("the log is broken", callbacks.log_error)
    assert.are.equal(1, callbacks.counts.accepted)
  end)

  it("something attached: the log is told, and waits go on", function()
    serve(PENDING, READY)
    local told
    local client = new_client(QUICK, {
      log = function(event)
        if event.name == "attached_failed" then
          told = event.message
        end
      end,
    })
    local signal = require("finseg.wait.signal").new()
    local guest = setmetatable({}, { __index = signal })
    function guest.pollfd()
      return signal:pollfd()
    end
    function guest.step()
      signal:step()
      error("the guest is broken", 0)
    end
    assert(client:attach(guest))
    signal:finish {}
    assert(wait_beside(create(client)))
    assert.are.equal("what is attached to the client failed: the guest is broken", told)
    assert.are.equal("the guest is broken", client.attached_error)
  end)

  it("a driver that cannot wake: the client closes, ends the other waits, and tells", function()
    serve(PENDING)
    local driver = bare_driver()
    local woken = 0
    function driver.wake()
      woken = woken + 1
      error("the driver is broken", 0)
    end
    local client = new_client(SLOW, { driver = driver })
    for _ = 1, 3 do
      local job = assert(client:job("highBalance", "1"))
      driver.start(function()
        job:wait()
      end)
    end
    assert.error_matches(function()
      client:close()
    end, "the driver is broken")
    assert.are.equal(3, woken)
    assert.is_nil(client:pollfd())
    client:close()
  end)
end)

describe("a job that another process has made", function()
  before_each(set_up)
  after_each(tear_down)

  it("is waited for until its callback comes to that process, which shares a file", function()
    serve(PENDING, READY)
    local here, there = new_client(SLOW), new_client { first = 0.01, max = NEVER, callback = NEVER }
    local callbacks = receive(here, open_file())
    receive(there, open_file())
    local job = create(here)
    local picked = assert(there:job("highBalance", "1", { callback = job.callback }))
    local segment, err = wait_beside(picked, function()
      until_.wait_until(function()
        return retrieves() == 1 -- and then relies on the callback
      end)
      callbacks:take(callback_path())
    end)
    assert.is_truthy(segment, err)
    assert.are.equal(2, retrieves())
  end)

  it("and whose callback comes here ends the wait there", function()
    serve(READY)
    local here, there = new_client(SLOW), new_client(SLOW)
    receive(here, open_file())
    local receiver = receive(there, open_file())
    local segment, err = wait_beside(create(here), function()
      receiver:take(callback_path())
    end)
    assert.is_truthy(segment, err)
    assert.are.equal(1, receiver.counts.accepted)
  end)

  it("is waited for by polling when the store here does not know of its callback", function()
    serve(PENDING, PENDING, READY)
    local here, there = new_client(SLOW), new_client(QUICK)
    receive(here, open_memory())
    receive(there, open_memory())
    local picked = assert(there:job("highBalance", "1", { callback = create(here).callback }))
    local segment, err = wait_beside(picked)
    assert.is_truthy(segment, err)
    assert.are.equal(3, retrieves())
  end)

  it("is waited for by polling when only the journal's store is shared", function()
    serve(PENDING, PENDING, READY)
    local here, there = new_client(SLOW), new_client(QUICK)
    receive(here, open_memory())
    receive(there, open_memory())
    assert(finseg.journal.new(open_file()):obtain(here, "highBalance", { threshold = 1 }))
    local job, reused = finseg.journal.new(open_file()):obtain(there, "highBalance", { threshold = 1 })
    assert.is_true(reused)
    local segment, err = wait_beside(job)
    assert.is_truthy(segment, err)
  end)

  it("needs what names its callback as it was handed out", function()
    serve(READY)
    local client = new_client(QUICK)
    for _, text in ipairs { "", "nonsense", "0123456789abcdef0", ("g"):rep(16), "0123456789abcde\n" } do
      local job, err = client:job("highBalance", "1", { callback = text })
      assert.is_nil(job)
      assert.are.equal("invalid", err.kind)
      assert.matches("callback", err.message)
    end
    assert(client:job("highBalance", "1", { callback = "0123456789abcdef" }))
  end)

  it("is found in the journal though what names its callback there is none", function()
    serve(READY)
    local client, store = new_client(QUICK), open_memory()
    local journal = finseg.journal.new(store)
    assert(journal:obtain(client, "highBalance", { threshold = 1 }))
    local entry = store:list("job ")[1]
    for _, callback in ipairs { "nonsense", 7, false } do
      local fields = core.from_json(entry.value)
      fields.callback = callback
      store:delete(entry.key)
      store:put(entry.key, core.to_json(fields), 60, false)
      local job, reused = journal:obtain(client, "highBalance", { threshold = 1 })
      assert.is_truthy(job, reused)
      assert.is_true(reused)
    end
  end)
end)

describe("a job whose receiver was closed", function()
  before_each(set_up)
  after_each(tear_down)

  it("is waited for by polling while callbacks go elsewhere now", function()
    serve(PENDING, READY)
    local client = new_client(QUICK)
    local before = receive(client, open_memory())
    local job = create(client)
    before:close()
    receive(client, open_memory(), { public_url = "https://bank.example/elsewhere" })
    local segment, err = wait_beside(job)
    assert.is_truthy(segment, err)
  end)

  it("is waited for at the slow rate again where its URL is received again", function()
    serve(PENDING, READY)
    local client = new_client { first = 0.02, max = NEVER, callback = NEVER }
    local before = receive(client, open_memory())
    local job = create(client)
    before:close()
    local callbacks = receive(client, open_memory(), { public_url = URL .. "/" })
    local segment, err = wait_beside(job, function()
      until_.wait_until(function()
        return retrieves() == 1
      end)
      callbacks:take(callback_path())
    end)
    assert.is_truthy(segment, err)
    assert.are.equal(2, retrieves())
    assert.are.equal(1, callbacks.counts.accepted)
  end)
end)

describe("a job that has ended", function()
  before_each(set_up)
  after_each(tear_down)

  it("is asked for at once by its next wait, though the store has forgotten it", function()
    serve(READY)
    local client, store = new_client(SLOW), open_memory()
    local callbacks = receive(client, store)
    local job = create(client)
    assert(wait_beside(job, function()
      callbacks:take(callback_path())
    end))
    store:delete("called " .. job.callback)
    local segment, err = wait_beside(job)
    assert.is_truthy(segment, err)
    assert.are.same({}, store:list "")
  end)

  it("as a poll has found ends the waits beside it, whose callback is lost", function()
    serve(READY)
    local client, store = new_client(SLOW), open_memory()
    receive(client, store)
    local job = create(client)
    local segment, err = wait_beside(job, function()
      assert(job:poll())
    end)
    assert.is_truthy(segment, err)
    assert.are.equal(2, retrieves())
    assert.are.same({}, store:list "callback ")
  end)

  it("is not taken for one by a poll that finds it pending", function()
    serve(PENDING)
    local client, store = new_client(SLOW), open_memory()
    receive(client, store)
    local _, err = create(client):poll()
    assert.are.equal("pending", err.kind)
    assert.are.equal(1, #store:list "callback ")
  end)
end)

describe("a client that is dropped amid a wait", function()
  before_each(set_up)
  after_each(tear_down)

  local function collect()
    for _ = 1, 3 do
      collectgarbage()
    end
  end

  -- A coroutine that waits for a job with a callback, under a driver of its own; and its client, weakly.
  local function waiting(store)
    local held = setmetatable({}, { __mode = "v" })
    local driver = bare_driver()
    local client = connect(server, { driver = driver, poll = SLOW })
    held[1] = client
    receive(client, store)
    local thread = driver.start(function()
      return client:segment("highBalance", { threshold = 1 })
    end)
    local deadline = core.now() + 10
    while not next(store.watchers.by_key) do
      assert(core.now() < deadline, "gave up waiting")
      core.poll({ client:pollfd() }, 0.1)
      client:step()
      coroutine.resume(thread)
    end
    return held, thread
  end

  for kind, open in pairs { memory = open_memory, file = open_file } do
    it("is collected though its store lives on (" .. kind .. "), and not while its coroutine does", function()
      serve(READY)
      local store = open()
      local held, thread = waiting(store)
      collect()
      assert.are.equal("suspended", coroutine.status(thread))
      assert.is_truthy(held[1])
      local key = next(store.watchers.by_key)
      thread = nil -- luacheck: ignore 311
      collect()
      assert.is_nil(held[1])
      store:notify(key)
      assert.is_nil(next(store.watchers.by_key))
    end)
  end
end)
