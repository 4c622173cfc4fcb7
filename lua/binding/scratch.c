#include "binding.h"

static const char scratch_type[] = "finseg.core.scratch";

struct fs_lua_scratch *fs_lua_new_scratch(lua_State *L)
{
    return fs_lua_new_object(L, scratch_type, sizeof(struct fs_lua_scratch));
}

void fs_lua_empty_scratch(struct fs_lua_scratch *scratch)
{
    finseg_error_free(scratch->error);
    finseg_config_free(scratch->config);
    finseg_outcome_free(scratch->outcome);
    fs_buffer_free(&scratch->text);
    *scratch = (struct fs_lua_scratch){0};
}

static int collect_scratch(lua_State *L)
{
    fs_lua_empty_scratch(luaL_checkudata(L, 1, scratch_type));
    return 0;
}

void fs_lua_register_scratch(lua_State *L)
{
    static const luaL_Reg no_methods[] = {{NULL, NULL}};
    fs_lua_register_type(L, scratch_type, no_methods, collect_scratch);
}
