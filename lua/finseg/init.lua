--- finseg: the Financial Segments API from Lua.
---
---     local finseg = require "finseg"
---     local client = assert(finseg.from_env())
---     local segment = assert(client:segment("highBalance", { accountType = "checking", threshold = 5000 }))
---     for user in segment:users() do print(user.userId, user.accounts[1].amount) end
---
--- A call that fails returns nil and an err: a table that prints as one plain line, with the fields kind, message,
--- status, code, request_id, retryable, retry_after (seconds) and maybe_created. Its kinds: config, auth, invalid,
--- not_found, pending, failed, expired, rate_limited, server, network, tls, timeout, protocol, too_large, cancelled,
--- resource.
--- Iterators raise the same err. Wrong Lua types and calls on a closed client raise.

local Client = require "finseg.client"
local Page = require "finseg.page"
local all = require "finseg.wait.all"
local await = require "finseg.wait.await"
local check = require "finseg.value.check"
local core = require "finseg.core"
local drivers = require "finseg.driver"
local run = require "finseg.wait.run"

local unpack = table.unpack or unpack

local finseg = { _VERSION = "finseg " .. core.version }

--- JSON's null, in results and in parameters. (The same value as cjson.null.)
finseg.null = core.null

---@class finseg.Err
---@field kind string
---@field message string
---@field status integer?  of the HTTP answer
---@field code string?  the service's own
---@field request_id string?  X-Request-Id, to quote to the provider
---@field retryable boolean  the same call may succeed later
---@field retry_after number?  seconds that the service asked to wait
---@field maybe_created boolean  a create whose answer was lost: the job may exist

---@class finseg.Config
---@field base_url string  of the API, "https://di-sandbox.finapi.io/api/v1"
---@field token_url string?  default: /api/v2/oauth/token at base_url's origin
---@field client_id string?
---@field client_secret string?
---@field username string?  with password: a user token instead of a client token
---@field password string?
---@field access_token string?  a token made elsewhere, instead of credentials
---@field ca_file string?  PEM: authorities to trust besides the system's
---@field proxy string?
---@field user_agent string?
---@field timeout number?  seconds a request may take, 30
---@field connect_timeout number?  seconds, 10
---@field first_page integer?  the number of the first page, 0
---@field page_size integer?  users a page, 500
---@field parallel_pages integer?  pages under way ahead of the one being read, 4
---@field max_body integer?  bytes of an answer, 64 MiB
---@field poll { first: number?, factor: number?, max: number?, callback: number? }?  seconds between GETs: 0.5, times
---   1.5, up to 30; while a callback is expected, 60
---@field retry { attempts: integer?, base: number?, max: number? }?  tries in all, 4; seconds between them, 0.5 to 30
---@field kinds table<string, table>?  segment kinds to add or replace (see finseg_config_add_kind in finseg.h)
---@field allow_plain_http boolean?  http to hosts other than loopback
---@field driver string|finseg.Driver|nil  the name of a shipped one, or a table as finseg.driver describes it
---@field log fun(event: table)?  gets what the client does; never a secret. An error in it ends the logging

--- Makes a client. Sends nothing.
---@param config finseg.Config
---@return finseg.Client? client
---@return finseg.Err? err  kind `config` or `resource`
function finseg.new(config)
  check.type(config, "table", 1, "new")
  return Client.new(config, false)
end

local nginx_hint = "; nginx keeps its environment from its workers: nginx.conf needs `env NAME;` for each variable"

--- Makes a client from the environment: FINSEG_BASE_URL, FINSEG_TOKEN_URL, FINSEG_CLIENT_ID, FINSEG_CLIENT_SECRET,
--- FINSEG_ACCESS_TOKEN, FINSEG_CA_FILE. `overrides` win.
---@param overrides finseg.Config?
---@return finseg.Client? client
---@return finseg.Err? err  kind `config` or `resource`
function finseg.from_env(overrides)
  check.optional(overrides, "table", 1, "from_env")
  local client, err = Client.new(overrides or {}, true)
  if not client and rawget(_G, "ngx") and err.message:find("FINSEG_", 1, true) then
    err.message = err.message .. nginx_hint
  end
  return client, err
end

--- Reads a result page that was saved: the methods of a segment, without a client.
---@param text string  JSON; the page keeps it
---@return finseg.Page? page
---@return finseg.Err? err  `protocol`, `too_large` or `resource`
function finseg.decode(text)
  check.type(text, "string", 1, "decode")
  local core_page, err = core.page(text)
  if not core_page then
    return nil, err
  end
  return Page.new(core_page)
end

--- Has every wait look for the loop of this driver first (see finseg.driver). finseg.new{ driver = ... } does so, too,
--- and has the waits of that client be nowhere else.
---@param driver finseg.Driver
---@return boolean? ok
---@return finseg.Err? err  kind `config`: a member is missing
function finseg.add_driver(driver)
  check.type(driver, "table", 1, "add_driver")
  return drivers.add(driver)
end

--- Runs f(...), and every function it spawns, side by side in this thread, in the event loop that runs here if one
--- does, and returns what f returned once all have ended. When one raises, the others still run to their end, and then
--- run raises: f's error, else the first of the others.
function finseg.run(f, ...)
  check.type(f, "function", 1, "run")
  return run.run(f, ...)
end

--- Starts f(...) beside the caller, in the loop that runs here. Raises when there is none.
function finseg.spawn(f, ...)
  check.type(f, "function", 1, "spawn")
  local driver, err = drivers.choose()
  if not driver then
    error(err, 0)
  end
  local count = select("#", ...)
  if count > 0 then
    local called, arguments = f, { ... }
    function f()
      return called(unpack(arguments, 1, count))
    end
  end
  run.spawn(driver, f)
end

--- Runs the functions side by side, with or without a loop around, and returns the first result of each, in order.
--- When one fails (returns nil and an err, or raises), what the others wait for is cancelled, and once they have
--- ended, all returns nil and the first failure.
---@param ... function
---@return any ...
function finseg.all(...)
  local functions = { ... }
  for position = 1, select("#", ...) do
    check.type(functions[position], "function", position, "all")
  end
  return all(functions)
end

--- Waits for that long; others go on meanwhile.
---@param seconds number
---@return boolean? ok
---@return finseg.Err? err  `cancelled`: a finseg.all around it was
function finseg.sleep(seconds)
  check.type(seconds, "number", 1, "sleep")
  if not (seconds >= 0 and seconds < math.huge) then
    check.fail(1, "sleep", "0 or more seconds expected")
  end
  return await.sleep(seconds)
end

--- Loaded when first used: rules, the journal of jobs, stores, results kept and compared.
local parts = {
  compare = "finseg.compare",
  journal = "finseg.journal",
  rule = "finseg.rule",
  store = "finseg.store",
}

return setmetatable(finseg, {
  __index = function(_, name)
    local module = parts[name]
    if module then
      finseg[name] = require(module)
      return finseg[name]
    end
  end,
})
