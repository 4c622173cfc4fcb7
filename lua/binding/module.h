/* What each of finseg's C modules does: its types and its functions. Header only, since each is a module of its own. */
#ifndef FINSEG_LUA_MODULE_H
#define FINSEG_LUA_MODULE_H

#include <string.h>

#include "compat.h"

/* Stands before a module's opener, the one name that Lua has to see. */
#define FS_LUA_MODULE __attribute__((visibility("default")))

/* Makes the metatable `type`, with `methods` as its __index and `collect` (may be NULL) as its __gc. */
static inline void fs_lua_register_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction collect)
{
    luaL_newmetatable(L, type);
    if (collect) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
    }
    lua_newtable(L);
    fs_lua_set_functions(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "finseg");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

/* Pushes a zeroed userdata of `size` bytes and that type. */
static inline void *fs_lua_new_object(lua_State *L, const char *type, size_t size)
{
    void *object = lua_newuserdata(L, size);
    memset(object, 0, size);
    luaL_getmetatable(L, type);
    lua_setmetatable(L, -2);
    return object;
}

#endif
