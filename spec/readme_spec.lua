-- What README.md says is run: each snippet in a copy of the tree, against a sandbox started as the README starts it.

local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")

local README = shell.read_file("README.md")
-- Set by `make asan`: the library that Lua needs preloaded. What other compilers build does not go with it.
local PRELOAD = os.getenv("FINSEG_SPEC_PRELOAD")

-- The fenced blocks of a language, in order: { line, text }.
local function blocks_of(language)
  local blocks = {}
  local block
  local line_number = 0
  for line in README:gmatch("([^\n]*)\n") do
    line_number = line_number + 1
    if block and line == "```" then
      if block.language == language then
        blocks[#blocks + 1] = block
      end
      block = nil
    elseif block then
      block.text = block.text .. line .. "\n"
    elseif line:match("^```") then
      block = { language = line:match("^```(%a*)"), line = line_number, text = "" }
    end
  end
  return blocks
end

-- The words of the README's `finseg-sandbox ...` line without its port, which a test must not fix.
local function sandbox_words()
  local line = README:match("\nfinseg%-sandbox ([^\n]+)")
  local words = {}
  for word in line:gsub("%-%-port %d+", ""):gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

local function word_after(words, name)
  for i, word in ipairs(words) do
    if word == name then
      return words[i + 1]
    end
  end
end

-- "print(x) -- text" promises that text; "..." stands for anything.
local function promises(snippet)
  local list = {}
  for text in snippet:gmatch("print%([^\n]*%) %-%- ([^\n]+)") do
    local pattern = text:gsub("%.%.%.", "\1"):gsub("%p", "%%%0"):gsub("%s+", "%%s+"):gsub("\1", ".*")
    list[#list + 1] = pattern
  end
  return list
end

-- The names in the first column of the table under a heading row.
local function names_in_table(head)
  local names = {}
  local start = assert(README:find(head, 1, true), "the README has no table " .. head)
  for row in README:sub(start):match("^[^\n]+\n[^\n]+\n(.-)\n\n"):gmatch("[^\n]+") do
    for name in row:match("^| ([^|]+)"):gmatch("`([^`]+)`") do
      names[#names + 1] = name:match("^%S+")
    end
  end
  table.sort(names)
  return names
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function names_matching(text, pattern, change)
  local names = {}
  for name in text:gmatch(pattern) do
    names[change and change(name) or name] = true
  end
  return sorted_keys(names)
end

describe("the README", function()
  local service, folder

  setup(function()
    local words = sandbox_words()
    service = sandbox.start({ arguments = words })
    service.client_id = word_after(words, "--client-id")
    service.client_secret = word_after(words, "--client-secret")
    folder = shell.scratch()
    shell.check(([[
      tree=$PWD
      cd %s
      mkdir bin home
      cp -a "$tree/Makefile" "$tree/core" "$tree/lua" "$tree/spec" "$tree/examples" "$tree/rockspec" "$tree/README.md" \
        "$tree/LICENSE" .
      ln -s "$tree/build" build
    ]]):format(shell.quote(folder)))
    if PRELOAD then
      local wrapper = ('#!/bin/sh\nLD_PRELOAD=%s exec /usr/bin/%s "$@"\n'):format(shell.quote(PRELOAD), shell.lua)
      shell.write_file(folder .. "/bin/" .. shell.lua, wrapper)
      shell.check("chmod +x " .. shell.quote(folder .. "/bin/" .. shell.lua))
    end
  end)

  teardown(function()
    shell.remove(folder)
    service.stop()
  end)

  local function run(script)
    return shell.check(
      ([[
      cd %s
      PATH="$PWD/bin:$PATH" HOME="$PWD/home" LUA=%s
      export PATH HOME LUA
      export FINSEG_BASE_URL=%s FINSEG_CLIENT_ID=%s FINSEG_CLIENT_SECRET=%s
    ]]):format(shell.quote(folder), shell.lua, service.base_url, service.client_id, service.client_secret)
        .. script
    )
  end

  local function run_lua(text)
    shell.write_file(folder .. "/snippet.lua", text)
    return run('eval "$(make -s env)"\n' .. shell.lua .. " snippet.lua")
  end

  local snippets = blocks_of("lua")
  for i, snippet in ipairs(snippets) do
    it("has a Lua snippet at line " .. snippet.line .. " that runs", function()
      local before = i > 1 and snippets[1].text or ""
      local output = run_lua(before .. "do\n" .. snippet.text .. "end\n")
      for _, pattern in ipairs(promises(snippet.text)) do
        assert.matches(pattern, output)
      end
    end)
  end

  for _, block in ipairs(blocks_of("sh")) do
    if not block.text:find("finseg-sandbox ", 1, true) then
      it("has commands at line " .. block.line .. " that work", function()
        local text = block.text:gsub("make test\n", ""):gsub("127%.0%.0%.1:8080", (service.url:gsub("^http://", "")))
        local compiles = text:find("cc ", 1, true) or text:find("luarocks ", 1, true)
        if compiles and PRELOAD then
          pending("other compilers' output does not go with the sanitizers")
          return
        end
        if text:find("segment.c", 1, true) then
          shell.write_file(folder .. "/segment.c", blocks_of("c")[1].text)
        end
        if text:find("luarocks ", 1, true) and shell.lua == "luajit" then
          local headers = ' LUA_INCDIR="$(pkg-config --variable=includedir luajit)"'
          text = text:gsub("5%.4", "5.1"):gsub(" make", "%0" .. headers)
        else
          text = text:gsub("lua5%.4", shell.lua)
        end
        local output = run(text)
        if text:find("finseg rule run", 1, true) then
          assert.matches("a new job", output)
          assert.matches('"lowBalance":{"accounts":%[{"accountId":"%d+","amount":%-%d+', output)
          assert.matches('"left":%d+', output)
        end
        if text:find("make demo", 1, true) or text:find("quickstart.lua", 1, true) then
          assert.matches("%d+ users, %d+ accounts, [%d.]+ in all", output)
        end
      end)
    end
  end

  it("shows the rule that it names", function()
    local rule = shell.read_file("examples/rules/saver_who_overdraws.lua")
    assert.truthy(README:find("\n```\n" .. rule .. "```\n", 1, true))
  end)

  it("has a rule in five minutes whose function and whose change leave out some, and not all", function()
    local text = README:match("\ncat > overdraft.lua <<'END'\n(.-)END\n")
    local changed = text:gsub("10000", "20000")
    shell.write_file(folder .. "/before.lua", text)
    shell.write_file(folder .. "/after.lua", changed)
    shell.write_file(folder .. "/whole.lua", (text:gsub(":where%(.*", "")))
    local function count(name)
      local _, lines = run('eval "$(make -s env)"\nfinseg rule run ' .. name .. ".lua"):gsub("\n", "")
      return lines
    end
    local before, after, whole = count("before"), count("after"), count("whole")
    assert.is_true(after > 0 and after < 0.7 * before and before < 0.7 * whole)
  end)

  it("names every error kind of the C library, and no other", function()
    local header = shell.read_file("core/finseg.h")
    local kinds = names_matching(header, "FINSEG_ERROR_([%u_]+)", string.lower)
    assert.are.same(kinds, names_in_table("| `err.kind` |"))
  end)

  it("names every environment variable of the C library, and no other", function()
    local comment = shell.read_file("core/finseg.h"):match("Reads (FINSEG_BASE_URL.-)%*/")
    assert.are.same(names_matching(comment, "FINSEG_[%u_]+"), names_in_table("| variable |"))
  end)

  it("names every config field, and no other", function()
    local fields = names_matching(shell.read_file("core/protocol/config.c"), '%.name = "(%l[%l_]*)')
    for _, of_lua in ipairs({ "driver", "kinds" }) do
      fields[#fields + 1] = of_lua
    end
    table.sort(fields)
    assert.are.same(fields, names_in_table("| field |"))
  end)

  it("names every option of the sandbox, and no other", function()
    local help = shell.check('"${FINSEG_SANDBOX:-build/finseg-sandbox}" --help')
    local options = {}
    for _, name in ipairs(names_matching(help, "%-%-[%l%-]+")) do
      if name ~= "--help" and name ~= "--version" then
        options[#options + 1] = name
      end
    end
    assert.are.same(options, names_in_table("| option |"))
  end)

  it("installs a command line that finds its modules", function()
    if PRELOAD then
      pending("the sanitizers' library is for Lua, not for the shell")
      return
    end
    local output = run([[
      make install PREFIX="$PWD/installed" >/dev/null
      unset LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4
      "$PWD/installed/bin/finseg" kinds --format table
    ]])
    assert.matches("highBalance +%-%-threshold", output)
  end)

  it("names every command of the command line, and no other", function()
    local help = run('eval "$(make -s env)"\nfinseg --help')
    local commands = {}
    for name in help:match("Commands:\n(.-)\n\n"):gmatch("\n?   (%l+) ") do
      commands[name] = true
    end
    local named = {}
    for _, name in ipairs(names_in_table("| command |")) do
      named[name] = true
    end
    assert.are.same(sorted_keys(commands), sorted_keys(named))
  end)

  it("names the segment kinds that a client knows, and no other", function()
    local output = run_lua([[
      local client = assert(require("finseg").from_env())
      local _, err = client:create("noSuchKind", {})
      print(err)
    ]])
    local known = output:match("the kinds are ([%w, ]+)")
    assert.are.same(names_matching(known, "%w+"), names_in_table("| kind | finds"))
  end)
end)
