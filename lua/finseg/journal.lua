-- The journal: which jobs were made, kept in a store, so that an equal request is answered by the job that is there.
--
--   local store = assert(finseg.store.open("file", path))
--   local journal = finseg.journal.new(store)
--   local segment, err, job = journal:segment(client, "highBalance", { threshold = 5000 })
--   for _, entry in ipairs(assert(journal:list())) do print(entry.state, entry.kind, entry.jobId) end
--
-- Requests are equal when base URL, client id, user name, kind and parameters are: 5000, 5000.0 and "5000.00" are one
-- amount, "checking" and "CHECKING" one account type, and callbackURL does not count. A job answers for 14 days less a
-- margin. No secret and no token is ever written.
--
-- Before a POST its intent is written, under the key that its job will have. So a create whose answer was lost, by an
-- error or a crash, is known as a job that may exist (state "lost"), and of several processes that want the same job
-- at once one makes it and the others wait for it: processes of a machine with a store in a file, of many hosts with
-- one in a Redis. While such a store is out of reach, each makes its own.
--
-- An intent holds for some seconds (LEASE), and whoever makes the job renews it as long as the create takes. So an
-- intent whose process, host or network died is taken over once it has ended. Hosts agree on the time of day to
-- within some seconds.
--
-- In the store, each for KEEP:
--   "job REQUEST"        an entry: of a job that was made, or (with `ends`) the intent to make one. An intent keeps the
--                        job that it is to replace in `before`
--   "lost REQUEST TIME"  the entry of a create whose answer was lost
-- Each change of the former names the text that it replaces, so that a kill at any moment leaves one or the other.

local StoreWait = require "finseg.store.key_wait"
local Callbacks = require "finseg.callback"
local check = require "finseg.value.check"
local core = require "finseg.core"
local stores = require "finseg.store"

local DAY = 86400
--- The service deletes jobs after 14 days (stated); the margin leaves time to read what is found.
local KEEP = 14 * DAY - 6 * 3600
--- Seconds for which an intent holds, unless it is renewed; RENEWALS are tried in that time.
local LEASE, RENEWALS = 15, 3
--- Seconds to wait for another process's create.
local PATIENCE = 120
--- Seconds after the end of an intent at which a waiter looks whether it was renewed.
local GRACE = 0.01

---@class finseg.JournalEntry
---@field state string  "made"; "making" now, in some process; "lost": created perhaps, its id is not known
---@field kind string
---@field parameters table  canonical
---@field jobId string?
---@field created_at number  seconds since 1970
---@field callback string?  as of finseg.Job
---@field base_url string
---@field client_id string?
---@field username string?

---@class finseg.Journal
---@field store finseg.Store
---@field lease number  seconds for which its intents hold unless they are renewed
local Journal = { lease = LEASE }
Journal.__index = Journal

---@param store finseg.Store
---@return finseg.Journal
function Journal.new(store)
  local problem = stores.problem_of(store)
  if problem then
    check.fail(1, "new", problem)
  end
  return setmetatable({ store = store }, Journal)
end

--- A time as it is written: to the tenth of a millisecond, which keeps the text short.
local function rounded(seconds)
  return math.floor(seconds * 1e4 + 0.5) / 1e4
end

-- ---- what is written ------------------------------------------------------------------------------------------------

--- The key of a request below a prefix, and what every entry about it tells.
---@return string? key
---@return table|finseg.Err about
local function identify(client, kind, parameters)
  check.type(kind, "string", 2, "journal", 1)
  check.optional(parameters, "table", 3, "journal", 1)
  local text, problem = core.to_json(parameters or {})
  if not text then
    check.fail(3, "journal", problem, 1)
  end
  local core_client = client:open_core "journal"
  local canonical, err = core_client:canonical(kind, text)
  if not canonical then
    return nil, err
  end
  local about = core_client:identity()
  about.kind, about.parameters = kind, canonical
  return core.to_json(about), about
end

local function encode(about, more)
  local entry = {}
  for _, part in ipairs { about, more } do
    for name, value in pairs(part) do
      entry[name] = value
    end
  end
  return assert(core.to_json(entry))
end

--- A time that os.date knows.
local function is_time(value)
  return type(value) == "number" and value >= 0 and value < 1e11
end

--- What an entry has at least.
local function is_entry(entry)
  return type(entry) == "table"
    and type(entry.kind) == "string"
    and is_time(entry.created_at)
    and type(entry.parameters) == "string"
    and type(core.from_json(entry.parameters)) == "table"
