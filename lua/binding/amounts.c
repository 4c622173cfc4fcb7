/*
 * Iterating over amounts. Lua 5.4 gets an iterator in C, which calls Lua for the next page alone, and may wait there. LuaJIT cannot wait below a
 * C function; it gets the amounts in tables, some at a time, which its compiler goes through faster than it calls C.
 */
#include "binding.h"

/* Amounts up to this many units of 10^-4 are exact in a double, so that one division gives the nearest. */
static const int64_t exact_units = INT64_C(1) << 53;

/* A place among the amounts of a page. */
struct walk {
    size_t user;   /* the next user to look at */
    size_t amount; /* the next amount to give */
    size_t end;    /* behind the last amount of the current user */
};

static void push_slice(lua_State *L, finseg_slice slice)
{
    lua_pushlstring(L, slice.length > 0 ? slice.data : "", slice.length);
}

static void push_amount(lua_State *L, const finseg_page *page, size_t index)
{
    int64_t units = 0;
    if (finseg_page_amount(page, index, &units) && units <= exact_units && units >= -exact_units) {
        lua_pushnumber(L, (lua_Number)units / 10000.0);
        return;
    }
    finseg_slice text = finseg_page_amount_text(page, index);
    fs_lua_push_float(L, text.data, text.length);
}

/* The accountId, nil when the record has none. */
static void push_account(lua_State *L, const finseg_page *page, size_t index)
{
    finseg_slice account = finseg_page_amount_account(page, index);
    if (account.length > 0)
        push_slice(L, account);
    else
        lua_pushnil(L);
}

/* To the next user with amounts; false at the end of the page. */
static bool next_user(struct walk *walk, const finseg_page *page)
{
    while (walk->amount == walk->end) {
        if (walk->user == finseg_page_user_count(page))
            return false;
        size_t first = 0;
        size_t count = finseg_page_user_amounts(page, walk->user++, &first);
        walk->amount = first;
        walk->end = first + count;
    }
    return true;
}

static void push_user_id(lua_State *L, const finseg_page *page, const struct walk *walk)
{
    push_slice(L, finseg_page_user_id(page, walk->user - 1));
}

#if FS_LUA_WAITS_BELOW_C

/*
 * Upvalues of the iterator: the walk, the page, the current userId, the function that gives the next page, and whether accountIds are wanted. That
 * function may have freed the page before.
 */
enum { WALK = 1, PAGE, USER_ID, NEXT_PAGE, ACCOUNT_IDS, UPVALUES = ACCOUNT_IDS };

static int next_amount(lua_State *L);

/* With the answer of NEXT_PAGE at the top: goes on with that page, or ends. */
static int take_page(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(WALK));
    *walk = (struct walk){0};
    lua_pushvalue(L, -1);
    lua_replace(L, lua_upvalueindex(PAGE));
    return lua_isnil(L, -1) ? 0 : next_amount(L);
}

/* -> userId, amount [, accountId] | nothing at the end */
static int next_amount(lua_State *L)
{
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(WALK));
    finseg_page *const *place = lua_touserdata(L, lua_upvalueindex(PAGE));
    const finseg_page *page = place ? *place : NULL;
    if (!page || walk->amount == walk->end) {
        if (!page || !next_user(walk, page)) {
            lua_pushvalue(L, lua_upvalueindex(NEXT_PAGE));
            lua_callk(L, 0, 1, 0, take_page);
            return take_page(L, LUA_OK, 0);
        }
        push_user_id(L, page, walk);
        lua_replace(L, lua_upvalueindex(USER_ID));
    }
    size_t index = walk->amount++;
    lua_pushvalue(L, lua_upvalueindex(USER_ID));
    push_amount(L, page, index);
    if (!lua_toboolean(L, lua_upvalueindex(ACCOUNT_IDS)))
        return 2;
    push_account(L, page, index);
    return 3;
}

/* core.amounts(next_page, account_ids) -> iterator; next_page answers a page, or nil at the end */
static int new_iterator(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    struct walk *walk = lua_newuserdata(L, sizeof *walk);
    *walk = (struct walk){0};
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, next_amount, UPVALUES);
    return 1;
}

void fs_lua_register_amounts(lua_State *L)
{
    lua_pushcfunction(L, new_iterator);
    lua_setfield(L, -2, "amounts");
}

#else

static const char walk_type[] = "finseg.core.walk";

/*
 * walk:fill(page, user_ids, amounts, account_ids; nil: not wanted) -> count
 * Puts the next amounts of the page into the tables, from 1 on; 0 at its end, and then begins with the next page.
 */
static int walk_fill(lua_State *L)
{
    enum { USER_IDS = 3, AMOUNTS = 4, ACCOUNT_IDS = 5, AT_ONCE = 64 };
    struct walk *walk = luaL_checkudata(L, 1, walk_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    luaL_checktype(L, USER_IDS, LUA_TTABLE);
    luaL_checktype(L, AMOUNTS, LUA_TTABLE);
    bool account_ids = !lua_isnoneornil(L, ACCOUNT_IDS);
    int count = 0;
    while (count < AT_ONCE && next_user(walk, page)) {
        push_user_id(L, page, walk);
        for (; count < AT_ONCE && walk->amount < walk->end; walk->amount++) {
            count++;
            lua_pushvalue(L, -1);
            lua_rawseti(L, USER_IDS, count);
            push_amount(L, page, walk->amount);
            lua_rawseti(L, AMOUNTS, count);
            if (account_ids) {
                push_account(L, page, walk->amount);
                lua_rawseti(L, ACCOUNT_IDS, count);
            }
        }
        lua_pop(L, 1);
    }
    if (count == 0)
        *walk = (struct walk){0};
    lua_pushinteger(L, count);
    return 1;
}

/* core.walk() -> walk */
static int new_walk(lua_State *L)
{
    fs_lua_new_object(L, walk_type, sizeof(struct walk));
    return 1;
}

void fs_lua_register_amounts(lua_State *L)
{
    static const luaL_Reg methods[] = {{"fill", walk_fill}, {NULL, NULL}};
    fs_lua_register_type(L, walk_type, methods, NULL);
    lua_pushcfunction(L, new_walk);
    lua_setfield(L, -2, "walk");
}

#endif
