-- Notes in a shared dict: how a notify in one worker of nginx reaches those who watch in the others.
--
-- The notes are a ring. Who notifies takes the next number and writes a note into that number's
-- slot; each worker in which somebody watches reads every note, once. No worker has to be known to the others: one that
-- nginx replaces, one that goes on after a reload, and one that is killed need no care, and the ring never grows.
--
-- ngx_lua cannot wait for another process. So a timer, the reader, looks at the number every few milliseconds; there is
-- one a worker, only while somebody watches, and it goes on in a worker that is about to exit, since who watches there
-- still waits. A notify is a hint: a reader that may have missed a note tells everybody who watches.

local Timer = require "finseg.driver.ngx_timer"
local Watchers = require "finseg.store.watchers"
local core = require "finseg.core"
local log = require "finseg.driver.ngx_log"

--- Notes in the ring, at most, and the bytes of the dict for which there is one. A reader that falls further behind has
--- missed some.
local MOST_SLOTS, FEWEST_SLOTS, BYTES_A_SLOT = 4096, 8, 2048

--- The length of a note. All are as long, so that each is written over the one before, where the dict is full, too.
--- With its key a note takes a quarter of a kilobyte, an eighth of the dict or less in all.
local LENGTH = 128

--- Seconds between two lines of the log about notes that could not be written.
local QUIET = 10

--- Seconds between two looks. They are most of the time that a notify takes, a millisecond in the median, and all that
--- watching costs, 1 to 2 % of a core. With 1 ms it is half of that time, and half as much CPU again.
local REST = 0.002

--- Seconds that a note may stay behind its number; then it counts as missed. Its writer was ended in between, or found
--- the dict full.
local LATEST = 0.02

--- The number of the last note, and its text: number, writer, the length of the key, key. A key that is too long for a
--- note is left out, with the length -1: there is news of something.
local NUMBER, SLOT, NOTE = "finseg:notes", "finseg:note:%d", "%016.0f %s %d %s"

---@class finseg.DictNotes
---@field name string  of the dict
---@field dict table  of nginx
---@field slots integer
---@field complained_at number  when the log was told last that a note could not be written
---@field watchers finseg.Watchers  those of this worker
---@field id string  which object of a process writes: with lua_code_cache off each request has its own
---@field read number  the last note that this worker has read
---@field late number?  the number whose note is not there yet
---@field late_since number
---@field timer finseg.ngx.Timer  in which this worker reads
---@field refused boolean?  nginx has refused it, and the log says so
local DictNotes = {}
DictNotes.__index = DictNotes

---@type table<string, finseg.DictNotes>
local instances = {}

local function slots_of(dict)
  return math.max(math.min(math.floor(dict:capacity() / BYTES_A_SLOT), MOST_SLOTS), FEWEST_SLOTS)
end

--- Takes the room for all notes, before anything else fills the dict.
local function reserve(dict)
  local blank = (" "):rep(LENGTH)
  for slot = 0, slots_of(dict) - 1 do
    dict:safe_add(SLOT:format(slot), blank)
  end
end

--- Numbers begin so that those of an emptied dict are far above what a reader has read before.
---@return boolean? ok
---@return string? problem  of the dict's
local function begin_numbers(dict)
  ngx.update_time()
  local begun, problem = dict:safe_add(NUMBER, math.floor(ngx.now() * 1000) * 1000)
  if begun then
    reserve(dict)
  end
  return begun or problem == "exists", problem
end

--- The notes in that dict, for this worker.
---@param name string  of the dict
---@param dict table
---@return finseg.DictNotes? notes
---@return string|finseg.Err? problem  the dict's as text
function DictNotes.of(name, dict)
  local begun, problem = begin_numbers(dict)
  if not begun then
    return nil, problem
  end
  if not instances[name] then
    local id, err = core.secret_text()
    if not id then
      return nil, err
    end
    instances[name] = setmetatable({
      name = name,
      dict = dict,
      slots = slots_of(dict),
      watchers = Watchers.new(),
      id = id,
      timer = Timer.new(),
      read = 0,
      complained_at = -math.huge,
    }, DictNotes)
  end
  return instances[name]
end

--- Who writes, as its notes say it. The pid, too: an object that was made in init_by_lua is copied into each worker.
function DictNotes:writer()
  return ("%d.%s"):format(ngx.worker.pid(), self.id)
