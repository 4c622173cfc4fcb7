-- client:listen: callbacks received in the client's own descriptor end the waits of a script.

local afterwards = require "spec.support.afterwards"
local cjson = require "cjson"
local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local hosts = require "spec.support.hosts"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local socket = require "socket"
local until_ = require "spec.support.until"
local wire = require "spec.support.wire"

local KIND, PARAMETERS = "highBalance", { threshold = 1 }
local CREATE, RETRIEVE = "POST /api/v1/segments/highBalance", "GET /api/v1/segments/highBalance/job-1"
local OTHER_RETRIEVE = "GET /api/v1/segments/highBalance/job-2"
local DEADLINE = 10 -- seconds that anything may take before a test gives up

-- Waits that ask hardly ever by themselves, and often when they have to.
local SLOW = { first = 0.01, factor = 1, max = 0.02, callback = 60 }

local function start(finally, options)
  options = options or {}
  options.today, options.users = "2024-04-15", 5
  local service = sandbox.start(options)
  afterwards(finally, service.stop)
  return service
end

local function listen(finally, service, options, overrides)
  overrides = overrides or {}
  overrides.poll = overrides.poll or SLOW
  local client = connect(service, overrides)
  afterwards(finally, function()
    client:close()
  end)
  return client, assert(client:listen(options))
end

-- Steps the client as a loop would, until f answers something true.
local function serve(client, f)
  local deadline = core.now() + DEADLINE
  local answer = f()
  while not answer do
    assert(core.now() < deadline, "gave up waiting")
    core.poll({ client:pollfd() }, 0.01)
    client:step()
    answer = f()
  end
  return answer
end

local function split(url)
  local host, port, path = url:match "^http://%[?([^/%]]-)%]?:(%d+)(/.*)$"
  return host, tonumber(port), path
end

