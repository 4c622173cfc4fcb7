-- What Lua 5.4 and LuaJIT have, each under its own name; the tests show that a script runs in both.
std = "max"
max_line_length = 120
max_string_line_length = false
exclude_files = { "build" }

files["spec"] = {
  std = "max+busted",
  ignore = { "512" }, -- a test may leave a loop at its first round
}

files["lua/finseg/ngx"] = { std = "max+ngx_lua" }
files["lua/finseg/driver/ngx*.lua"] = { std = "max+ngx_lua" }
files["lua/finseg/store/dict_notes.lua"] = { std = "max+ngx_lua" }
files["lua/finseg/store/shared_dict.lua"] = { std = "max+ngx_lua" }
files["examples/nginx"] = { std = "ngx_lua" }
files["spec/lua/ngx/support"] = { std = "max+ngx_lua" }

files["examples/rules"] = {
  read_globals = { "segment" }, -- what a rule file is given
}
