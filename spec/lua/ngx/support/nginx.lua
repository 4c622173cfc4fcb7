--- Starts and stops a real nginx with its Lua module, in a folder of its own, for tests.
--
--   local server = nginx.start { http = [[ lua_shared_dict jobs 1m; ]], server = [[ location / { ... } ]] }
--   finally(server.stop)
--   local answer = server.get "/"
--
-- It listens on a unix socket in that folder, so that no test needs a port. It dies with the process that started it.

local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local socket = require "socket"
local unix = require "socket.unix"

local nginx = {}

local PATIENCE = 20 -- seconds that anything may take before a test gives up

local WITH_SBIN = "PATH=$PATH:/usr/sbin; "

local top = shell.check("pwd"):gsub("\n", "")

--- The top of the repository.
nginx.top = top

--- Why no nginx can be started here; nil when one can.
function nginx.missing()
  if shell.run(WITH_SBIN .. "command -v nginx") ~= 0 then
    return "nginx is not installed"
  end
  if shell.run(("test -e %s/ngx_http_lua_module.so"):format(nginx.modules())) ~= 0 then
    return "nginx's Lua module is not installed"
  end
end

--- The folder of nginx's modules.
function nginx.modules()
  local printed = shell.check(WITH_SBIN .. "nginx -V 2>&1")
  return printed:match "%-%-modules%-path=(%S+)" or "/usr/lib/nginx/modules"
end

function nginx.is_root()
  return shell.check "id -u" == "0\n"
end

local CONFIG = [[
load_module MODULES/ndk_http_module.so;
load_module MODULES/ngx_http_lua_module.so;
USER
worker_processes WORKERS;
pid PREFIX/nginx.pid;
error_log PREFIX/error.log info;
MAIN
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path PREFIX/body;
  proxy_temp_path PREFIX/proxy;
  fastcgi_temp_path PREFIX/fastcgi;
  uwsgi_temp_path PREFIX/uwsgi;
  scgi_temp_path PREFIX/scgi;
  lua_package_path "TOP/lua/?.lua;TOP/lua/?/init.lua;TOP/?.lua;;";
  lua_package_cpath "TOP/BUILD/luajit/?.so;;";
  HTTP
  server {
    listen unix:PREFIX/http.sock;
    LISTEN
    location = /answered-by { content_by_lua_block { ngx.print(ngx.worker.pid()) } }
    SERVER
  }
}
]]

--- The whole nginx.conf from the parts that a test gives.
local function write_config(prefix, parts)
  local values = {
    MODULES = nginx.modules(),
    USER = nginx.is_root() and "user root;" or "",
    WORKERS = parts.workers or 1,
    PREFIX = prefix,
    MAIN = parts.main or "",
    TOP = top,
    BUILD = os.getenv "BUILD" or "build",
    HTTP = parts.http or "",
    LISTEN = parts.listen or "",
    SERVER = parts.server or "",
  }
  shell.write_file(prefix .. "/nginx.conf", (CONFIG:gsub("%u%u%u+", values)))
end

