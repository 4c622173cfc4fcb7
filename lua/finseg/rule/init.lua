--- Segment rules: who is in these segments, and not in those, and looks like this.
---
---     -- overdraft.lua
---     local stressed = segment.lowBalance { accountType = "checking", threshold = -100, durationInMonth = 3 }
---     local saver = segment.highBalance { accountType = "savings", threshold = 10000 }
---     return (stressed - saver):where(function(user) return user.lowBalance.accounts[1].amount < -500 end)
---
---     local rule = assert(finseg.rule.load "overdraft.lua")
---     print(assert(rule:explain(client)))
---     local result = assert(rule:run(client, { store = store }))
---     print(result:count())
---     for user in result:users() do print(user.userId, user.lowBalance.accounts[1].amount) end
---     for line in result:texts() do print(line) end -- JSON, with the bytes that came
---
--- a + b: in either; a * b: in both; a - b: in a and not in b. :where(f), :top(n, f) and :named(name) are methods of
--- finseg.rule.expression. In f, user.userId is the id and user.NAME the user's record in the segment of that name
--- (what :named gave, else the kind), nil when the user is not in it.

local Evaluation = require "finseg.rule.evaluation"
local Journal = require "finseg.journal"
local Plan = require "finseg.rule.plan"
local RuleResult = require "finseg.rule.result"
local check = require "finseg.value.check"
local core = require "finseg.core"
local environment = require "finseg.rule.environment"
local explanation = require "finseg.rule.explanation"
local expression = require "finseg.rule.expression"
local fetch = require "finseg.rule.fetch"
local guard = require "finseg.rule.guard"
local service = require "finseg.rule.service"
local stores = require "finseg.store"

local DEFAULT_PARALLEL = 8
local DEFAULT_KEEP_BYTES = 64 * 1024 * 1024

local rule = {}

--- segment.KIND { parameters }, for rules written in a program.
rule.segment = expression.segment

---@class finseg.Rule
---@field name string  of the file
---@field root finseg.Expression
local Rule = {}
Rule.__index = Rule

function Rule:__tostring()
  return ("finseg rule %s"):format(self.name)
end

local function new_rule(root, name)
  return setmetatable({ root = root, name = name }, Rule)
end

--- Loads a rule file.
---@param path string
---@return finseg.Rule? rule
---@return finseg.Err? err  kind `invalid`: the file cannot be read, or the line that the message names is wrong
function rule.load(path)
  check.type(path, "string", 1, "load")
  local file, problem = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  if not text then
    return nil, core.error("invalid", ("the rule %s cannot be read (%s)"):format(path, problem or "it is no file"))
  end
  return rule.parse(text, path)
end

--- Makes a rule of the text of a rule file.
---@param text string  Lua source
---@param name string?  for messages: "rule" when not given
---@return finseg.Rule? rule
---@return finseg.Err? err  kind `invalid`
function rule.parse(text, name)
  check.type(text, "string", 1, "parse")
  check.optional(name, "string", 2, "parse")
  name = name or "rule"
  local root, err = environment.run(text, name)
  if not root then
    return nil, err
  end
  return new_rule(root, name)
end

--- Makes a rule of an expression that a program has built.
---@param root finseg.Expression
---@param name string?
---@return finseg.Rule
function rule.new(root, name)
  if not expression.is(root) then
    check.fail(1, "new", "an expression of segments expected")
  end
  check.optional(name, "string", 2, "new")
  return new_rule(root, name or "rule")
end

local run_options = {
  store = "table",
  fresh = "boolean",
  timeout = "number",
  parallel = "number",
  keep_bytes = "number",
  progress = "function",
}

--- Reads the options of run and explain.
local function read_options(options, name)
  local problem
  options, problem = check.options(options, run_options, 2, name)
  if not options then
    return nil, core.error("invalid", problem)
  end
  local parallel = options.parallel or DEFAULT_PARALLEL
  if parallel < 1 then
    return nil, core.error("invalid", "parallel must be 1 or more jobs at the same time")
  end
  problem = options.store and stores.problem_of(options.store)
  if problem then
    return nil, core.error("invalid", "store: " .. problem)
  end
  return options, parallel
end

local function ignore() end

--- Runs the rule on a source of segments (see finseg.rule.fetch). For finseg's own modules.
---@param source table
---@param options { parallel: integer?, keep_bytes: integer? }
---@param report fun(event: table)
---@return finseg.RuleResult? result
---@return finseg.Err? err
function Rule:run_on(source, options, report)
  local plan, err = Plan.new(self.root, source.canonical)
  if not plan then
    return nil, err
  end
  report { name = "plan", requests = plan.requests }
  local bound = { left = options.keep_bytes or DEFAULT_KEEP_BYTES }
  local records
  records, err = fetch(source, plan, options.parallel or DEFAULT_PARALLEL, bound, report)
  if not records then
    return nil, err
  end
  local evaluation = Evaluation.new(plan, records)
  report { name = "evaluate" }
  local set
  set, err = evaluation:run()
  if not set then
    return nil, err
  end
  report { name = "done", users = set:count() }
  return RuleResult.new(self, evaluation, set)
end

--- Runs the rule: makes its jobs (or finds them in the store), waits for them side by side, reads them, and works out
--- who is in it. Equal requests are one job.
---
--- Options: store: a finseg.Store to find and keep jobs in (none: every run makes new ones); fresh: make new jobs in
--- any case; timeout: seconds to wait for a job, as for job:wait(); parallel: jobs at the same time, 8; keep_bytes: how
--- much of the pages to keep in memory for predicates and results, 64 MiB; progress(event): called with
--- { name = "plan", requests }, then for each request { name = "job", request, job, reused },
--- { name = "ready", request, users (all that will come, nil when not said) }, { name = "page", request, users },
--- { name = "read", request, users }, then { name = "evaluate" } before functions of the rule are called, and at the
--- end { name = "done", users }. request.label names it. It must not wait.
---
--- Memory: 16 bytes a user and segment, and pages up to keep_bytes, of the segments whose records can be looked at.
--- Further pages go to temporary files in $TMPDIR (/tmp without it), which nobody else can open and which go with the
--- result; with keep_bytes = 0 all do. When one cannot be written, the run ends with an err of kind `resource`.
---@param client finseg.Client
---@param options table?
---@return finseg.RuleResult? result
---@return finseg.Err? err  messages about a part of the rule begin with its file and line
function Rule:run(client, options)
  check.type(client, "table", 1, "run")
  local parallel
  options, parallel = read_options(options, "run")
  if not options then
    return nil, parallel
  end
  local report = options.progress or ignore
  return self:run_on(service.new(client, options, report), options, report)
end

--- What running the rule would do, as lines of text: its jobs, which of them are there already (with options.store),
--- and the order of the steps. Asks nobody but the store.
---@param client finseg.Client
---@param options table?  as for run
---@return string? text
---@return finseg.Err? err
function Rule:explain(client, options)
  check.type(client, "table", 1, "explain")
  local parallel
  options, parallel = read_options(options, "explain")
  if not options then
    return nil, parallel
  end
  local plan, err = Plan.new(self.root, service.canonical(client))
  if not plan then
    return nil, err
  end
  local journal = options.store and not options.fresh and Journal.new(options.store)
  return explanation.of(self, plan, parallel, function(request)
    if journal then
      return journal:find(client, request.kind, request.parameters)
    end
  end)
end

--- Stops code of a rule that runs too long; see finseg.rule.guard. Functions of rules made in a program are used as
--- they are; in LuaJIT, pass them through this first if they may loop.
rule.watchable = guard.watchable

return rule