end

local function is_job(entry)
  return type(entry) == "table" and type(entry.jobId) == "string" and is_time(entry.created_at)
end

--- Reads an entry. Another finseg, or a hand, may have written something else: that counts as no entry.
---@param text string?
---@param is_note boolean?  of a create whose answer was lost
local function decode(text, is_note)
  local entry = text and core.from_json(text)
  if is_entry(entry) and (is_job(entry) or entry.jobId == nil and (is_note or is_time(entry.ends))) then
    return entry
  end
end

--- The same without what concerns its making alone; with what `more` says.
local function entry_without_intent(entry, more)
  local copy = {}
  for name, value in pairs(entry) do
    copy[name] = value
  end
  copy.ends, copy.before, copy.process = nil, nil, nil
  for name, value in pairs(more or {}) do
    copy[name] = value
  end
  return copy
end

--- The entry of the job that there is while an entry stands: its own, or the one that is to be replaced.
local function made_of(entry)
  if entry and entry.jobId then
    return entry
  elseif entry and is_job(entry.before) then
    return entry_without_intent(entry, entry.before)
  end
end

--- Whether an entry is an intent that holds.
local function is_held(entry)
  return not entry.jobId and core.time() <= entry.ends
end

--- What names the callback of an entry's job; nil when nothing does. (Whether callbacks come here, a wait finds out.)
local function callback_of(entry)
  local id = entry.callback
  return type(id) == "string" and Callbacks.is_id(id) and id or nil
end

--- Where it is written that a create of an entry may have made a job.
local function lost_key(key, entry)
  return ("lost %s %.6f"):format(key, entry.created_at)
end

-- ---- jobs that are there --------------------------------------------------------------------------------------------

--- The entry of a job that answers the request; nil when there is none. Asks the store alone.
---@param client finseg.Client
---@param kind string
---@param parameters table?
---@return finseg.JournalEntry? entry
---@return finseg.Err? err
function Journal:find(client, kind, parameters)
  local key, about = identify(client, kind, parameters)
  if not key then
    return nil, about
  end
  local text, err = self.store:get("job " .. key)
  return made_of(decode(text)), err
end

--- Forgets the job of a request, as when the service no longer knows it.
---@return boolean? ok
---@return finseg.Err? err
function Journal:forget(client, kind, parameters)
  local key, about = identify(client, kind, parameters)
  if not key then
    return nil, about
  end
  local text, err = self.store:get("job " .. key)
  local entry = decode(text)
  if entry and entry.jobId then
    text, err = self.store:delete("job " .. key, text)
  end
  if text == nil and err then
    return nil, err
  end
  return true
end

--- What lies below these is an entry. Before version 2 of the file, intents had a key of their own.
local PREFIXES = { "job ", "lost ", "intent " }

