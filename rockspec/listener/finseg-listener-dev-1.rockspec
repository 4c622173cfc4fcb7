rockspec_format = "3.0"
package = "finseg-listener"
version = "dev-1"
source = {
  url = "git+https://github.com/finseg/finseg",
}
description = {
  summary = "Receives the callbacks of finseg's jobs",
  detailed = [[
    The module finseg.http_server, which finseg loads when a program calls client:listen. A rock of its own, so
    that finseg itself needs no libmicrohttpd.]],
  license = "MIT",
  labels = { "api", "banking" },
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
}
external_dependencies = {
  MICROHTTPD = { header = "microhttpd.h" },
}
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  variables = {
    ROCK = "listener",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
