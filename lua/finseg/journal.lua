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
-- Before a POST its intent is written. So a create whose answer was lost, by an error or a crash, is known as a job
-- that may exist (state "lost"), and of several processes that want the same job at once one makes it and the others
-- wait for it: processes of a machine with a store in a file, of many hosts with one in a Redis. While such a store is
-- out of reach, each makes its own.
--
-- An intent holds for some seconds (LEASE), and whoever makes the job renews that as long as the create takes. So an
-- intent whose process, host or network died is taken over by who waits, soon after. Hosts agree on the time of day to
-- within some seconds.

local StoreWait = require "finseg.store.wait"
local Callbacks = require "finseg.callback"
local check = require "finseg.value.check"
local core = require "finseg.core"
local stores = require "finseg.store"

local DAY = 86400
--- The service deletes jobs after 14 days (stated); the margin leaves time to read what is found.
local KEEP = 14 * DAY - 6 * 3600
--- Seconds for which an intent holds, unless it is renewed; RENEWALS are tried in that time.
local LEASE, RENEWALS = 15, 3
--- How long to wait for another process's create, and how often to look at first. Seconds.
local PATIENCE, FIRST_LOOK = 120, 0.02

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

local function read_first(path, format)
  local file = io.open(path)
  local value = file and file:read(format)
  if file then
    file:close()
  end
  return value
end

--- When a process began, in ticks since the machine did: no two with the same number did so together. Nil when there is
--- none of that number, or it is not shown.
local function start_of(pid)
  local stat = read_first(("/proc/%s/stat"):format(pid), "*a")
  -- the name, in parentheses, may hold anything; after it come the fields from the third on
  return stat and stat:match("^.*%) " .. ("%S+ "):rep(19) .. "(%d+)")
end

--- Which process numbers mean the same: those of one boot of a machine, below one first process (a container has its
--- own). Nil when that cannot be told.
local function numbering()
  local boot, first = read_first("/proc/sys/kernel/random/boot_id", "*l"), start_of "1"
  return boot and first and boot .. " " .. first
end

--- Which process this is, as others can look it up.
local function this_process()
  return {
    pid = read_first("/proc/self/stat", "*n") or 0,
    start = start_of "self",
    numbering = numbering(),
    host = read_first("/proc/sys/kernel/hostname", "*l") or "",
  }
end

--- The process that wrote an intent; nil when the intent does not say, as when another finseg wrote it.
local function process_of(intent)
  local process = intent.process
  if type(process) ~= "table" or type(process.pid) ~= "number" or type(process.host) ~= "string" then
    return nil
  elseif process.pid % 1 == 0 and process.pid >= 0 and process.pid < 2 ^ 31 then
    return process
  end
end

--- Whether the process that wrote an intent is known to be gone.
local function is_gone(process)
  if not process or not process.start or not process.numbering then
    return false
  end
  return process.numbering == numbering() and process.start ~= start_of(("%d"):format(process.pid))
end

--- Where an intent is renewed. It is done in turns at two keys, so that one is there while the other is put anew.
local function renewal_key(key, intent, turn)
  return ("renewal %s %.4f %d"):format(key, intent.created_at, turn % 2)
end

--- When an intent ends unless it is renewed.
local function end_of(intent)
  return type(intent.ends) == "number" and intent.ends or intent.created_at + LEASE
end

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

--- What an entry has at least; os.date knows no greater time.
local function is_entry(entry)
  return type(entry) == "table"
    and type(entry.kind) == "string"
    and type(entry.created_at) == "number"
    and entry.created_at >= 0
    and entry.created_at < 1e11
    and type(entry.parameters) == "string"
    and type(core.from_json(entry.parameters)) == "table"
end

--- What an entry of a job has besides.
local function is_job(entry)
  return type(entry.jobId) == "string"
end

-- Another finseg, or a hand, may have written something else: that counts as no entry.
---@param text string
---@param of_job boolean?  the entry is one of a job that was made
local function decode(text, of_job)
  local entry = core.from_json(text)
  if is_entry(entry) and (is_job(entry) or not of_job and entry.jobId == nil) then
    return entry
  end
end

--- What names the callback of an entry's job; nil when nothing does. (Whether callbacks come here, a wait finds out.)
local function callback_of(entry)
  local id = entry.callback
  return type(id) == "string" and Callbacks.is_id(id) and id or nil
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
  return text and decode(text, true), err
end

--- Forgets the job of a request, as when the service no longer knows it.
---@return boolean? ok
---@return finseg.Err? err
function Journal:forget(client, kind, parameters)
  local key, about = identify(client, kind, parameters)
  if not key then
    return nil, about
  end
  local deleted, err = self.store:delete("job " .. key)
  if deleted == nil then
    return nil, err
  end
  return true
end

local states = { job = "made", intent = "making", lost = "lost" }

