-- finseg segment KIND: create, wait, print.

local exit = require "finseg.cli.exit"
local parser = require "finseg.cli.parser"

return function(session)
  local arguments = session.arguments
  local parameters = parser.parameters(arguments, session.kinds)
  session:print_when_ready(function()
    local segment, err, job = session:journal():segment(session:client(), arguments.kind, parameters, {
      fresh = arguments.fresh,
      timeout = arguments.timeout,
      on_job = function(job, reused)
        session:follow(job, reused, parameters)
      end,
    })
    if job and not session.waiting[job] then -- made, and could not be written down
      session:follow(job)
    end
    return exit.assert(segment, err)
  end)
end
