rockspec_format = "3.0"
package = "finseg"
version = "dev-1"
source = {
  url = "git+https://github.com/finseg/finseg",
}
description = {
  summary = "Scripts the Financial Segments API",
  detailed = [[
    Creates segments of a bank's users by financial criteria, waits for them without stopping the program around,
    and pages through their users, for Lua 5.4 and LuaJIT.]],
  license = "MIT",
  labels = { "api", "banking", "http" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
external_dependencies = {
  -- libcurl is not looked for here: Debian keeps its headers where the compiler finds them and luarocks does not.
  CJSON = { header = "cjson/cJSON.h" },
}
test_dependencies = {
  "luasocket",
  "lua-cjson",
  "cqueues",
  "luv",
  "copas",
}
test = {
  type = "busted",
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  variables = {
    ROCK = "finseg",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
