--- A real HTTP server that answers as it was told, for tests of what a service should not do.
--
--   local server = scripted_server.start {
--     ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
--     ["GET /api/v1/segments/highBalance/1"] = { { status = 404, body = "{}" }, { body = '{"users":[]}' } },
--   }
--   finally(server.stop)
--
-- It runs as a process of its own. A route is a method and a path without the query; its answers are given in turn,
-- the last again and again. An answer has status (200), headers, body (""), or `raw`, the bytes to send before the
-- connection is closed, or `hold`: no answer ever. The token endpoint answers by itself unless it has a route; what
-- has none gets 501.

local http = require "spec.support.http"
local sandbox = require "spec.support.sandbox"
local shell = require "spec.support.shell"

local scripted_server = {}

local TOKEN_ROUTE = "POST /api/v2/oauth/token"
local TOKEN_ANSWER = {
  headers = { ["Content-Type"] = "application/json" },
  body = '{"access_token":"scripted-token","token_type":"bearer","expires_in":3600}',
}

local function serialize(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local members = {}
  for key, member in pairs(value) do
    members[#members + 1] = ("[%s]=%s"):format(serialize(key), serialize(member))
  end
  return "{" .. table.concat(members, ",") .. "}"
end

--- Starts a server. It has url, base_url, client_id, client_secret; requests(), the list of what it was asked:
--- {method, path, query, headers (lower-case names), body}; and stop().
function scripted_server.start(routes)
  local script = { [TOKEN_ROUTE] = { TOKEN_ANSWER } }
  for route, answers in pairs(routes) do
    script[route] = answers
  end
  local path = os.tmpname()
  shell.write_file(path, "return " .. serialize(script))
  local command = "exec env -u LD_PRELOAD -u LUA_CPATH -u LUA_PATH setpriv --pdeathsig KILL lua5.4 %s %s"
  local pipe = assert(io.popen(command:format("spec/support/scripted_server_main.lua", shell.quote(path)), "r"))
  local port, pid = (pipe:read "*l" or ""):match "^(%d+) (%d+)$"
  os.remove(path)
  if not port then
    pipe:close()
    error("the scripted server did not start", 2)
  end

  local server = { url = "http://127.0.0.1:" .. port, client_id = "scripted-client", client_secret = "scripted-secret" }
  server.base_url = server.url .. "/api/v1"

  function server.requests()
    local text = http.request("GET", server.url .. "/requests").body
    return assert((loadstring or load)(text))()
  end

  function server.stop()
    if pipe then
      sandbox.signal(pid, "KILL")
      pipe:close()
      pipe = nil
    end
  end

  -- A test that failed before its stop(): closing the pipe, as the collector would, waits for the process.
  server.guard = sandbox.guard(server.stop)
  return server
end

scripted_server.serialize = serialize

return scripted_server
