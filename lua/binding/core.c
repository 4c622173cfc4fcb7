#include <dlfcn.h>
#include <math.h>
#include <string.h>

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

void fs_lua_set_text(lua_State *L, const char *field, const char *text)
{
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

const char *fs_lua_check_text(lua_State *L, int argument)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, argument, &length);
    luaL_argcheck(L, strlen(text) == length, argument, "text without zero bytes expected");
    return text;
}

uint64_t fs_lua_check_whole(lua_State *L, int argument, uint64_t maximum)
{
    double number = luaL_checknumber(L, argument);
    luaL_argcheck(L, number >= 0 && number <= (double)maximum && floor(number) == number, argument,
                  "whole number from 0 on expected");
    return (uint64_t)number;
}

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
    static const luaL_Reg no_methods[] = {{NULL, NULL}};
    pin_module();
    fs_lua_open_memory(L);
    fs_lua_register_type(L, scratch_type, no_methods, collect_scratch);
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
