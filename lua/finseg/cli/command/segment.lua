-- finseg segment KIND: create, wait, print.

local exit = require "finseg.cli.exit"
local parser = require "finseg.cli.parser"

return function(session)
  local arguments = session.arguments
  local parameters = parser.parameters(arguments, session.kinds)
  session:print_when_ready(function(progress)
    local followed
    local segment, err, made = session:journal():segment(session:client(), arguments.kind, parameters, {
      fresh = arguments.fresh,
      timeout = arguments.timeout,
      on_job = function(job, reused)
        session:follow(job, followed)
        followed = job
        if not reused then
          progress:clear()
          session:note_lost(job, parameters)
        end
      end,
    })
    if made and made ~= followed then -- and could not be written down
      session:follow(made, followed)
    end
    return exit.assert(segment, err)
  end)
end
