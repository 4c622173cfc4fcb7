-- Callbacks in a script: an HTTP server in the client's own descriptor, without a thread or a second
-- process. Whoever waits on the client serves it, too; while nobody waits, callbacks wait in its socket. The C module
-- finseg.http_server is loaded at the first use.
--
-- A callback is answered at once and then worked off by finseg.callbacks. What its body says is not looked at. The
-- server speaks plain HTTP: TLS is the business of what passes requests on, a load balancer or a proxy.

local Pollable = require "finseg.wait.pollable"
local core = require "finseg.core"
local optional_module = require "finseg.value.optional_module"

---@class finseg.Listener: finseg.Pollable
---@field url string  what the service is told; a job's own part follows it
---@field host string
---@field port integer  also when any was asked for
---@field callbacks finseg.Callbacks
---@field closed boolean
---@field _client finseg.Client
---@field _http_server userdata?  nil once closed
---@field _refused table<string, integer>?  what it had refused when it was closed
local Listener = Pollable.new_class()

--- What client:listen takes. All have defaults.
---@class finseg.ListenOptions
---@field host string?  the address to listen on, 127.0.0.1; another is for a listener behind a load balancer
---@field port integer?  0, which is any that is free
---@field public_url string?  where the outside reaches this listener: scheme, host, port, and a prefix if what passes
---   requests on takes one away. `path` follows it. Default: http, `host` and the port
---@field path string?  what the paths of callbacks begin with when they arrive, /finseg/callback
---@field store finseg.Store?  what else is to know of the callbacks; the process's memory
---@field max_body integer?  bytes of a callback, 16384
---@field rate number?  callbacks a second that are accepted, 2000; as many may come at once

--- Their types, for check.options.
Listener.options = {
  host = "string",
  port = "number",
  public_url = "string",
  path = "string",
  store = "table",
  max_body = "number",
  rate = "number",
}

local defaults = { host = "127.0.0.1", port = 0, path = "/finseg/callback", max_body = 16384, rate = 2000 }

--- Seconds that a connection may take to complete a request.
local PATIENCE = 30

--- What to do about each problem of finseg.http_server.
local advice = {
  no_address = "host must be an address of this machine, 127.0.0.1 or ::1 when the service, or what passes its "
    .. "callbacks on, is on it, too",
  taken = "name another port, or 0 for any that is free, or end who listens there",
  denied = "ports below 1024 are not for everybody: name another port, or 0 for any that is free",
  elsewhere = "host must be an address of this machine, or 0.0.0.0 for all it has",
  other = "name another address, or see what this machine's log says",
}

-- ---- options ------------------------------------------------------------------------------------------------

local function is_whole(number, least, most)
  return number >= least and number <= most and number % 1 == 0
end

--- Whether it stays as it is on its way through what passes requests on.
local function is_plain_path(path)
  local rest = path:gsub("/[%w%-._~]+", function(segment)
    return segment:find "^/%.%.?$" and segment or ""
  end)
  return rest == ""
end

--- Whether it stands for all addresses of the machine: none that the service could call. 0.0.0.0 and :: have many
--- spellings, ::0 and ::ffff:0.0.0.0 among them.
local function is_wildcard(host)
  local address = host:lower():gsub("^[0:]*:ffff:", "")
  return address ~= "" and not address:find "[^0.:]"
end

--- What is wrong with the options; nil when nothing is.
local function problem_of(options)
  if not is_whole(options.port, 0, 65535) then
    return "port: a whole number from 0 (any that is free) to 65535 expected"
  elseif not is_plain_path(options.path) then
    return "path: slashes, letters, digits and -._~ expected, as in /finseg/callback"
  elseif not is_whole(options.max_body, 1, 2 ^ 31) then
    return "max_body: a whole number of bytes above 0 expected"
  elseif options.rate <= 0 or options.rate ~= options.rate then
    return "rate: a number of callbacks a second above 0 expected"
  elseif options.host:find "[^%w.:%%-]" then
    return "host: an address of this machine expected, such as 127.0.0.1 or ::1"
  elseif not options.public_url and is_wildcard(options.host) then
    return ("public_url: %s is no address that the service could call, so it has to be told another"):format(
      options.host
    )
  end
