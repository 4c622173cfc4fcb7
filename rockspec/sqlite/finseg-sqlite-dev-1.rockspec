rockspec_format = "3.0"
package = "finseg-sqlite"
version = "dev-1"
source = {
  url = "git+https://github.com/finseg/finseg",
}
description = {
  summary = "Keeps finseg's jobs in a file",
  detailed = [[
    The module finseg.store.sqlite, which finseg's store of the kind `file` loads when it is used. A rock of its own, so
    that finseg itself needs no SQLite.]],
  license = "MIT",
  labels = { "api", "banking" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
external_dependencies = {
  SQLITE = { header = "sqlite3.h" },
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  variables = {
    ROCK = "sqlite",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
