-- Callbacks: a job is created with a URL of its own, the service calls it when the segment is ready, and whoever waits
-- for the job, in whatever process, asks the service at once. This is the part between the receiver of the HTTP request
-- (client:listen, finseg.ngx.callback) and the wait; what the processes share is in a store.
--
-- A URL ends in ID.TOKEN. The id finds what is known of the job, the token proves that the service was told of it. A
-- callback is a hint: the wait asks the service, and believes that alone. A callback that is lost, or comes to a store
-- that is gone, costs time and nothing else, since the wait goes on asking at a slow rate (config.poll.callback).
--
-- In the store, each for a day:
--   "callback ID" = token   written before the create; deleted when the job's end is known. Its watchers are the waits
--   "called ID"   = time    a callback has come, or the job's end is known: the first one wins

local check = require "finseg.check"
local core = require "finseg.core"
local stores = require "finseg.store"

--- Seconds that the store keeps what it is told. A callback that is later than that finds nobody.
local KEEP = 86400
local ID_LENGTH = 16
--- Seconds between two lines of the log about callbacks of one sort.
local QUIET = 1

--- What becomes of a callback.
local sorts = { "accepted", "early", "duplicate", "late", "forged", "unknown", "missed", "malformed" }

local lines = {
  accepted = "a callback came",
  early = "a callback came before the answer to its create",
  duplicate = "a callback that had come before was ignored",
  late = "a callback for a job that had ended before was ignored",
  forged = "a callback with a wrong token was ignored",
  unknown = "a callback that nobody knows was ignored",
  missed = "a callback came while the store was gone",
  malformed = "a request to the address of callbacks that is no callback was ignored",
}

--- After these a job has ended, and no callback will matter.
local ends = { not_found = true, expired = true, failed = true }

--- What a job carries whose callback somebody receives.
---@class finseg.Expectation
---@field id string  no secret
---@field token string?  nil for a job that was picked up: it needs none
---@field url string?
---@field kept boolean  the store knows of it, so that callbacks which other processes receive will do

---@class finseg.Callbacks
---@field public_url string?  nil: for others
---@field store finseg.Store
---@field counts table<string, integer>  callbacks received by this process: accepted, early (of those accepted),
---   duplicate, late, forged, unknown, missed (the store was gone), malformed
---@field closed boolean
local Callbacks = {}
Callbacks.__index = Callbacks

--- Why a text cannot be the URL that callbacks go to; nil when it can.
local function problem_of_url(url)
  if type(url) ~= "string" then
    return "text expected"
  elseif not url:find "^https?://[^/?#%s]+[^?#%s]*$" then
    return "an http or https URL without query and fragment expected"
  elseif url:find("^[^/]*//[^/]*@") then
    return "a URL without user name and password expected"
  end
end

--- What receives callbacks for jobs that others create, with the same store: only take() is of use.
---@param options { store: finseg.Store, log: fun(event: table)? }
---@return finseg.Callbacks? callbacks
---@return finseg.Err? err  kind config
function Callbacks.for_others(options)
  local problem = stores.problem_of(options.store)
  if problem then
    return nil, core.error("config", "callbacks: store: " .. problem)
  end
  local counts = {}
  for _, sort in ipairs(sorts) do
    counts[sort] = 0
  end
  return setmetatable({
    store = options.store,
    counts = counts,
    closed = false,
    _log = options.log,
    _lines = {},
    _own = setmetatable({}, { __mode = "v" }),
    _follow = {},
  }, Callbacks)
end

---@param options { public_url: string, store: finseg.Store, log: fun(event: table)? }
---@return finseg.Callbacks? callbacks
---@return finseg.Err? err  kind config
function Callbacks.new(options)
  local problem = problem_of_url(options.public_url)
  if problem then
    return nil, core.error("config", "callbacks: public_url: " .. problem)
  end
  local callbacks, err = Callbacks.for_others(options)
  if callbacks then
    callbacks.public_url = options.public_url:gsub("/+$", "")
  end
  return callbacks, err
