-- finseg wait KIND JOBID: until a job is ready.

local Progress = require "finseg.cli.progress"
local format = require "finseg.cli.format"
local wait_for_job = require "finseg.cli.find_job"

return function(session)
  local progress = Progress.new()
  progress:event { name = "plan", requests = { 1 } }
  local segment = progress:during(function()
    return wait_for_job(session)
  end)
  session.waiting = {}
  format.print_one(session.arguments, {
    kind = segment.job.kind,
    jobId = segment.job.jobId,
    state = segment.job:state(),
    creationDate = segment.creationDate,
    users = segment.totalElements,
  }, { "kind", "jobId", "state", "creationDate", "users" })
  session:note_empty(segment.totalElements)
end
