-- The sandbox's callbacks: what is sent, to whom, how often, and that nobody waits for a receiver.

local cjson = require("cjson")
local sandbox = require("spec.support.sandbox")
local scripted_server = require("spec.support.scripted_server")
local shell = require("spec.support.shell")
local socket = require("socket")
local wire = require("spec.support.wire")

local function start(finally, options)
  options = options or {}
  options.today = "2024-04-15"
  options.users = 5
  local service = sandbox.start(options)
  finally(service.stop)
  return service
end

-- A receiver that answers with the statuses in turn, the last again and again.
local function receiver(finally, ...)
  local answers = {}
  for i, status in ipairs({ ... }) do
    answers[i] = { status = status, headers = status == 302 and { Location = "/elsewhere" } or nil }
  end
  local server = scripted_server.start({
    ["POST /callback"] = answers,
    ["POST /silent"] = { { hold = true } },
    ["POST /silent/1"] = { { hold = true } },
    ["POST /silent/2"] = { { hold = true } },
    ["POST /silent/3"] = { { hold = true } },
    ["POST /silent/4"] = { { hold = true } },
    ["POST /elsewhere"] = { { status = 204 } },
    ["GET /elsewhere"] = { { status = 204 } },
  })
  finally(server.stop)
  server.callback = server.url .. "/callback?token=a%20b"
  return server
end

local function create(service, url, kind)
  return wire.create(service, kind or "highBalance", { threshold = -1000000, durationInMonth = 1, callbackURL = url })
end

local function wait_for_requests(server, count)
  return wire.eventually(count .. " callbacks have come", function()
    local requests = server.requests()
    return #requests >= count and requests
  end)
end

local function wait_for_count(service, name, count)
  wire.eventually(name .. " is " .. count, function()
    return wire.stats(service).callbacks[name] == count
  end)
end

-- A port of this machine that nobody listens on.
local function dead_url()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return ("http://127.0.0.1:%d/callback"):format(port)
end

