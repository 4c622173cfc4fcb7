-- finseg.http_server, the HTTP server below client:listen, by itself: over real sockets, stepped by the test.

local core = require "finseg.core"
local module = require "finseg.http_server"
local run_lua = require "spec.support.run_lua"
local shell = require "spec.support.shell"
local socket = require "socket"

local PATH = "/finseg/callback"
local LIMIT = 1000 -- bytes of a body
local DEADLINE = 10 -- seconds that anything may take before a test gives up
local MOST_CONNECTIONS = 256

local function open(finally, options)
  options = options or {}
  local server, port =
    assert(module.open(options.host or "127.0.0.1", 0, PATH, LIMIT, options.rate or math.huge, options.patience or 30))
  finally(function()
    server:close()
  end)
  return server, port
end

-- Serves as an event loop does, until f answers something true; answers that.
local function serve(server, f)
  local deadline = core.now() + DEADLINE
  local answer = f()
  while not answer do
    assert(core.now() < deadline, "gave up waiting")
    core.poll({ server:fd() }, math.min(server:next_timeout() or 0.01, 0.01))
    server:step()
    answer = f()
  end
  return answer
end

local function connect(port, host)
  local connection = assert(socket.connect(host or "127.0.0.1", port))
  connection:settimeout(0)
  return connection
end

