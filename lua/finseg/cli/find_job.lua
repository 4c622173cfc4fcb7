-- What wait and get share: a job that was made before, here or elsewhere.

local exit = require "finseg.cli.exit"

--- The journal's entry of the job that the arguments name.
---@return finseg.JournalEntry?
local function find_entry(session)
  local arguments = session.arguments
  for _, entry in ipairs(exit.assert(session:journal():list())) do
    if entry.jobId == arguments.job_id and entry.kind == arguments.kind then
      return entry
    end
  end
end

--- Forgets a job that is gone, so that an equal create makes another one instead of answering with it.
local function forget(session, entry)
  local journal, client = session:journal(), session:client()
  local current = journal:find(client, entry.kind, entry.parameters)
  if current and current.jobId == entry.jobId then
    journal:forget(client, entry.kind, entry.parameters)
  end
end

local function ask(job, timeout)
  if timeout == 0 then
    return job:poll()
  end
  return job:wait { timeout = timeout }
end

--- Waits for the job that the arguments name.
return function(session)
  local arguments = session.arguments
  local entry = find_entry(session)
  -- Since when it is there tells an old one apart, which has expired.
  local created_at = entry and entry.created_at
  local job = exit.assert(session:client():job(arguments.kind, arguments.job_id, { created_at = created_at }))
  session:follow(job)
  if arguments.timeout == 0 then
    session.waiting[job] = math.huge -- one look is no wait
  end
  local segment, err = ask(job, arguments.timeout)
  if entry and not segment and exit.code_of(err) == exit.GONE then
    forget(session, entry)
  end
  return exit.assert(segment, err)
end
