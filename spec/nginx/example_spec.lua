-- examples/nginx, as it stands there: only its port is another.

local cjson = require "cjson"
local nginx = require "spec.nginx.support.nginx"
local sandbox = require "spec.lua.support.sandbox"
local scripted_server = require "spec.lua.support.scripted_server"
local shell = require "spec.lua.support.shell"

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("examples/nginx", function()
  local server, service

  after_each(function()
    if server then
      server.stop()
      server = nil
    end
    if service then
      service.stop()
      service = nil
    end
  end)

  --- A folder that looks like the top of the repository.
  local function make_prefix(port)
    local prefix = shell.scratch()
    shell.check(([[
      cd %s
      mkdir -p build/nginx examples/nginx
      ln -s %s/lua lua
      ln -s %s/%s/luajit build/luajit
      cp %s/examples/nginx/*.lua examples/nginx
    ]]):format(prefix, nginx.top, nginx.top, os.getenv "BUILD" or "build", nginx.top))
    local config = shell.read_file "examples/nginx/nginx.conf"
    config = config:gsub("listen 127%.0%.0%.1:8081", "listen 127.0.0.1:" .. port)
    shell.write_file(prefix .. "/examples/nginx/nginx.conf", config)
    return prefix
  end

  local function start()
    local environment = {
      "FINSEG_BASE_URL=" .. service.base_url,
      "FINSEG_CLIENT_ID=" .. service.client_id,
      "FINSEG_CLIENT_SECRET=" .. service.client_secret,
    }
    local options = { environment = environment, globals = nginx.is_root() and "user root;" or "" }
    options.log = "build/nginx/error.log"
    server = nginx.launch_on_free_port(function(port)
      return make_prefix(port), "examples/nginx/nginx.conf", options
    end)
  end

  it("streams a segment's users, all that the service has", function()
    service = sandbox.start { users = 1500, seed = 5, today = "2024-04-01", delay = 0.1 }
    start()
    local answer = server.get "/segments/highBalance?accountType=checking&threshold=500.50"
    assert.are.equal(200, answer.status, answer.text .. server.log())
    local result = cjson.decode(answer.body)
    assert.is_true(#result.users > 1000)
    assert.are.equal(result.totalElements, #result.users)
    assert.is_true(result.users[1].accounts[1].amount > 500.5)
    assert.matches("^%S+ highBalance ready, ", server.get("/jobs").body)
    assert.matches(
      "^%S+ highBalance ready, .*%S+ lowBalance ready",
      (function()
        server.get "/segments/lowBalance?threshold=0&durationInMonth=2"
        local lines = {}
        for line in server.get("/jobs").body:gmatch "[^\n]+" do
          lines[#lines + 1] = line
        end
        table.sort(lines, function(a, b)
          return a:match " .*" < b:match " .*"
        end)
        return table.concat(lines, "\n")
      end)()
    )
  end)

  it("shows the jobs that are pending, while they are", function()
    service = sandbox.start { users = 10, seed = 5, delay = 3600 }
    start()
    server.open "/segments/highBalance?threshold=1"
    nginx.eventually("the job is pending", function()
      return server.get("/jobs").body:match "^%S+ highBalance pending, "
    end)
  end)

  it("answers wrong parameters with 400 and what is wrong", function()
    service = sandbox.start { users = 10, seed = 5 }
    start()
    local answer = server.get "/segments/highBalance?treshold=1"
    assert.are.equal(400, answer.status)
    assert.matches("treshold", answer.body)
  end)

  it("is what the README shows", function()
    local snippet = assert(shell.read_file("README.md"):match "```nginx\n(.-)```")
    local config, position = shell.read_file "examples/nginx/nginx.conf", 1
    for line in snippet:gmatch "[^\n]+" do
      local _, last = config:find(line:match "^%s*(.*)$", position, true)
      assert.is_number(last, "not in nginx.conf, or not there: " .. line)
      position = last
    end
  end)

  it("cuts the answer when the result does not hold together", function()
    service = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
      ["GET /api/v1/segments/highBalance/1"] = {
        { body = '{"users":[{"userId":"a"},{"userId":"b"}],"totalElements":4}' },
        { body = '{"users":[],"totalElements":4}' },
      },
    }
    start()
    local answer = server.get("/segments/highBalance?threshold=1", { version = "1.1" })
    assert.are.equal(200, answer.status)
    assert.is_nil(answer.text:find("\r\n0\r\n\r\n", 1, true))
  end)
end)
