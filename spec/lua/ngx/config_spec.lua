-- What is special about nginx's processes: an empty environment, forks, a code cache that may be off.

local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local TOTAL = [[
  content_by_lua_block {
    local client, err = require("finseg.ngx").client(CONFIG)
    local segment
    if client then
      segment, err = client:segment("highBalance", { threshold = 2000 })
    end
    ngx.say(segment and segment.totalElements or err.kind .. " " .. tostring(err))
  }
]]

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("in nginx", function()
  local server, service

  before_each(function()
    service = sandbox.start { users = 120, seed = 5, today = "2024-04-01", delay = 0.05 }
  end)

  after_each(function()
    server = nginx.stop(server)
    service = nginx.stop(service)
  end)

  local function location(path, config)
    return ("location = %s { %s }"):format(path, (TOTAL:gsub("CONFIG", config)))
  end

  local function environment()
    return {
      "FINSEG_BASE_URL=" .. service.base_url,
      "FINSEG_CLIENT_ID=" .. service.client_id,
      "FINSEG_CLIENT_SECRET=" .. service.client_secret,
    }
  end

  it("a worker has the variables of the env lines, and no others", function()
    server = nginx.start {
      environment = environment(),
      main = "env FINSEG_BASE_URL; env FINSEG_CLIENT_ID; env FINSEG_CLIENT_SECRET;",
      server = location("/", ""),
    }
    assert.is_true(tonumber(server.get("/").body) > 20, server.log())
  end)

  it("a worker that is out of descriptors says so, and goes on when there are some again", function()
    local script = [[
      content_by_lua_block {
        local new = require("finseg.ngx").client
        local held, file = {}, nil
        repeat
          file = io.open "/dev/null"
          held[#held + 1] = file
        until not file
        local client, err = new(CONFIG)
        for _, opened in ipairs(held) do
          opened:close()
        end
        ngx.say(tostring(client), " ", err.kind, " ", tostring(err))
        ngx.say(assert(new(CONFIG)):pending())
      }
    ]]
    server = nginx.start {
      main = "worker_rlimit_nofile 200;",
      server = ("location / { %s }"):format(
        (script:gsub("CONFIG", '{ base_url = "http://127.0.0.1:1/api/v1", access_token = "x" }'))
      ),
    }
    assert.matches("^nil resource the client's event set: out of file descriptors; .-\n0\n$", server.get("/").body)
  end)

  it("the error for a missing variable tells of the env lines", function()
    server = nginx.start { environment = environment(), server = location("/", "") }
    assert.matches("^config .*FINSEG_CLIENT_ID.*nginx.conf needs `env NAME;`", server.get("/").body)
  end)

  it("a request that only asserts its client leaves the reason in the log", function()
    server = nginx.start {
      environment = environment(),
      server = [[ location / { content_by_lua_block { assert(require("finseg.ngx").client()) } } ]],
    }
    assert.are.equal(500, server.get("/").status)
    assert.matches(
      "%[error%] [^\n]*finseg: no client: [^\n]*FINSEG_CLIENT_ID.*nginx.conf needs `env NAME;`",
      server.log()
    )
  end)

  it("a client in init_by_lua is refused with a reason", function()
    server = nginx.start {
      http = [[ init_by_lua_block { REFUSED = select(2, require("finseg.ngx").client { client_id = "a" }) } ]],
      server = [[ location / { content_by_lua_block { ngx.say(REFUSED.kind, " ", tostring(REFUSED)) } } ]],
    }
    assert.matches("^invalid .*init_by_lua.*forks its workers.*in a request or a timer", server.get("/").body)
  end)

  it("a client that was made before the fork is refused in the worker", function()
    server = nginx.start {
      http = nginx
        .service(service)
        :gsub("}%s*$", [[ MADE_EARLY = assert(require("finseg").new(package.loaded.service)) } ]]),
      server = [[
        location / {
          content_by_lua_block {
            local _, err = MADE_EARLY:create("highBalance", { threshold = 2000 })
            ngx.say(err.kind, " ", tostring(err))
          }
        }
      ]],
    }
    assert.matches("^invalid .*made before the fork.*in a worker, not in init_by_lua", server.get("/").body)
  end)

  it("no wait is possible while nginx starts, and timers can wait then", function()
    server = nginx.start {
      http = nginx.service(service):gsub(
        "}%s*$",
        [[
          EARLY = select(2, require("finseg").sleep(1))
        }
        init_worker_by_lua_block {
          LATER = select(2, require("finseg").sleep(1))
          ngx.timer.at(0, function()
            local client = assert(require("finseg.ngx").client(require "service"))
            TOTAL = assert(client:segment("highBalance", { threshold = 2000 })).totalElements
          end)
        }
      ]]
      ),
      server = [[
        location = /early { content_by_lua_block { ngx.say(tostring(EARLY)) } }
        location = /later { content_by_lua_block { ngx.say(tostring(LATER)) } }
        location = /total { content_by_lua_block { ngx.say(TOTAL) } }
      ]],
    }
    assert.matches("^no wait is possible in nginx's phase init: a worker", server.get("/early").body)
    assert.matches("^no wait is possible in nginx's phase init_worker: start a timer", server.get("/later").body)
    nginx.eventually("the timer has its segment", function()
      return tonumber(server.get("/total").body)
    end)
  end)

  it("a worker's client has one config", function()
    server = nginx.start {
      http = nginx.service(service),
      server = location("/one", [[require "service"]]) .. location(
        "/same",
        [[ { base_url = require("service").base_url, client_id = require("service").client_id,
          client_secret = require("service").client_secret, poll = require("service").poll,
          retry = require("service").retry, log = function() end } ]]
      ) .. location("/none", "") .. location("/other", [[ { client_id = "another", client_secret = "client" } ]]),
    }
    local total = server.get("/one").body
    assert.is_true(tonumber(total) > 20, total)
    assert.are.equal(total, server.get("/same").body)
    assert.are.equal(total, server.get("/none").body)
    assert.matches("^config .*made from another config", server.get("/other").body)
  end)

  it("scripts work with the code cache off, each request with a client of its own", function()
    server = nginx.start {
      http = "lua_code_cache off;" .. nginx.service(service),
      server = location("/", [[require "service"]]),
    }
    for _, answer in ipairs(server.get_all { "/", "/", "/", "/", "/" }) do
      assert.is_true(tonumber(answer.body) > 20, server.log())
    end
    assert.is_true(tonumber(server.get("/").body) > 20)
  end)

  it("ca_file says whom finseg trusts, lua_ssl_trusted_certificate does not", function()
    local folder = shell.scratch()
    local certificate = folder .. "/cert.pem"
    shell.check(
      ([[openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
      -addext subjectAltName=IP:127.0.0.1 -keyout %s/key.pem -out %s]]):format(folder, certificate)
    )
    local secure = sandbox.start { users = 120, seed = 5, tls_cert = certificate, tls_key = folder .. "/key.pem" }
    finally(function()
      secure.stop()
      shell.remove(folder)
    end)
    for _, case in ipairs { { expected = "^tls " }, { ca_file = certificate, expected = "^%d+\n$" } } do
      server = nginx.start {
        http = ("lua_ssl_trusted_certificate %s; %s"):format(
          certificate,
          nginx.service(secure, { ca_file = case.ca_file })
        ),
        server = location("/", [[require "service"]]),
      }
      assert.matches(case.expected, server.get("/").body)
      server.stop()
    end
  end)
end)
