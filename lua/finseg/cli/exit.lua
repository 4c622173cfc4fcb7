-- How the program ends: its exit codes, and which kind of err leads to which.

local core = require "finseg.core"

local exit = {
  FINE = 0,
  FAILED = 1, -- anything that has no code of its own
  USAGE = 2, -- the command, a parameter or a rule is wrong
  CONFIG = 3, -- configuration or credentials are missing or refused
  NOT_READY = 4, -- a wait ended before the job was ready; the job lives on
  SERVICE = 5, -- the service cannot be reached or is not well, or a store is locked: later
  GONE = 6, -- the job is not there any more, or failed
  INTERRUPTED = 130, -- Ctrl-C
}

local codes = {
  invalid = exit.USAGE,
  config = exit.CONFIG,
  auth = exit.CONFIG,
  timeout = exit.SERVICE, -- of a request, or of a store; that of a wait is told apart in finseg.cli.session
  pending = exit.NOT_READY,
  rate_limited = exit.SERVICE,
  server = exit.SERVICE,
  network = exit.SERVICE,
  tls = exit.SERVICE,
  not_found = exit.GONE,
  expired = exit.GONE,
  failed = exit.GONE,
  resource = exit.FAILED,
}

--- The code for an err.
---@param err finseg.Err
---@return integer
function exit.code_of(err)
  return codes[err.kind] or exit.FAILED
end

--- Ends the command with an err of a kind, to be told to the user.
function exit.fail(kind, message, ...)
  error(core.error(kind, message:format(...)), 0)
end

--- Ends the command with a message that has no kind of its own.
function exit.stop(message, ...)
  error({ message = message:format(...) }, 0)
end

--- Answers what it was given, unless that is nil and an err: then ends the command with it.
function exit.assert(value, err, ...)
  if value == nil or value == false then
    error(err, 0)
  end
  return value, err, ...
end

exit.help = [[
exit codes:
  0    all is well (an empty result too)
  1    something failed that has no code of its own, or this machine ran out of memory or file descriptors
  2    the command, a parameter or a rule is wrong
  3    configuration or credentials are missing or refused
  4    the wait is over and the job is not ready yet; it lives on and can be picked up
  5    the service cannot be reached, is slow or not well, or the journal is locked: try later
  6    the job is gone (expired, not found) or failed
  130  stopped by Ctrl-C; the jobs live on]]

return exit
