#include <string.h>

#include "binding.h"
#include "error.h"

static const char page_type[] = "finseg.core.page";

/* Amounts up to this many units of 10^-4 are exact in a double, so that one division gives the nearest. */
static const int64_t exact_units = INT64_C(1) << 53;

static finseg_page **new_page(lua_State *L)
{
    return fs_lua_new_object(L, page_type, sizeof(finseg_page *));
}

/* Lua's collector sees a few bytes where a whole page lies. Told of the text and of an index of that order, it keeps pages from
 * piling up behind a reader. */
static void account_for(lua_State *L, const finseg_page *page)
{
    lua_gc(L, LUA_GCSTEP, (int)(finseg_page_text(page).length / 512) + 1);
}

void fs_lua_push_page(lua_State *L, finseg_outcome *outcome)
{
    finseg_page **place = new_page(L);
    *place = finseg_outcome_take_page(outcome);
    if (*place)
        account_for(L, *place);
}

finseg_page *fs_lua_check_page(lua_State *L, int argument)
{
    finseg_page **place = luaL_checkudata(L, argument, page_type);
    luaL_argcheck(L, *place, argument, "the page is gone");
    return *place;
}

static int collect_page(lua_State *L)
{
    finseg_page **place = luaL_checkudata(L, 1, page_type);
    finseg_page_free(*place);
    *place = NULL;
    return 0;
}

int fs_lua_page(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_page **place = new_page(L);
    *place = finseg_page_parse(text, length, &scratch->error);
    if (!*place)
        return fs_lua_fail(L, scratch);
    account_for(L, *place);
    return 1;
}

static void push_slice(lua_State *L, finseg_slice slice)
{
    lua_pushlstring(L, slice.length > 0 ? slice.data : "", slice.length);
}

/* Argument 2: the position of a user, from 1. */
static size_t check_user(lua_State *L, const finseg_page *page)
{
    lua_Integer position = luaL_checkinteger(L, 2);
    luaL_argcheck(L, position >= 1 && (uint64_t)position <= finseg_page_user_count(page), 2, "no such user");
    return (size_t)position - 1;
}

static int page_user_count(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)finseg_page_user_count(fs_lua_check_page(L, 1)));
    return 1;
}

/* page:size() -> bytes of its text */
static int page_size(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)finseg_page_text(fs_lua_check_page(L, 1)).length);
    return 1;
}

static int page_text(lua_State *L)
{
    push_slice(L, finseg_page_text(fs_lua_check_page(L, 1)));
    return 1;
}

/* page:user(position) -> table */
static int page_user(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    finseg_slice user = finseg_page_user(page, check_user(L, page));
    fs_lua_push_json(L, user.data, user.length);
    return 1;
}

/* page:user_id(position) -> text */
static int page_user_id(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    push_slice(L, finseg_page_user_id(page, check_user(L, page)));
    return 1;
}

static int compare_slices(finseg_slice a, finseg_slice b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* page:is_sorted() -> whether each userId comes after the one before, by its bytes */
static int page_is_sorted(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    bool sorted = true;
    for (size_t i = 1; sorted && i < finseg_page_user_count(page); i++)
        sorted = compare_slices(finseg_page_user_id(page, i - 1), finseg_page_user_id(page, i)) < 0;
    lua_pushboolean(L, sorted);
    return 1;
}

/* page:find_user(userId) -> its position on a page that is sorted | nil */
static int page_find_user(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    finseg_slice wanted = {0};
    wanted.data = luaL_checklstring(L, 2, &wanted.length);
    size_t low = 0;
    size_t high = finseg_page_user_count(page);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_slices(finseg_page_user_id(page, middle), wanted);
        if (order == 0) {
            lua_pushinteger(L, (lua_Integer)middle + 1);
            return 1;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* page:user_text(position) -> the user's JSON object as it came */
static int page_user_text(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    push_slice(L, finseg_page_user(page, check_user(L, page)));
    return 1;
}

/* page:members() -> table of the page's members but for users */
static int page_members(lua_State *L)
{
    finseg_slice text = finseg_page_text(fs_lua_check_page(L, 1));
    fs_lua_push_members(L, text.data, text.length, "users");
    return 1;
}

/* ---- iterating over amounts ---- */

/* Upvalues of the iterator: this, the page, and the current userId. */
enum { WALK = 1, PAGE = 2, USER_ID = 3 };

struct walk {
    size_t user;   /* the next user to look at */
    size_t amount; /* the next amount to give */
    size_t end;    /* behind the last amount of the current user */
    bool account_ids;
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

/* -> userId, amount [, accountId] | nil at the end */
static int next_amount(lua_State *L)
{
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(WALK));
    finseg_page *const *place = lua_touserdata(L, lua_upvalueindex(PAGE));
    const finseg_page *page = *place;
    while (walk->amount == walk->end) {
        if (walk->user == finseg_page_user_count(page))
            return 0;
        size_t first = 0;
        size_t count = finseg_page_user_amounts(page, walk->user, &first);
        if (count > 0) {
            push_slice(L, finseg_page_user_id(page, walk->user));
            lua_replace(L, lua_upvalueindex(USER_ID));
        }
        walk->amount = first;
        walk->end = first + count;
        walk->user++;
    }
    size_t index = walk->amount++;
    lua_pushvalue(L, lua_upvalueindex(USER_ID));
    push_amount(L, page, index);
    if (!walk->account_ids)
        return 2;
    finseg_slice account = finseg_page_amount_account(page, index);
    if (account.length > 0)
        push_slice(L, account);
    else
        lua_pushnil(L);
    return 3;
}

/* page:amounts(account_ids) -> iterator | nil, err */
static int page_amounts(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    bool account_ids = lua_toboolean(L, 2);
    if (finseg_page_user_count(page) > 0 && finseg_page_amount_count(page) == 0) {
        struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
        scratch->error = fs_error_new(FINSEG_ERROR_INVALID, "the users of this result carry no amounts");
        return fs_lua_fail(L, scratch);
    }
    struct walk *walk = lua_newuserdata(L, sizeof *walk);
    *walk = (struct walk){.account_ids = account_ids};
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_pushcclosure(L, next_amount, 3);
    return 1;
}

void fs_lua_register_page(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"user_count", page_user_count},
        {"size", page_size},
        {"text", page_text},
        {"user", page_user},
        {"user_id", page_user_id},
        {"user_text", page_user_text},
        {"is_sorted", page_is_sorted},
        {"find_user", page_find_user},
        {"members", page_members},
        {"amounts", page_amounts},
        {NULL, NULL},
    };
    fs_lua_register_type(L, page_type, methods, collect_page);
}
