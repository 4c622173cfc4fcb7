--- A segment as files, and nginx, which serves them as the service would: GET .../segments/highBalance/bench?number=N.

local sample = require "spec.bench.support.sample"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"
local socket = require "socket"

local static_server = {}

local CONFIG = [[
daemon off;
worker_processes 1;
pid FOLDER/pid;
error_log FOLDER/errors error;
events { worker_connections 512; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path FOLDER/t; proxy_temp_path FOLDER/t; fastcgi_temp_path FOLDER/t;
  uwsgi_temp_path FOLDER/t; scgi_temp_path FOLDER/t;
  server {
    listen 127.0.0.1:PORT;
    root FOLDER;
    default_type application/json;
    location / { try_files /$arg_number.json =404; }
  }
}
]]

--- A port that is free now.
function static_server.free_port()
  local probe = assert(socket.bind("127.0.0.1", 0))
  local _, port = probe:getsockname()
  probe:close()
  return tonumber(port)
end

--- Waits until somebody listens.
function static_server.await(port)
  for _ = 1, 500 do
    local connection = socket.connect("127.0.0.1", port)
    if connection then
      connection:close()
      return
    end
    socket.sleep(0.01)
  end
  error("nobody listens on port " .. port)
end

--- Starts a command that ends with this process. Answers a function that ends it.
function static_server.run(command)
  local pipe =
    assert(io.popen("exec env -u LD_PRELOAD setpriv --pdeathsig TERM sh -c 'echo $$; exec " .. command .. "'"))
  local pid = pipe:read "*l"
  local stop = setmetatable({}, {
    __call = function()
      sandbox.signal(pid, "TERM")
      pipe:close()
    end,
  })
  -- When the bench fails: closing the pipe, as the collector would, waits for the process.
  stop.guard = sandbox.guard(function()
    sandbox.signal(pid, "TERM")
  end)
  return stop
end

--- Serves `pages` pages of `users` users each, numbered from 0. Answers url, base_url, port,
--- bytes (of a page) and stop().
function static_server.start(pages, users)
  local folder = shell.scratch()
  shell.check("chmod 755 " .. folder) -- nginx reads it as another user when root starts it
  local bytes
  for page = 0, pages - 1 do
    local text = sample.page(sample.users(users, page + 7), pages * users)
    shell.write_file(("%s/%d.json"):format(folder, page), text)
    bytes = #text
  end
  local port = static_server.free_port()
  shell.write_file(folder .. "/nginx.conf", (CONFIG:gsub("FOLDER", folder):gsub("PORT", tostring(port))))
  local stop = static_server.run(("nginx -p %s -c %s/nginx.conf 2>%s/said"):format(folder, folder, folder))
  static_server.await(port)
  local base_url = ("http://127.0.0.1:%d/api/v1"):format(port)
  return {
    port = port,
    base_url = base_url,
    url = base_url .. "/segments/highBalance/bench",
    bytes = bytes,
    stop = function()
      stop()
      shell.remove(folder)
    end,
  }
end

return static_server
