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

local CallbackWait = require "finseg.callback.callback_wait"
local check = require "finseg.value.check"
local core = require "finseg.core"
local log_guard = require "finseg.value.log_guard"
local stores = require "finseg.store"

local KEEP = CallbackWait.KEEP
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
---@field callbacks finseg.Callbacks?  whose URL it has; nil for a job that was picked up
---@field waits table<finseg.CallbackWait, boolean>?  under way in this process
---@field settled boolean?  the job's end is known

---@class finseg.Callbacks
---@field public_url string?  nil: for others
---@field store finseg.Store
---@field counts table<string, integer>  callbacks received by this process: accepted, early (of those accepted),
---   duplicate, late, forged, unknown, missed (the store was gone), malformed
---@field log_error any  what the log function raised, after which it is called no more
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
  elseif url:find "[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]" then
    return "a character that no URL has: give it percent-encoded"
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
  local callbacks = setmetatable({
    store = options.store,
    counts = counts,
    closed = false,
    _lines = {},
    _own = setmetatable({}, { __mode = "v" }),
    -- Waits are kept by their clients. A store, which may outlive those, refers to this object.
    _waits = setmetatable({}, { __mode = "k" }),
  }, Callbacks)
  callbacks._log = options.log and log_guard(callbacks, options.log)
  return callbacks
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
  if not callbacks then
    return nil, err
  end
  callbacks.public_url = options.public_url:gsub("/+$", "")
  return callbacks
end

function Callbacks:__tostring()
  return ("finseg callbacks to %s"):format(self.public_url or "others")
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
    stores.call(self.store, "count", "callbacks " .. sort)
  end
  self:tell_log(sort, lines[sort], "callback")
end

-- ---- before the create ----------------------------------------------------------------------------------------------

local function url_of(self, expectation)
  return ("%s/%s.%s"):format(self.public_url, expectation.id, expectation.token)
end

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
  local expectation = { id = id, token = token, callbacks = self }
  expectation.url = url_of(self, expectation)
  local kept
  kept, err = stores.call(self.store, "put", "callback " .. id, token, KEEP, false)
  if err then
    self:tell_log("refused", "a job is waited for by polling: " .. tostring(err), "store_refused")
  end
  expectation.kept = kept == true
  self._own[id] = expectation
  return expectation
end

--- Whether a text can be what names a callback.
---@param id string
---@return boolean
function Callbacks.is_id(id)
  return #id == ID_LENGTH and not id:find "%X"
end

--- The same for a job that was made elsewhere with the id. Whether the store here knows of it, a wait finds out.
---@param id string
---@return finseg.Expectation
function Callbacks.pick_up(id)
  return { id = id, kept = false }
end

--- There is no job after all.
---@param expectation finseg.Expectation
function Callbacks:drop(expectation)
  self._own[expectation.id] = nil
  stores.ask(self.store, "delete", ignore, "callback " .. expectation.id)
end

-- ---- a callback comes -----------------------------------------------------------------------------------------------

--- Tells those who wait: for a job made here whatever the store can, all others by the store.
---@param id string
---@param own finseg.Expectation?
function Callbacks:announce(id, own)
  local waits = {}
  for wait in pairs(own and own.waits or {}) do
    waits[#waits + 1] = wait
  end
  for _, wait in ipairs(waits) do
    wait:called()
  end
  stores.call(self.store, "notify", "callback " .. id)
end

--- The token was right.
function Callbacks:accept(id, done)
  stores.ask(self.store, "put", function(first)
    local own = self._own[id]
    -- A store that is gone cannot tell what is first; then this process can, for its own jobs.
    if first == false or (first == nil and own and own.called) then
      self:count "duplicate"
    else
      if own then
        own.called = true
      end
      self:announce(id, own)
      self:count "accepted"
    end
    done()
  end, "called " .. id, ("%.6f"):format(core.time()), KEEP, false)
end

--- Nothing is known of the id, or no more.
function Callbacks:decline(id, done)
  stores.ask(self.store, "get", function(called)
    self:count(called and "late" or "unknown")
    done()
  end, "called " .. id)
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
  if not id or not Callbacks.is_id(id) then
    self:count "malformed"
    return done()
  end
  local own = self._own[id]
  if own then
    return self:verify(id, token, own.token, done)
  end
  stores.ask(self.store, "get", function(known, err)
    if known then
      self:verify(id, token, known, done)
    elseif err then
      self:count "missed"
      done()
    else
      self:decline(id, done)
    end
  end, "callback " .. id)
end

-- ---- a wait ---------------------------------------------------------------------------------------------------------

--- Whether a callback of the job would come here. What another object has expected, one that is closed, does when it
--- had the same URL: then it is this one's from now on, and the store is told at the next wait.
---@param expectation finseg.Expectation
---@return boolean
function Callbacks:receives(expectation)
  if expectation.token and expectation.callbacks ~= self then
    if expectation.url ~= url_of(self, expectation) then
      return false
    end
    expectation.callbacks, expectation.kept = self, false
    self._own[expectation.id] = expectation
  end
  return true
end

--- Has an operation, a wait that has begun, be told of the callback.
---@param expectation finseg.Expectation
---@param operation finseg.Operation
---@param created_at number?  of its job
---@param slow boolean  whether it has begun at the slow rate
function Callbacks:begin_wait(expectation, operation, created_at, slow)
  local wait = CallbackWait.begin(self, expectation, operation, created_at, slow)
  self._waits[wait] = true
end

---@param wait finseg.CallbackWait  that is over
function Callbacks:forget_wait(wait)
  self._waits[wait] = nil
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
  stores.ask(self.store, "delete", ignore, "callback " .. id)
  if not called then
    stores.ask(self.store, "put", ignore, "called " .. id, ("%.6f"):format(core.time()), KEEP, false)
    self:announce(id, expectation)
  end
end

--- A wait or a poll of the job has ended: what else there is to wait for, if nothing.
---@param expectation finseg.Expectation
---@param ok boolean
---@param value any  the err, unless ok
---@param called boolean  whether a callback has told of it
function Callbacks:conclude(expectation, ok, value, called)
  if ok or ends[value.kind] then
    self:settle(expectation, called)
  end
end

--- Nobody receives callbacks any more: the waits go on by polling. The store stays open.
function Callbacks:close()
  self.closed = true
  local waits = {}
  for wait in pairs(self._waits) do
    waits[#waits + 1] = wait
  end
  for _, wait in ipairs(waits) do
    wait:hear "deaf"
  end
end

return Callbacks
