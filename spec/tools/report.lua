-- busted's output handler of spec/run: the plain one, and it keeps the name of the running test in the file
-- $FINSEG_SPEC_RUNNING, so that a run which hangs or crashes can tell where.

local plain = require "busted.outputHandlers.plainTerminal"

return function(options)
  local busted = require "busted"
  local handler = plain(options)
  local path = assert(os.getenv "FINSEG_SPEC_RUNNING")

  busted.subscribe({ "test", "start" }, function(element)
    local file = assert(io.open(path, "w"))
    file:write(element.trace.short_src, ": ", handler.getFullName(element), "\n")
    file:close()
    return nil, true
  end)

  return handler
end
