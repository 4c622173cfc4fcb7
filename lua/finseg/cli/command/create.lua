-- finseg create KIND: a job, without waiting.

local exit = require "finseg.cli.exit"
local format = require "finseg.cli.format"
local output = require "finseg.cli.output"
local parser = require "finseg.cli.parser"

return function(session)
  local arguments = session.arguments
  local parameters = parser.parameters(arguments, session.kinds)
  local job, reused, made =
    session:journal():obtain(session:client(), arguments.kind, parameters, { fresh = arguments.fresh })
  if made then
    session:follow(made)
  end
  exit.assert(job, reused)
  if not reused then
    session:note_lost(job, parameters)
  end
  format.print_one(
    arguments,
    { kind = job.kind, jobId = job.jobId, created_at = job.created_at, reused = reused },
    { "kind", "jobId", "reused" }
  )
  if output.is_terminal() then
    output.note("%s  prints its users", session:command_for(job))
  end
end
