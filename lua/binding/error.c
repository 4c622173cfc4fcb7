#include "value/error.h"

#include <string.h>

#include "binding.h"

static const char error_type[] = "finseg.error";

void fs_lua_push_error(lua_State *L, const finseg_error *error)
{
    lua_createtable(L, 0, 8);
    fs_lua_set_text(L, "kind", finseg_error_kind_name(finseg_error_get_kind(error)));
    fs_lua_set_text(L, "message", finseg_error_message(error));
    fs_lua_set_text(L, "code", finseg_error_code(error));
    fs_lua_set_text(L, "request_id", finseg_error_request_id(error));
    if (finseg_error_status(error) > 0) {
        lua_pushinteger(L, finseg_error_status(error));
        lua_setfield(L, -2, "status");
    }
    if (finseg_error_retry_after(error) >= 0) {
        lua_pushnumber(L, finseg_error_retry_after(error));
        lua_setfield(L, -2, "retry_after");
    }
    lua_pushboolean(L, finseg_error_retryable(error));
    lua_setfield(L, -2, "retryable");
    lua_pushboolean(L, finseg_error_maybe_created(error));
    lua_setfield(L, -2, "maybe_created");
    luaL_getmetatable(L, error_type);
    lua_setmetatable(L, -2);
}

int fs_lua_fail(lua_State *L, struct fs_lua_scratch *scratch)
{
    lua_pushnil(L);
    fs_lua_push_error(L, scratch->error);
    fs_lua_empty_scratch(scratch);
    return 2;
}

int fs_lua_error(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *message = luaL_checkstring(L, 2);
    finseg_error_kind kind = FINSEG_ERROR_CONFIG;
    while (kind <= FINSEG_ERROR_RESOURCE && strcmp(finseg_error_kind_name(kind), name) != 0)
        kind++;
    luaL_argcheck(L, kind <= FINSEG_ERROR_RESOURCE, 1, "unknown kind of error");
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    scratch->error = fs_error_new(kind, "%s", message);
    fs_lua_push_error(L, scratch->error);
    fs_lua_empty_scratch(scratch);
    return 1;
}

/* A field of the error at index 1 as text, "" when it is absent or something else; it stays on the stack. */
static const char *field_text(lua_State *L, const char *field)
{
    lua_getfield(L, 1, field);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
}

static int error_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *message = field_text(L, "message");
    const char *request_id = field_text(L, "request_id");
    if (*request_id && !strstr(message, request_id))
        lua_pushfstring(L, "%s (request %s)", message, request_id);
    else
        lua_pushstring(L, message);
    return 1;
}

void fs_lua_register_error(lua_State *L)
{
    luaL_newmetatable(L, error_type);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushstring(L, error_type);
    lua_setfield(L, -2, "__name");
    lua_pop(L, 1);
}
