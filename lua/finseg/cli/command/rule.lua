-- finseg rule run|explain|watch FILE.

local Progress = require "finseg.cli.progress"
local core = require "finseg.core"
local exit = require "finseg.cli.exit"
local finseg = require "finseg"
local format = require "finseg.cli.format"
local histogram = require "finseg.cli.histogram"
local output = require "finseg.cli.output"
local paths = require "finseg.cli.paths"

local verbs = {}

--- The amounts of each segment of a rule's result, by its name there, and the names.
local function amounts_by_segment(result)
  local amounts, names = {}, {}
  for user in result:users() do
    for name, record in pairs(user) do
      if type(record) == "table" then
        for _, list in ipairs { record.accounts or {}, record.insurances or {} } do
          for _, item in ipairs(list) do
            if tonumber(item.amount) then
              if not amounts[name] then
                amounts[name] = {}
                names[#names + 1] = name
              end
              table.insert(amounts[name], tonumber(item.amount))
            end
          end
        end
      end
    end
  end
  table.sort(names)
  return amounts, names
end

--- Draws the amounts of each segment; as JSON, a list of them.
local function print_histograms(arguments, result)
  local amounts, names = amounts_by_segment(result)
  if #names == 0 and result:count() > 0 then
    exit.fail("invalid", "the users of this result carry no amounts, which --histogram would draw")
  end
  if histogram.is_drawn(arguments) then
    for _, name in ipairs(names) do
      histogram.draw(name, amounts[name])
    end
    return
  end
  local texts = {}
  for position, name in ipairs(names) do
    texts[position] = histogram.json(name, amounts[name])
  end
  format.print_all(arguments, texts)
end

local function print_users(session, result)
  local arguments = session.arguments
  if arguments.histogram then
    print_histograms(arguments, result)
    return
  end
  local writer = format.new(format.name(arguments))
  for text in result:texts(arguments.limit) do
    writer.add(text)
  end
  writer.finish()
  output.flush()
end

--- Loads the rule with load() and runs it.
local function run_rule(session, load, fresh)
  session.waiting = {}
  local progress = Progress.new()
  local result = progress:during(function()
    local rule = exit.assert(load())
    local options = session:options(progress)
    options.fresh = fresh
    return exit.assert(rule:run(session:client(), options))
  end)
  session.waiting = {}
  return result
end

function verbs.run(session)
  local arguments = session.arguments
  local result = run_rule(session, function()
    return finseg.rule.load(arguments.file)
  end, arguments.fresh or false)
  if arguments.keep then -- first: whoever reads the output may go away before its end
    paths.secure_results()
    exit.assert(finseg.compare.keep(result, paths.results(), arguments.keep))
  end
  print_users(session, result)
  if arguments.steps then
    output.note(result:explain())
  end
  if output.is_terminal() then
    output.note(result:count() == 1 and "1 user" or result:count() .. " users")
  end
  session:note_empty(result:count())
end

function verbs.explain(session)
  local arguments = session.arguments
  local rule = exit.assert(finseg.rule.load(arguments.file))
  local client, is_somebody = session:planning_client()
  if not is_somebody then
    output.note "finseg: without credentials nobody knows which jobs are there already"
  end
  local text = exit.assert(rule:explain(client, {
    store = is_somebody and session:store() or nil,
    fresh = arguments.fresh or false,
  }))
  if arguments.json or arguments.format == "json" or arguments.format == "ndjson" then
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    output.write(assert(core.to_json { rule = rule.name, plan = lines }), "\n")
  else
    output.write(text, "\n")
  end
end

-- ---- watch ----------------------------------------------------------------------------------------------------------

--- Seconds between two looks at the file. Its text is compared, so no save is missed, however an editor saves.
local LOOK = 0.25

--- Looks without a file after which it counts as gone: an editor that renames leaves none for a moment.
local LOOKS_WITHOUT = 4

--- Waits until the file's text is another, and answers that.
local function wait_for_change(path, text)
  local without = 0
  while true do
    core.poll({}, LOOK)
    local now, reason = paths.read(path)
    if now and now ~= text then
      return now
    end
    without = now and 0 or without + 1
    if without == LOOKS_WITHOUT then
      output.note("finseg: the rule %s cannot be read (%s): waiting until it can", path, reason)
    end
  end
end

local function sample_of(result, size)
  local texts = {}
  for text in result:texts(size) do
    texts[#texts + 1] = text
  end
  return texts
end

--- How many came and went since the last run.
local function change_between(before, after)
  if not before then
    return {}
  end
  return { entered = (after:ids() - before:ids()):count(), left = (before:ids() - after:ids()):count() }
end

local function print_run(session, run, sample)
  if session.arguments.json then
    output.write(run.error and core.to_json(run) or format.json_with_list(run, "sample", sample), "\n")
  elseif run.error then
    output.write(os.date "%H:%M:%S", "  ", run.error, "\n")
  else
    local change = run.entered and (", %d entered, %d left"):format(run.entered, run.left) or ""
    output.write(
      os.date "%H:%M:%S",
      ("  %s%s  (%.2f s)\n"):format(run.users == 1 and "1 user" or run.users .. " users", change, run.seconds)
    )
    format.print_all({ format = "table" }, sample)
    if run.users > #sample then
      output.write(("... and %d more\n"):format(run.users - #sample))
    end
  end
  output.flush()
end

--- What ends the one of two siblings that is not needed any more.
local ENDED = {}

--- Calls f as pcall does, and cancels what it waits for when the file's text becomes another.
---@return string? saved  the other text, when that has ended f
---@return boolean ran
---@return any result
local function call_until_saved(path, text, f)
  local saved, ran, result
  local function call()
    ran, result = pcall(f)
    return nil, ENDED
  end
  local function look()
    repeat
      local slept, err = finseg.sleep(LOOK)
      if not slept then
        return nil, err
      end
      saved = paths.read(path)
    until saved and saved ~= text
    return nil, ENDED
  end
  local _, err = finseg.all(call, look)
  if err ~= ENDED then
    error(err, 0)
  end
  return not ran and saved ~= text and saved or nil, ran, result
end

function verbs.watch(session)
  local arguments = session.arguments
  local fresh, last = arguments.fresh or false, nil
  local text, reason = paths.read(arguments.file)
  if not text then
    exit.fail("invalid", "the rule %s cannot be read (%s)", arguments.file, reason)
  end
  local function load()
    return finseg.rule.parse(text, arguments.file)
  end
  --- Runs the rule and prints what came of it; answers the text that was saved when that came first.
  local function run_once()
    local started, sample = core.now(), nil
    local saved, ran, result = call_until_saved(arguments.file, text, function()
      local result = run_rule(session, load, fresh)
      sample = sample_of(result, arguments.sample)
      return result
    end)
    if saved then
      return saved
    elseif ran then
      local run = change_between(last, result)
      run.users, run.seconds = result:count(), core.now() - started
      last, fresh = result, false
      print_run(session, run, sample)
      session:note_empty(run.users)
    elseif type(result) == "table" and result.message then
      print_run(session, { error = result.message, kind = result.kind })
    else
      error(result, 0)
    end
  end
  while true do
    text = run_once() or wait_for_change(arguments.file, text)
  end
end

return function(session)
  verbs[session.arguments.verb](session)
end