-- Sends a request to a listener while the client is stepped. Answers the status.
local function send(client, url, method, body)
  local host, port, path = split(url)
  local connection = assert(socket.connect(host, port))
  connection:settimeout(0)
  connection:send(
    ("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"):format(method or "POST", path, #body, body)
  )
  local text = ""
  serve(client, function()
    local all, problem, part = connection:receive(65536)
    text = text .. (all or part)
    return problem == "closed" or text:find "\r\n\r\n"
  end)
  connection:close()
  return tonumber(text:match "^HTTP/1%.1 (%d+)")
end

-- A service whose job is not ready at first, and what it is told as callbackURL.
local function scripted(finally, retrieves)
  local server = scripted_server.start {
    [CREATE] = { { status = 201, body = '{"jobId":"job-1"}' } },
    [RETRIEVE] = retrieves or { { status = 200, body = '{"users":[]}' } },
    [OTHER_RETRIEVE] = { { status = 404, body = "{}" } },
  }
  afterwards(finally, server.stop)
  function server.callback_url()
    local url
    for _, request in ipairs(server.requests()) do
      if request.method .. " " .. request.path == CREATE then
        url = cjson.decode(request.body).callbackURL
      end
    end
    return url
  end
  function server.retrieves()
    local count = 0
    for _, request in ipairs(server.requests()) do
      count = count + (request.method .. " " .. request.path == RETRIEVE and 1 or 0)
    end
    return count
  end
  return server
end

for _, host in ipairs(hosts) do
  describe("a wait under " .. (host.title or host.name), function()
    it("ends by the callback, with two requests a job", function()
      local service = start(finally, { delay = 0.2 })
      host.run(function()
        local client, listener = listen(finally, service, nil, { driver = host.driver })
        local segment = assert(client:segment(KIND, PARAMETERS))
        assert.is_number(segment.totalElements)
        assert.equal(1, listener:counts().accepted)
        client:close()
      end)
      assert.equal(1, wire.segment_requests(service, "POST"))
      assert.equal(1, wire.segment_requests(service, "GET"))
    end)

    if host.concurrent then
      it("ends by its own callback among many", function()
        local service = start(finally, { delay = 0.2 })
        host.run(function()
          local client, listener = listen(finally, service, nil, { driver = host.driver })
          local waits = {}
          for i = 1, 20 do
            waits[i] = function()
              return assert(client:segment(KIND, { threshold = i }))
            end
          end
          assert(finseg.all((table.unpack or unpack)(waits)))
          assert.equal(20, listener:counts().accepted)
          client:close()
        end)
        assert.equal(20, wire.segment_requests(service, "GET"))
      end)
    end
  end)
end

describe("a callback that goes wrong:", function()
  it("one that is lost costs time and not the job", function()
    local service = start(finally, { delay = 0.1, fault = "callback-lost" })
    local client, listener =
      listen(finally, service, nil, { poll = { first = 0.01, factor = 1, max = 0.02, callback = 0.3 } })
    assert(client:segment(KIND, PARAMETERS))
    assert.equal(0, listener:counts().accepted)
    assert.equal(1, wire.stats(service).faults["callback-lost"])
    assert.is_true(wire.segment_requests(service, "GET") <= 2)
  end)

  it("one that comes twice counts once", function()
    local service = start(finally, { delay = 0.1, fault = "callback-twice" })
    local client, listener = listen(finally, service)
    assert(client:segment(KIND, PARAMETERS))
    local counts = serve(client, function()
      local counts = listener:counts()
      return counts.accepted + counts.duplicate + counts.late == 2 and counts
    end)
    assert.equal(1, counts.accepted)
    assert.equal(1, wire.segment_requests(service, "GET"))
  end)

  it("one that comes before the job is ready is no news, and the wait goes on", function()
    local service = start(finally, { delay = 0.3, fault = "callback-early" })
    local client, listener = listen(finally, service)
    assert(client:segment(KIND, PARAMETERS))
    assert.equal(1, listener:counts().accepted)
  end)

  it("one that comes before the create's answer ends the wait all the same", function()
    local service = start(finally, { fault = "trickle@create" })
    local client, listener = listen(finally, service)
    assert(client:segment(KIND, PARAMETERS))
    local counts = listener:counts()
    assert.equal(1, counts.accepted)
    assert.equal(1, counts.early)
    assert.equal(1, wire.segment_requests(service, "GET"))
  end)

  it("one that comes after the job's end is late", function()
    local server = scripted(finally)
    local client, listener = listen(finally, server)
    local job = assert(client:create(KIND, PARAMETERS))
    local url = server.callback_url()
    assert.equal(204, send(client, url, "POST", '{"jobId":"job-1"}'))
    assert(job:wait())
    assert.equal(204, send(client, url, "POST", '{"jobId":"job-1"}'))
    local counts = listener:counts()
    assert.equal(1, counts.accepted)
    assert.equal(1, counts.late)
    assert.equal(1, server.retrieves())
  end)

  it("a forged one wakes nobody, nor does one that nobody knows or that is none", function()
    local server = scripted(finally)
    local client, listener = listen(finally, server)
    local job = assert(client:create(KIND, PARAMETERS))
    local url = server.callback_url()
    local last = url:sub(-1) == "0" and "1" or "0"
    local asked_before
    finseg.run(function()
      finseg.spawn(function()
        assert(job:wait())
      end)
      until_.until_waiting(client)
      assert.equal(204, send(client, url:sub(1, -2) .. last, "POST", "{}"))
      assert.equal(204, send(client, (url:gsub("/%x+(%.%x+)$", "/0123456789abcdef%1")), "POST", "{}"))
      assert.equal(204, send(client, listener.url .. "/nonsense", "POST", "{}"))
      assert.equal(204, send(client, url .. ".x", "POST", "{}"))
      assert.equal("pending", select(2, client:job(KIND, "job-2"):poll()).kind) -- after what they had caused
      asked_before = server.retrieves()
      assert.equal(204, send(client, url, "POST", "{}"))
    end)
    assert.equal(0, asked_before)
    assert.equal(1, server.retrieves())
    local counts = listener:counts()
    assert.equal(1, counts.accepted)
    assert.equal(0, counts.late)
    assert.equal(1, counts.forged)
    assert.equal(1, counts.unknown)
    assert.equal(2, counts.malformed)
  end)

  it("a request of another method, to another path or with too large a body is refused", function()
    local server = scripted(finally)
    local client, listener = listen(finally, server, { max_body = 100 })
    local job = assert(client:create(KIND, PARAMETERS))
    local url = server.callback_url()
    assert.equal(405, send(client, url, "GET", ""))
    assert.equal(405, send(client, url, "PUT", "{}"))
    assert.equal(413, send(client, url, "POST", ("x"):rep(101)))
    assert.equal(404, send(client, listener.url, "POST", "{}"))
    assert.same({ method = 2, too_large = 1, path = 1, rate = 0 }, listener:counts().refused)
    assert.equal(0, listener:counts().accepted)
    assert.equal(204, send(client, url, "POST", ("x"):rep(100)))
    assert(job:wait())
  end)

  it("one above the rate comes again", function()
    local service = start(finally, { delay = 0.1 })
    local client, listener = listen(finally, service, { rate = 2 })
    finseg.run(function()
      local waits = {}
      for i = 1, 4 do
        waits[i] = function()
          return assert(client:segment(KIND, { threshold = i }))
        end
      end
      assert(finseg.all((table.unpack or unpack)(waits)))
    end)
    assert.equal(4, listener:counts().accepted)
    assert.is_true(listener:counts().refused.rate > 0)
  end)
end)

describe("a listener", function()
  it("serves a callback beside connections that never say what they want", function()
    local service = start(finally, { delay = 0.2 })
    local client, listener = listen(finally, service)
    local slow = {}
    for i = 1, 400 do
      slow[i] = assert(socket.connect("127.0.0.1", listener.port))
      slow[i]:send(("POST /finseg/callback/x HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):sub(1, i % 60))
      client:step()
    end
    assert(client:segment(KIND, PARAMETERS))
    assert.equal(1, wire.segment_requests(service, "GET"))
    for _, connection in ipairs(slow) do
      connection:close()
    end
  end)

  it("serves 500 waits at once", function()
    local service = start(finally, { delay = 1 })
    local client, listener = listen(finally, service)
    local ended = 0
    finseg.run(function()
      for i = 1, 500 do
        finseg.spawn(function()
          assert(client:segment(KIND, { threshold = i }))
          ended = ended + 1
        end)
      end
    end)
    assert.equal(500, ended)
    assert.equal(500, listener:counts().accepted)
    assert.equal(500, wire.segment_requests(service, "POST"))
    assert.equal(500, wire.segment_requests(service, "GET"))
  end)

  it("lets the waits go on at the ordinary schedule when it is closed", function()
    local server = scripted(finally, { { status = 404, body = "{}" }, { status = 200, body = '{"users":[]}' } })
    local client, listener = listen(finally, server)
    local job = assert(client:create(KIND, PARAMETERS))
    finseg.run(function()
      finseg.spawn(function()
        until_.until_waiting(client)
        finseg.sleep(0.05) -- longer than the ordinary schedule, which must not be followed yet
        assert.equal(0, server.retrieves())
        listener:close()
      end)
      assert(job:wait())
    end)
    assert.equal(2, server.retrieves())
    assert.is_true(listener.closed)
    listener:close()
    assert.is_nil(socket.connect("127.0.0.1", listener.port))
    assert.equal(0, listener:counts().accepted)
    assert.equal(0, listener:counts().refused.path)
    assert.equal(("finseg listener on 127.0.0.1:%d (closed)"):format(listener.port), tostring(listener))
    assert(client:segment(KIND, PARAMETERS))
    assert.is_nil(server.callback_url(), "jobs made after that expect no callback")
    assert(client:listen { port = listener.port })
  end)

  it("is closed with its client", function()
    local client, listener = listen(finally, scripted(finally))
    client:close()
    assert.is_true(listener.closed)
    assert.is_nil(listener:pollfd())
    assert.is_nil(listener:next_timeout())
    assert.equal(0, listener:transfers())
    listener:close()
    assert.is_nil(socket.connect("127.0.0.1", listener.port))
  end)

  it("is freed with a client that nobody refers to", function()
    local server = scripted(finally)
    local port
    do
      local client = connect(server)
      port = assert(client:listen()).port
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(socket.connect("127.0.0.1", port))
  end)

  it("may be closed by who logs a callback", function()
    local server = scripted(finally)
    local client, listener
    client, listener = listen(finally, server, nil, {
      log = function(event)
        if event.name == "callback" then
          listener:close()
        end
      end,
    })
    assert(client:create(KIND, PARAMETERS))
    local url = server.callback_url()
    local host, port, path = split(url)
    local connection = assert(socket.connect(host, port))
    connection:send(("POST %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path):rep(3))
    serve(client, function()
      return listener.closed
    end)
    assert.equal(1, listener:counts().accepted)
    connection:close()
    client:step()
  end)

  it("leaves a callbackURL of the caller's own alone", function()
    local server = scripted(finally)
    local client = listen(finally, server)
    local own = "https://receiver.example/callback"
    local parameters = { threshold = 1, callbackURL = own }
    local job = assert(client:create(KIND, parameters))
    assert.equal(own, server.callback_url())
    assert.same({ threshold = 1, callbackURL = own }, parameters)
    assert(job:wait(), "which is asked for at the ordinary schedule")
    parameters = { threshold = 1 }
    assert(client:create(KIND, parameters))
    assert.same({ threshold = 1 }, parameters)
  end)

  it("serves its own client alone, of several in a program", function()
    local service = start(finally, { delay = 0.2 })
    local first, first_listener = listen(finally, service)
    local second, second_listener = listen(finally, service)
    assert.not_equal(first_listener.port, second_listener.port)
    finseg.run(function()
      assert(finseg.all(function()
        return assert(first:segment(KIND, PARAMETERS))
      end, function()
        return assert(second:segment(KIND, PARAMETERS))
      end, function()
        return assert(second:segment(KIND, PARAMETERS))
      end))
    end)
    assert.equal(1, first_listener:counts().accepted)
    assert.equal(2, second_listener:counts().accepted)
    assert.equal(3, wire.segment_requests(service, "GET"))
  end)

  it("keeps what it knows in the store that it is given", function()
    local server = scripted(finally)
    local store = finseg.store.open "memory"
    local client = listen(finally, server, { store = store })
    assert(client:create(KIND, PARAMETERS))
    assert.equal(1, #store:list "callback ")
  end)

  it("shows no token in its log, its name or its errors", function()
    local server = scripted(finally)
    local said = {}
    local function log(event)
      for name, value in pairs(event) do
        said[#said + 1] = ("%s=%s"):format(name, tostring(value))
      end
    end
    local client, listener = listen(finally, server, nil, { log = log })
    local job = assert(client:create(KIND, PARAMETERS))
    local url = server.callback_url()
    local token = url:match "%.(%x+)$"
    assert.equal(32, #token)
    local wrong = token:gsub("^%x", { ["0"] = "1" }):reverse()
    send(client, (url:gsub("%x+$", wrong)), "POST", "{}")
    send(client, url, "POST", "{}")
    send(client, url, "POST", "{}")
    assert(job:wait())
    for _, each in ipairs { listener, listener.callbacks, job, client } do
      said[#said + 1] = tostring(each)
    end
    said[#said + 1] = tostring(select(2, client:listen()))
    local text = table.concat(said, "\n")
    assert.matches("a callback came", text)
    assert.matches("a callback with a wrong token was ignored", text)
    assert.is_nil(text:find(token, 1, true))
    assert.is_nil(text:find(wrong, 1, true))
  end)
end)

describe("the address of callbacks", function()
  local server = { base_url = "http://127.0.0.1:1/api/v1", client_id = "x", client_secret = "x" }

  local function url(finally, options)
    local _, listener = listen(finally, server, options)
    return listener.url, listener.port
  end

  it("is that of the listener itself when no other is told", function()
    local told, port = url(finally)
    assert.equal(("http://127.0.0.1:%d/finseg/callback"):format(port), told)
    told, port = url(finally, { path = "/here/" })
    assert.equal(("http://127.0.0.1:%d/here"):format(port), told)
    told, port = url(finally, { path = "/" })
    assert.equal(("http://127.0.0.1:%d"):format(port), told)
  end)

  it("is the public one, with the path after it", function()
    assert.equal("https://a.example/finseg/callback", url(finally, { public_url = "https://a.example" }))
    assert.equal("https://a.example/finseg/callback", url(finally, { public_url = "https://a.example/" }))
    assert.equal("https://a.example:8443/b/c", url(finally, { public_url = "https://a.example:8443/b/", path = "/c" }))
    assert.equal(
      "https://a.example/finseg/callback",
      url(finally, { public_url = "https://a.example", host = "0.0.0.0" })
    )
  end)

  it("may be an IPv6 address", function()
    local service = start(finally, { delay = 0.1 })
    local client, listener = listen(finally, service, { host = "::1" })
    assert.equal(("http://[::1]:%d/finseg/callback"):format(listener.port), listener.url)
    assert.equal(("finseg listener on [::1]:%d"):format(listener.port), tostring(listener))
    assert(client:segment(KIND, PARAMETERS))
    assert.equal(1, listener:counts().accepted)
  end)
end)

describe("client:listen", function()
  local server = { base_url = "http://127.0.0.1:1/api/v1", client_id = "x", client_secret = "x" }

  local function refusal(finally, options)
    local client = connect(server)
    afterwards(finally, function()
      client:close()
    end)
    local listener, err = client:listen(options)
    assert.is_nil(listener)
    return err
  end

  it("says what to do about a port that is taken", function()
    local _, listener = listen(finally, server)
    local err = refusal(finally, { port = listener.port })
    assert.equal("config", err.kind)
    assert.matches(
      ("cannot listen on 127.0.0.1:%d (Address already in use): "):format(listener.port),
      err.message,
      1,
      true
    )
    assert.matches("name another port, or 0 for any that is free", err.message, 1, true)
    err = refusal(finally, { host = "192.0.2.1" })
    assert.matches("cannot listen on 192.0.2.1:0 (Cannot assign requested address)", err.message, 1, true)
    err = refusal(finally, { host = "receiver.example" })
    assert.equal("config", err.kind)
    assert.matches("host must be an address of this machine", err.message, 1, true)
  end)

  it("opens one listener a client", function()
    local client, listener = listen(finally, server)
    local second, err = client:listen()
    assert.is_nil(second)
    assert.equal("invalid", err.kind)
    assert.is_false(listener.closed)
  end)

  it("refuses options that it cannot use, and leaves nothing open", function()
    for name, values in pairs {
      port = { -1, 65536, 1.5, 0 / 0 },
      path = { "x", "/a b", "/a?b", "/a#b", "/a//b", "/../a", "/%2e", "/a/." },
      max_body = { 0, -1, 0.5, math.huge },
      rate = { 0, -1, 0 / 0 },
      public_url = {
        "nonsense",
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a.example?b",
        'https://a.example"\\y',
        "https://a.example/\0",
        "https://ä.example",
      },
      host = { "0.0.0.0", "::", "::0", "0:0:0:0:0:0:0:0", "::0.0.0.0", "::FFFF:0.0.0.0" },
      hosts = { "127.0.0.1" },
    } do
      for _, value in ipairs(values) do
        local err = refusal(finally, { [name] = value })
        assert.is_true(err.kind == "invalid" or err.kind == "config", name)
        assert.matches(name == "host" and "public_url" or name, err.message, 1, true)
        assert.is_nil(err.message:find("u:p", 1, true))
      end
    end
    for _, host in ipairs { "127.0.0.1\0x", "127.0.0.1 ", "127.0.0.1\r\n" } do
      assert.matches("host: an address of this machine expected", refusal(finally, { host = host }).message, 1, true)
    end
    local client = connect(server)
    afterwards(finally, function()
      client:close()
    end)
    assert.has_error(function()
      client:listen { port = "80" }
    end, "bad argument #1 to 'listen' (port: number expected, got string)")
    assert.has_error(function()
      client:listen "127.0.0.1"
    end, "bad argument #1 to 'listen' (table expected, got string)")
    assert(client:listen())
    client:close()
    assert.has_error(function()
      client:listen()
    end, "finseg: the client is closed (in listen)")
  end)

  it("says what to install when its module is not there", function()
    local status, printed = run_lua [[
      package.preload["finseg.http_server"] = function() error "no libmicrohttpd.so.12" end
      local client = assert(require("finseg").new { base_url = "http://127.0.0.1:1", access_token = "x" })
      local listener, err = client:listen()
      print(err.kind, err)
      client:close()
    ]]
    assert.equal(0, status)
    assert.matches("^config\tclient:listen needs finseg's module finseg.http_server, which is not there", printed)
    assert.matches("libmicrohttpd-dev", printed, 1, true)
    assert.matches("finseg-listener", printed, 1, true)
    assert.matches("no libmicrohttpd.so.12", printed, 1, true)
  end)

  it("refuses to listen in a worker of nginx, and names what does it there", function()
    package.loaded.ngx = {}
    afterwards(finally, function()
      package.loaded.ngx = nil
    end)
    local err = refusal(finally)
    assert.equal("invalid", err.kind)
    assert.matches("finseg.ngx", err.message, 1, true)
  end)
end)

describe("what a listener asks of its program", function()
  -- Steps the client until it asks for nothing more.
  local function settle(client)
    local steps = 0
    while #core.poll({ client:pollfd() }, 0.05) > 0 do
      client:step()
      steps = steps + 1
      assert(steps < 20, "the loop is kept busy")
    end
  end

  it("is nothing while nothing comes", function()
    local client, listener = listen(finally, scripted(finally))
    local connection = assert(socket.connect("127.0.0.1", listener.port))
    settle(client)
    assert.equal(1, client:transfers())
    assert.is_true(client:next_timeout() > 1)
    connection:close()
    settle(client)
    assert.equal(0, client:transfers())
    assert.is_nil(client:next_timeout())
    assert.equal(0, client:pending())
  end)
end)

describe("a sender of callbacks", function()
  it("gets its answer when it waits for it, and when it does not", function()
    local client, listener = listen(finally, scripted(finally))
    local command = "exec env -u LD_PRELOAD curl -s -o /dev/null -w '%%{http_code}' -d '{}' %s/x"
    local sender = assert(io.popen(command:format(listener.url)))
    serve(client, function()
      return listener:counts().malformed == 1
    end)
    assert.equal("204", sender:read "*a")
    sender:close()
    for _ = 1, 10 do
      local connection = assert(socket.connect("127.0.0.1", listener.port))
      connection:send "POST /finseg/callback/x HTTP/1.1\r\nHost: x\r\n\r\n"
      connection:close()
    end
    serve(client, function()
      return listener:counts().malformed == 11
    end)
  end)
end)
