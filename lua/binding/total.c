#include "binding.h"

static const char total_type[] = "finseg.core.total";

int fs_lua_total(lua_State *L)
{
    fs_lua_new_object(L, total_type, sizeof(finseg_total));
    return 1;
}

/* total:add(page) -> true | nil, err, and the total unchanged */
static int total_add(lua_State *L)
{
    finseg_total *total = luaL_checkudata(L, 1, total_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (finseg_page_sum(page, total, &scratch->error) != 0)
        return fs_lua_fail(L, scratch);
    lua_pushboolean(L, 1);
    return 1;
}

/* total:result() -> the nearest number, the exact decimal text */
static int total_result(lua_State *L)
{
    const finseg_total *total = luaL_checkudata(L, 1, total_type);
    char text[FINSEG_TOTAL_TEXT];
    finseg_total_text(total, text);
    lua_pushnumber(L, finseg_total_number(total));
    lua_pushstring(L, text);
    return 2;
}

void fs_lua_register_total(lua_State *L)
{
    static const luaL_Reg methods[] = {{"add", total_add}, {"result", total_result}, {NULL, NULL}};
    fs_lua_register_type(L, total_type, methods, NULL);
}
