-- luajit unload_main.lua: loads finseg.core in a Lua state of its own and closes that state; says whether the module is
-- still in memory, as it must be for the resolver threads of libcurl that may outlive the state.

local ffi = require "ffi"

ffi.cdef [[
  void *luaL_newstate(void);
  void luaL_openlibs(void *L);
  int luaL_loadstring(void *L, const char *text);
  int lua_pcall(void *L, int arguments, int results, int handler);
  void lua_close(void *L);
]]

local L = ffi.C.luaL_newstate()
ffi.C.luaL_openlibs(L)
assert(ffi.C.luaL_loadstring(L, "require 'finseg.core'") == 0)
assert(ffi.C.lua_pcall(L, 0, 0, 0) == 0)
ffi.C.lua_close(L)

local found = "unloaded"
for line in io.lines "/proc/self/maps" do
  if line:find("finseg/core.so", 1, true) then
    found = "still in memory"
  end
end
print("finseg.core is " .. found)
