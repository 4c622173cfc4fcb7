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
}
test = {
  type = "busted",
}
build = {
  type = "builtin",
  modules = {
    ["finseg.core"] = {
      sources = {
        "core/answer.c",
        "core/authorization.c",
        "core/buffer.c",
        "core/canonical.c",
        "core/client.c",
        "core/clock.c",
        "core/config.c",
        "core/error.c",
        "core/event.c",
        "core/exchange.c",
        "core/job.c",
        "core/json.c",
        "core/kind.c",
        "core/loop.c",
        "core/money.c",
        "core/operation.c",
        "core/outcome.c",
        "core/page.c",
        "core/page_read.c",
        "core/random.c",
        "core/request.c",
        "core/retry.c",
        "core/sigpipe.c",
        "core/text.c",
        "core/token.c",
        "core/total.c",
        "core/transport.c",
        "core/traversal.c",
        "core/url.c",
        "lua/binding/client.c",
        "lua/binding/config.c",
        "lua/binding/core.c",
        "lua/binding/encode.c",
        "lua/binding/error.c",
        "lua/binding/file.c",
        "lua/binding/job.c",
        "lua/binding/kinds.c",
        "lua/binding/page.c",
        "lua/binding/poll.c",
        "lua/binding/total.c",
        "lua/binding/traversal.c",
        "lua/binding/value.c",
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "core", "$(CJSON_INCDIR)" },
      libdirs = { "$(CJSON_LIBDIR)" },
      libraries = { "curl", "cjson", "m", "pthread" },
    },
    finseg = "lua/finseg/init.lua",
    ["finseg.all"] = "lua/finseg/all.lua",
    ["finseg.await"] = "lua/finseg/await.lua",
    ["finseg.check"] = "lua/finseg/check.lua",
    ["finseg.client"] = "lua/finseg/client.lua",
    ["finseg.compare"] = "lua/finseg/compare.lua",
    ["finseg.driver"] = "lua/finseg/driver/init.lua",
    ["finseg.driver.blocking"] = "lua/finseg/driver/blocking.lua",
    ["finseg.driver.tasks"] = "lua/finseg/driver/tasks.lua",
    ["finseg.heap"] = "lua/finseg/heap.lua",
    ["finseg.job"] = "lua/finseg/job.lua",
    ["finseg.journal"] = "lua/finseg/journal.lua",
    ["finseg.page"] = "lua/finseg/page.lua",
    ["finseg.reading"] = "lua/finseg/reading.lua",
    ["finseg.result"] = "lua/finseg/result.lua",
    ["finseg.rule"] = "lua/finseg/rule/init.lua",
    ["finseg.rule.environment"] = "lua/finseg/rule/environment.lua",
    ["finseg.rule.evaluation"] = "lua/finseg/rule/evaluation.lua",
    ["finseg.rule.explanation"] = "lua/finseg/rule/explanation.lua",
    ["finseg.rule.expression"] = "lua/finseg/rule/expression.lua",
    ["finseg.rule.gathering"] = "lua/finseg/rule/gathering.lua",
    ["finseg.rule.guard"] = "lua/finseg/rule/guard.lua",
    ["finseg.rule.plan"] = "lua/finseg/rule/plan.lua",
    ["finseg.rule.result"] = "lua/finseg/rule/result.lua",
    ["finseg.rule.roll"] = "lua/finseg/rule/roll.lua",
    ["finseg.rule.service"] = "lua/finseg/rule/service.lua",
    ["finseg.rule.test"] = "lua/finseg/rule/test.lua",
    ["finseg.rule.userset"] = "lua/finseg/rule/userset.lua",
    ["finseg.scope"] = "lua/finseg/scope.lua",
    ["finseg.segment"] = "lua/finseg/segment.lua",
    ["finseg.store"] = "lua/finseg/store/init.lua",
    ["finseg.store.file"] = "lua/finseg/store/file.lua",
    ["finseg.store.memory"] = "lua/finseg/store/memory.lua",
    ["finseg.store.watchers"] = "lua/finseg/store/watchers.lua",
  },
}
