#include <time.h>

#include "binding.h"

static int push_clock(lua_State *L, clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
    return 1;
}

int fs_lua_time(lua_State *L)
{
    return push_clock(L, CLOCK_REALTIME);
}

int fs_lua_now(lua_State *L)
{
    return push_clock(L, CLOCK_MONOTONIC);
}