end

function Callbacks:__tostring()
  return ("finseg callbacks to %s"):format(self.public_url or "others")
end

--- Calls a method of the store now, or starts one that waits; f gets what it answers.
local function later(store, method, key, value, seconds, f)
  if store.begin then
    store:begin(method, key, value, seconds, f)
  else
    f(store[method](store, key, value, seconds))
  end
end

local function ignore() end

-- ---- the log --------------------------------------------------------------------------------------------------------

--- Tells the log, not more often than a line a second of each sort.
---@param sort string
---@param message string
---@param name string  of the event
function Callbacks:tell_log(sort, message, name)
  if not self._log then
    return
  end
  local line = self._lines[sort] or { told_at = -QUIET, untold = 0 }
  self._lines[sort] = line
  line.untold = line.untold + 1
  local now = core.now()
  if now - line.told_at >= QUIET then
    local more = line.untold > 1 and (" (%d since the last such line)"):format(line.untold) or ""
    line.told_at, line.untold = now, 0
    self._log { name = name, time = core.time(), message = message .. more }
  end
end

--- Counts a callback.
function Callbacks:count(sort)
  self.counts[sort] = self.counts[sort] + 1
  if self.store.count then
    self.store:count("callbacks " .. sort)
  end
  self:tell_log(sort, lines[sort], "callback")
end

-- ---- before the create ----------------------------------------------------------------------------------------------

--- Makes the URL for one job, and tells the store. May wait for the store.
---@return finseg.Expectation? expectation
---@return finseg.Err? err  kind config: no random numbers
function Callbacks:expect()
  local id, err = core.secret_text()
  local token
  if id then
    token, err = core.secret_text()
  end
  if not token then
    return nil, err
  end
  id = id:sub(1, ID_LENGTH)
  local kept
  kept, err = self.store:put_if_absent("callback " .. id, token, KEEP)
  if err then
    self:tell_log("refused", "a job is waited for by polling: " .. tostring(err), "store_refused")
  end
  local url = ("%s/%s.%s"):format(self.public_url, id, token)
  local expectation = { id = id, token = token, url = url, kept = kept == true }
  self._own[id] = expectation
  return expectation
end

--- The same for a job that was made elsewhere with the id.
---@param id string
---@return finseg.Expectation
function Callbacks.pick_up(id)
  return { id = id, kept = true }
end

--- There is no job after all.
---@param expectation finseg.Expectation
function Callbacks:drop(expectation)
  self._own[expectation.id] = nil
  later(self.store, "delete", "callback " .. expectation.id, nil, nil, ignore)
end

-- ---- a callback comes -----------------------------------------------------------------------------------------------

--- The token was right.
function Callbacks:accept(id, done)
  later(self.store, "put_if_absent", "called " .. id, ("%.6f"):format(core.time()), KEEP, function(first)
    local own = self._own[id]
    -- A store that is gone cannot tell what is first; then this process can, for its own jobs.
    if first == false or (first == nil and own and own.called) then
      self:count "duplicate"
    else
      if own then
        own.called = true
      end
      self:count "accepted"
      self.store:notify("callback " .. id)
    end
    done()
  end)
end

--- Nothing is known of the id, or no more.
function Callbacks:decline(id, done)
  later(self.store, "get", "called " .. id, nil, nil, function(called)
    self:count(called and "late" or "unknown")
    done()
  end)
end

function Callbacks:verify(id, token, known, done)
  if core.same_secret(token, known) then
    self:accept(id, done)
  else
    self:count "forged"
    done()
  end
end

