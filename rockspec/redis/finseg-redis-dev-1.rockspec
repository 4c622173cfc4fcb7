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
  type = "builtin",
  modules = {
    ["finseg.store.hiredis"] = {
      sources = {
        "core/io/clock.c",
        "core/io/loop.c",
        "core/value/random.c",
        "core/io/sigpipe.c",
        "lua/binding/store/hiredis.c",
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "core", "$(HIREDIS_INCDIR)" },
      libdirs = { "$(HIREDIS_LIBDIR)" },
      libraries = { "hiredis", "m", "pthread" },
    },
  },
}
