-- The words of the command line: what may be said, and the help that teaches it.

local argparse = require "argparse"
local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local kinds = require "finseg.cli.kinds"

local parser = {}

--- Where a parameter of a kind lands in the parsed arguments, apart from the options of the command line.
local function target_of(parameter)
  return "parameter " .. parameter.name
end

local function add_output(command, formats)
  command
    :option("--format", "How to print: a table on a terminal, else one JSON object a line (ndjson).")
    :choices(formats or { "table", "csv", "ndjson", "json" })
  command:flag("--json", "The same as --format json: one JSON document."):target "json"
end

local function add_connection(command)
  command:option("--base-url", "Where the API is (default: FINSEG_BASE_URL)."):argname "<url>"
  command
    :option("--credentials", "A file of lines FINSEG_CLIENT_ID=..., mode 0600; it wins over the environment.")
    :argname "<file>"
  command:option("--store", "The journal of jobs (default: finseg/store.db in $XDG_STATE_HOME)."):argname "<file>"
end

--- A number of an option from 0 on; what it is not is told with the option's name, and before anything is asked for.
local function number(option, is_whole)
  return function(word)
    local value = tonumber(word)
    if value and value >= 0 and value < math.huge and (not is_whole or value == math.floor(value)) then
      return value
    end
    return nil, ("%s: a %snumber from 0 on expected, not '%s'"):format(option, is_whole and "whole " or "", word)
  end
end

local function add_timeout(command)
  command
    :option("--timeout", "Seconds to wait for a job, 3600 unless given; the job lives on.")
    :argname("<seconds>")
    :convert(number "--timeout")
end

local function add_fresh(command)
  command:flag("--fresh", "Make a new job even when an equal one of the last 14 days is there.")
end

local function add_reading(command)
  command:option("--limit", "Print this many users at most."):argname("<count>"):convert(number("--limit", true))
  command:flag("--histogram", "Draw the amounts as bars instead of listing users.")
end

--- Options that every kind's command has, which a kind's own parameter must not hide.
local function add_parameters(command, kind)
  for _, parameter in ipairs(kinds.parameters(kind)) do
    local name = kinds.kebab_case(parameter.name)
    if parser.reserved[name] then
      name = "parameter-" .. name
    end
    local words = kinds.describe(parameter) .. "."
    if parameter.type == "flag" then
      command:flag("--" .. name, "true when given."):target(target_of(parameter))
    else
      command
        :option("--" .. name, words)
        :target(target_of(parameter))
        :argname(
          "<" .. (parameter.type == "amount" and "amount" or parameter.type == "integer" and "number" or "text") .. ">"
        )
        :count(parameter.required and 1 or "?")
        :convert(function(word)
          return kinds.convert(parameter, word)
        end)
    end
  end
end

parser.reserved = {}
for _, name in ipairs {
  "help",
  "format",
  "json",
  "base-url",
  "credentials",
  "store",
  "timeout",
  "fresh",
  "limit",
  "histogram",
} do
  parser.reserved[name] = true
end

local example_values =
  { amount = "5000", integer = "3", texts = "SALARY,RENT", url = "https://example.org/ready", text = "TEXT" }

