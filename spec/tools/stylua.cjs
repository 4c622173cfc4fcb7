// stylua from its npm package, which has the formatter and no command line:
//   node stylua.cjs [--check] PATH...   formats the .lua files given or found; --check only names those that differ.
// The settings are read from .stylua.toml.
"use strict";
const fs = require("fs");
const path = require("path");

const top = path.resolve(__dirname, "../..");
const stylua = require(path.join(top, "build/npm/node_modules/@johnnymorganz/stylua"));

function read_settings() {
  const settings = [];
  for (const line of fs.readFileSync(path.join(top, ".stylua.toml"), "utf8").split("\n")) {
    const match = /^(\w+) = (?:"(\w+)"|(\d+))$/.exec(line);
    if (match) settings.push([match[1], match[2] ?? Number(match[3])]);
    else if (line !== "") throw new Error(".stylua.toml: cannot read " + line);
  }
  return settings;
}

const ENUMS = {
  syntax: stylua.LuaVersion,
  indent_type: stylua.IndentType,
  quote_style: stylua.QuoteStyle,
  call_parentheses: stylua.CallParenType,
  collapse_simple_statement: stylua.CollapseSimpleStatement,
};

// formatCode takes the configuration over, so each call needs its own.
function make_config(settings) {
  const config = stylua.Config.new();
  for (const [name, value] of settings) {
    const known = typeof value === "number" || ENUMS[name]?.[value] !== undefined;
    if (!known) throw new Error(`.stylua.toml: ${name} = ${value} is unknown here`);
    config[name] = typeof value === "number" ? value : ENUMS[name][value];
  }
  return config;
}

function* lua_files(place) {
  if (!fs.statSync(place).isDirectory()) {
    if (place.endsWith(".lua")) yield place;
    return;
  }
  for (const name of fs.readdirSync(place).sort()) yield* lua_files(path.join(place, name));
}

function main(args) {
  const check = args[0] === "--check";
  const settings = read_settings();
  let bad = 0;
  for (const place of check ? args.slice(1) : args) {
    for (const file of lua_files(place)) {
      const text = fs.readFileSync(file, "utf8");
      let formatted;
      try {
        formatted = stylua.formatCode(text, make_config(settings), undefined, stylua.OutputVerification.Full);
      } catch (error) {
        console.error(`${file}: ${error}`);
        bad += 1;
        continue;
      }
      if (formatted === text) continue;
      if (check) {
        console.error(`${file}: not formatted; make format mends it`);
        bad += 1;
      } else fs.writeFileSync(file, formatted);
    }
  }
  return bad > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