end

local function take_number(dict)
  local number = dict:incr(NUMBER, 1)
  if number then
    return number
  end
  -- the dict was emptied
  local begun, problem = begin_numbers(dict)
  if not begun then
    return nil, problem
  end
  return dict:incr(NUMBER, 1)
end

--- Calls a method of the watchers. What they raise is no concern of who notifies.
local function tell(watchers, method, ...)
  local ok, problem = pcall(watchers[method], watchers, ...)
  if not ok then
    log(ngx.ERR, "who watches a store failed: " .. tostring(problem))
  end
end

--- The text of a note.
function DictNotes:note(number, key)
  local writer = self:writer()
  local note = NOTE:format(number, writer, #key, key)
  if #note > LENGTH then
    note = NOTE:format(number, writer, -1, "")
  end
  return note .. (" "):rep(LENGTH - #note)
end

--- Says that a note could not be written, now and then.
function DictNotes:complain(problem)
  if core.now() - self.complained_at > QUIET then
    self.complained_at = core.now()
    local message = "the shared dict %s takes no note (%s): waits in other workers hear of callbacks late"
    log(ngx.WARN, message:format(self.name, problem))
  end
end

--- Writes a note for the other workers, and tells those who watch in this one.
---@param key string
---@return boolean? ok
---@return string? problem  of the dict's; those of this worker are told all the same
function DictNotes:notify(key)
  local number, problem = take_number(self.dict)
  if number then
    number, problem = self.dict:safe_set(SLOT:format(number % self.slots), self:note(number, key))
  end
  tell(self.watchers, "notify", key)
  if not number then
    self:complain(problem)
    return nil, problem
  end
  return true
end

--- There may be news of anything: notes up to that number were missed. Some may never have been written, as when the
--- dict is full; so whoever waits is to ask elsewhere, too.
function DictNotes:catch_up(number)
  self.read = number
  tell(self.watchers, "tell_all", "deaf")
  tell(self.watchers, "tell_all", "hearing")
end

--- Whether the note of that number, which is not there, will not come either.
function DictNotes:is_lost(number)
  if self.late ~= number then
    self.late, self.late_since = number, core.now()
  end
  return core.now() - self.late_since > LATEST
end

--- Reads the note of that number. False when it is not there yet.
function DictNotes:read_note(number, newest)
  local note = self.dict:get(SLOT:format(number % self.slots))
  local found, writer, length, text = (note or ""):match "^(%d+) (%S+) (%-?%d+) (.*)$"
  found = tonumber(found) or 0
  if found > number then
    self:catch_up(newest)
  elseif found == number then
    self.read = number
    if writer == self:writer() then
      return true
    elseif length == "-1" then
      self:catch_up(number)
    else
      tell(self.watchers, "notify", text:sub(1, tonumber(length)))
    end
  elseif self:is_lost(number) then
    self:catch_up(number)
  else
    return false
  end
  return true
end

--- Reads the notes that are new.
function DictNotes:look()
  local newest = self.dict:get(NUMBER)
  if not newest then
    return -- the dict was emptied
  elseif newest - self.read > self.slots then
    self:catch_up(newest)
  end
  while self.read < newest and self:read_note(self.read + 1, newest) do
  end
end

--- Reads the notes while somebody watches.
function DictNotes:read_on()
  while not self.watchers:is_empty() do
    self:look()
    ngx.sleep(REST)
  end
end

--- Sees to it that this worker reads. When nginx refuses or drops the timer, it is asked for again at the next watch.
function DictNotes:see_to_reader()
  local state, problem = self.timer:start(self.read_on, self)
  if state ~= "refused" then
    self.refused = nil
  elseif not self.refused then
    self.refused = true
    ngx.log(
      ngx.ERR,
      ("finseg: nginx has no timer for the notes of other workers (%s): waits hear of callbacks late"):format(problem)
    )
  end
end

--- Calls f() at each notify of the key in any worker, until the function that this answers is called.
---@param key string
---@param f function
---@return function stop
function DictNotes:watch(key, f)
  if self.watchers:is_empty() then
    self.read = self.dict:get(NUMBER) or 0
  end
  local stop = self.watchers:watch(key, f)
  self:see_to_reader()
  return stop
end

return DictNotes