local function example_of(kind)
  local words = { kind.name }
  for _, parameter in ipairs(kind.parameters) do
    if parameter.required and parameter.type ~= "flag" then
      local value = parameter.values and parameter.values[1] or example_values[parameter.type]
      words[#words + 1] = ("--%s %s"):format(kinds.kebab_case(parameter.name), value)
    end
  end
  return table.concat(words, " ")
end

--- One command a kind below a command, so that each has its own help and checks.
local function add_kinds(command, list, name, add_options)
  command:command_target "kind"
  command:require_command(true)
  for _, kind in ipairs(list) do
    local of_kind = command:command(kind.name)
    local needed = {}
    for _, parameter in ipairs(kind.parameters) do
      if parameter.required then
        needed[#needed + 1] = "--" .. kinds.kebab_case(parameter.name)
      end
    end
    of_kind:summary(#needed > 0 and "needs " .. table.concat(needed, ", ") or "")
    of_kind:epilog(("example:\n  finseg %s %s"):format(name, example_of(kind)))
    add_parameters(of_kind, kind)
    add_options(of_kind)
  end
end

local function add_job(command)
  command:argument("kind", "The kind of the job, highBalance."):argname "KIND"
  command:argument("job_id", "The jobId that create printed, or finseg jobs lists."):argname "JOBID"
end

local add = {}

function add.kinds(root)
  local command = root:command("kinds", "List the segment kinds and their parameters.")
  add_output(command)
  command:epilog [[
Kinds of your own, in a file that $FINSEG_KINDS names, or finseg/kinds.json in $XDG_CONFIG_HOME:
  {"dormant": {"parameters": {"durationInMonth": {"type": "integer", "required": true}}}}
then: finseg segment dormant --duration-in-month 6

examples:
  finseg kinds
  finseg kinds --json]]
end

function add.create(root, list)
  local command = root:command("create", "Create a segment and print its jobId, without waiting.")
  add_kinds(command, list, "create", function(of_kind)
    add_output(of_kind)
    add_connection(of_kind)
    add_fresh(of_kind)
  end)
  command:epilog [[
An equal job of the last 14 days answers instead, unless --fresh is given.

examples:
  finseg create highBalance --threshold 5000 --account-type checking
  finseg create lowBalance --threshold -100 --duration-in-month 3 --json]]
end

function add.wait(root)
  local command = root:command("wait", "Wait until a job is ready.")
  add_job(command)
  add_output(command)
  add_connection(command)
  add_timeout(command)
  command:epilog [[
examples:
  finseg wait highBalance 4711
  finseg wait highBalance 4711 --timeout 60 || echo "not ready: exit code 4"]]
end

function add.get(root)
  local command = root:command("get", "Wait for a job and print its users.")
  add_job(command)
  add_output(command)
  add_connection(command)
  add_timeout(command)
  add_reading(command)
  command:epilog [[
examples:
  finseg get highBalance 4711
  finseg get highBalance 4711 --format csv > rich.csv
  finseg get highBalance 4711 --timeout 0   (one look, exit code 4 when it is not ready)]]
end

function add.segment(root, list)
  local command = root:command("segment", "Create a segment, wait for it and print its users.")
  add_kinds(command, list, "segment", function(of_kind)
    add_output(of_kind)
    add_connection(of_kind)
    add_timeout(of_kind)
    add_fresh(of_kind)
    add_reading(of_kind)
  end)
  command:epilog [[
examples:
  finseg segment highBalance --threshold 5000 --account-type checking
  finseg segment lowBalance --threshold -100 --duration-in-month 3 --histogram
  finseg segment highBalance --threshold 10000 | jq -r .userId
  finseg segment highBalance --help]]
end

function add.jobs(root)
  local command = root:command("jobs", "List the jobs that the journal knows, newest first.")
  add_output(command)
  command:option("--store", "The journal of jobs."):argname "<file>"
  command:epilog [[
A job is "made" (it can be picked up), "making" (some process is at it) or "lost" (its answer never came: it may exist).

examples:
  finseg jobs
  finseg jobs --format ndjson | jq -r 'select(.state == "made") | .jobId']]
end

local function add_rule_file(command)
  command:argument("file", "The rule, a Lua file."):argname "FILE"
  add_connection(command)
  add_fresh(command)
  add_timeout(command)
end

local function add_memory(command)
  command
    :option("--memory", "MiB of pages to keep, 64 unless given; segments beyond are read twice when looked at.")
    :argname("<mib>")
    :convert(number "--memory")
end

function add.rule(root)
  local command = root:command("rule", "Run, explain or watch a segment rule.")
  command:command_target "verb"
  command:require_command(true)

  local run = command:command("run", "Run a rule and print its users.")
  add_rule_file(run)
  add_output(run)
  add_reading(run)
  add_memory(run)
  run:option("--keep", "Keep the result under this name, for finseg diff."):argname "<name>"
  run:flag("--steps", "Tell on stderr how many users came out of each step.")
  run:epilog [[
examples:
  finseg rule run overdraft.lua
  finseg rule run overdraft.lua --keep monday
  finseg rule run overdraft.lua --steps --limit 10]]

  local explain =
    command:command("explain", "Show what running a rule would do; asks nobody, and needs no credentials.")
  add_rule_file(explain)
  add_output(explain, { "table", "ndjson", "json" })
  explain:epilog "example:\n  finseg rule explain overdraft.lua"

  local watch = command:command("watch", "Run a rule again whenever its file is saved.")
  add_rule_file(watch)
  add_memory(watch)
  watch:flag("--json", "One JSON object a run.")
  watch
    :option("--sample", "Users to show of each run.")
    :argname("<count>")
    :convert(number("--sample", true))
    :default "5"
  watch:epilog [[
Jobs are reused, so a change answers at once. Ctrl-C ends it.

example:
  finseg rule watch overdraft.lua]]

  command:epilog [[
A rule, overdraft.lua:
  local stressed = segment.lowBalance { accountType = "checking", threshold = -100, durationInMonth = 3 }
  local saver = segment.highBalance { accountType = "savings", threshold = 10000 }
  return stressed - saver
a + b: in either; a * b: in both; a - b: in a and not in b; also :where(f), :top(n, f), :named(name).

examples:
  finseg rule watch overdraft.lua
  finseg rule run overdraft.lua --format csv > users.csv]]
end

function add.diff(root)
  local command = root:command("diff", "Compare two results that were kept: who entered, who left, whose amount moved.")
  command:argument("before", "The name of the first result."):argname "BEFORE"
  command:argument("after", "The name of the second result."):argname "AFTER"
  add_output(command)
  command:flag("--summary", "Print the counts alone.")
  command:epilog [[
examples:
  finseg rule run overdraft.lua --keep monday
  finseg rule run overdraft.lua --keep tuesday --fresh
  finseg diff monday tuesday]]
end

function add.sandbox(root)
  root
    :command("sandbox", "Start finseg-sandbox, a local service to try things with; all words go to it.")
    :handle_options(false)
    :add_help(false)
    :epilog("example:\n  finseg sandbox --port 8080 --users 1000 --client-id me --client-secret mine")
    :argument("words")
    :args "*"
end

local epilog = [[
Credentials come from the environment (FINSEG_CLIENT_ID, FINSEG_CLIENT_SECRET, FINSEG_BASE_URL, ...) or from a file of
such lines, mode 0600: finseg/credentials in $XDG_CONFIG_HOME. Each command has a --help of its own.

examples:
  finseg segment highBalance --threshold 5000 --account-type checking
  finseg rule watch overdraft.lua

]]

--- "--threshold -100" says a number, and not the options -1, -0, -0.
local function join_negative_numbers(words)
  local joined = {}
  for _, word in ipairs(words) do
    local last = joined[#joined]
    if word:match "^%-%.?%d" and last and last:match "^%-%-[%w-]+$" then
      joined[#joined] = last .. "=" .. word
    else
      joined[#joined + 1] = word
    end
  end
  return joined
end

local order = { "kinds", "create", "wait", "get", "segment", "jobs", "rule", "diff", "sandbox" }

--- Reads the words. Raises { usage =, message = } when they say nothing that is known.
---@param words string[]
---@param list table[]  the kinds
---@return table arguments
function parser.parse(words, list)
  local root = argparse("finseg", "Segments of a bank's users by financial criteria, from the command line.")
  root:epilog(epilog .. exit.help)
  root:command_target "command"
  root:require_command(true)
  root:help_max_width(100)
  root:flag("--version", "Print the version."):action(function()
    print(finseg._VERSION)
    os.exit(exit.FINE, true)
  end)
  for _, name in ipairs(order) do
    add[name](root, list)
  end
  function root.error(command, message)
    error({ usage = command:get_usage(), message = message }, 0)
  end
  return root:parse(join_negative_numbers(words))
end

--- The parameters of the segment that the arguments ask for.
---@param arguments table
---@param list table[]
---@return table<string, any>
function parser.parameters(arguments, list)
  local parameters = {}
  for _, kind in ipairs(list) do
    if kind.name == arguments.kind then
      for _, parameter in ipairs(kinds.parameters(kind)) do
        parameters[parameter.name] = arguments[target_of(parameter)]
      end
    end
  end
  return parameters
end

return parser
