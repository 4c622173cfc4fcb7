#include <math.h>

#include "binding.h"

static void push_values(lua_State *L, const char *const *values)
{
    lua_newtable(L);
    for (int i = 0; values[i]; i++) {
        lua_pushstring(L, values[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static void push_parameter(lua_State *L, const finseg_parameter *parameter)
{
    lua_newtable(L);
    fs_lua_set_text(L, "name", parameter->name);
    fs_lua_set_text(L, "type", finseg_parameter_type_name(parameter->type));
    lua_pushboolean(L, parameter->required);
    lua_setfield(L, -2, "required");
    if (parameter->type == FINSEG_PARAMETER_INTEGER && isfinite(parameter->minimum)) {
        lua_pushnumber(L, parameter->minimum);
        lua_setfield(L, -2, "minimum");
    }
    if (parameter->type == FINSEG_PARAMETER_INTEGER && isfinite(parameter->maximum)) {
        lua_pushnumber(L, parameter->maximum);
        lua_setfield(L, -2, "maximum");
    }
    if (parameter->values) {
        push_values(L, parameter->values);
        lua_setfield(L, -2, "values");
    }
}

static void push_kind(lua_State *L, const finseg_kind *kind)
{
    lua_newtable(L);
    fs_lua_set_text(L, "name", kind->name);
    fs_lua_set_text(L, "path", kind->path);
    lua_newtable(L);
    for (size_t i = 0; i < kind->parameter_count; i++) {
        push_parameter(L, &kind->parameters[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "parameters");
}

int fs_lua_kinds(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (!fs_lua_read_config(L, 1, false, scratch))
        return fs_lua_fail(L, scratch);
    luaL_checkstack(L, 12, "listing the kinds");
    lua_newtable(L);
    const finseg_kind *kind;
    for (size_t i = 0; (kind = finseg_config_kind(scratch->config, i)) != NULL; i++) {
        push_kind(L, kind);
        lua_rawseti(L, -2, (int)i + 1);
    }
    fs_lua_empty_scratch(scratch);
    return 1;
}
