local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")

local ROCKSPEC = "rockspec/finseg-dev-1.rockspec"
local SQLITE_ROCKSPEC = "rockspec/sqlite/finseg-sqlite-dev-1.rockspec"
local REDIS_ROCKSPEC = "rockspec/redis/finseg-redis-dev-1.rockspec"
local LISTENER_ROCKSPEC = "rockspec/listener/finseg-listener-dev-1.rockspec"
local LUA_VERSION = shell.lua == "luajit" and "5.1" or "5.4"

-- The command line is a rock of its own, since it needs more than finseg does.
local CLI_ROCKSPEC = "rockspec/cli/finseg-cli-dev-1.rockspec"

local function load_rockspec(path)
  local rockspec = {}
  local chunk
  if setfenv then
    chunk = setfenv(assert(loadfile(path)), rockspec)
  else
    chunk = assert(loadfile(path, "t", rockspec))
  end
  chunk()
  return rockspec
end

local function sorted(list)
  table.sort(list)
  return list
end

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    list[#list + 1] = line
  end
  return sorted(list)
end

describe("the rockspec", function()
  it("is clean for luarocks lint, and so are those of the modules that are loaded when used", function()
    for _, rockspec in ipairs { ROCKSPEC, CLI_ROCKSPEC, SQLITE_ROCKSPEC, REDIS_ROCKSPEC, LISTENER_ROCKSPEC } do
      shell.check("luarocks lint " .. rockspec)
    end
  end)

  it("compiles every C file of the core and of the binding", function()
    local sources = load_rockspec(ROCKSPEC).build.modules["finseg.core"].sources
    assert.are.same(
      lines(shell.check("find core lua/binding -name '*.c' -not -path 'core/sandbox/*' -not -path 'lua/binding/*/*'")),
      sorted(sources)
    )
  end)

  it("installs every Lua module under the name of its file", function()
    local installed = {}
    for _, path in ipairs({ ROCKSPEC, CLI_ROCKSPEC }) do
      for name, file in pairs(load_rockspec(path).build.modules) do
        if type(file) == "string" then
          installed[#installed + 1] = file
          assert.are.equal(name, (file:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")))
        end
      end
    end
    assert.are.same(lines(shell.check("find lua/finseg -name '*.lua'")), sorted(installed))
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
      SQLITE = SQLITE_ROCKSPEC,
      REDIS = REDIS_ROCKSPEC,
      LISTENER = LISTENER_ROCKSPEC,
      INCLUDES = shell.lua == "luajit" and 'LUA_INCDIR="$(pkg-config --variable=includedir luajit)"' or "",
      URL = service.base_url,
      ID = service.client_id,
      SECRET = service.client_secret,
    }
    -- luarocks leaves object files beside the sources, hence the copy; HOME keeps its own settings and cache out.
    local printed = shell.check(([[
      cp -r core lua rockspec examples LICENSE README.md '$FOLDER'
      top="$PWD"
      cd '$FOLDER'
      mkdir home
      export HOME="$PWD/home"
      luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none $INCLUDES >luarocks.log 2>&1 || { cat luarocks.log; exit 1; }
      rm -rf without && cp -r tree without
      luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none $SQLITE $INCLUDES >luarocks.log 2>&1 ||
        { cat luarocks.log; exit 1; }
      luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none $REDIS $INCLUDES >luarocks.log 2>&1 ||
        { cat luarocks.log; exit 1; }
      luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none $LISTENER $INCLUDES >luarocks.log 2>&1 ||
        { cat luarocks.log; exit 1; }
      luarocks --lua-version $VERSION --tree "$PWD/tree" make --deps-mode none $INCLUDES \
        rockspec/cli/finseg-cli-dev-1.rockspec >luarocks.log 2>&1 || { cat luarocks.log; exit 1; }
      rm -r core lua
      export LUA_PATH="$PWD/tree/share/lua/$VERSION/?.lua;$PWD/tree/share/lua/$VERSION/?/init.lua;;"
      export LUA_CPATH="$PWD/tree/lib/lua/$VERSION/?.so;;"
      unset LUA_PATH_5_4 LUA_CPATH_5_4
      export FINSEG_BASE_URL=$URL FINSEG_CLIENT_ID=$ID FINSEG_CLIENT_SECRET=$SECRET
      $LUA -e 'local s = assert(require("finseg").store.open("file", "jobs.db")) print("kept", s:put("a", "b", 9, false))'
      $LUA -e 'print("nobody there", require("finseg").store.open("redis", { path = "no.sock" }):get "a")'
      $LUA -e 'print("listens", type(require("finseg.http_server").open("127.0.0.1", 0, "/c", 1, 1, 1)))'
      LUA_PATH="$PWD/without/share/lua/$VERSION/?.lua;$PWD/without/share/lua/$VERSION/?/init.lua" \
        LUA_CPATH="$PWD/without/lib/lua/$VERSION/?.so" $LUA -e 'print(require("finseg").store.open("file", "jobs.db"))
          print(require("finseg").store.open("redis"))'
      $LUA examples/quickstart.lua
      [ $LUA != luajit ] || luajit "$top/spec/lua/support/unload_main.lua"
      "$PWD/tree/bin/finseg" kinds --format table
    ]]):gsub("%$(%u+)", function(name)
      return values[name]
    end))
    assert.matches("%d+ users, %d+ accounts, [%d.]+ in all", printed)
    if shell.lua == "luajit" then -- luarocks passes no flag that pins the module: it does so itself
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