--- The entries that one in the store stands for.
---@param item { key: string, value: string }
---@param lost table<string, boolean>  keys of what is known as lost
local function entries_of(item, lost)
  local is_note = item.key:find "^lost " ~= nil
  local entry, entries = decode(item.value, is_note), {}
  local made = made_of(entry)
  if made then
    made.state = "made"
    entries[1] = made
  end
  if entry and not entry.jobId and (is_note or not lost[lost_key(item.key:match "^%l+ (.*)$", entry)]) then
    local state = not is_note and is_held(entry) and "making" or "lost"
    entries[#entries + 1] = entry_without_intent(entry, { state = state })
  end
  return entries
end

--- What the journal knows, newest first.
---@return finseg.JournalEntry[]? entries
---@return finseg.Err? err
function Journal:list()
  local items, lost = {}, {}
  for _, prefix in ipairs(PREFIXES) do
    local listed, err = self.store:list(prefix)
    if not listed then
      return nil, err
    end
    for _, item in ipairs(listed) do
      items[#items + 1] = item
      lost[item.key] = true
    end
  end
  local entries = {}
  for _, item in ipairs(items) do
    for _, entry in ipairs(entries_of(item, lost)) do
      entry.parameters = core.from_json(entry.parameters)
      entries[#entries + 1] = entry
    end
  end
  table.sort(entries, function(a, b)
    if a.created_at ~= b.created_at then
      return a.created_at > b.created_at
    end
    return (a.jobId or "") < (b.jobId or "")
  end)
  return entries
end

--- Creates of the same request whose answer was lost: jobs that may exist.
---@param client finseg.Client
---@param kind string
---@param parameters table?
---@return finseg.JournalEntry[]? entries
---@return finseg.Err? err
function Journal:list_lost(client, kind, parameters)
  local key, about = identify(client, kind, parameters)
  if not key then
    return nil, about
  end
  local listed, err = self.store:list("lost " .. key .. " ")
  if not listed then
    return nil, err
  end
  local entries = {}
  for _, item in ipairs(listed) do
    local entry = decode(item.value, true)
    if entry then
      entry.state = "lost"
      entry.parameters = core.from_json(entry.parameters)
      entries[#entries + 1] = entry
    end
  end
  return entries
end

-- ---- jobs to be made ------------------------------------------------------------------------------------------------

--- Whether the store cannot be reached now. The work goes on without it then: a job made twice is better than none.
local function is_out_of_reach(err)
  return err.kind == "network" or err.kind == "resource"
end

--- What a process holds while it makes a job.
---@class finseg.JournalClaim
---@field key string
---@field about table  what every entry about the request tells
---@field created_at number  of the intent
---@field before { jobId: string, created_at: number, callback: string? }?  the job that is to be replaced
---@field text string  the intent as it is written

--- Writes the intent that a claim stands for, anew each time.
function Journal:intent_of(claim)
  return encode(claim.about, {
    created_at = claim.created_at,
    ends = rounded(core.time() + self.lease),
    before = claim.before,
  })
end

--- Puts a text in the place of a claim's intent. A renewal whose answer was lost may have been written.
---@return boolean? put  false: somebody else has taken over
---@return finseg.Err? err
function Journal:replace_intent(claim, text, seconds)
  local key = "job " .. claim.key
  local put, err = stores.call(self.store, "put", key, text, seconds, claim.text)
  if put == false then
    local there = stores.call(self.store, "get", key)
    local entry = decode(there)
    if entry and not entry.jobId and entry.created_at == claim.created_at then
      put, err = stores.call(self.store, "put", key, text, seconds, there)
    end
  end
  return put, err
end

--- Renews the intent. A store that fails to do so has another chance next time.
function Journal:renew(claim)
  local text = self:intent_of(claim)
  if self:replace_intent(claim, text, KEEP) then
    claim.text = text
  end
end

--- Takes the intent away: what was there before is there again.
function Journal:release(claim)
  local before = claim.before
  local text, seconds = "", 0
  if before then
    text, seconds = encode(claim.about, before), before.created_at + KEEP - core.time()
  end
  self:replace_intent(claim, text, seconds)
  stores.call(self.store, "notify", claim.key)
end

--- Notes that a job of an entry may exist.
---@return boolean? noted  false: that was known
---@return finseg.Err? err
function Journal:note_lost(key, entry)
  local text = assert(core.to_json(entry_without_intent(entry)))
  return stores.call(self.store, "put", lost_key(key, entry), text, KEEP, false)
end

--- Writes a job down in the place of its intent. A store that raises has failed: the job is there all the same.
---@return boolean? kept
---@return finseg.Err? err
function Journal:keep(claim, job)
  local text = encode(claim.about, {
    jobId = job.jobId,
    created_at = rounded(job.created_at or core.time()),
    callback = job.callback,
  })
  local put, err = self:replace_intent(claim, text, KEEP)
  stores.call(self.store, "notify", claim.key)
  return put ~= nil, err -- who has taken over has noted this create as lost
end

--- Makes the job; its intent stands.
function Journal:make(client, claim, parameters)
  local job, err = client:create_while(claim.about.kind, parameters, self.lease / RENEWALS, function()
    self:renew(claim)
  end)
  if job then
    local kept, problem = self:keep(claim, job)
    if not kept and not is_out_of_reach(problem) then
      return nil, problem, job
    end
    return job, false
  end
  if not err.maybe_created or self:note_lost(claim.key, decode(claim.text)) ~= nil then
    self:release(claim)
  end
  return nil, err
end

--- Waits while somebody else makes the job. True when it is worth to look again.
function Journal.wait_for_other(intent, deadline, store_wait)
  local left = deadline - core.now()
  if left <= 0 then
    local seconds = math.floor(core.time() - intent.created_at)
    local message = "%s: another process has been making the same job for %d seconds: try again later, or ask for a "
      .. "fresh one"
    return nil, core.error("timeout", message:format(intent.kind, seconds))
  end
  -- A notify tells that the job is there, but not that its maker has died.
  return store_wait:wait(math.max(math.min(intent.ends - core.time() + GRACE, left), 0))
end

--- Whether an entry may answer a request.
local function is_usable(made, options)
  return made and not options.fresh and core.time() - made.created_at <= (options.within or math.huge)
end

--- Writes the intent to make a job in the place of what was found.
---@param key string
---@param about table
---@param text string?  what was found; nil: nothing
---@return finseg.JournalClaim|false|nil claim  false: something else is there by now
---@return finseg.Err? err
function Journal:take(key, about, text)
  local entry = decode(text)
  if entry and not entry.jobId then -- its maker is gone
    local noted, err = self:note_lost(key, entry)
    if noted == nil then
      return nil, err
    end
  end
  local made = made_of(entry)
  local claim = { key = key, about = about, created_at = rounded(core.time()) }
  claim.before = made and { jobId = made.jobId, created_at = made.created_at, callback = made.callback }
  claim.text = self:intent_of(claim)
  local put, err = self.store:put("job " .. key, claim.text, KEEP, text or false)
  return put and claim, err
end

--- Looks for a job that answers the request, or claims to make one; waits while somebody else makes it.
---@return finseg.JournalEntry? entry
---@return finseg.JournalClaim? claim
---@return finseg.Err? err  neither
function Journal:claim(key, about, options, store_wait)
  local deadline = core.now() + (options.patience or PATIENCE)
  while true do
    local text, err = self.store:get("job " .. key)
    local entry = decode(text)
    local made = made_of(entry)
    if err or is_usable(made, options) then
      return made, nil, err
    elseif entry and is_held(entry) then
      local worthwhile
      worthwhile, err = self.wait_for_other(entry, deadline, store_wait)
      if not worthwhile then
        return nil, nil, err
      end
    else
      local claim
      claim, err = self:take(key, about, text)
      if claim or claim == nil then
        return nil, claim, err
      end
    end
  end
end

--- A job for the request: the one that is there, else a new one. A store that cannot be reached (an err of the kind
--- `network`, as of a Redis that is gone, which tells its log so) does not stop the work: the job is made all the same,
--- and is this caller's alone. Any other failure of the store is the caller's to mend.
---@param client finseg.Client
---@param kind string
---@param parameters table?
---@param options { fresh: boolean?, within: number?, patience: number? }?  fresh: make a new one in any case; within:
---seconds, a job made longer ago (by the wall clock) does not answer; patience: seconds to wait for another process
---that is making the same job, 120
---@return finseg.Job? job
---@return finseg.Err|boolean err  else whether the job was there before
---@return finseg.Job? job  when it was made but could not be written down
function Journal:obtain(client, kind, parameters, options)
  options = options or {}
  local key, about = identify(client, kind, parameters)
  if not key then
    return nil, about
  end
  local store_wait = StoreWait.new(self.store, key)
  local entry, claim, err = self:claim(key, about, options, store_wait)
  store_wait:stop()
  local job
  if entry then
    job, err = client:job(kind, entry.jobId, { created_at = entry.created_at, callback = callback_of(entry) })
    return job, err or true
  elseif claim then
    return self:make(client, claim, parameters)
  elseif is_out_of_reach(err) then
    job, err = client:create(kind, parameters)
    return job, err or false
  end
  return nil, err
end

local gone = { not_found = true, expired = true, failed = true }

--- Obtains a job and waits for it. A job of the journal that the service no longer has is made anew, once.
---@param client finseg.Client
---@param kind string
---@param parameters table?
---@param options { fresh: boolean?, within: number?, timeout: number?, on_job: function? }?  fresh, within: as for
---obtain; timeout: seconds, as for job:wait(); on_job(job, reused) is called once the job is known
---@return finseg.Segment? segment
---@return finseg.Err? err
---@return finseg.Job? job  when there is one but the wait failed
function Journal:segment(client, kind, parameters, options)
  options = options or {}
  local fresh = options.fresh
  while true do
    local job, reused, made = self:obtain(client, kind, parameters, { fresh = fresh, within = options.within })
    if not job then
      return nil, reused, made
    end
    if options.on_job then
      options.on_job(job, reused)
    end
    local segment, err = job:wait { timeout = options.timeout }
    if segment or not reused or not gone[err.kind] then
      return segment, err, not segment and job or nil
    end
    fresh = true
  end
end

return Journal