describe("a callback", function()
  it("comes once the job is ready, as a POST with its id", function()
    local service = start(finally, { delay = 0.3 })
    local server = receiver(finally, 200)
    local job = create(service, server.callback, "lowBalance")
    local request = wait_for_requests(server, 1)[1]
    assert.equal(200, wire.get(service, "lowBalance", job).status, "it does not come too early")
    assert.equal("POST", request.method)
    assert.equal("token=a%20b", request.query)
    assert.equal("application/json", request.headers["content-type"])
    assert.same({ jobId = job, segment = "lowBalance", status = "READY" }, cjson.decode(request.body))
    wait_for_count(service, "delivered", 1)
    assert.equal(1, #server.requests())
  end)

  it("tells that the job has failed", function()
    local service = start(finally, { fault = "job-fails" })
    local server = receiver(finally, 204)
    local job = create(service, server.callback)
    local request = wait_for_requests(server, 1)[1]
    assert.same({ jobId = job, segment = "highBalance", status = "FAILED" }, cjson.decode(request.body))
  end)

  it("is repeated until the receiver answers 2xx, and does not follow redirects", function()
    local service = start(finally)
    local server = receiver(finally, 500, 302, 204)
    create(service, server.callback)
    wait_for_count(service, "delivered", 1)
    local requests = server.requests()
    assert.equal(3, #requests)
    for _, request in ipairs(requests) do
      assert.equal("/callback", request.path)
      assert.equal(requests[1].body, request.body)
    end
    assert.same({ sent = 3, delivered = 1, givenUp = 0 }, wire.stats(service).callbacks)
  end)

  it("is given up when its patience is over", function()
    local service = start(finally, { callback_patience = 0.6 })
    local server = receiver(finally, 503)
    create(service, server.callback)
    create(service, dead_url())
    wait_for_count(service, "givenUp", 2)
    assert.equal(2, #server.requests())
    assert.equal(0, wire.stats(service).callbacks.delivered)
  end)

  it("delays no job and no other receiver, however slow or dead its receiver is", function()
    local service = start(finally)
    local slow, quick = receiver(finally, 204), receiver(finally, 204)
    for _ = 1, 12 do
      create(service, slow.url .. "/silent")
      create(service, dead_url())
    end
    wait_for_requests(slow, 4)
    for _ = 1, 5 do
      create(service, quick.callback)
    end
    wait_for_requests(quick, 5)
    assert.equal(4, #slow.requests(), "no more than that many at once go to one receiver")
    assert.equal(29, wire.stats(service).jobs.made)
    wire.wait(service, "highBalance", wire.create(service, "highBalance", { threshold = 0 }))
  end)

  it("is not delayed by those that wait for a slow path of the same receiver", function()
    local service = start(finally, { callback_patience = 0 })
    local server = receiver(finally, 204)
    for i = 1, 12 do
      create(service, server.url .. "/silent?job=" .. i)
    end
    wait_for_requests(server, 4)
    create(service, server.callback)
    wait_for_count(service, "delivered", 1)
    local counts = wire.stats(service).callbacks
    assert.same({ sent = 5, delivered = 1, givenUp = 0 }, counts, "no other try had to end first")
  end)

  it("waits for the end of a try where mute endpoints have all sixteen", function()
    local service = start(finally, { callback_patience = 0 })
    local server = receiver(finally, 204)
    for endpoint = 1, 4 do
      for job = 1, 5 do
        create(service, ("%s/silent/%d?job=%d"):format(server.url, endpoint, job))
      end
    end
    wait_for_requests(server, 16)
    wire.wait(service, "highBalance", create(service, server.callback))
    assert.same({ sent = 16, delivered = 0, givenUp = 0 }, wire.stats(service).callbacks)
    pcall(wait_for_count, service, "delivered", 1) -- a try lasts as long as the patience of this wait
    wait_for_count(service, "delivered", 1)
    assert.truthy(wire.stats(service).callbacks.givenUp < 20, "the four that waited with it have their tries")
  end)

  it("survives a kill and a restart", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    local server = receiver(finally, 500, 204)
    local options = { db = folder .. "/bank.db", today = "2024-04-15", users = 5 }
    local service = sandbox.start(options)
    local job = create(service, server.callback)
    wait_for_requests(server, 1)
    service.kill()
    service = sandbox.start(options)
    finally(service.stop)
    local requests = wait_for_requests(server, 2)
    assert.equal(job, cjson.decode(requests[#requests].body).jobId)
    wait_for_count(service, "delivered", 1)
    service.stop()
    service = sandbox.start(options)
    wire.wait(service, "highBalance", create(service, nil))
    local sent = wire.stats(service).callbacks.sent
    service.stop()
    assert.equal(0, sent, "what was delivered is not sent again")
  end)

  it("does not keep the sandbox from ending", function()
    local service = start(finally)
    local server = receiver(finally, 204)
    create(service, server.url .. "/silent")
    wait_for_requests(server, 1)
    service.stop()
  end)
end)

describe("a callbackURL", function()
  local function status(service, url)
    local answer =
      wire.call(service, "POST", "/segments/highBalance", cjson.encode({ threshold = 1, callbackURL = url }))
    local first = answer.json.errors and answer.json.errors[1]
    if first then
      assert.equal("ILLEGAL_FIELD_VALUE", first.code)
      assert.matches("^callbackURL ", first.message)
    end
    return answer.status
  end

  it("must be an http or https URL to this machine", function()
    local service = start(finally, { callback_patience = 0 })
    for _, url in ipairs({
      "http://127.0.0.1:1/",
      "http://localhost:1",
      "HTTP://LOCALHOST:1/a?b#c",
      "https://127.0.0.1:1/x",
      "http://127.7.7.7:1/",
      "http://[::1]:1/",
      "http://127.0.0.1:1/" .. ("x"):rep(2000),
    }) do
      assert.equal(201, status(service, url), url)
    end
    for _, url in ipairs({
      "",
      " ",
      "nonsense",
      "/callback",
      "//127.0.0.1/",
      "127.0.0.1:1/",
      "http:///",
      "http://",
      "ftp://127.0.0.1/",
      "file:///etc/passwd",
      "gopher://127.0.0.1/",
      "javascript:1",
      "http://example.com/",
      "http://10.0.0.1/",
      "http://169.254.169.254/latest",
      "http://127.0.0.1.example.com/",
      "http://localhost.example.com/",
      "http://user:secret@127.0.0.1/",
      "http://user@127.0.0.1/",
      "http://127.0.0.1:99999/",
      "http://0.0.0.0/",
      "http://127.0.0.1:1/\r\nX: y",
      "http://127.0.0.1 /",
      "http://127.0.0.1:1/\0",
      "http://[::2]/",
      "http://2130706433.example.com/",
      "http://127.0.0.1:1/" .. ("x"):rep(2048),
    }) do
      assert.equal(400, status(service, url), url)
    end
    assert.equal(400, status(service, 7))
    assert.equal(400, status(service, { "http://127.0.0.1/" }))
    assert.equal(201, status(service, cjson.null))
  end)

  it("may go where --callback-allow says, and nowhere else", function()
    local service = start(finally, { callback_allow = { "receiver.example", "127.0.0.1" }, callback_patience = 0 })
    assert.equal(201, status(service, "http://127.0.0.1:1/"))
    assert.equal(201, status(service, "http://Receiver.Example:1/"))
    assert.equal(400, status(service, "http://localhost:1/"))
    assert.equal(400, status(service, "http://sub.receiver.example/"))
    local ipv6 = start(finally, { callback_allow = { "::1", "[::0002]", "RECEIVER.example" }, callback_patience = 0 })
    assert.equal(201, status(ipv6, "http://[::1]:1/"))
    assert.equal(201, status(ipv6, "http://[0:0::2]:1/"))
    assert.equal(201, status(ipv6, "http://receiver.example:1/"))
    assert.equal(400, status(ipv6, "http://[::3]:1/"))
    for _, host in ipairs({
      "",
      " ",
      "127.0.0.1:80",
      "receiver.example:80",
      "[::1]:80",
      "[::1",
      "[]",
      "[x]",
      "http://receiver.example/",
      "receiver.example/",
      "user@receiver.example",
      "*.example",
      ("x"):rep(256),
    }) do
      local code, _, said = sandbox.run({ "--callback-allow", host })
      assert.equal(2, code, host)
      assert.matches("^finseg%-sandbox: %-%-callback%-allow does not take '", said)
    end
    local open = start(finally, { callback_allow = "*", callback_patience = 0 })
    assert.equal(201, status(open, "http://receiver.invalid:1/"))
    assert.equal(400, status(open, "ftp://receiver.invalid/"))
  end)
end)

describe("a fault of callbacks", function()
  it("loses, doubles or hastens one", function()
    local service = start(finally, { delay = 1, fault = { "callback-lost:1", "callback-twice:1", "callback-early:1" } })
    local server = receiver(finally, 204)
    local jobs = {}
    for i, name in ipairs({ "lost", "twice", "early", "sound" }) do
      if name == "early" then
        wait_for_requests(server, 2)
      end
      jobs[name] = create(service, server.callback)
      if name == "early" then
        wait_for_requests(server, 3)
        assert.equal(404, wire.get(service, "highBalance", jobs.early).status)
      end
      assert.equal(i, wire.stats(service).jobs.made)
    end
    local counts = {}
    for _, request in ipairs(wait_for_requests(server, 5)) do
      local id = cjson.decode(request.body).jobId
      counts[id] = (counts[id] or 0) + 1
    end
    assert.same({ [jobs.twice] = 2, [jobs.early] = 2, [jobs.sound] = 1 }, counts)
  end)
end)
