-- The floors of the house: what each folder may name. core/README.md and lua/README.md tell why.

local house = require "spec.support.house"
local shell = require "spec.support.shell"

local function read_tree(folders)
  local texts = {}
  local list = shell.check(("find %s -name '*.[ch]' -o -name '*.lua'"):format(folders))
  for path in list:gmatch "[^\n]+" do
    texts[path] = shell.read_file(path)
  end
  return texts
end

local C_FLOORS = {
  ["core/finseg"] = {}, -- the public header
  ["core/value"] = { "core/finseg" },
  ["core/protocol"] = { "core/finseg", "core/value" },
  ["core/result"] = { "core/finseg", "core/value" },
  ["core/io"] = { "core/finseg", "core/value" },
  ["core/client"] = { "core/finseg", "core/value", "core/protocol", "core/result", "core/io" },

  ["core/sandbox/base"] = { "core/value" },
  ["core/sandbox/bank"] = { "core/value", "core/sandbox/base" },
  ["core/sandbox/load"] = { "core/value", "core/sandbox/base", "core/sandbox/bank" },
  ["core/sandbox/segment"] = { "core/value", "core/sandbox/base", "core/sandbox/bank" },
  ["core/sandbox/jobs"] = { "core/value", "core/sandbox/base", "core/sandbox/bank", "core/sandbox/segment" },
  ["core/sandbox/http"] = {
    "core/value",
    "core/sandbox/base",
    "core/sandbox/bank",
    "core/sandbox/segment",
    "core/sandbox/jobs",
  },
  ["core/sandbox"] = {
    "core/finseg", -- its version
    "core/value",
    "core/sandbox/base",
    "core/sandbox/bank",
    "core/sandbox/load",
    "core/sandbox/segment",
    "core/sandbox/jobs",
    "core/sandbox/http",
  },

  ["lua/binding"] = { "core/finseg", "core/value" },
  ["lua/binding/cli"] = { "lua/binding" },
  ["lua/binding/store"] = { "lua/binding", "core/finseg", "core/value", "core/io" },
  ["lua/binding/http_server"] = { "lua/binding", "core/finseg", "core/value", "core/io" },
}

-- From the ground up; a floor may name every one below it.
local LUA_FLOORS = {
  { "value" },
  { "wait", "driver" },
  { "store" },
  { "callback" },
  { "client", "job", "segment", "page", "pages", "result", "idset" },
  { "journal", "compare" },
  { "init" },
  { "rule" },
  { "ngx", "cli" },
}

local function lua_floors()
  local floors, below = {}, {}
  for _, names in ipairs(LUA_FLOORS) do
    local paths = {}
    for i, name in ipairs(names) do
      paths[i] = "lua/finseg/" .. name
    end
    for _, path in ipairs(paths) do
      local allowed = {}
      for _, other in ipairs(below) do
        allowed[#allowed + 1] = other
      end
      for _, other in ipairs(paths) do
        allowed[#allowed + 1] = other
      end
      floors[path] = allowed
    end
    for _, path in ipairs(paths) do
      below[#below + 1] = path
    end
  end
  return floors
end

describe("the house", function()
  local c = house.rooms(read_tree "core lua/binding")
  local lua = house.rooms(read_tree "lua/finseg")

  it("has no C file that names one of a higher floor", function()
    assert.are.same({}, house.arrows_up(c, C_FLOORS))
  end)

  it("has no Lua module that requires one of a higher floor", function()
    assert.are.same({}, house.arrows_up(lua, lua_floors()))
  end)

  it("has no circle, the inline fast path of the JSON scanner aside", function()
    local circles = house.circles(c)
    for _, circle in ipairs(house.circles(lua)) do
      circles[#circles + 1] = circle
    end
    assert.are.same({ "core/value/json -> core/value/json_inline -> core/value/json" }, circles)
  end)

  it("knows lua.h in the binding alone", function()
    assert.are.same({}, house.lua_headers(c, "core"))
    assert.is_true(#house.lua_headers(c, "lua") > 0)
  end)
end)

-- The reader itself, on small trees: what the tests above would not notice if it saw nothing.
describe("the reader of the house", function()
  local FLOORS = { ["core/low"] = {}, ["core/high"] = { "core/low" } }

  it("sees a header from a higher floor, and where it is named", function()
    local rooms = house.rooms {
      ["core/low/a.c"] = '#include "a.h"\n#include "high/b.h"\n',
      ["core/low/a.h"] = "",
      ["core/high/b.h"] = '#include "low/a.h"\n',
    }
    assert.are.same({ "core/low/a.c:2: core/low may not name core/high/b" }, house.arrows_up(rooms, FLOORS))
  end)

  it("sees a file that stands on no floor", function()
    assert.are.same({ "core/new/c stands on no floor" }, house.arrows_up(house.rooms { ["core/new/c.c"] = "" }, FLOORS))
  end)

  it("sees a circle through a source and a header", function()
    local rooms = house.rooms {
      ["core/low/a.h"] = "",
      ["core/low/a.c"] = '#include "a.h"\n#include "b.h"\n',
      ["core/low/b.h"] = '#include "../low/c.h"\n',
      ["core/low/c.h"] = '#include "low/a.h"\n',
    }
    assert.are.same({ "core/low/a -> core/low/b -> core/low/c -> core/low/a" }, house.circles(rooms))
  end)

  it("sees a circle of calls through a header that both share", function()
    local rooms = house.rooms {
      ["core/low/all.h"] = "void fs_a(void);\nvoid fs_b(void);\n",
      ["core/low/a.c"] = '#include "all.h"\nvoid fs_a(void)\n{\n    fs_b();\n}\n',
      ["core/low/b.c"] = '#include "all.h"\nvoid fs_b(void)\n{\n    /* not fs_c() */\n    fs_a();\n}\n',
    }
    assert.are.same({ "core/low/a -> core/low/b -> core/low/a" }, house.circles(rooms))
  end)

  it("sees requires with and without brackets, below pcall, and not in comments", function()
    local rooms = house.rooms {
      ["lua/finseg/a.lua"] = 'local b = require "finseg.b"\n'
        .. 'local ok = pcall(require, "finseg.c")\n'
        .. '--   require "finseg.d"\n',
      ["lua/finseg/b.lua"] = 'return require("finseg.c")\n',
      ["lua/finseg/c/init.lua"] = "",
      ["lua/finseg/d.lua"] = "",
    }
    assert.are.same(
      { ["lua/finseg/b"] = "lua/finseg/a.lua:1", ["lua/finseg/c/init"] = "lua/finseg/a.lua:2" },
      rooms["lua/finseg/a"].names
    )
    assert.are.same({ ["lua/finseg/c/init"] = "lua/finseg/b.lua:1" }, rooms["lua/finseg/b"].names)
  end)

  it("sees Lua's headers below a folder", function()
    local rooms = house.rooms { ["core/low/a.c"] = "#include <lua.h>\n" }
    assert.are.same({ "core/low/a.c:1: includes <lua.h>" }, house.lua_headers(rooms, "core"))
  end)
end)
