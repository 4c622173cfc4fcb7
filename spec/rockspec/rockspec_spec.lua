local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")

local LUA_VERSION = shell.lua == "luajit" and "5.1" or "5.4"

local ROCKSPEC = "rockspec/finseg-dev-1.rockspec"
-- Rocks of their own, since they need more than finseg does.
local OTHERS = {
  sqlite = "rockspec/sqlite/finseg-sqlite-dev-1.rockspec",
  redis = "rockspec/redis/finseg-redis-dev-1.rockspec",
  listener = "rockspec/listener/finseg-listener-dev-1.rockspec",
  cli = "rockspec/cli/finseg-cli-dev-1.rockspec",
}
-- The modules in C that each installs, and its programs.
local BINARIES = {
  finseg = { "lib/finseg/core.so" },
  sqlite = { "lib/finseg/store/sqlite.so" },
  redis = { "lib/finseg/store/hiredis.so" },
  listener = { "lib/finseg/http_server.so" },
  cli = { "bin/finseg", "lib/finseg/cli/system.so" },
}

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  table.sort(list)
  return list
end

-- What the rock of that name must have put into the tree: its modules, and nothing else.
local function modules_of(name)
  local expected = {}
  for _, path in ipairs(BINARIES[name]) do
    expected[#expected + 1] = path
  end
  if name == "finseg" or name == "cli" then
    for _, path in ipairs(lines(shell.check "find lua/finseg -name '*.lua'")) do
      if (path:find("lua/finseg/cli/", 1, true) == 1) == (name == "cli") then
        expected[#expected + 1] = path:gsub("^lua/", "share/")
      end
    end
  end
  table.sort(expected)
  return expected
end

describe("the rockspec", function()
  it("is clean for luarocks lint, and so are those of the modules that are loaded when used", function()
    shell.check("luarocks lint " .. ROCKSPEC)
    for _, rockspec in pairs(OTHERS) do
      shell.check("luarocks lint " .. rockspec)
    end
  end)

  it("builds into an empty tree, and the quickstart runs from there, with the store in a file or without", function()
    local service = sandbox.start({ users = 60, seed = 3, delay = 0.1 })
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
      service.stop()
    end)
    local values = {
      FOLDER = folder,
      VERSION = LUA_VERSION,
      LUA = shell.lua,
      ROCKSPEC = ROCKSPEC,
      SQLITE = OTHERS.sqlite,
      REDIS = OTHERS.redis,
      LISTENER = OTHERS.listener,
      CLI = OTHERS.cli,
      INCLUDES = shell.lua == "luajit" and 'LUA_INCDIR="$(pkg-config --variable=includedir luajit)"' or "",
      URL = service.base_url,
      ID = service.client_id,
      SECRET = service.client_secret,
    }
    -- A copy without what was built here; HOME keeps luarocks' own settings and cache out. After each rock, what it has
    -- added to the tree is listed.
    local printed = shell.check(([[
      cp -r Makefile core lua rockspec examples spec LICENSE README.md '$FOLDER'
      top="$PWD"
      cd '$FOLDER'
      mkdir home tree
      export HOME="$PWD/home"
      touch before
      install_rock() {
        name=$1
        shift
        luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none "$@" $INCLUDES >luarocks.log 2>&1 ||
          { cat luarocks.log; exit 1; }
        (cd tree && find bin share/lua lib/lua -type f 2>/dev/null) | sed 's|/lua/$VERSION/|/|' | sort >after
        comm -13 before after >"installed.$name"
        mv after before
      }
      install_rock finseg $ROCKSPEC
      rm -rf without && cp -r tree without
      install_rock sqlite $SQLITE
      install_rock redis $REDIS
      install_rock listener $LISTENER
      install_rock cli $CLI
      find . -name '*.o' -not -path './build/*' >objects
      rm -r core lua
      export LUA_PATH="$PWD/tree/share/lua/$VERSION/?.lua;$PWD/tree/share/lua/$VERSION/?/init.lua;;"
      export LUA_CPATH="$PWD/tree/lib/lua/$VERSION/?.so;;"
      unset LUA_PATH_5_4 LUA_CPATH_5_4
      export FINSEG_BASE_URL=$URL FINSEG_CLIENT_ID=$ID FINSEG_CLIENT_SECRET=$SECRET
      $LUA -e 'print("kept", assert(require("finseg").store.open("file", "jobs.db")) ~= nil)'
      $LUA -e 'print("nobody there", require("finseg").store.open("redis", { path = "no.sock" }):get "a")'
      $LUA -e 'print("listens", type(require("finseg.http_server").open("127.0.0.1", 0, "/c", 1, 1, 1)))'
      LUA_PATH="$PWD/without/share/lua/$VERSION/?.lua;$PWD/without/share/lua/$VERSION/?/init.lua" \
        LUA_CPATH="$PWD/without/lib/lua/$VERSION/?.so" $LUA -e 'print(require("finseg").store.open("file", "jobs.db"))
          print(require("finseg").store.open("redis"))'
      $LUA examples/quickstart.lua
      [ $LUA != luajit ] || luajit "$top/spec/support/unload_main.lua"
      "$PWD/tree/bin/finseg" kinds --format table
    ]]):gsub("%$(%u+)", function(name)
      return values[name]
    end))
    for name in pairs(BINARIES) do
      assert.are.same(modules_of(name), lines(shell.read_file(folder .. "/installed." .. name)), name)
    end
    assert.are.equal("", shell.read_file(folder .. "/objects"))
    assert.matches("%d+ users, %d+ accounts, [%d.]+ in all", printed)
    if shell.lua == "luajit" then -- it cannot be unloaded: resolver threads may be at work in it
      assert.matches("finseg.core is still in memory", printed, 1, true)
    end
    assert.matches("highBalance +%-%-threshold", printed)
    assert.matches("kept%s+true", printed)
    assert.matches("listens%s+userdata", printed)
    assert.matches("nil%s+a store in a file needs finseg's module finseg.store.sqlite", printed)
    assert.matches("nil%s+a store in a Redis needs finseg's module finseg.store.hiredis", printed)
    assert.matches("nobody there%s+nil%s+the Redis at no.sock cannot be reached", printed)
  end)
end)
