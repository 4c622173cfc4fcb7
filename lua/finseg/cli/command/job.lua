-- What wait and get share: a job that was made before, here or elsewhere.

local exit = require "finseg.cli.exit"

--- When the journal knows the job, since when it is there: then one that is gone can be told to have expired.
local function created_at(session)
  local arguments = session.arguments
  for _, entry in ipairs(exit.assert(session:journal():list())) do
    if entry.jobId == arguments.job_id and entry.kind == arguments.kind then
      return entry.created_at
    end
  end
end

--- Waits for the job that the arguments name.
return function(session)
  local arguments = session.arguments
  local job = exit.assert(session:client():job(arguments.kind, arguments.job_id, { created_at = created_at(session) }))
  session.waiting[job] = true
  if arguments.timeout == 0 then
    return exit.assert(job:poll())
  end
  return exit.assert(job:wait { timeout = arguments.timeout })
end
