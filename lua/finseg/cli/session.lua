-- What a command works with: the client, the journal, the jobs it waits for.

local core = require "finseg.core"
local credentials = require "finseg.cli.credentials"
local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local format = require "finseg.cli.format"
local histogram = require "finseg.cli.histogram"
local output = require "finseg.cli.output"
local paths = require "finseg.cli.paths"
local Progress = require "finseg.cli.progress"

---@class finseg.cli.Session
---@field arguments table  what the command line said
---@field kinds table[]  the segment kinds
---@field definitions table?  those of the user
---@field waiting table<finseg.Job, number>  jobs that are not read to their end yet, and since when each is waited for
local Session = {}
Session.__index = Session

function Session.new(arguments, kinds, definitions)
  return setmetatable({ arguments = arguments, kinds = kinds, definitions = definitions, waiting = {} }, Session)
end

function Session:config()
  local config = credentials.read(self.arguments.credentials)
  config.base_url = self.arguments.base_url or config.base_url
  config.kinds = self.definitions
  config.poll = { first = 0.1 }
  return config
end

--- The client; made at the first use.
function Session:client()
  self._client = self._client or exit.assert(finseg.new(self:config()))
  return self._client
end

--- The client when it only plans: nobody's, when there are no credentials.
---@return finseg.Client client
---@return boolean is_somebody
function Session:planning_client()
  local config = self:config()
  local is_somebody = credentials.has_identity(config)
  if not is_somebody then
    config.access_token = "none"
  end
  self._client = exit.assert(finseg.new(config))
  return self._client, is_somebody
end

--- The store of jobs; opened at the first use.
function Session:store()
  if not self._store then
    self._store = exit.assert(finseg.store.open("file", self.arguments.store or paths.store()))
  end
  return self._store
end

function Session:journal()
  return finseg.journal.new(self:store())
end

function Session:close()
  if self._client then
    self._client:close()
  end
  if self._store then
    self._store:close()
  end
end

--- A word as a shell reads it.
local function quote(word)
  if word:find "^[%w_@%%+=:,./-]+$" then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- The options that say which service, as whom, and which journal.
local connection = { { "--base-url", "base_url" }, { "--credentials", "credentials" }, { "--store", "store" } }

--- The command that picks a job up.
---@param job finseg.Job
---@return string
function Session:command_for(job)
  local words = { "finseg get", job.kind, quote(job.jobId) }
  for _, option in ipairs(connection) do
    local value = self.arguments[option[2]]
    if value then
      words[#words + 1] = option[1] .. " " .. quote(value)
    end
  end
  return table.concat(words, " ")
end

local has_ended = { failed = true, expired = true }

--- How to pick up the jobs that were waited for, as commands.
---@return string[]
function Session:how_to_go_on()
  local commands = {}
  for job in pairs(self.waiting) do
    if not has_ended[job:state()] then
      commands[#commands + 1] = self:command_for(job)
    end
  end
  table.sort(commands)
  return commands
end

--- Remembers a job that is waited for from now on.
---@param job finseg.Job
---@param instead finseg.Job?  the one that it takes the place of
function Session:follow(job, instead)
  if instead then
    self.waiting[instead] = nil
  end
  self.waiting[job] = core.now()
end

--- A job that was just made may have a twin: says so when the answer to an equal create was lost before.
---@param job finseg.Job
---@param parameters table  it was made with
function Session:note_lost(job, parameters)
  for _, entry in ipairs(exit.assert(self:journal():list_lost(self:client(), job.kind, parameters))) do
    output.note(
      "finseg: the answer to an equal create was lost on %s: its job may exist besides this one (finseg jobs lists it)",
      os.date("%Y-%m-%d at %H:%M:%S", math.floor(entry.created_at))
    )
  end
end

--- Seconds that a wait takes when it is not told otherwise.
local DEFAULT_TIMEOUT = 3600

local is_awaited = { created = true, pending = true }

--- The exit code for an err. A timeout is that of a wait when a job is not ready and its time is over; else it is that
--- of a request, or of a store.
---@param err finseg.Err
---@return integer
function Session:code_of(err)
  if err.kind == "timeout" then
    local timeout = self.arguments.timeout or DEFAULT_TIMEOUT
    for job, began in pairs(self.waiting) do
      if is_awaited[job:state()] and core.now() - began >= timeout then
        return exit.NOT_READY
      end
    end
  end
  return exit.code_of(err)
end

--- Options of rules.
function Session:options(progress)
  local arguments, job_of = self.arguments, {}
  return {
    store = self:store(),
    fresh = arguments.fresh or false,
    timeout = arguments.timeout,
    keep_bytes = arguments.memory and arguments.memory * 2 ^ 20,
    progress = function(event)
      if event.name == "job" then
        self:follow(event.job, job_of[event.request])
        job_of[event.request] = event.job
        if event.reused == false then
          progress:clear()
          self:note_lost(event.job, event.request.parameters)
        end
      elseif event.name == "read" and event.request.job then
        self.waiting[event.request.job] = nil
      end
      progress:event(event)
    end,
  }
end

local CAUSES = [[
No user was found. The usual causes: the account has no users yet, none of them has imported a bank account, the data
are stale (update the accounts), or the threshold or the time asked for leaves nobody.]]

--- Says what an empty result usually means.
function Session:note_empty(count)
  if count == 0 and self.arguments.limit ~= 0 then
    output.note(CAUSES)
  end
end

local function amounts_of(segment)
  local amounts = {}
  for _, amount in segment:amounts() do
    amounts[#amounts + 1] = tonumber(amount)
  end
  return amounts
end

--- Prints the users of a page up to a limit; answers how many.
local function print_page(page, writer, limit)
  local printed = 0
  for position = 1, math.min(page:user_count(), limit) do
    writer.add(page:user_text(position))
    printed = printed + 1
  end
  return printed
end

--- Prints a segment as the arguments ask for it.
function Session:print_segment(segment, progress)
  local arguments = self.arguments
  if arguments.histogram then
    local amounts = amounts_of(segment)
    progress:clear()
    if histogram.is_drawn(arguments) then
      histogram.draw(nil, amounts)
    else
      format.print_text(arguments, histogram.json(nil, amounts))
    end
    self:note_empty(#amounts)
    return
  end
  local left = arguments.limit or math.huge
  local writer = format.new(format.name(arguments))
  if output.is_terminal() then
    progress:stop()
  end
  local count = 0
  local next_page, abandon = segment:open_pages()
  local page, err = next_page()
  while page do
    count = count + page:user_count()
    progress:event { name = "page", users = page:user_count() }
    left = left - print_page(page, writer, left)
    if left <= 0 then
      abandon()
      break
    end
    page, err = next_page()
  end
  if err then
    error(err, 0)
  end
  writer.finish()
  output.flush()
  progress:clear()
  self:note_empty(count)
end

--- Prints the users of a job once it is ready.
---@param open fun(progress: table): finseg.Segment  waits for the job
function Session:print_when_ready(open)
  local progress = Progress.new()
  progress:event { name = "plan", requests = { 1 } }
  progress:during(function()
    local segment = open(progress)
    progress:event { name = "ready", users = segment.totalElements }
    self:print_segment(segment, progress)
    self.waiting = {}
  end)
end

return Session
