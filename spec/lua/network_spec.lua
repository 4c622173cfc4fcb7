-- Between a client and its service: proxies, HTTP/2, a name server that is silent, a server that trickles.

local connect = require "spec.support.connect"
local core = require "finseg.core"
local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local NAME = "bank.example" -- reserved: no name server knows it

local folder, service

local LATE = 0.2 -- seconds after its deadline that a wait may end, as the median of several, on a machine under load

local function make_certificate(name)
  shell.check(([[
    cd %s
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=%s -addext %s
  ]]):format(shell.quote(folder), name, shell.quote("subjectAltName=DNS:" .. name .. ",IP:127.0.0.1")))
end

-- Starts a program of spec/lua/support; answers a pipe from it, its process id and the port that it prints.
local function start_program(words)
  local command =
    "exec env -u LD_PRELOAD -u LUA_PATH -u LUA_CPATH setpriv --pdeathsig KILL sh -c 'echo $$; exec lua5.4 %s'"
  local pipe = assert(io.popen(command:format(words)))
  return pipe, pipe:read("*n", "*n")
end

setup(function()
  folder = shell.scratch()
  make_certificate(NAME)
  service = sandbox.start { users = 20, seed = 4, tls_cert = folder .. "/cert.pem", tls_key = folder .. "/key.pem" }
end)

teardown(function()
  service.stop()
  shell.remove(folder)
end)

-- A script that creates a segment at `origin` and prints how that went.
local function creation(origin, fields)
  return ([[
    local client = assert(require "finseg".new {
      base_url = "%s/api/v1", client_id = "%s", client_secret = "%s", ca_file = "%s", retry = { attempts = 1 }, %s
    })
    local segment, err = client:segment("highBalance", { accountType = "checking", threshold = 5000 })
    print(segment and "ready" or err.kind, err or "")
  ]]):format(origin, service.client_id, service.client_secret, folder .. "/cert.pem", fields or "")
end

describe("a proxy", function()
  local function start_proxy()
    local pipe, pid, port = start_program("spec/support/connect_proxy_main.lua " .. service.url:match ":(%d+)$")
    local proxy = { url = ("http://127.0.0.1:%d"):format(port) }
    -- Ends it; answers the names that it was asked for.
    function proxy.stop()
      if pipe then
        sandbox.signal(pid, "KILL")
        proxy.names = pipe:read "*a"
        pipe:close()
        pipe = nil
      end
      return proxy.names
    end
    finally(proxy.stop)
    return proxy
  end

  it("that HTTPS_PROXY names is used, and the certificate is still the service's", function()
    local proxy = start_proxy()
    local _, printed = run_lua(creation("https://" .. NAME), "HTTPS_PROXY=" .. proxy.url)
    assert.matches("^ready", printed)
    assert.matches(NAME .. ":443", proxy.stop(), 1, true)
  end)

  it("does not hide a wrong host name", function()
    local proxy = start_proxy()
    local _, printed = run_lua(creation("https://other.example"), "HTTPS_PROXY=" .. proxy.url)
    assert.matches("^tls", printed)
  end)

  it("is not used for a host that no_proxy names", function()
    local proxy = start_proxy()
    local environment = ("HTTPS_PROXY=%s no_proxy=%s"):format(proxy.url, NAME)
    local _, printed = run_lua(creation("https://" .. NAME), environment)
    assert.matches("^network", printed)
    assert.are.equal("", (proxy.stop():gsub("%s", "")))
  end)

  it("of the config is used, whatever the environment says", function()
    local proxy = start_proxy()
    local script = creation("https://" .. NAME, ("proxy = %q"):format(proxy.url))
    local _, printed = run_lua(script, "HTTPS_PROXY=http://127.0.0.1:1")
    assert.matches("^ready", printed)
    assert.matches(NAME, proxy.stop(), 1, true)
  end)
end)

describe("HTTP/2", function()
  it("is used over TLS when the server offers it", function()
    local nginx = shell.run "command -v nginx" == 0 or shell.run "test -x /usr/sbin/nginx" == 0
    if not nginx then
      pending "nginx is not installed"
      return
    end
    local backend = sandbox.start { users = 20, seed = 4 }
    finally(backend.stop)
    local port =
      shell.check [[lua5.4 -e 's = require "socket".bind("127.0.0.1", 0) print((select(2, s:getsockname())))']]
    port = tonumber(port)
    shell.write_file(
      folder .. "/nginx.conf",
      ([[
        daemon on; pid %s/nginx.pid; error_log %s/error.log; worker_processes 1;
        events {}
        http {
          client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u;
          scgi_temp_path %s/s;
          log_format protocol $server_protocol; access_log %s/access.log protocol;
          server {
            listen 127.0.0.1:%d ssl http2; ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;
            location / { proxy_pass %s; }
          }
        }
      ]])
        :gsub("%%([sd])", function(letter)
          return letter == "d" and tostring(port) or "\0"
        end)
        :gsub("proxy_pass %z", "proxy_pass " .. backend.url)
        :gsub("%z", (folder:gsub("%%", "%%%%")))
    )
    shell.check(("PATH=$PATH:/usr/sbin nginx -p %s -c %s/nginx.conf"):format(folder, folder))
    finally(function()
      backend.stop()
      shell.run(("kill $(cat %s/nginx.pid)"):format(folder))
    end)
    local client = connect(backend, {
      base_url = ("https://127.0.0.1:%d/api/v1"):format(port),
      client_id = backend.client_id,
      ca_file = folder .. "/cert.pem",
    })
    assert(client:segment("highBalance", { accountType = "checking", threshold = 5000 }))
    client:close()
    local protocols = shell.read_file(folder .. "/access.log")
    assert.matches("HTTP/2.0", protocols, 1, true)
    assert.is_nil(protocols:find("HTTP/1", 1, true))
  end)
end)

