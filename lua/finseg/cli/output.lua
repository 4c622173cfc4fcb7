-- Standard output: written piece by piece, and a failure to write is never overlooked.

local exit = require "finseg.cli.exit"
local system = require "finseg.cli.system"

local output = {}

--- Raised when whoever read the output has gone away; the program then ends without a word, as under SIGPIPE.
output.BROKEN_PIPE = {}

local function check(ok, reason)
  if ok then
    return
  end
  if reason and reason:find "[Bb]roken pipe" then
    error(output.BROKEN_PIPE, 0)
  end
  exit.stop("the output cannot be written (%s)", reason or "no reason given")
end

function output.write(...)
  check(io.stdout:write(...))
end

function output.flush()
  check(io.stdout:flush())
end

function output.is_terminal()
  return system.is_terminal(1)
end

--- The width of the terminal in characters.
function output.columns()
  return system.columns(1) or tonumber(os.getenv "COLUMNS") or 80
end

--- A line on stderr.
function output.note(text, ...)
  io.stderr:write(select("#", ...) > 0 and text:format(...) or text, "\n")
end

return output