end

--- The options with what they leave out.
---@return table? options
---@return table? err  kind invalid
local function complete(given)
  local options = {}
  for name, value in pairs(defaults) do
    options[name] = value
  end
  for name, value in pairs(given) do
    options[name] = value
  end
  options.path = options.path:gsub("/+$", "")
  local problem = problem_of(options)
  if problem then
    return nil, core.error("invalid", "listen: " .. problem)
  end
  return options
end

--- "127.0.0.1:80", "[::1]:80"
local function authority(host, port)
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

-- ---- opening and closing ------------------------------------------------------------------------------------

---@return userdata? http_server
---@return integer|table port_or_err
local function open_http_server(options)
  local module, err = optional_module "finseg.http_server"
  if not module then
    return nil, err
  end
  local http_server, port, problem =
    module.open(options.host, options.port, options.path, options.max_body, options.rate, PATIENCE)
  if http_server then
    return http_server, port
  end
  local where = authority(options.host, options.port)
  if problem == "resource" then
    return nil, core.error("resource", ("cannot listen on %s: %s"):format(where, port))
  end
  return nil, core.error("config", ("cannot listen on %s (%s): %s"):format(where, port, advice[problem]))
end

--- Makes the listener of a client (see Client:listen).
---@param client finseg.Client
---@param options table  of the names and types in Listener.options
---@return finseg.Listener? listener
---@return table? err
function Listener.open(client, options)
  local err
  options, err = complete(options or {})
  if not options then
    return nil, err
  elseif package.loaded.ngx then
    local message = "a worker of nginx must not listen by itself: give callbacks a location, see finseg.ngx.callback"
    return nil, core.error("invalid", message)
  end
  local http_server, port = open_http_server(options)
  if not http_server then
    return nil, port
  end
  local origin = options.public_url or "http://" .. authority(options.host, port)
  local self = setmetatable({
    url = origin:gsub("/+$", "") .. options.path,
    host = options.host,
    port = port,
    closed = false,
    _client = client,
    _http_server = http_server,
  }, Listener)
  self.callbacks, err = client:receive_callbacks { public_url = self.url, store = options.store }
  local attached = self.callbacks ~= nil
  if attached then
    attached, err = client:attach(self)
  end
  if not attached then
    self:close()
    return nil, err
  end
  return self
end

--- Stops receiving. Waits go on by asking the service at the ordinary schedule. Closing again does nothing.
function Listener:close()
  if self.closed then
    return
  end
  local http_server, client = self._http_server, self._client
  self.closed = true
  self._refused, self._http_server = http_server:refused(), nil
  if not client.closed then
    client:detach(self)
  end
  if self.callbacks then
    self.callbacks:close()
  end
  http_server:close()
end

function Listener:__tostring()
  return ("finseg listener on %s%s"):format(authority(self.host, self.port), self.closed and " (closed)" or "")
end

-- ---- looking ------------------------------------------------------------------------------------------------

--- What has come so far: accepted, early (of those accepted), duplicate, late, forged, unknown, malformed, missed (the
--- store was gone), and refused = { path, method, too_large, rate }, requests that were turned away unread.
---@return table<string, integer|table>
function Listener:counts()
  local counts = {}
  for sort, count in pairs(self.callbacks.counts) do
    counts[sort] = count
  end
  counts.refused = self._refused or self._http_server:refused()
  return counts
end

-- ---- what a client asks of who lives in its descriptor --------------------------------------------------------

function Listener:pollfd()
  return self._http_server and self._http_server:fd()
end

--- Seconds until step() has something to do by the clock alone; nil: nothing is planned.
function Listener:next_timeout()
  return self._http_server and self._http_server:next_timeout()
end

--- Connections that are open: something may come on each.
function Listener:transfers()
  return self._http_server and self._http_server:connections() or 0
end

--- Answers what has come, and works it off.
---@return integer count  of callbacks
function Listener:step()
  local http_server, count = self._http_server, 0
  http_server:step()
  -- Whoever is told of a callback may close the listener.
  local target = http_server:next()
  while target do
    count = count + 1
    self.callbacks:take(target)
    target = not self.closed and http_server:next() or nil
  end
  return count
end

return Listener
