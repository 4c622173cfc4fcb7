--- The command line: finseg kinds, create, wait, get, segment, jobs, rule, diff, sandbox. `finseg --help` tells more.
---
---     os.exit(require("finseg.cli").main(arg), true)

local Session = require "finseg.cli.session"
local exit = require "finseg.cli.exit"
local guard = require "finseg.rule.guard"
local kinds = require "finseg.cli.kinds"
local output = require "finseg.cli.output"
local system = require "finseg.cli.system"

local cli = {}

local function run(words, keep_session)
  if words[1] == "sandbox" then
    require "finseg.cli.command.sandbox" { (table.unpack or unpack)(words, 2) }
  end
  local definitions = kinds.definitions()
  local list = kinds.list(definitions)
  local arguments = require("finseg.cli.parser").parse(words, list)
  local session = Session.new(arguments, list, definitions)
  keep_session(session)
  require("finseg.cli.command." .. arguments.command)(session)
  output.flush()
  session:close()
end

--- Ctrl-C reaches Lua as an error, wherever the program is (see finseg.cli.system).
local function is_interrupt(problem)
  return type(problem) == "string" and problem:find("interrupted!", 1, true) ~= nil
end

local function list_commands(session, text)
  local commands = session and session:how_to_go_on() or {}
  if #commands > 0 then
    output.note("finseg: " .. text)
    for _, command in ipairs(commands) do
      output.note("  %s", command)
    end
  end
  return #commands > 0
end

local function report_err(err, session)
  output.note("finseg: %s", err.message)
  if err.maybe_created then
    output.note "finseg: the job may exist all the same: finseg jobs lists it as lost, the same command makes another"
  end
  local code = session and session:code_of(err) or exit.code_of(err)
  if code ~= exit.GONE then
    list_commands(session, "pick the job up with")
  end
  return code
end

local function report(problem, session)
  if problem == output.BROKEN_PIPE then
    return exit.FINE
  elseif is_interrupt(problem) then
    system.interrupt_obeyed()
    output.note "finseg: stopped"
    if not list_commands(session, "what was asked for goes on at the service; pick it up with") and session then
      output.note "finseg: the same command goes on with the jobs that were made; finseg jobs lists them"
    end
    return exit.INTERRUPTED
  elseif type(problem) == "table" and problem.usage then
    output.note("%s\n\nfinseg: %s", problem.usage, problem.message)
    return exit.USAGE
  elseif type(problem) == "table" and problem.message then
    return report_err(problem, session)
  end
  output.note("finseg: a mistake in finseg itself, please report it: %s", tostring(problem))
  return exit.FAILED
end

--- Runs a command and answers the exit code.
---@param words string[]  the words after the program's name
---@return integer
function cli.main(words)
  local session
  system.catch_interrupts()
  guard.at_looks(system.raise_if_interrupted)
  local ok, problem = pcall(run, words, function(made)
    session = made
  end)
  if ok then
    return exit.FINE
  end
  local code = report(problem, session)
  if session then
    pcall(session.close, session)
  end
  return code
end

return cli
