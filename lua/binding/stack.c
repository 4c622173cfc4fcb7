#include <math.h>
#include <string.h>

#include "binding.h"

void fs_lua_push_slice(lua_State *L, finseg_slice slice)
{
    lua_pushlstring(L, slice.length > 0 ? slice.data : "", slice.length);
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
