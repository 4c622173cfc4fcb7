-- finseg get KIND JOBID: the users of a job.

local wait_for_job = require "finseg.cli.find_job"

return function(session)
  session:print_when_ready(function()
    return wait_for_job(session)
  end)
end