-- Tells the master's pid, and how it ended. The sanitizers' library is for nginx, too, when there is one; what it
-- complains about is in the file `stderr`.
local LAUNCHER = [[
  exec env -u LD_PRELOAD PATH="$PATH:/usr/sbin" COMPLAINTS=%s setpriv --pdeathsig KILL sh -c '
    setpriv --pdeathsig TERM env ${FINSEG_SPEC_PRELOAD:+LD_PRELOAD="$FINSEG_SPEC_PRELOAD"} "$@" 2>"$COMPLAINTS" & echo "$!"; wait "$!"
    echo "exit $?"' sh %s nginx -p %s -c %s -e %s -g %s]]

local Connection = {}
Connection.__index = Connection

local function connect(path_or_port)
  local connection
  if type(path_or_port) == "number" then
    connection = socket.tcp()
    local ok, problem = connection:connect("127.0.0.1", path_or_port)
    return ok and connection, problem
  end
  connection = unix()
  local ok, problem = connection:connect(path_or_port)
  return ok and connection, problem
end

--- A connection whose requests the worker of that pid answers.
local function connect_to_worker(where, pid)
  local deadline = socket.gettime() + PATIENCE
  repeat
    local connection = assert(connect(where))
    connection:settimeout(PATIENCE)
    assert(connection:send "GET /answered-by HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
    local length, line
    repeat
      line = assert(connection:receive "*l")
      length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
    until line == ""
    if tonumber((connection:receive(length))) == pid then
      return connection
    end
    connection:close()
  until socket.gettime() > deadline
  error(("worker %d answers no connection"):format(pid), 3)
end

--- Sends a request and does not wait for the answer. Options: method, body, version, and `worker`, the pid of the
--- worker that shall answer it (in servers of nginx.start).
local function open(where, path, options)
  options = options or {}
  local connection = options.worker and connect_to_worker(where, options.worker) or assert(connect(where))
  local length = options.body and ("Content-Length: %d\r\n"):format(#options.body) or ""
  local method, version = options.method or "GET", options.version or "1.0"
  local head = ("%s %s HTTP/%s\r\nHost: localhost\r\n%s\r\n"):format(method, path, version, length)
  assert(connection:send(head .. (options.body or "")))
  connection:settimeout(0)
  return setmetatable({ socket = connection, pieces = {}, ended = false }, Connection)
end

--- Lets go of the connection, as a client does that lost its patience.
function Connection:abort()
  self.socket:close()
end

--- Takes what has come; true once the server has closed the connection.
function Connection:take()
  while not self.ended do
    local all, problem, part = self.socket:receive(65536)
    self.pieces[#self.pieces + 1] = all or part
    if problem == "timeout" then
      return false
    elseif problem then
      self.ended = true
      self.socket:close()
    end
  end
  return true
end

function Connection:answer()
  local text = table.concat(self.pieces)
  local head, body = text:match "^(.-)\r\n\r\n(.*)$"
  return { text = text, status = tonumber(text:match "^HTTP/%d%.%d (%d+)"), head = head or text, body = body or "" }
end

--- Waits until all of these connections have their answer; answers those.
local function read_all(connections)
  local deadline = socket.gettime() + PATIENCE
  local by_socket, waiting, answers = {}, {}, {}
  for position, connection in ipairs(connections) do
    by_socket[connection.socket] = position
    waiting[#waiting + 1] = connection.socket
  end
  while #waiting > 0 do
    if socket.gettime() > deadline then
      error(("%d of %d requests got no answer"):format(#waiting, #connections), 3)
    end
    local ready, still = {}, {}
    for _, each in ipairs((socket.select(waiting, nil, 1))) do
      ready[each] = connections[by_socket[each]]:take()
    end
    for _, each in ipairs(waiting) do
      if ready[each] then
        answers[by_socket[each]] = connections[by_socket[each]]:answer()
      else
        still[#still + 1] = each
      end
    end
    waiting = still
  end
  return answers
end

--- Calls f until it answers something true, and answers that.
function nginx.eventually(what, f)
  local deadline = socket.gettime() + PATIENCE
  repeat
    local answer = f()
    if answer then
      return answer
    end
    socket.select(nil, nil, 0.005)
  until socket.gettime() > deadline
  error("gave up waiting until " .. what, 2)
end

--- A port that was free a moment ago.
local function free_port()
  local probe = assert(socket.bind("127.0.0.1", 0))
  local _, port = probe:getsockname()
  probe:close()
  return tonumber(port)
end

--- Starts an nginx whose configuration is at `config` in the folder `prefix`, and waits until it accepts connections at
--- `where`, a unix socket or a port. `options`: log, where it logs to; environment, a list of NAME=value; globals, more
--- directives. Raises with its log when it does not start.
function nginx.launch(prefix, config, where, options)
  local log = prefix .. "/" .. (options.log or "error.log")
  local quote = shell.quote
  local environment = {}
  for _, each in ipairs(options.environment or {}) do
    environment[#environment + 1] = quote(each)
  end
  local globals = "daemon off; " .. (options.globals or "")
  local complaints = prefix .. "/stderr"
  local words = table.concat(environment, " ")
  local pipe = assert(
    io.popen(LAUNCHER:format(quote(complaints), words, quote(prefix), quote(config), quote(log), quote(globals)))
  )
  local server = { pid = tonumber(pipe:read "*l"), prefix = prefix }
  local status

  --- Everything nginx has logged.
  function server.log()
    return shell.read_file(log, "")
  end

  --- Replaces the parts of the configuration, for the next reload.
  function server.configure(parts)
    write_config(prefix, parts)
  end

  function server.signal(name, pid)
    sandbox.signal(pid or server.pid, name)
  end

  --- The pids of the workers.
  function server.workers()
    local pids = {}
    for pid in (select(2, shell.run("pgrep -P " .. server.pid))):gmatch "%d+" do
      pids[#pids + 1] = tonumber(pid)
    end
    return pids
  end

  function server.open(path, request)
    return open(where, path, request)
  end

  --- The answers to requests made at once.
  function server.get_all(paths)
    local connections = {}
    for position, path in ipairs(paths) do
      connections[position] = open(where, path)
    end
    return read_all(connections)
  end

  function server.get(path, request)
    return read_all({ open(where, path, request) })[1]
  end

  server.read_all = read_all

  --- Waits for its end and answers its exit status.
  function server.wait()
    if pipe then
      status = tonumber(pipe:read("*a"):match "exit (%d+)\n$")
      pipe:close()
      pipe = nil
      server.guard = nil
    end
    return status
  end

  --- Ends it at once and removes its folder. Again does nothing. Raises when a sanitizer found a fault of finseg's.
  function server.stop()
    if not pipe then
      return
    end
    server.signal "TERM"
    server.wait()
    local said = shell.read_file(complaints, "")
    shell.remove(prefix)
    if said:find("Sanitizer", 1, true) and said:find("finseg", 1, true) then
      error(said, 2)
    end
  end

  server.guard = sandbox.guard(function()
    sandbox.signal(server.pid, "TERM")
  end)

  local started = pcall(nginx.eventually, "nginx listens", function()
    local connection = connect(where)
    if connection then
      connection:close()
      return true
    elseif shell.run("kill -0 " .. server.pid) ~= 0 then
      error "nginx has ended"
    end
  end)
  if not started then
    local said = server.log()
    server.stop()
    error("nginx did not start: " .. said, 3)
  end
  return server
end

local function literal(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local fields = {}
  for name, each in pairs(value) do
    fields[#fields + 1] = ("%s = %s"):format(name, literal(each))
  end
  return "{ " .. table.concat(fields, ", ") .. " }"
end

--- Configuration that makes `require "service"` answer the config of a client of that service, with waits short enough
--- for tests. An override that is false leaves the field to finseg.
function nginx.service(service, overrides)
  local config = {
    base_url = service.base_url,
    client_id = service.client_id,
    client_secret = service.client_secret,
    poll = { first = 0.02, factor = 1.2, max = 0.1 },
    retry = { attempts = 4, base = 0.01, max = 0.02 },
  }
  for field, value in pairs(overrides or {}) do
    config[field] = value or nil
  end
  return ("init_by_lua_block { package.loaded.service = %s }"):format(literal(config))
end

--- Starts an nginx on a TCP port. `prepare` gets the port and answers prefix, config and options for nginx.launch. When
--- somebody else takes the port in between, another one is tried.
function nginx.launch_on_free_port(prepare)
  local problem
  for _ = 1, 5 do
    local port = free_port()
    local ok, result = pcall(function()
      local prefix, config, options = prepare(port)
      return nginx.launch(prefix, config, port, options)
    end)
    if ok then
      result.port = port
      return result
    end
    problem = result
    if not tostring(problem):find("Address already in use", 1, true) then
      break
    end
  end
  error(problem, 2)
end

--- Starts an nginx. `parts` of its configuration: main, http, server, and the number of workers; its `environment`, a
--- list of NAME=value; and `tcp`, to have it listen on a TCP port besides, server.port.
function nginx.start(parts)
  local function prepare(port)
    local prefix = shell.scratch()
    parts.listen = port and ("listen 127.0.0.1:%d;"):format(port) or ""
    write_config(prefix, parts)
    return prefix, prefix .. "/nginx.conf", { environment = parts.environment }
  end
  local server
  if parts.tcp then
    server = nginx.launch_on_free_port(prepare)
  else
    local prefix, config, options = prepare()
    server = nginx.launch(prefix, config, prefix .. "/http.sock", options)
  end
  nginx.eventually("all workers have started", function()
    return #server.workers() == (parts.workers or 1)
  end)
  return server
end

--- Stops what a test has started, if it has; answers nil, to forget it by.
---@param started table?
function nginx.stop(started)
  if started then
    started.stop()
  end
end

return nginx
