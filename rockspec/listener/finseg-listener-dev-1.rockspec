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
  type = "builtin",
  modules = {
    ["finseg.http_server"] = {
      sources = {
        "core/io/clock.c",
        "lua/binding/http_server/connections.c",
        "lua/binding/http_server/http_server.c",
        "lua/binding/http_server/rate.c",
        "lua/binding/http_server/server.c",
        "lua/binding/http_server/socket.c",
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "core", "$(MICROHTTPD_INCDIR)" },
      libdirs = { "$(MICROHTTPD_LIBDIR)" },
      libraries = { "microhttpd", "m" },
    },
  },
}
