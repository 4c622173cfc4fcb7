-- Between the receiver of a callback and the wait that it ends (finseg.callbacks).

local Callbacks = require "finseg.callback"
local Signal = require "finseg.wait.signal"
local cjson = require "cjson.safe"
local connect = require "spec.support.connect"
local finseg = require "finseg"
local scripted_server = require "spec.support.scripted_server"
local until_ = require "spec.support.until"

local PUBLIC_URL = "https://bank.example/hooks/finseg/"
local NEVER = 3600
local JOB, OTHER_JOB = "GET /api/v1/segments/highBalance/1", "GET /api/v1/segments/highBalance/2"

describe("a callback", function()
  local server, client, store, callbacks, events

  -- A service whose job 1 is answered so, in turn.
  local function serve(...)
    server = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
      ["POST /api/v1/segments/lowBalance"] = { { status = 400, body = "{}" }, { status = 500, body = "{}" } },
      [JOB] = { ... },
      [OTHER_JOB] = { { status = 404, body = "{}" } },
    }
    events = {}
    client = connect(server, {
      poll = { first = NEVER, max = NEVER, callback = NEVER },
      log = function(event)
        events[#events + 1] = event
      end,
    })
    store = assert(finseg.store.open "memory")
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
  end

  after_each(function()
    client:close()
    store:close()
    server.stop()
  end)

  local PENDING = { status = 404, body = "{}" }
  local READY = { body = '{"users":[{"userId":"u"}]}' }

  local function create()
    return assert(client:create("highBalance", { threshold = 1 }))
  end

  local function requests(method)
    local found = {}
    for _, request in ipairs(server.requests()) do
      if request.method == method and request.path:find "/segments/" then
        found[#found + 1] = request
      end
    end
    return found
  end

  -- The path that the service would call for a create, the first by default.
  local function path_of(position)
    local url = cjson.decode(requests("POST")[position or 1].body).callbackURL
    return (url:gsub("^https://bank.example", ""))
  end

  -- Waits in a task while `f` does something in another, once the wait has begun.
  local function wait_beside(job, f)
    local segment, err
    finseg.run(function()
      finseg.spawn(function()
        segment, err = job:wait { timeout = 10 }
      end)
      finseg.spawn(f)
    end)
    return segment, err
  end

  it("goes to a URL of the job's own, below the public one", function()
    serve(READY)
    create()
    create()
    local first, second = path_of(1), path_of(2)
    local id, token = first:match "^/hooks/finseg/(%x+)%.(%x+)$"
    assert.are.equal(16, #id)
    assert.are.equal(32, #token)
    assert.are_not.equal(first:sub(1, 30), second:sub(1, 30))
    assert.are_not.equal(token, second:sub(-32))
  end)

  it("ends the wait, which asks once", function()
    serve(READY)
    local job = create()
    local segment = wait_beside(job, function()
      callbacks:take(path_of())
    end)
    assert.are.equal("u", segment:users()().userId)
    assert.are.equal(1, #requests "GET")
    assert.are.equal(1, callbacks.counts.accepted)
  end)

  it("ends every wait for the job", function()
    serve(READY)
    local job = create()
    local ended = 0
    finseg.run(function()
      for _ = 1, 3 do
        finseg.spawn(function()
          assert(job:wait { timeout = 10 })
          ended = ended + 1
        end)
      end
      callbacks:take(path_of())
    end)
    assert.are.equal(3, ended)
  end)

  it("counts when it came before the wait", function()
    serve(READY)
    local job = create()
    callbacks:take(path_of())
    assert(job:wait { timeout = 10 })
    assert.are.equal(0, callbacks.counts.early)
  end)

  it("counts when it came before the answer to its create", function()
    serve(READY)
    local put = store.put
    function store.put(self, key, value, ...)
      local done = put(self, key, value, ...)
      local id = key:match "^callback (.*)"
      if id then
        callbacks:take("/" .. id .. "." .. value)
      end
      return done
    end
    assert(create():wait { timeout = 10 })
    assert.are.equal(1, callbacks.counts.accepted)
    assert.are.equal(1, callbacks.counts.early)
  end)

  it("that is followed by no result makes the wait ask again", function()
    serve(PENDING, READY)
    client:close()
    client = connect(server, { poll = { first = 0.01, callback = NEVER } })
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local job = create()
    callbacks:take(path_of())
    assert(job:wait { timeout = 10 })
    assert.are.equal(2, #requests "GET")
  end)

  it("that is lost costs time only", function()
    serve(PENDING, READY)
    client:close()
    client = connect(server, { poll = { first = NEVER, max = NEVER, callback = 0.02 } })
    assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    assert(create():wait { timeout = 10 })
    assert.are.equal(2, #requests "GET")
    assert.are.same({}, store:list "callback ")
  end)

  it("that is forged, malformed, unknown, doubled or late is counted and asks nobody", function()
    serve(READY)
    local job = create()
    local path = path_of()
    local forged = path:sub(1, -2) .. (path:sub(-1) == "0" and "1" or "0")
    local segment = wait_beside(job, function()
      callbacks:take(forged)
      callbacks:take(path:sub(1, -2))
      callbacks:take "/hooks/finseg/0123456789abcdef.0123456789abcdef0123456789abcdef"
      local query = path .. "?x=/" .. ("0"):rep(16) .. ".1"
      for _, target in ipairs { "", "/", "/hooks/finseg/", query, ("/x"):rep(1000) } do
        callbacks:take(target)
      end
      assert.are.equal("pending", select(2, client:job("highBalance", "2"):poll()).kind) -- after what they had caused
      assert.are.equal(1, #requests "GET")
      callbacks:take(path)
      callbacks:take(path)
    end)
    assert.is_truthy(segment)
    callbacks:take(path)
    local expected =
      { accepted = 1, early = 0, forged = 2, malformed = 5, unknown = 1, duplicate = 1, late = 1, missed = 0 }
    assert.are.same(expected, callbacks.counts)
    assert.are.equal(2, #requests "GET")
  end)

  it("is looked up in the store when another process expects it", function()
    serve(READY)
    local job = create()
    local other = connect(server)
    local receiver = assert(other:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local path = path_of()
    local segment = wait_beside(job, function()
      receiver:take(path:sub(1, -2) .. "g")
      receiver:take((path:gsub("%x$", { ["0"] = "1" }):gsub("[1-9a-f]$", "0")))
      receiver:take(path)
    end)
    assert.is_truthy(segment)
    receiver:take(path)
    local counts = receiver.counts
    assert.are.same({ 1, 1, 1 }, { counts.malformed, counts.accepted, counts.late })
    other:close()
  end)

  it("wakes whoever picked the job up elsewhere", function()
    serve(PENDING, READY)
    local job = create()
    assert.matches("^%x+$", job.callback)
    local other = connect(server, { poll = { first = 0.01, max = NEVER, callback = NEVER } })
    assert(other:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local picked = assert(other:job("highBalance", "1", { callback = job.callback }))
    local segment = wait_beside(picked, function()
      until_.wait_until(function()
        return #requests "GET" > 0
      end)
      callbacks:take(path_of())
    end)
    assert.is_truthy(segment)
    assert.are.equal(2, #requests "GET")
    other:close()
  end)

  it("is told to others when one of them finds the job ready without it", function()
    serve(PENDING, READY)
    local job = create()
    local other = connect(server, { poll = { first = 0.01, factor = 1, max = 0.01, callback = 0.01 } })
    assert(other:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local segment = wait_beside(job, function()
      assert(other:job("highBalance", "1", { callback = job.callback }):wait())
    end)
    assert.is_truthy(segment)
    assert.are.equal(3, #requests "GET")
    other:close()
  end)

  it("of the caller's own is the caller's own matter", function()
    serve(READY)
    client:close()
    client = connect(server, { poll = { first = 0.01 } })
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local job = assert(client:create("highBalance", { threshold = 1, callbackURL = "https://bank.example/own" }))
    assert.is_nil(job.callback)
    assert(job:wait { timeout = 10 })
    assert.are.equal("https://bank.example/own", cjson.decode(requests("POST")[1].body).callbackURL)
    assert.are.same({}, store:list "")
  end)

  it("is no longer expected when the create is refused, and still when the job may exist", function()
    serve(READY)
    local parameters = { threshold = 1, durationInMonth = 1 }
    local _, err = client:create("lowBalance", parameters)
    assert.are.equal("invalid", err.kind)
    assert.are.same({}, store:list "")
    _, err = client:create("lowBalance", parameters)
    assert.is_true(err.maybe_created)
    assert.are.equal(1, #store:list "callback ")
  end)

  it("is not waited for while the store cannot tell, and is again afterwards", function()
    serve(PENDING, READY)
    client:close()
    client = connect(server, { poll = { first = 0.02, max = 0.02, callback = NEVER } })
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local watch, tell = store.watch, nil
    function store.watch(self, key, f)
      tell = f
      return watch(self, key, f)
    end
    local job = create()
    local id = job.callback
    local segment = wait_beside(job, function()
      tell "deaf"
      until_.wait_until(function()
        return #requests "GET" > 0
      end)
      store:delete("callback " .. id)
      tell "hearing"
      assert.are.equal(1, #store:list("callback " .. id)) -- it may have forgotten
      store:put("called " .. id, "1", 60, false) -- what was missed
      tell "hearing"
    end)
    assert.is_truthy(segment)
    assert.are.equal(2, #requests "GET")
  end)

  it("is not waited for when the store did not take it", function()
    serve(READY)
    client:close()
    client = connect(server, { poll = { first = 0.01, callback = NEVER } })
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    function store.put()
      return nil, { kind = "network" }
    end
    assert(create():wait { timeout = 10 })
  end)

  it("is not waited for once nobody receives any", function()
    serve(READY)
    client:close()
    client = connect(server, { poll = { first = 0.01, max = 0.01, callback = NEVER } })
    callbacks = assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
    local segment = wait_beside(create(), function()
      callbacks:close()
    end)
    assert.is_truthy(segment)
    assert.is_nil(create().callback)
    assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store })
  end)

  it("is in the log without its token, a line a second of each sort", function()
    serve(READY)
    create()
    local path = path_of()
    for _ = 1, 100 do
      callbacks:take(path)
    end
    local lines = {}
    for _, event in ipairs(events) do
      assert.is_nil(event.message and event.message:find(path:sub(-32), 1, true))
      if event.name == "callback" then
        lines[#lines + 1] = event.message
      end
    end
    assert.are.same({ "a callback came", "a callback that had come before was ignored" }, lines)
    assert.is_nil(tostring(callbacks):find(path:sub(-32), 1, true))
  end)

  it("needs a public URL that is one, and one receiver a client", function()
    serve(READY)
    for _, url in ipairs {
      "bank.example",
      "ftp://bank.example",
      "https://",
      "https://b/?q",
      "https://a:b@c/",
      'http://x"\\y',
    } do
      local other = connect(server)
      local made, err = other:receive_callbacks { public_url = url }
      assert.is_nil(made)
      assert.are.equal("config", err.kind)
      assert.matches("public_url", err.message)
      other:close()
    end
    local made, err = client:receive_callbacks { public_url = PUBLIC_URL }
    assert.is_nil(made)
    assert.are.equal("invalid", err.kind)
    made, err = client:receive_callbacks { public_url = PUBLIC_URL, colour = 1 }
    assert.is_nil(made)
    assert.matches("colour", err.message)
    assert.error_matches(function()
      client:receive_callbacks { public_url = 7 }
    end, "public_url")
  end)

  it("is taken for others by who creates nothing, and logged and counted where they say", function()
    serve(READY)
    local counted, logged = {}, {}
    function store.count(_, name)
      counted[#counted + 1] = name
    end
    local receiver = assert(Callbacks.for_others {
      store = store,
      log = function(event)
        logged[#logged + 1] = event.message
      end,
    })
    assert.matches("others", tostring(receiver))
    local job = create()
    receiver:take(path_of())
    assert.are.same({ "callbacks accepted" }, counted)
    assert.are.same({ "a callback came" }, logged)
    assert.are.equal(1, receiver.counts.accepted)
    assert.are.equal(0, callbacks.counts.accepted)
    assert(job:wait { timeout = 20 })
    local none, err = Callbacks.for_others { store = {} }
    assert.is_nil(none)
    assert.are.equal("config", err.kind)
  end)

  it("is logged where receive_callbacks is told to", function()
    serve(READY)
    local logged = {}
    client:close()
    client = connect(server, {})
    callbacks = assert(client:receive_callbacks {
      public_url = PUBLIC_URL,
      store = store,
      log = function(event)
        logged[#logged + 1] = event.message
      end,
    })
    callbacks:take "/nonsense"
    assert.are.same({ "a request to the address of callbacks that is no callback was ignored" }, logged)
    assert.are.same({}, events)
  end)
end)

describe("what is attached to a client", function()
  local server, client

  before_each(function()
    server = scripted_server.start {}
    client = connect(server)
  end)

  after_each(function()
    client:close()
    server.stop()
  end)

  -- Something pollable that counts its steps.
  local function attachable()
    local signal = assert(Signal.new())
    local made = setmetatable({ steps = 0 }, { __index = signal })
    function made.raise()
      signal._core:raise()
    end
    function made.pollfd()
      return signal:pollfd()
    end
    function made:step()
      self.steps = self.steps + 1
      self.timeout_in = nil
      signal._core:clear()
    end
    function made:next_timeout()
      return self.timeout_in
    end
    return made
  end

  it("is stepped with it when it has something to do, and no more once it is detached", function()
    local guest = attachable()
    assert(client:attach(guest))
    assert(client:attach(guest))
    client:step()
    assert.are.equal(0, guest.steps)
    guest.raise()
    client:step()
    client:step()
    assert.are.equal(1, guest.steps)
    client:detach(guest)
    client:detach(guest)
    guest.raise()
    client:step()
    assert.are.equal(1, guest.steps)
  end)

  it("is stepped when its time has come", function()
    local guest = attachable()
    guest.timeout_in = 0
    assert(client:attach(guest))
    client:step()
    assert.are.equal(1, guest.steps)
    assert.is_nil(client:next_timeout())
  end)

  it("may close the client", function()
    local guest = attachable()
    function guest.step()
      client:close()
    end
    assert(client:attach(guest))
    guest.raise()
    client:step()
    assert.is_true(client.closed)
  end)

  it("counts among the transfers", function()
    local guest = attachable()
    function guest.transfers()
      return 2
    end
    assert(client:attach(guest))
    assert.are.equal(2, client:transfers())
  end)
end)