--- Works off a callback. Never waits.
---@param target string  the request's path; what counts is its last segment, ID.TOKEN
---@param done function?  called when that is over, perhaps at once
function Callbacks:take(target, done)
  check.type(target, "string", 1, "take")
  check.optional(done, "function", 2, "take")
  done = done or ignore
  local id, token = target:match "^[^?]*/(%x+)%.(%x+)$"
  if not id or #id ~= ID_LENGTH then
    self:count "malformed"
    return done()
  end
  local own = self._own[id]
  if own then
    return self:verify(id, token, own.token, done)
  end
  later(self.store, "get", "callback " .. id, nil, nil, function(known, err)
    if known then
      self:verify(id, token, known, done)
    elseif err then
      self:count "missed"
      done()
    else
      self:decline(id, done)
    end
  end)
end

-- ---- a wait ---------------------------------------------------------------------------------------------------------

--- The wait of one operation: what it is told.
---@class finseg.Following
local Following = {}
Following.__index = Following

--- Has the core look at the wait anew. Where the loop cannot see that by a descriptor, the waiter is woken to tell it.
function Following:tell(method, ...)
  local operation = self.operation
  local client = operation.client
  if operation.done or client.closed then
    return
  end
  client._core[method](client._core, operation.ticket, ...)
  if operation.driver then
    operation.driver.wake(operation)
  end
end

function Following:called()
  if not self.told then
    self.told = true
    self:tell "called"
  end
end

--- Looks whether the callback has come already, or came while the store could not tell.
function Following:look()
  later(self.callbacks.store, "get", "called " .. self.expectation.id, nil, nil, function(called, err)
    if called then
      local at = tonumber(called)
      if at and self.created_at and at < self.created_at and not self.expectation.early then
        self.expectation.early = true
        self.callbacks:count "early"
      end
      self:called()
    elseif err then
      self:tell("expect_callback", false)
    end
  end)
end

--- The store can tell again. What it knew may be gone, and what it was told meanwhile was not heard.
function Following:resume()
  local expectation = self.expectation
  local function go_on(_, err)
    expectation.kept = err == nil
    self:tell("expect_callback", expectation.kept)
    self:look()
  end
  if expectation.token then
    later(self.callbacks.store, "put_if_absent", "callback " .. expectation.id, expectation.token, KEEP, go_on)
  else
    go_on()
  end
end

--- What the store says about the key.
function Following:hear(news)
  if self.told then
    return
  elseif news == nil then
    self:called()
  elseif news == "deaf" then
    self:tell("expect_callback", false)
  else
    self:resume()
  end
end

--- The operation has its outcome.
function Following:finish(ok, value)
  self.stop()
  self.callbacks._follow[self] = nil
  if ok or ends[value.kind] then
    self.callbacks:settle(self.expectation, self.told)
  end
end

--- Follows an operation, a wait that has begun: it is told of the callback.
---@param expectation finseg.Expectation
---@param operation finseg.Operation
---@param created_at number?  of its job
function Callbacks:follow(expectation, operation, created_at)
  local following = setmetatable({
    callbacks = self,
    expectation = expectation,
    operation = operation,
    created_at = expectation.token and created_at,
    told = false,
  }, Following)
  self._follow[following] = true
  operation.following = following
  following.stop = self.store:watch("callback " .. expectation.id, function(news)
    following:hear(news)
  end)
  following:look()
end

--- The job has ended. When no callback told so, others who wait for it learn it now, and a callback that still comes is
--- known as late.
function Callbacks:settle(expectation, called)
  local id = expectation.id
  if expectation.settled then
    return
  end
  expectation.settled = true
  self._own[id] = nil
  later(self.store, "delete", "callback " .. id, nil, nil, ignore)
  if not called then
    later(self.store, "put_if_absent", "called " .. id, ("%.6f"):format(core.time()), KEEP, ignore)
    self.store:notify("callback " .. id)
  end
end

--- Nobody receives callbacks any more: the waits go on by polling. The store stays open.
function Callbacks:close()
  self.closed = true
  local following = {}
  for each in pairs(self._follow) do
    following[#following + 1] = each
  end
  for _, each in ipairs(following) do
    each:hear "deaf"
  end
end

return Callbacks
