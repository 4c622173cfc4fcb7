/* The module finseg.core: what Lua gets of all the other files here. None of them looks up to this one. */
#include <dlfcn.h>

#include "binding.h"

/*
 * libcurl's resolver threads may outlive the client that started them (it does not wait for a silent name server), so
 * this code must stay in memory when Lua unloads its modules. Where the module is part of the program, there is
 * nothing to pin.
 */
static void pin_module(void)
{
    Dl_info info;
    static const char inside_the_module = 0;
    if (dladdr(&inside_the_module, &info) == 0 || !info.dli_fname)
        return;
    void *handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (handle)
        dlclose(handle);
}

/* core.is_yieldable() -> whether the running coroutine can be left here and come back to. coroutine.isyieldable is
 * not everywhere: nginx replaces that table. */
static int is_yieldable(lua_State *L)
{
    lua_pushboolean(L, fs_lua_is_yieldable(L));
    return 1;
}

static const luaL_Reg functions[] = {
    {"client", fs_lua_client},
    {"error", fs_lua_error},
    {"kinds", fs_lua_kinds},
    {"total", fs_lua_total},
    {"tally", fs_lua_tally},
    {"range", fs_lua_range},
    {"histogram", fs_lua_histogram},
    {"idset", fs_lua_idset},
    {"precedes", fs_lua_precedes},
    {"from_json", fs_lua_from_json},
    {"to_json", fs_lua_to_json},
    {"decimal_compare", fs_lua_decimal_compare},
    {"decimal_add", fs_lua_decimal_add},
    {"decimal_subtract", fs_lua_decimal_subtract},
    {"json_parts", fs_lua_json_parts},
    {"json_without", fs_lua_json_without},
    {"create_file", fs_lua_create_file},
    {"close_on_exec", fs_lua_close_on_exec},
    {"create_folder", fs_lua_create_folder},
    {"time", fs_lua_time},
    {"signal", fs_lua_signal},
    {"is_yieldable", is_yieldable},
    {"poll", fs_lua_poll},
    {"secret_text", fs_lua_secret_text},
    {"same_secret", fs_lua_same_secret},
    {"now", fs_lua_now},
    {NULL, NULL},
};

FS_LUA_MODULE int luaopen_finseg_core(lua_State *L);

int luaopen_finseg_core(lua_State *L)
{
    pin_module();
    fs_lua_open_external_memory(L);
    fs_lua_register_scratch(L);
    fs_lua_register_error(L);
    fs_lua_register_client(L);
    fs_lua_register_job(L);
    fs_lua_register_aggregates(L);
    fs_lua_register_idset(L);
    fs_lua_register_traversal(L);
    fs_lua_register_signal(L);

    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    fs_lua_register_page(L);
    fs_lua_register_user_reader(L);
    fs_lua_register_amounts(L);
    lua_pushstring(L, finseg_version());
    lua_setfield(L, -2, "version");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    return 1;
}
