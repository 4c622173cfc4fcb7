-- finseg segment KIND: create, wait, print.

local exit = require "finseg.cli.exit"
local parser = require "finseg.cli.parser"

return function(session)
  local arguments = session.arguments
  local parameters = parser.parameters(arguments, session.kinds)
  session:print_when_ready(function()
    return exit.assert(session:journal():segment(session:client(), arguments.kind, parameters, {
      fresh = arguments.fresh,
      timeout = arguments.timeout,
      on_job = function(job)
        session.waiting[job] = true
      end,
    }))
  end)
end
