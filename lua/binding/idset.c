#include "binding.h"

static const char idset_type[] = "finseg.core.idset";

static finseg_idset **new_place(lua_State *L)
{
    return fs_lua_new_object(L, idset_type, sizeof(finseg_idset *));
}

static finseg_idset *check_set(lua_State *L, int argument)
{
    finseg_idset **place = luaL_checkudata(L, argument, idset_type);
    luaL_argcheck(L, *place, argument, "the set is gone");
    return *place;
}

static int collect_set(lua_State *L)
{
    finseg_idset **place = luaL_checkudata(L, 1, idset_type);
    finseg_idset_free(*place);
    *place = NULL;
    return 0;
}

/* Raises the scratch's error when there is one: memory is out, or the caller's mistake. */
static int settle(lua_State *L, struct fs_lua_scratch *scratch)
{
    if (!scratch->error)
        return 1;
    lua_pushstring(L, finseg_error_message(scratch->error));
    fs_lua_empty_scratch(scratch);
    return lua_error(L);
}

int fs_lua_idset(lua_State *L)
{
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_idset **place = new_place(L);
    *place = finseg_idset_new(&scratch->error);
    return settle(L, scratch);
}

/* set:add(id) */
static int set_add(lua_State *L)
{
    size_t length = 0;
    finseg_idset *set = check_set(L, 1);
    const char *id = luaL_checklstring(L, 2, &length);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_idset_add(set, id, length, &scratch->error);
    settle(L, scratch);
    return 0;
}

/* set:add_page(page) */
static int set_add_page(lua_State *L)
{
    finseg_idset *set = check_set(L, 1);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_idset_add_page(set, page, &scratch->error);
    settle(L, scratch);
    return 0;
}

static int set_count(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)finseg_idset_count(check_set(L, 1)));
    return 1;
}

/* set:has(id) */
static int set_has(lua_State *L)
{
    size_t length = 0;
    finseg_idset *set = check_set(L, 1);
    const char *id = luaL_checklstring(L, 2, &length);
    lua_pushboolean(L, finseg_idset_contains(set, id, length));
    return 1;
}

/* Upvalues: the set, and the cursor. */
static int next_id(lua_State *L)
{
    finseg_idset *const *place = lua_touserdata(L, lua_upvalueindex(1));
    finseg_idset_cursor *cursor = lua_touserdata(L, lua_upvalueindex(2));
    finseg_slice id;
    if (!finseg_idset_next(*place, cursor, &id))
        return 0;
    lua_pushlstring(L, id.data, id.length);
    return 1;
}

/* set:each() -> iterator over the ids, sorted by their bytes */
static int set_each(lua_State *L)
{
    check_set(L, 1);
    lua_pushvalue(L, 1);
    finseg_idset_cursor *cursor = lua_newuserdata(L, sizeof *cursor);
    *cursor = (finseg_idset_cursor){0};
    lua_pushcclosure(L, next_id, 2);
    return 1;
}

typedef finseg_idset *operation(finseg_idset *a, finseg_idset *b, finseg_error **error);

static int make_set(lua_State *L, operation *make)
{
    finseg_idset *a = check_set(L, 1);
    finseg_idset *b = check_set(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_idset **place = new_place(L);
    *place = make(a, b, &scratch->error);
    return settle(L, scratch);
}

static int set_union(lua_State *L)
{
    return make_set(L, finseg_idset_union);
}

static int set_intersection(lua_State *L)
{
    return make_set(L, finseg_idset_intersection);
}

static int set_difference(lua_State *L)
{
    return make_set(L, finseg_idset_difference);
}

void fs_lua_register_idset(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", set_add},
        {"add_page", set_add_page},
        {"count", set_count},
        {"has", set_has},
        {"each", set_each},
        {"union", set_union},
        {"intersection", set_intersection},
        {"difference", set_difference},
        {NULL, NULL},
    };
    fs_lua_register_type(L, idset_type, methods, collect_set);
}
