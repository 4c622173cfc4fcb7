-- The layers of the sources: what each folder may name. core/README.md describes them.

local layers = require "spec.support.layers"
local shell = require "spec.support.shell"

local function read_tree(folders)
  local texts = {}
  local list = shell.check(("find %s -name '*.[ch]' -o -name '*.lua'"):format(folders))
  for path in list:gmatch "[^\n]+" do
    texts[path] = shell.read_file(path)
  end
  return texts
end

local C_LAYERS = {
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

-- From the ground up; a layer may name every one below it.
local LUA_LAYERS = {
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

local function lua_layers()
  local layer_table, below = {}, {}
  for _, names in ipairs(LUA_LAYERS) do
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
      layer_table[path] = allowed
    end
    for _, path in ipairs(paths) do
      below[#below + 1] = path
    end
  end
  return layer_table
end

describe("the sources", function()
  local c = layers.modules(read_tree "core lua/binding")
  local lua = layers.modules(read_tree "lua/finseg")

  it("has no C file that names one of a higher layer", function()
    assert.are.same({}, layers.upward(c, C_LAYERS))
  end)

  it("has no Lua module that requires one of a higher layer", function()
    assert.are.same({}, layers.upward(lua, lua_layers()))
  end)

  it("has no cycle, the inline fast path of the JSON scanner aside", function()
    local cycles = layers.cycles(c)
    for _, cycle in ipairs(layers.cycles(lua)) do
      cycles[#cycles + 1] = cycle
    end
    assert.are.same({ "core/value/json -> core/value/json_inline -> core/value/json" }, cycles)
  end)

  it("knows lua.h in the binding alone", function()
    assert.are.same({}, layers.lua_headers(c, "core"))
    assert.is_true(#layers.lua_headers(c, "lua") > 0)
  end)
end)

-- The reader itself, on small trees: what the tests above would not notice if it saw nothing.
describe("the reader of the layers", function()
  local LAYERS = { ["core/low"] = {}, ["core/high"] = { "core/low" } }

  it("sees a header from a higher layer, and where it is named", function()
    local modules = layers.modules {
      ["core/low/a.c"] = '#include "a.h"\n#include "high/b.h"\n',
      ["core/low/a.h"] = "",
      ["core/high/b.h"] = '#include "low/a.h"\n',
    }
    assert.are.same({ "core/low/a.c:2: core/low may not name core/high/b" }, layers.upward(modules, LAYERS))
  end)

  it("sees a file that is in no layer", function()
    assert.are.same({ "core/new/c is in no layer" }, layers.upward(layers.modules { ["core/new/c.c"] = "" }, LAYERS))
  end)

  it("sees a cycle through a source and a header", function()
    local modules = layers.modules {
      ["core/low/a.h"] = "",
      ["core/low/a.c"] = '#include "a.h"\n#include "b.h"\n',
      ["core/low/b.h"] = '#include "../low/c.h"\n',
      ["core/low/c.h"] = '#include "low/a.h"\n',
    }
    assert.are.same({ "core/low/a -> core/low/b -> core/low/c -> core/low/a" }, layers.cycles(modules))
  end)

  it("sees a cycle of calls through a header that both share", function()
    local modules = layers.modules {
      ["core/low/all.h"] = "void fs_a(void);\nvoid fs_b(void);\n",
      ["core/low/a.c"] = '#include "all.h"\nvoid fs_a(void)\n{\n    fs_b();\n}\n',
      ["core/low/b.c"] = '#include "all.h"\nvoid fs_b(void)\n{\n    /* not fs_c() */\n    fs_a();\n}\n',
    }
    assert.are.same({ "core/low/a -> core/low/b -> core/low/a" }, layers.cycles(modules))
  end)

  it("sees requires with and without brackets, below pcall, and not in comments", function()
    local modules = layers.modules {
      ["lua/finseg/a.lua"] = 'local b = require "finseg.b"\n'
        .. 'local ok = pcall(require, "finseg.c")\n'
        .. '--   require "finseg.d"\n',
      ["lua/finseg/b.lua"] = 'return require("finseg.c")\n',
      ["lua/finseg/c/init.lua"] = "",
      ["lua/finseg/d.lua"] = "",
    }
    assert.are.same(
      { ["lua/finseg/b"] = "lua/finseg/a.lua:1", ["lua/finseg/c/init"] = "lua/finseg/a.lua:2" },
      modules["lua/finseg/a"].names
    )
    assert.are.same({ ["lua/finseg/c/init"] = "lua/finseg/b.lua:1" }, modules["lua/finseg/b"].names)
  end)

  it("sees Lua's headers below a folder", function()
    local modules = layers.modules { ["core/low/a.c"] = "#include <lua.h>\n" }
    assert.are.same({ "core/low/a.c:1: includes <lua.h>" }, layers.lua_headers(modules, "core"))
  end)
end)
