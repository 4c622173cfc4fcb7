rockspec_format = "3.0"
package = "finseg-redis"
version = "dev-1"
source = {
  url = "git+https://github.com/finseg/finseg",
}
description = {
  summary = "Keeps finseg's jobs and callbacks in a Redis",
  detailed = [[
    The module finseg.store.hiredis, which finseg's store of the kind `redis` loads when it is used. A rock of its own,
    so that finseg itself needs no hiredis.]],
  license = "MIT",
  labels = { "api", "banking" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
external_dependencies = {
  HIREDIS = { header = "hiredis/hiredis.h" },
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  variables = {
    ROCK = "redis",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
