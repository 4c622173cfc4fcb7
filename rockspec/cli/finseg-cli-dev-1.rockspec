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
  type = "builtin",
  modules = {
    ["finseg.cli.system"] = {
      sources = { "lua/binding/cli/system.c" },
      defines = { "_GNU_SOURCE" },
    },
    ["finseg.cli.command.create"] = "lua/finseg/cli/command/create.lua",
    ["finseg.cli.command.diff"] = "lua/finseg/cli/command/diff.lua",
    ["finseg.cli.command.get"] = "lua/finseg/cli/command/get.lua",
    ["finseg.cli.command.job"] = "lua/finseg/cli/command/job.lua",
    ["finseg.cli.command.jobs"] = "lua/finseg/cli/command/jobs.lua",
    ["finseg.cli.command.kinds"] = "lua/finseg/cli/command/kinds.lua",
    ["finseg.cli.command.rule"] = "lua/finseg/cli/command/rule.lua",
    ["finseg.cli.command.sandbox"] = "lua/finseg/cli/command/sandbox.lua",
    ["finseg.cli.command.segment"] = "lua/finseg/cli/command/segment.lua",
    ["finseg.cli.command.wait"] = "lua/finseg/cli/command/wait.lua",
    ["finseg.cli.credentials"] = "lua/finseg/cli/credentials.lua",
    ["finseg.cli.exit"] = "lua/finseg/cli/exit.lua",
    ["finseg.cli.format.csv"] = "lua/finseg/cli/format/csv.lua",
    ["finseg.cli.format"] = "lua/finseg/cli/format/init.lua",
    ["finseg.cli.format.json"] = "lua/finseg/cli/format/json.lua",
    ["finseg.cli.format.ndjson"] = "lua/finseg/cli/format/ndjson.lua",
    ["finseg.cli.format.table"] = "lua/finseg/cli/format/table.lua",
    ["finseg.cli.histogram"] = "lua/finseg/cli/histogram.lua",
    ["finseg.cli"] = "lua/finseg/cli/init.lua",
    ["finseg.cli.kinds"] = "lua/finseg/cli/kinds.lua",
    ["finseg.cli.output"] = "lua/finseg/cli/output.lua",
    ["finseg.cli.parser"] = "lua/finseg/cli/parser.lua",
    ["finseg.cli.paths"] = "lua/finseg/cli/paths.lua",
    ["finseg.cli.progress"] = "lua/finseg/cli/progress.lua",
    ["finseg.cli.rows"] = "lua/finseg/cli/rows.lua",
    ["finseg.cli.session"] = "lua/finseg/cli/session.lua",
    ["finseg.cli.spool"] = "lua/finseg/cli/spool.lua",
  },
  install = {
    bin = { finseg = "lua/bin/finseg" },
  },
}
