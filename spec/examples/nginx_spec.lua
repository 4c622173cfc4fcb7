-- examples/nginx, as it stands there: only its port is another.

local cjson = require "cjson"
local nginx = require "spec.lua.ngx.support.nginx"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"

local missing = nginx.missing()
if missing then
  pending(missing)
  return
end

describe("examples/nginx", function()
  local server, service

  after_each(function()
    server = nginx.stop(server)
    service = nginx.stop(service)
  end)

  --- A folder that looks like the top of the repository. `edit` may change the text of its configuration.
  local function make_prefix(name, port, edit)
    local prefix = shell.scratch()
    shell.check(([[
      top=$PWD
      cd %s
      mkdir -p build/nginx examples/nginx
      ln -s "$top/lua" lua
      ln -s "$top/${BUILD:-build}/luajit" build/luajit
      cp "$top"/examples/nginx/*.lua examples/nginx
    ]]):format(prefix))
    local config = shell.read_file(name)
    config = config:gsub("listen 127%.0%.0%.1:8081", "listen 127.0.0.1:" .. port)
    shell.write_file(prefix .. "/" .. name, edit and edit(config) or config)
    return prefix
  end

  local function start(edit, name)
    name = name or "examples/nginx/nginx.conf"
    local environment = { "FINSEG_CALLBACK_URL=" }
    if service then
      environment[2] = "FINSEG_BASE_URL=" .. service.base_url
      environment[3] = "FINSEG_CLIENT_ID=" .. service.client_id
      environment[4] = "FINSEG_CLIENT_SECRET=" .. service.client_secret
    end
    local options = { environment = environment, globals = nginx.is_root() and "user root;" or "" }
    options.log = "build/nginx/error.log"
    server = nginx.launch_on_free_port(function(port)
      environment[1] = ("FINSEG_CALLBACK_URL=http://127.0.0.1:%d/finseg/callback"):format(port)
      return make_prefix(name, port, edit), name, options
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

  it("answers a wrong number of months with what is wrong, not that it is missing", function()
    service = sandbox.start { users = 10, seed = 5 }
    start()
    local answer = server.get "/segments/lowBalance?threshold=1&durationInMonth=xyz"
    assert.are.equal(400, answer.status)
    assert.matches("durationInMonth", answer.body)
    assert.is_nil(answer.body:find("missing", 1, true), answer.body)
  end)

  it("takes one label and several", function()
    service = sandbox.start { users = 100, seed = 5, today = "2024-04-01", delay = 0 }
    start()
    for _, labels in ipairs { "labels=INSURANCE", "labels=INSURANCE&labels=HEALTH" } do
      local answer = server.get("/segments/financialBreakdown?durationInMonth=2&" .. labels)
      assert.are.equal(200, answer.status, answer.body)
    end
  end)

  it("logs what is wrong with its config, and tells no caller", function()
    start()
    local answer = server.get "/segments/highBalance?threshold=1"
    assert.are.equal(500, answer.status)
    assert.are.equal("no segment (config)\n", answer.body)
    assert.matches("%[error%] [^\n]*FINSEG_CLIENT_ID", server.log())
  end)

  it("logs what went wrong between it and the service, and tells the caller only the kind", function()
    service = { base_url = "http://127.0.0.1:1/api/v1", client_id = "a", client_secret = "b", stop = function() end }
    start()
    local answer = server.get "/segments/highBalance?threshold=1"
    assert.are.equal(502, answer.status)
    assert.are.equal("no segment (network)\n", answer.body)
    assert.matches("%[error%] [^\n]*127%.0%.0%.1:1", server.log())
  end)

  for _, name in ipairs { "nginx.conf", "callbacks.conf" } do
    it("keeps for the workers every variable that finseg and libcurl read: " .. name, function()
      local config = shell.read_file("examples/nginx/" .. name)
      local names = "BASE_URL TOKEN_URL CLIENT_ID CLIENT_SECRET ACCESS_TOKEN CA_FILE"
      for variable in names:gsub("%S+", "FINSEG_%0"):gmatch "%S+" do
        assert.matches("\nenv " .. variable .. ";", config)
      end
      for variable in ("HTTPS_PROXY https_proxy NO_PROXY no_proxy"):gmatch "%S+" do
        assert.matches("\nenv " .. variable .. ";", config)
      end
    end)
  end

  --- The counts that /callbacks shows, those that are not zero.
  local function received()
    local counts = {}
    for sort, count in server.get("/callbacks").body:gmatch "(%a+) (%d+)\n" do
      counts[sort] = count ~= "0" and tonumber(count) or nil
    end
    return counts
  end

  it("has callbacks end the waits, whichever worker they reach", function()
    service = sandbox.start { users = 400, seed = 5, today = "2024-04-01", delay = 0.3 }
    -- asked in ten minutes, when no callback comes
    start(function(config)
      local edited, count = config:gsub("callbacks = {", "poll = { callback = 600 }, %0", 1)
      assert.are.equal(1, count)
      return edited
    end, "examples/nginx/callbacks.conf")
    local paths = {}
    for i = 1, 20 do
      paths[i] = "/segments/highBalance?threshold=" .. i
    end
    for _, answer in ipairs(server.get_all(paths)) do
      assert.are.equal(200, answer.status, answer.text .. server.log())
      assert.is_true(#cjson.decode(answer.body).users > 100)
    end
    nginx.eventually("all callbacks are counted", function()
      return received().accepted == 20
    end)
    assert.matches("%[notice%] [^\n]*finseg: a callback came", server.log())
    assert.is_nil(server.log():find("%[error%]"))
  end)

  it("limits what anybody can send to the address of callbacks, and logs no token of it", function()
    start(function(config)
      return (config:gsub("rate=500r/s", "rate=1r/m"):gsub("burst=1000", "burst=2"))
    end, "examples/nginx/callbacks.conf")
    local target = "/finseg/callback/" .. ("a"):rep(16) .. "." .. ("b"):rep(32)
    local large = server.get("/finseg/callback/1.2", { method = "POST", body = ("x"):rep(70000) })
    assert.are.equal(413, large.status)
    assert.are.equal(405, server.get(target).status)
    local statuses = {}
    for i = 1, 5 do
      statuses[i] = server.get(target, { method = "POST" }).status
    end
    assert.are.same({ 204, 503 }, { statuses[1], statuses[5] })
    assert.is_nil(server.log():find(("b"):rep(32), 1, true), server.log())
  end)

  it("shows no job that expires while they are listed", function()
    start(function(config)
      return (
        config:gsub(
          "content_by_lua_file examples/nginx/jobs.lua;",
          [[
        content_by_lua_block {
          local jobs = ngx.shared.finseg_jobs
          jobs:set("a", "highBalance ready")
          jobs:set("b", "highBalance ready")
          ngx.shared = { finseg_jobs = setmetatable({
            get_keys = function() return { "a", "gone", "b" } end,
            get = function(_, job_id) return jobs:get(job_id) end,
          }, { __index = jobs }) }
          dofile "examples/nginx/jobs.lua"
        }
      ]]
        )
      )
    end)
    assert.are.equal("a highBalance ready\nb highBalance ready\n", server.get("/jobs").body)
  end)

  it("shows that a request has left its job", function()
    service = sandbox.start { users = 10, seed = 5, delay = 3600 }
    start(function(config)
      return (config:gsub("# (lua_check_client_abort on;)", "%1"))
    end)
    local waiting = server.open "/segments/highBalance?threshold=1"
    nginx.eventually("the job is pending", function()
      return server.get("/jobs").body:match "^%S+ highBalance pending, "
    end)
    waiting:abort()
    nginx.eventually("the job is left", function()
      return server.get("/jobs").body:match "^%S+ highBalance left by its request, "
    end)
  end)

  it("is what the README shows", function()
    local names = { "nginx.conf", "callbacks.conf" }
    for snippet in shell.read_file("README.md"):gmatch "```nginx\n(.-)```" do
      local config, position = shell.read_file("examples/nginx/" .. table.remove(names, 1)), 1
      for line in snippet:gmatch "[^\n]+" do
        local _, last = config:find(line:match "^%s*(.*)$", position, true)
        assert.is_number(last, "not in the example, or not there: " .. line)
        position = last
      end
    end
    assert.are.same({}, names)
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