describe("a name server that is silent", function()
  -- In a network of its own, where the name server of /etc/resolv.conf is a socket that nobody reads.
  it("holds up neither deadline, nor cancel, nor close, nor the end of the program", function()
    if shell.run "unshare -n -m true" ~= 0 then
      pending "making a network namespace needs root"
      return
    end
    shell.write_file(folder .. "/resolv.conf", "nameserver 127.0.0.1\n")
    shell.write_file(
      folder .. "/silent.lua",
      [[
      local core, finseg, socket = require "finseg.core", require "finseg", require "socket"
      local server = socket.udp()
      assert(server:setsockname("127.0.0.1", 53))
      local function new(timeout)
        return assert(finseg.new { base_url = "https://bank.example/api/v1", access_token = "x", timeout = timeout,
          retry = { attempts = 1 } })
      end
      local function measure(f)
        local lates, kind = {}, nil
        for i = 1, 5 do
          local before = core.now()
          kind = f()
          lates[i] = core.now() - before - 0.1
        end
        table.sort(lates)
        print(kind, lates[1] >= 0 and lates[3] < tonumber(arg[2]) and "in time" or table.concat(lates, " "))
      end
      measure(function()
        return select(2, new(0.1):create("highBalance", { threshold = 1 })).kind
      end)
      measure(function()
        return select(2, new(30):job("highBalance", "1"):wait { timeout = 0.1 }).kind
      end)
      measure(function()
        local kind
        finseg.run(function()
          local job = new(30):job("highBalance", "1")
          finseg.spawn(function() finseg.sleep(0.1) job:cancel() end)
          kind = select(2, job:poll()).kind
        end)
        return kind
      end)
      measure(function()
        local client, kind = new(30), nil
        finseg.run(function()
          local job = client:job("highBalance", "1")
          finseg.spawn(function() finseg.sleep(0.1) client:close() end)
          kind = select(2, job:poll()).kind
        end)
        return kind
      end)
      assert(server:receive()) -- it was asked
      local ended = io.open(arg[1], "w")
      ended:write(core.now())
      ended:close()
      ]]
    )
    local preload = os.getenv "FINSEG_SPEC_PRELOAD" and 'LD_PRELOAD="$FINSEG_SPEC_PRELOAD"' or ""
    local printed = shell.check(([[
      unshare -n -m sh -c 'ip link set lo up && mount --bind %s/resolv.conf /etc/resolv.conf && exec env %s %s %s/silent.lua %s/ended %g'
    ]]):format(folder, preload, shell.lua, folder, folder, LATE))
    assert.are.equal("timeout\tin time\ntimeout\tin time\ncancelled\tin time\ncancelled\tin time\n", printed)
    local ended = tonumber(shell.read_file(folder .. "/ended"))
    assert.is_true(core.now() - ended < 2, "the program ended late")
  end)
end)

describe("a server that trickles", function()
  it("moves no deadline, and is left when the wait is cancelled", function()
    local pipe, pid, port = start_program "spec/support/trickle_main.lua"
    finally(function()
      sandbox.signal(pid, "KILL")
      pipe:close()
    end)
    local function new(timeout)
      return assert(finseg.new {
        base_url = ("http://127.0.0.1:%d/api/v1"):format(port),
        access_token = "x",
        timeout = timeout,
        poll = { first = 0.01 },
        retry = { attempts = 1 },
      })
    end
    local function check_end(expected, f)
      local lates = {}
      for i = 1, 5 do
        local before = core.now()
        assert.are.equal(expected, f())
        lates[i] = core.now() - before - 0.1
      end
      table.sort(lates)
      assert.is_true(lates[1] >= 0 and lates[3] < LATE, table.concat(lates, ", ") .. " s after the deadline")
    end
    check_end("timeout", function()
      return select(2, new(0.1):create("highBalance", { threshold = 1 })).kind
    end)
    check_end("timeout", function()
      return select(2, new(30):job("highBalance", "1"):wait { timeout = 0.1 }).kind
    end)
    check_end("cancelled", function()
      local job = new(30):job("highBalance", "1")
      local kind
      finseg.all(function()
        kind = select(2, job:poll()).kind
      end, function()
        finseg.sleep(0.1)
        return job:cancel()
      end)
      return kind
    end)
  end)
end)
