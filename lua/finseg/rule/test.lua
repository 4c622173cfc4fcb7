--- Tests of rules on small fixtures, without a server. For busted, and for anything else that understands `error`.
---
---     local finseg = require "finseg"
---     local rule_test = require "finseg.rule.test"
---
---     it("leaves out who has savings", function()
---       local rule = assert(finseg.rule.load "rules/overdraft.lua")
---       rule_test.selects(rule, {
---         lowBalance = {
---           { userId = "anna", accounts = { { accountId = "1", amount = -600 } } },
---           { userId = "berta", accounts = { { accountId = "2", amount = -900 } } },
---         },
---         highBalance = { { userId = "berta", accounts = { { accountId = "3", amount = 20000 } } } },
---       }, { "anna" })
---     end)
---
--- A fixture stands under the name of its segment (what :named gave, else the kind), or under the kind for all segments
--- of it. It is a list of users as above, the text of a saved result page, the path of a file with one, a list of such
--- texts or paths for several pages, or a function(parameters) that answers any of these.

local check = require "finseg.value.check"
local core = require "finseg.core"
local service = require "finseg.rule.service"

local rule_test = {}

local function fail(message, ...)
  error(core.error("invalid", message:format(...)), 0)
end

local function read_file(path)
  local file, problem = io.open(path, "rb")
  local text
  if file then
    text, problem = file:read "*a"
    file:close()
  end
  if not text then
    fail("the fixture %s cannot be read (%s)", path, problem)
  end
  return text
end

--- The JSON of a user given as a table, in which an empty table is an empty list.
local function text_of_user(user, position)
  local plain, members = user, {}
  if type(user) == "table" then
    plain = {}
    for name, value in pairs(user) do
      if type(name) == "string" and type(value) == "table" and next(value) == nil then
        members[#members + 1] = core.to_json(name) .. ":[]"
      else
        plain[name] = value
      end
    end
  end
  local text, problem = core.to_json(plain)
  if not text then
    fail("user %d of a fixture: %s", position, problem)
  elseif not members[1] then
    return text
  elseif text ~= "{}" then
    members[#members + 1] = text:sub(2, -2)
  end
  return "{" .. table.concat(members, ",") .. "}"
end

--- The text of a page of users given as tables.
local function page_of_users(users)
  local texts = {}
  for position, user in ipairs(users) do
    texts[position] = text_of_user(user, position)
  end
  return '{"users":[' .. table.concat(texts, ",") .. "]}"
end

--- The pages of a fixture, as texts.
local function texts_of(fixture, parameters)
  if type(fixture) == "function" then
    return texts_of(fixture(parameters))
  elseif type(fixture) == "string" then
    return { fixture:match "^%s*{" and fixture or read_file(fixture) }
  elseif type(fixture) ~= "table" then
    fail("a fixture must be a list of users, text, a path or a function, not a %s", type(fixture))
  elseif type(fixture[1]) ~= "string" then
    return { page_of_users(fixture) }
  end
  local texts = {}
  for position, text in ipairs(fixture) do
    texts[position] = texts_of(text)[1]
  end
  return texts
end

--- A source (see finseg.rule.fetch) of fixtures. `client` only checks the requests.
local function source_of(fixtures, client)
  local source = { canonical = service.canonical(client) }
  function source.open(request)
    local fixture = fixtures[request.label] or fixtures[request.kind]
    if fixture == nil then
      return nil,
        core.error(
          "invalid",
          ("%s: the test has no fixture for %s: give its users, {} for none"):format(request.place, request.label)
        )
    end
    local texts, position = texts_of(fixture, request.parameters), 0
    return function()
      position = position + 1
      if texts[position] then
        return core.page(texts[position])
      end
    end, function() end
  end
  return source
end

local run_options = { kinds = "table", keep_bytes = "number", parallel = "number" }

--- Runs a rule on fixtures.
---@param rule finseg.Rule
---@param fixtures table<string, any>
---@param options { kinds: table?, keep_bytes: number? }?  kinds: kinds to add, as in finseg.new
---@return finseg.RuleResult? result
---@return finseg.Err? err
function rule_test.run(rule, fixtures, options)
  check.type(rule, "table", 1, "run")
  check.type(fixtures, "table", 2, "run")
  local problem
  options, problem = check.options(options, run_options, 3, "run")
  if not options then
    return nil, core.error("invalid", problem)
  end
  -- It knows the kinds, and never sends anything.
  local client, err = require("finseg").new {
    base_url = "http://127.0.0.1:9", -- the discard port
    access_token = "none",
    kinds = options.kinds,
  }
  if not client then
    return nil, err
  end
  local ok, result
  ok, result, err = pcall(rule.run_on, rule, source_of(fixtures, client), options, function() end)
  client:close()
  if not ok then
    error(result, 0)
  end
  return result, err
end

local function difference(wanted, found)
  local is_found, lines = {}, {}
  for _, id in ipairs(found) do
    is_found[id] = true
  end
  for _, id in ipairs(wanted) do
    if not is_found[id] then
      lines[#lines + 1] = "  missing: " .. id
    end
    is_found[id] = nil
  end
  for _, id in ipairs(found) do
    if is_found[id] then
      lines[#lines + 1] = "  unexpected: " .. id
    end
  end
  return lines
end

--- Raises unless the rule selects exactly these users. Their order does not matter.
---@param rule finseg.Rule
---@param fixtures table<string, any>
---@param user_ids string[]
---@param options table?  as for run
---@return finseg.RuleResult result
function rule_test.selects(rule, fixtures, user_ids, options)
  check.type(user_ids, "table", 3, "selects")
  local result, err = rule_test.run(rule, fixtures, options)
  if not result then
    error(type(err) == "table" and err.message or err, 2) -- else what a function of the fixtures raised
  end
  local found = {}
  for id in result:ids():ids() do
    found[#found + 1] = id
  end
  local lines = difference(user_ids, found)
  if #lines > 0 then
    error(
      ("%s selects %d users, not %d as expected:\n%s\n%s"):format(
        rule.name,
        #found,
        #user_ids,
        table.concat(lines, "\n"),
        result:explain()
      ),
      2
    )
  end
  return result
end

return rule_test
