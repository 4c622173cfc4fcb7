/*
 * Iterating over amounts. Lua 5.4 gets an iterator in C, which calls Lua for the next page alone, and may wait there.
 * LuaJIT cannot wait below a C function; it gets the amounts in tables, some at a time, which its compiler goes
 * through faster than it calls C.
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
        fs_lua_push_slice(L, account);
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
    fs_lua_push_slice(L, finseg_page_user_id(page, walk->user - 1));
}

#if FS_LUA_WAITS_BELOW_C

/* Upvalues of the iterator: this, the page that it goes through (kept alive here), the current userId, and the
 * function that gives the next page. */
enum { ITERATOR = 1, PAGE, USER_ID, NEXT_PAGE, UPVALUES = NEXT_PAGE };

struct iterator {
    struct walk walk;
    finseg_page *const
        *page; /* inside PAGE; NULL before the first one, and NULL inside when NEXT_PAGE has taken it back */
    bool account_ids;
};

static int next_amount(lua_State *L);

/* With the answer of NEXT_PAGE at the top: goes on with that page, or ends. */
static int take_page(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct iterator *iterator = lua_touserdata(L, lua_upvalueindex(ITERATOR));
    iterator->walk = (struct walk){0};
    iterator->page = lua_touserdata(L, -1);
    lua_copy(L, -1, lua_upvalueindex(PAGE));
    return iterator->page ? next_amount(L) : 0;
}

/* -> userId, amount [, accountId] | nothing at the end */
static int next_amount(lua_State *L)
{
    struct iterator *iterator = lua_touserdata(L, lua_upvalueindex(ITERATOR));
    const finseg_page *page = iterator->page ? *iterator->page : NULL;
    struct walk *walk = &iterator->walk;
    if (page && walk->amount < walk->end) {
        lua_pushvalue(L, lua_upvalueindex(USER_ID));
    } else if (page && next_user(walk, page)) {
        push_user_id(L, page, walk);
        lua_copy(L, -1, lua_upvalueindex(USER_ID));
    } else {
        lua_pushvalue(L, lua_upvalueindex(NEXT_PAGE));
        lua_callk(L, 0, 1, 0, take_page);
        return take_page(L, LUA_OK, 0);
    }
    size_t index = walk->amount++;
    push_amount(L, page, index);
    if (!iterator->account_ids)
        return 2;
    push_account(L, page, index);
    return 3;
}

/* core.amounts(next_page, account_ids) -> iterator; next_page answers a page, or nil at the end */
static int new_iterator(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    bool account_ids = lua_toboolean(L, 2);
    struct iterator *iterator = lua_newuserdata(L, sizeof *iterator);
    *iterator = (struct iterator){.account_ids = account_ids};
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, 1);
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
