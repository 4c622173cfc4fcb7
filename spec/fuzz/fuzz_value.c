/*
 * Any bytes as a page, and as a value inside of one, through the Lua binding: the tables of users() are what cJSON makes
 * of the text, and what each user gives when it is read alone.
 */
#include <cjson/cJSON.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int luaopen_finseg_core(lua_State *L);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* ---- Lua beside cJSON -------------------------------------------------------------------------------------- */

static void check_value(lua_State *L, const cJSON *expected);

static bool stands_again(const cJSON *member)
{
    for (const cJSON *later = member->next; later; later = later->next) {
        if (strcmp(later->string, member->string) == 0)
            return true;
    }
    return false;
}

static size_t count_members(lua_State *L)
{
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        count++;
    return count;
}

/* Of a name that stands twice, the last value counts. */
static void check_object(lua_State *L, const cJSON *expected)
{
    const cJSON *member = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(member, expected)
    {
        if (stands_again(member))
            continue;
        count++;
        lua_pushstring(L, member->string);
        lua_rawget(L, -2);
        check_value(L, member);
        lua_pop(L, 1);
    }
    require(count_members(L) == count);
}

static void check_array(lua_State *L, const cJSON *expected)
{
    const cJSON *element = NULL;
    lua_Integer position = 0;
    cJSON_ArrayForEach(element, expected)
    {
        lua_rawgeti(L, -1, ++position);
        check_value(L, element);
        lua_pop(L, 1);
    }
    require(count_members(L) == (size_t)position);
}

static void check_number(lua_State *L, double expected)
{
    if (lua_isinteger(L, -1))
        require((double)lua_tointeger(L, -1) == expected);
    else if (isfinite(expected))
        require(lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) == expected);
    else
        require(lua_type(L, -1) == LUA_TSTRING);
}

/* The value at the top. */
static void check_value(lua_State *L, const cJSON *expected)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (cJSON_IsObject(expected)) {
        require(lua_istable(L, -1));
        check_object(L, expected);
    } else if (cJSON_IsArray(expected)) {
        require(lua_istable(L, -1));
        check_array(L, expected);
    } else if (cJSON_IsString(expected)) {
        require(lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), expected->valuestring) == 0);
    } else if (cJSON_IsNumber(expected)) {
        check_number(L, expected->valuedouble);
    } else if (cJSON_IsNull(expected)) {
        require(lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == NULL);
    } else {
        require(lua_isboolean(L, -1) && lua_toboolean(L, -1) == (cJSON_IsTrue(expected) ? 1 : 0));
    }
}

/* ---- Lua beside Lua ---------------------------------------------------------------------------------------- */

/* The two values at the top. */
static void check_same(lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (!lua_istable(L, -1)) {
        require(lua_rawequal(L, -1, -2));
        require(lua_isinteger(L, -1) == lua_isinteger(L, -2));
        return;
    }
    require(lua_istable(L, -2));
    size_t count = count_members(L);
    lua_pushvalue(L, -2);
    require(count_members(L) == count);
    lua_pop(L, 1);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 2)) {
        lua_pushvalue(L, -2);
        lua_rawget(L, -5);
        check_same(L);
    }
}

/* ---- a page ------------------------------------------------------------------------------------------------ */

enum { CORE = 1, PAGE, USERS };

static void push_method(lua_State *L, int object, const char *name)
{
    lua_getfield(L, object, name);
    lua_pushvalue(L, object);
}

/* Pushes a table of all users of the page. */
static void push_users(lua_State *L)
{
    lua_newtable(L);
    const int users = lua_gettop(L);
    lua_getfield(L, CORE, "user_reader");
    lua_call(L, 0, 1);
    lua_newtable(L);
    const int reader = users + 1;
    const int some = users + 2;
    lua_Integer position = 0;
    for (lua_Integer count = -1; count != 0;) {
        push_method(L, reader, "fill");
        lua_pushvalue(L, PAGE);
        lua_pushvalue(L, some);
        lua_call(L, 3, 1);
        count = lua_tointeger(L, -1);
        lua_pop(L, 1);
        for (lua_Integer i = 1; i <= count; i++) {
            lua_rawgeti(L, some, i);
            lua_rawseti(L, users, ++position);
        }
    }
    lua_settop(L, users);
}

static void check_users_alone(lua_State *L)
{
    const lua_Integer count = (lua_Integer)lua_rawlen(L, USERS);
    for (lua_Integer position = 1; position <= count; position++) {
        lua_rawgeti(L, USERS, position);
        push_method(L, PAGE, "user");
        lua_pushinteger(L, position);
        lua_call(L, 2, 1);
        check_same(L);
        lua_pop(L, 2);
    }
}

/* cJSON refuses some long numbers, and ends a string at a zero character. */
static void check_against_cjson(lua_State *L, const char *text, size_t length)
{
    cJSON *tree = cJSON_ParseWithLength(text, length);
    if (tree && !strstr(text, "\\u0000")) {
        check_array(L, cJSON_GetObjectItemCaseSensitive(tree, "users"));
        push_method(L, PAGE, "members");
        lua_call(L, 1, 1);
        lua_pushvalue(L, USERS);
        lua_setfield(L, -2, "users");
        check_object(L, tree);
        lua_pop(L, 1);
    }
    cJSON_Delete(tree);
}

/* (core, text) */
static int check_text(lua_State *L)
{
    size_t length = 0;
    const char *text = lua_tolstring(L, 2, &length);
    lua_getfield(L, CORE, "page");
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    lua_replace(L, PAGE);
    if (lua_isnil(L, PAGE))
        return 0;
    lua_gc(L, LUA_GCCOLLECT, 0); /* only the page keeps its text */
    push_users(L);
    check_users_alone(L);
    check_against_cjson(L, text, length);
    return 0;
}

static lua_State *new_state(void)
{
    lua_State *L = luaL_newstate();
    require(L != NULL);
    lua_gc(L, LUA_GCGEN, 0, 0);
    luaL_requiref(L, "finseg.core", luaopen_finseg_core, 0);
    return L;
}

/* The text is at the top. */
static void check(lua_State *L)
{
    lua_pushcfunction(L, check_text);
    lua_pushvalue(L, CORE);
    lua_rotate(L, -3, -1);
    require(lua_pcall(L, 2, 0, 0) == LUA_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *L;
    if (!L)
        L = new_state();
    lua_pushlstring(L, (const char *)data, size);
    check(L);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, "{\"users\":[{\"userId\":\"a\",\"v\":");
    luaL_addlstring(&text, (const char *)data, size);
    luaL_addstring(&text, "},\n{\"userId\":\"b\", \"v\" : ");
    luaL_addlstring(&text, (const char *)data, size);
    luaL_addstring(&text, "}]}");
    luaL_pushresult(&text);
    check(L);
    return 0;
}
