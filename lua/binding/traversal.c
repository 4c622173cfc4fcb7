#include "binding.h"

static const char traversal_type[] = "finseg.core.traversal";

static finseg_traversal *check_traversal(lua_State *L)
{
    finseg_traversal **place = luaL_checkudata(L, 1, traversal_type);
    luaL_argcheck(L, *place, 1, "the traversal is gone");
    return *place;
}

static int collect_traversal(lua_State *L)
{
    finseg_traversal **place = luaL_checkudata(L, 1, traversal_type);
    finseg_traversal_free(*place);
    *place = NULL;
    return 0;
}

finseg_traversal **fs_lua_new_traversal(lua_State *L)
{
    return fs_lua_new_object(L, traversal_type, sizeof(finseg_traversal *));
}

/* traversal:request() -> number, size of the page to ask for | nil when none is to be asked for now */
static int traversal_request(lua_State *L)
{
    uint64_t number = 0;
    uint32_t size = 0;
    if (!finseg_traversal_request(check_traversal(L), &number, &size))
        return 0;
    lua_pushnumber(L, (lua_Number)number);
    lua_pushnumber(L, (lua_Number)size);
    return 2;
}

/* traversal:accept(page) -> true | nil, err */
static int traversal_accept(lua_State *L)
{
    finseg_traversal *traversal = check_traversal(L);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (finseg_traversal_accept(traversal, page, &scratch->error) != 0)
        return fs_lua_fail(L, scratch);
    lua_pushboolean(L, 1);
    return 1;
}

/* traversal:finished() -> whether every page was accepted | nil, err */
static int traversal_finished(lua_State *L)
{
    const finseg_traversal *traversal = check_traversal(L);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    int finished = finseg_traversal_finished(traversal, &scratch->error);
    if (finished < 0)
        return fs_lua_fail(L, scratch);
    lua_pushboolean(L, finished);
    return 1;
}

void fs_lua_register_traversal(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"request", traversal_request},
        {"accept", traversal_accept},
        {"finished", traversal_finished},
        {NULL, NULL},
    };
    fs_lua_register_type(L, traversal_type, methods, collect_traversal);
}