-- Reads answers until there are so many, or the connection is closed. Answers their statuses, all text, whether closed.
local function read_answers(server, connection, count)
  local text, closed = "", false
  serve(server, function()
    local all, problem, part = connection:receive(65536)
    text = text .. (all or part)
    closed = problem == "closed"
    return closed or select(2, text:gsub("\r\n\r\n", "")) >= count
  end)
  local statuses = {}
  for status in text:gmatch "HTTP/1%.1 (%d+)" do
    statuses[#statuses + 1] = tonumber(status)
  end
  return statuses, text, closed
end

local function request(target, body, method)
  return ("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"):format(method or "POST", target, #body, body)
end

-- One request over a connection of its own. Answers the status (nil: closed without an answer) and the text.
local function send(server, port, bytes, host)
  local connection = connect(port, host)
  assert(connection:send(bytes))
  local statuses, text = read_answers(server, connection, 1)
  connection:close()
  return statuses[1], text
end

local function targets(server)
  local list = {}
  for target in
    function()
      return server:next()
    end
  do
    list[#list + 1] = target
  end
  return list
end

local function chunked(target, chunks)
  local pieces = { ("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"):format(target) }
  for _, chunk in ipairs(chunks) do
    pieces[#pieces + 1] = ("%x\r\n%s\r\n"):format(#chunk, chunk)
  end
  return table.concat(pieces) .. "0\r\n\r\n"
end

describe("the HTTP server", function()
  it("answers 204 to a callback and keeps its target, the first first", function()
    local server, port = open(finally)
    assert.is_nil(server:next())
    local status, text = send(server, port, request(PATH .. "/first.token?not=it", '{"jobId":"x"}'))
    assert.equal(204, status)
    assert.is_nil(text:find "Content%-Length")
    assert.equal(204, (send(server, port, request(PATH .. "/se%20cond", ""))))
    assert.equal(204, (send(server, port, chunked(PATH .. "/a/third", { "{", "}" }))))
    assert.equal(204, (send(server, port, "POST " .. PATH .. "/fourth HTTP/1.0\r\n\r\n")))
    local expected = { PATH .. "/first.token", PATH .. "/se%20cond", PATH .. "/a/third", PATH .. "/fourth" }
    assert.same(expected, targets(server))
    assert.same({ path = 0, method = 0, too_large = 0, rate = 0 }, server:refused())
  end)

  it("answers several on one connection, also when they come at once", function()
    local server, port = open(finally)
    local connection = connect(port)
    connection:send(request(PATH .. "/a", "{}") .. request(PATH .. "/b", "{}"))
    assert.same({ 204, 204 }, (read_answers(server, connection, 2)))
    connection:send(request(PATH .. "/c", "{}"))
    assert.same({ 204 }, (read_answers(server, connection, 1)))
    connection:close()
    assert.same({ PATH .. "/a", PATH .. "/b", PATH .. "/c" }, targets(server))
  end)

  it("answers 405 to other methods, and says which it takes", function()
    local server, port = open(finally)
    for _, method in ipairs { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW" } do
      local status, text = send(server, port, request(PATH .. "/a", "", method))
      assert.equal(405, status, method)
      assert.matches("\r\nAllow: POST\r\n", text)
    end
    assert.equal(6, server:refused().method)
    assert.same({}, targets(server))
  end)

  it("answers 404 to other paths", function()
    local server, port = open(finally)
    local longest = PATH .. "/" .. ("x"):rep(512 - #PATH - 1)
    local others = { "/", PATH, PATH .. "/", PATH .. "x/a", "/x" .. PATH .. "/a", "/a", longest .. "x", "*" }
    for _, target in ipairs(others) do
      assert.equal(404, (send(server, port, request(target, "{}"))), target)
      assert.equal(404, (send(server, port, request(target, "", "GET"))), target)
    end
    assert.equal(16, server:refused().path)
    assert.equal(204, (send(server, port, request(longest, "{}"))))
    assert.same({ longest }, targets(server))
  end)

  it("answers 413 to a body that is too large, however its length is told", function()
    local server, port = open(finally)
    assert.equal(204, (send(server, port, request(PATH .. "/a", ("x"):rep(LIMIT)))))
    assert.equal(204, (send(server, port, chunked(PATH .. "/b", { ("x"):rep(LIMIT) }))))
    assert.equal(413, (send(server, port, request(PATH .. "/c", ("x"):rep(LIMIT + 1)))))
    assert.equal(413, (send(server, port, chunked(PATH .. "/d", { ("x"):rep(LIMIT), "x" }))))
    local announced = "POST %s/e HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n"
    assert.equal(413, (send(server, port, announced:format(PATH, LIMIT + 1))), "before the body has come")
    assert.equal(413, (send(server, port, announced:format(PATH, "18446744073709551615"))))
    assert.equal(4, server:refused().too_large)
    assert.same({ PATH .. "/a", PATH .. "/b" }, targets(server))
  end)

  it("reads no body without end", function()
    local server, port = open(finally)
    local connection = connect(port)
    connection:send("POST " .. PATH .. "/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    local chunk = ("400\r\n%s\r\n"):format(("x"):rep(1024))
    local sent = 0
    serve(server, function()
      local all = connection:send(chunk)
      sent = sent + (all and #chunk or 0)
      local _, problem = connection:receive(1)
      return not all and problem == "closed"
    end)
    assert.is_true(sent < 10 * 1024 * 1024)
    connection:close()
    assert.equal(1, server:refused().too_large)
    assert.same({}, targets(server))
  end)

  it("answers 429 above the rate, and says when to come again", function()
    local server, port = open(finally, { rate = 0.001 })
    assert.equal(204, (send(server, port, request(PATH .. "/a", "{}"))))
    for _ = 1, 3 do
      local status, text = send(server, port, request(PATH .. "/b", "{}"))
      assert.equal(429, status)
      assert.matches("\r\nRetry%-After: 1\r\n", text)
    end
    assert.equal(3, server:refused().rate)
    assert.same({ PATH .. "/a" }, targets(server))
  end)

  it("takes more once time has passed", function()
    local server, port = open(finally, { rate = 20 })
    local accepted = 0
    serve(server, function()
      accepted = accepted + (send(server, port, request(PATH .. "/a", "{}")) == 204 and 1 or 0)
      return accepted >= 25
    end)
    assert.equal(25, #targets(server))
  end)

  it("keeps a bounded number of targets", function()
    local server, port = open(finally)
    local connection = connect(port)
    local batch = request(PATH .. "/a", ""):rep(100)
    local statuses = {}
    for _ = 1, 50 do
      connection:send(batch)
      for _, status in ipairs((read_answers(server, connection, 100))) do
        statuses[status] = (statuses[status] or 0) + 1
      end
    end
    connection:close()
    assert.same({ [204] = 4096, [429] = 904 }, statuses)
    assert.equal(4096, #targets(server))
    assert.equal(204, (send(server, port, request(PATH .. "/b", ""))))
  end)

  it("survives bytes that are no HTTP", function()
    local server, port = open(finally, { patience = 0.5 })
    math.randomseed(7)
    for round = 1, 300 do
      local bytes = {}
      for i = 1, math.random(1, 200) do
        bytes[i] = string.char(math.random(0, 255))
      end
      local garbage = table.concat(bytes)
      local good = request(PATH .. "/a", "{}")
      if round % 3 == 1 then
        garbage = good:sub(1, math.random(#good)) .. garbage
      elseif round % 3 == 2 then
        garbage = "POST " .. PATH .. "/a HTTP/1.1\r\n" .. garbage .. "\r\n\r\n"
      end
      local connection = connect(port)
      connection:send(garbage)
      server:step()
      connection:send "\r\n\r\n\r\n"
      server:step()
      connection:close()
    end
    serve(server, function()
      targets(server)
      return server:connections() == 0
    end)
    for _, malformed in ipairs {
      "Content-Length: x",
      "Content-Length: -1",
      "Content-Length: 99999999999999999999999",
      "X: " .. ("x"):rep(40000),
    } do
      local status = send(server, port, ("POST %s/a HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n"):format(PATH, malformed))
      assert.is_true(status == nil or status >= 400, malformed)
    end
    assert.equal(204, (send(server, port, request(PATH .. "/good", "{}"))))
    assert.same({ PATH .. "/good" }, targets(server))
  end)

  it("goes on when who called is gone before the answer", function()
    local server, port = open(finally)
    for _ = 1, 20 do
      local connection = connect(port)
      connection:send(request(PATH .. "/a", "{}"))
      connection:setoption("linger", { on = true, timeout = 0 }) -- so that close() resets the connection
      connection:close()
      server:step()
    end
    assert.equal(204, (send(server, port, request(PATH .. "/a", "{}"))))
  end)
end)

describe("connections to the HTTP server", function()
  it("are served however many others do not complete a request", function()
    local server, port = open(finally)
    local slow = {}
    for i = 1, MOST_CONNECTIONS + 100 do
      slow[i] = connect(port)
      slow[i]:send(("POST %s/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1"):sub(1, 10 + i % 50))
      server:step()
    end
    assert.equal(204, (send(server, port, request(PATH .. "/real", "{}"))))
    assert.same({ PATH .. "/real" }, targets(server))
    assert.is_true(server:connections() <= MOST_CONNECTIONS)
    local _, first = slow[1]:receive(1)
    local _, last = slow[#slow]:receive(1)
    assert.equal("closed", first, "the oldest gave way")
    assert.equal("timeout", last)
    for _, connection in ipairs(slow) do
      connection:close()
    end
    serve(server, function()
      return server:connections() == 0
    end)
    assert.equal(204, (send(server, port, request(PATH .. "/real", "{}"))))
  end)

  it("that complete requests are not those that give way", function()
    local server, port = open(finally)
    local busy = connect(port)
    busy:send(request(PATH .. "/a", ""))
    read_answers(server, busy, 1)
    local idle = {}
    for i = 1, MOST_CONNECTIONS * 2 do
      idle[i] = connect(port)
      server:step()
      if i % 100 == 0 then
        busy:send(request(PATH .. "/a", ""))
        assert.same({ 204 }, (read_answers(server, busy, 1)))
      end
    end
    for _, connection in ipairs(idle) do
      connection:close()
    end
    busy:close()
  end)

  it("are closed when they complete no request in time, even if bytes come", function()
    local server, port = open(finally, { patience = 0.2 })
    assert.is_nil(server:next_timeout(), "nothing is planned while nobody is connected")
    local idle, dripping = connect(port), connect(port)
    local text = request(PATH .. "/a", ("x"):rep(900))
    local sent, next_byte, closed = 0, core.now(), {}
    serve(server, function()
      if sent < #text and core.now() > next_byte then
        sent, next_byte = sent + 1, next_byte + 0.005
        dripping:send(text:sub(sent, sent))
      end
      closed.idle = closed.idle or select(2, idle:receive(1)) == "closed"
      closed.dripping = closed.dripping or select(2, dripping:receive(1)) == "closed"
      return closed.idle and closed.dripping
    end)
    assert.is_true(sent < #text)
    assert.equal(0, server:connections())
    assert.is_nil(server:next_timeout())
    idle:close()
    dripping:close()
    assert.equal(204, (send(server, port, request(PATH .. "/real", "{}"))))
  end)

  it("are accepted again after as many as there may be were closed by the clock", function()
    local server, port = open(finally, { patience = 0.2 })
    local idle = {}
    for i = 1, MOST_CONNECTIONS + 60 do
      idle[i] = connect(port)
    end
    serve(server, function()
      return server:connections() == MOST_CONNECTIONS
    end)
    serve(server, function()
      return server:connections() == 0
    end)
    assert.equal(204, (send(server, port, request(PATH .. "/real", "{}"))))
    for _, connection in ipairs(idle) do
      connection:close()
    end
  end)
end)

-- What scripts of a process of their own begin with: modules, an HTTP server, and ways to serve it for a bounded time.
local PRELUDE = [[
  local core = require "finseg.core"
  local socket = require "socket"
  local server, port = assert(require("finseg.http_server").open("127.0.0.1", 0, "/c", 1, 10, 30))
  local function serve(f)
    local deadline = core.now() + 10
    local answer = f()
    while not answer do
      local left = deadline - core.now()
      assert(left > 0, "gave up waiting")
      core.poll({ server:fd() }, math.min(server:next_timeout() or left, left))
      server:step()
      answer = f()
    end
    return answer
  end
  local function send(connection, name)
    connection:send("POST /c/" .. name .. " HTTP/1.1\r\nHost: x\r\n\r\n")
    return serve(function() return server:next() end)
  end
]]

describe("opening an HTTP server", function()
  it("fails where it cannot listen, and says why", function()
    local _, port = open(finally)
    local function problem_of(host, number)
      local server, reason, problem = module.open(host, number, PATH, LIMIT, 1, 1)
      assert.is_nil(server)
      assert.is_string(reason)
      return problem
    end
    assert.equal("taken", problem_of("127.0.0.1", port))
    assert.equal("no_address", problem_of("localhost", 0))
    assert.equal("no_address", problem_of("", 0))
    assert.equal("no_address", problem_of("127.0.0.1:80", 0))
    assert.equal("elsewhere", problem_of("192.0.2.1", 0))
  end)

  it("is possible again at the port of one that was closed amid connections", function()
    local server, port = open(finally)
    local connection = connect(port)
    connection:send(request(PATH .. "/a", "{}"))
    read_answers(server, connection, 1)
    server:close()
    server:close()
    assert.has_error(function()
      server:step()
    end, "finseg: the HTTP server is closed")
    local again, same = assert(module.open("127.0.0.1", port, PATH, LIMIT, 1, 1))
    assert.equal(port, same)
    assert.equal(204, (send(again, port, request(PATH .. "/a", "{}"))))
    again:close()
    connection:close()
  end)

  it("works for IPv6", function()
    local probe = socket.tcp6 and socket.tcp6()
    if not (probe and probe:bind("::1", 0)) then
      pending "this machine has no IPv6"
      return
    end
    probe:close()
    local server, port = open(finally, { host = "::1" })
    assert.equal(204, (send(server, port, request(PATH .. "/a", "{}"), "::1")))
  end)

  it("leaves nothing to the programs that are started", function()
    local status, printed = run_lua [[
      local module = require "finseg.http_server"
      local function inherited()
        local pipe = io.popen "ls -l /proc/self/fd"
        local text = pipe:read "*a"
        pipe:close()
        return select(2, text:gsub("socket:", "")), select(2, text:gsub("eventpoll", "")), select(2, text:gsub("null", ""))
      end
      print(inherited())
      local server, port = assert(module.open("127.0.0.1", 0, "/c", 1, 1, 1))
      print(inherited())
      server:close()
    ]]
    local before, after = printed:match "^(.-)\n(.-)\n$"
    assert.equal(before, after)
    assert.equal(0, status)
  end)

  it("is possible where over a thousand descriptors are open", function()
    local many = "local files = {} for i = 1, 1100 do files[i] = assert(io.open '/dev/null') end\n"
    local script = [[
      assert(server:fd() > 1024)
      print(send(assert(socket.connect("127.0.0.1", port)), "a"))
      server:close()
    ]]
    local status, printed = run_lua(many .. PRELUDE .. script, nil, 2000)
    assert.equal("/c/a\n", printed)
    assert.equal(0, status)
  end)
end)

describe("an HTTP server in a process without a descriptor left", function()
  local EXHAUSTION = [[
    local files = {}
    local function exhaust()
      repeat
        local file = io.open "/dev/null"
        files[#files + 1] = file
      until not file
    end
    local function recover()
      for _, file in ipairs(files) do file:close() end
    end
  ]]

  local function run(script)
    return run_lua(PRELUDE .. EXHAUSTION .. script, nil, 64)
  end

  it("turns connections away and keeps nobody busy", function()
    local status, printed = run [[
      local connection = assert(socket.connect("127.0.0.1", port)) -- by the kernel
      exhaust()
      local steps = 0
      connection:settimeout(0)
      serve(function()
        steps = steps + 1
        return select(2, connection:receive(1)) == "closed"
      end)
      assert(#core.poll({ server:fd() }, 0.05) == 0, "busy")
      assert(steps < 5, steps)
      recover()
      print(send(assert(socket.connect("127.0.0.1", port)), "a"))
      server:close()
    ]]
    assert.equal("/c/a\n", printed)
    assert.equal(0, status)
  end)

  it("leaves most descriptors to the program", function()
    local status, printed = run [[
      local silent = {}
      for i = 1, 24 do
        silent[i] = assert(socket.connect("127.0.0.1", port))
        server:step()
      end
      serve(function() return server:connections() <= 16 end)
      print(send(assert(socket.connect("127.0.0.1", port)), "a"))
      print(server:connections() <= 16)
      server:close()
    ]]
    assert.equal("/c/a\ntrue\n", printed)
    assert.equal(0, status)
  end)

  it("has the connection that completed no request for the longest give way", function()
    local status, printed = run [[
      local idle = assert(socket.connect("127.0.0.1", port))
      serve(function() return server:connections() == 1 end)
      local real = assert(socket.connect("127.0.0.1", port))
      exhaust()
      print(send(real, "a"))
      recover()
      server:close()
    ]]
    assert.equal("/c/a\n", printed)
    assert.equal(0, status)
  end)

  it("accepts those who came then once a connection was closed", function()
    local status, printed = run [[
      local first = assert(socket.connect("127.0.0.1", port))
      serve(function() return server:connections() == 1 end)
      local second = assert(socket.connect("127.0.0.1", port))
      exhaust()
      server:step()
      recover()
      first:close()
      print(send(second, "a"))
      server:close()
    ]]
    assert.equal("/c/a\n", printed)
    assert.equal(0, status)
  end)
end)

-- Only LuaJIT can fork without help.
local in_luajit = shell.lua == "luajit" and it or function() end

describe("an HTTP server in a forked process", function()
  in_luajit("is closed there with its client, and with what it has counted", function()
    local status, printed = run_lua [[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); void _exit(int); int waitpid(int, int *, int);"
      local finseg = require "finseg"
      local client =
        assert(finseg.new { base_url = "http://127.0.0.1:1/api/v1", client_id = "x", client_secret = "x" })
      local listener = assert(client:listen())
      local child = ffi.C.fork()
      if child == 0 then
        local ok = pcall(client.close, client)
        ffi.C._exit(ok and client.closed and listener.closed and listener:counts().refused.path == 0 and 0 or 1)
      end
      local how = ffi.new "int[1]"
      ffi.C.waitpid(child, how, 0)
      print(how[0], assert(require("socket").connect("127.0.0.1", listener.port)) ~= nil)
      client:close()
    ]]
    assert.equal("0\ttrue\n", printed)
    assert.equal(0, status)
  end)

  in_luajit("refuses to work, and its end there ends nothing here", function()
    local status, printed = run_lua(PRELUDE .. [[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); void _exit(int); int waitpid(int, int *, int);"
      local before = assert(socket.connect("127.0.0.1", port))
      server:step()
      local child = ffi.C.fork()
      if child == 0 then
        local ok, problem = pcall(server.step, server)
        server:close()
        ffi.C._exit(not ok and problem:find "another process" and 0 or 1)
      end
      local how = ffi.new "int[1]"
      ffi.C.waitpid(child, how, 0)
      assert(how[0] == 0)
      local after = assert(socket.connect("127.0.0.1", port))
      for i, connection in ipairs { before, after } do
        print(send(connection, i))
        print((connection:receive "*l"))
      end
      server:close()
    ]])
    assert.equal("/c/1\nHTTP/1.1 204 No Content\n/c/2\nHTTP/1.1 204 No Content\n", printed)
    assert.equal(0, status)
  end)
end)