--- What the journal knows, newest first.
---@return finseg.JournalEntry[]? entries
---@return finseg.Err? err
function Journal:list()
  local entries = {}
  for prefix, state in pairs(states) do
    local listed, err = self.store:list(prefix .. " ")
    if not listed then
      return nil, err
    end
    for _, item in ipairs(listed) do
      local entry = decode(item.value, state == "made")
      if entry then
        entry.state = state
        if state == "making" and self:is_over(item.key:sub(#prefix + 2), entry) then
          entry.state = "lost"
        end
        entry.process, entry.ends = nil, nil
        entry.parameters = core.from_json(entry.parameters)
        entries[#entries + 1] = entry
      end
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
    local entry = decode(item.value)
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

--- Whether nobody makes the job of an intent any more. A store that cannot tell leaves it standing.
function Journal:is_over(key, intent)
  if is_gone(process_of(intent)) then
    return true
  elseif core.time() <= end_of(intent) then
    return false
  end
  for turn = 0, 1 do
    local renewed, err = self.store:get(renewal_key(key, intent, turn))
    if renewed or err then
      return false
    end
  end
  return true
end

--- What renews an intent each time that it is called. A store that fails to do so has another chance next time.
---@return function
function Journal:renewer(key, intent_text)
  local store, intent, turn = self.store, decode(intent_text), 0
  return function()
    local renewal = renewal_key(key, intent, turn)
    turn = turn + 1
    pcall(function()
      store:delete(renewal)
      store:put_if_absent(renewal, "", self.lease)
    end)
  end
end

--- Turns an intent into the note that a job may exist.
---@return boolean? taken  false when another process was first
---@return finseg.Err? err
function Journal:give_up(key, intent_text)
  local taken, err = stores.call(self.store, "delete", "intent " .. key, intent_text)
  if not taken then
    return taken, err
  end
  local intent = decode(intent_text)
  if intent then
    intent.process, intent.ends = nil, nil
    local mark = ("lost %s %.6f"):format(key, intent.created_at)
    local put
    put, err = stores.call(self.store, "put_if_absent", mark, core.to_json(intent), KEEP)
    if put == nil then
      return nil, err
    end
  end
  stores.call(self.store, "notify", key)
  return true
end

--- Writes a job down in the place of its intent. A store that raises has failed: the job is there all the same.
function Journal:keep(key, about, intent_text, job)
  local text = encode(about, {
    jobId = job.jobId,
    created_at = rounded(job.created_at or core.time()),
    callback = job.callback,
  })
  local ok, err = stores.call(self.store, "delete", "job " .. key)
  if ok ~= nil then
    ok, err = stores.call(self.store, "put_if_absent", "job " .. key, text, KEEP)
  end
  if ok ~= nil then
    ok, err = stores.call(self.store, "delete", "intent " .. key, intent_text)
  end
  stores.call(self.store, "notify", key)
  return ok ~= nil, err
end

--- Makes the job; its intent stands.
function Journal:make(client, key, about, intent_text, parameters)
  local renew = self:renewer(key, intent_text)
  local job, err = client:create_while(about.kind, parameters, self.lease / RENEWALS, renew)
  if job then
    local kept, problem = self:keep(key, about, intent_text, job)
    if not kept and not is_out_of_reach(problem) then
      return nil, problem, job
    end
    return job, false
  end
  if err.maybe_created then
    self:give_up(key, intent_text)
  else
    stores.call(self.store, "delete", "intent " .. key, intent_text)
    stores.call(self.store, "notify", key)
  end
  return nil, err
end

--- Waits while somebody else makes the job. True when it is worth to look again.
function Journal:wait_for_other(key, intent_text, deadline, store_wait, pause)
  local intent = decode(intent_text)
  if not intent or self:is_over(key, intent) then
    local taken, err = self:give_up(key, intent_text)
    return taken ~= nil, err
  end
  if core.now() >= deadline then
    local seconds = math.floor(core.time() - intent.created_at)
    local process = process_of(intent)
    local who = process and ("process %d on %s"):format(process.pid, process.host) or "another process"
    local message = "%s: %s has been making the same job for %d seconds: try again later, or ask for a fresh one"
    return nil, core.error("timeout", message:format(intent.kind, who, seconds))
  end
  if not self.store.poll_interval then -- it rings when the job is there, but not when its maker dies
    pause = math.max(end_of(intent) - core.time(), self.lease / RENEWALS)
  end
  return store_wait:wait(math.max(math.min(pause, deadline - core.now()), 0))
end

--- The entry that answers a request; nil when there is none that may.
local function usable(text, options)
  local entry = text and not options.fresh and decode(text, true)
  if entry and core.time() - entry.created_at <= (options.within or math.huge) then
    return entry
  end
end

--- Looks for a job that answers the request, or writes the intent to make one; waits while somebody else makes it.
---@return finseg.JournalEntry? entry
---@return string? intent_text
---@return finseg.Err? err  neither
function Journal:claim(key, about, options, store_wait)
  local store = self.store
  local deadline = core.now() + (options.patience or PATIENCE)
  local pause = FIRST_LOOK
  while true do
    local text, err = store:get("job " .. key)
    local entry = usable(text, options)
    if entry or err then
      return entry, nil, err
    end
    local now = core.time()
    local intent_text = encode(about, {
      created_at = rounded(now),
      ends = rounded(now + self.lease),
      process = this_process(),
    })
    local put
    put, err = store:put_if_absent("intent " .. key, intent_text, KEEP)
    if put then
      -- Another process may have made it between the look and the intent.
      if not usable(store:get("job " .. key), options) then
        return nil, intent_text
      end
      put, err = store:delete("intent " .. key, intent_text)
    elseif put == false then
      local other = store:get("intent " .. key)
      if other then
        put, err = self:wait_for_other(key, other, deadline, store_wait, pause)
        pause = math.min(pause * 1.5, store.poll_interval or 0.25)
      end
    end
    if put == nil then
      return nil, nil, err
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
  local entry, intent_text, err = self:claim(key, about, options, store_wait)
  store_wait:stop()
  local job
  if entry then
    job, err = client:job(kind, entry.jobId, { created_at = entry.created_at, callback = callback_of(entry) })
    return job, err or true
  elseif intent_text then
    return self:make(client, key, about, intent_text, parameters)
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
