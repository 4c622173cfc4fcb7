/* What Lua 5.1 (LuaJIT) and Lua 5.4 spell differently; all that the binding needs, and nothing more. */
#ifndef FINSEG_LUA_COMPAT_H
#define FINSEG_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

#if LUA_VERSION_NUM < 502

#define lua_rawlen lua_objlen

/* LuaJIT has it, Lua 5.1 itself has not: then it is NULL. */
extern int lua_isyieldable(lua_State *L) __attribute__((weak));

static inline int fs_lua_is_yieldable(lua_State *L)
{
    if (lua_isyieldable)
        return lua_isyieldable(L);
    int is_main = lua_pushthread(L);
    lua_pop(L, 1);
    return !is_main;
}

/* The userdata at `object` keeps a table, which is popped from the top of the stack. */
static inline void fs_lua_keep(lua_State *L, int object)
{
    lua_setfenv(L, object);
}

/* Pushes that table. */
static inline void fs_lua_push_kept(lua_State *L, int object)
{
    lua_getfenv(L, object);
}

static inline void fs_lua_set_functions(lua_State *L, const luaL_Reg *functions)
{
    for (; functions->name; functions++) {
        lua_pushcfunction(L, functions->func);
        lua_setfield(L, -2, functions->name);
    }
}

#else

static inline int fs_lua_is_yieldable(lua_State *L)
{
    return lua_isyieldable(L);
}

static inline void fs_lua_keep(lua_State *L, int object)
{
#if LUA_VERSION_NUM < 504
    lua_setuservalue(L, object);
#else
    lua_setiuservalue(L, object, 1);
#endif
}

static inline void fs_lua_push_kept(lua_State *L, int object)
{
#if LUA_VERSION_NUM < 504
    lua_getuservalue(L, object);
#else
    lua_getiuservalue(L, object, 1);
#endif
}

static inline void fs_lua_set_functions(lua_State *L, const luaL_Reg *functions)
{
    luaL_setfuncs(L, functions, 0);
}

#endif

#if LUA_VERSION_NUM >= 503
#define FS_LUA_HAS_INTEGERS 1
#else
#define FS_LUA_HAS_INTEGERS 0
#endif

/* Whether a coroutine may yield in what a C function calls, by a continuation. */
#if LUA_VERSION_NUM >= 503
#define FS_LUA_WAITS_BELOW_C 1
#else
#define FS_LUA_WAITS_BELOW_C 0
#endif

/* True for a number that Lua itself keeps as an integer. */
static inline int fs_lua_is_integer(lua_State *L, int index)
{
#if FS_LUA_HAS_INTEGERS
    return lua_isinteger(L, index);
#else
    (void)L;
    (void)index;
    return 0;
#endif
}

/* Pushes a count: an integer where Lua has them. */
static inline void fs_lua_push_count(lua_State *L, uint64_t count)
{
#if FS_LUA_HAS_INTEGERS
    lua_pushinteger(L, (lua_Integer)count);
#else
    lua_pushnumber(L, (lua_Number)count);
#endif
}

#endif
