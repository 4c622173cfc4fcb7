rockspec_format = "3.0"
package = "finseg-cli"
version = "dev-1"
source = {
  url = "git+https://github.com/finseg/finseg",
}
description = {
  summary = "The command line of finseg",
  detailed = [[
    The program finseg: segments and segment rules from the shell. A rock of its own, so that finseg itself needs
    neither argparse nor SQLite.]],
  license = "MIT",
  labels = { "api", "banking", "commandline" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "finseg == dev-1",
  "finseg-sqlite == dev-1",
  "argparse >= 0.7",
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  variables = {
    ROCK = "cli",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
