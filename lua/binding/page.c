#include "binding.h"
#include "value/text.h"

static const char page_type[] = "finseg.core.page";

/* A page's index takes about one byte for every two of its text. */
enum { INDEX_SHARE = 2 };

/*
 * Pages of text that are done with, whose memory serves the next ones: the first touch of new memory costs more than
 * reading a page does. Lua keeps it longer than its pages: it is older, and at a state's end what is younger is
 * collected first.
 */
static const char spares_type[] = "finseg.core.spares";

enum {
    SPARES = 8,
    LONGEST_SPARED = 1 << 20 /* pages of longer texts are freed: it would be much memory to sit on */
};

struct spares {
    finseg_page *pages[SPARES];
    size_t count;
};

struct object {
    finseg_page *page; /* first: who holds the userdata may look there */
    size_t held;
    struct spares *spares; /* NULL: it does not leave its memory to others */
};

static struct object *new_object(lua_State *L)
{
    return fs_lua_new_object(L, page_type, sizeof(struct object));
}

void fs_lua_push_page(lua_State *L, finseg_outcome *outcome)
{
    struct object *object = new_object(L);
    object->page = finseg_outcome_take_page(outcome);
    if (!object->page)
        return;
    size_t length = finseg_page_text(object->page).length;
    fs_lua_hold(L, &object->held, length + length / INDEX_SHARE);
}

finseg_page *fs_lua_check_page(lua_State *L, int argument)
{
    const struct object *object = luaL_checkudata(L, argument, page_type);
    luaL_argcheck(L, object->page, argument, "the page is gone");
    return object->page;
}

finseg_page *fs_lua_take_page(lua_State *L, int argument)
{
    finseg_page *page = fs_lua_check_page(L, argument);
    struct object *object = lua_touserdata(L, argument);
    object->page = NULL;
    fs_lua_release(L, &object->held);
    return page;
}

static int collect_page(lua_State *L)
{
    struct object *object = luaL_checkudata(L, 1, page_type);
    struct spares *spares = object->spares;
    if (object->page && spares && spares->count < SPARES && finseg_page_text(object->page).length <= LONGEST_SPARED)
        spares->pages[spares->count++] = object->page;
    else
        finseg_page_free(object->page);
    object->page = NULL;
    fs_lua_release(L, &object->held);
    return 0;
}

static int collect_spares(lua_State *L)
{
    struct spares *spares = luaL_checkudata(L, 1, spares_type);
    while (spares->count > 0)
        finseg_page_free(spares->pages[--spares->count]);
    return 0;
}

/*
 * core.page(text) -> page | nil, err
 * The page reads the string itself and keeps it from being collected. Its upvalue: the spares.
 */
static int page_of_text(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    struct spares *spares = lua_touserdata(L, lua_upvalueindex(1));
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct object *object = new_object(L);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    fs_lua_keep(L, -2);
    object->spares = spares;
    finseg_page *spare = spares->count > 0 ? spares->pages[--spares->count] : NULL;
    object->page = finseg_page_parse_in_place(text, length, spare, &scratch->error);
    if (!object->page)
        return fs_lua_fail(L, scratch);
    fs_lua_hold(L, &object->held, length / INDEX_SHARE);
    return 1;
}

size_t fs_lua_check_user(lua_State *L, int argument, const finseg_page *page)
{
    lua_Integer position = luaL_checkinteger(L, argument);
    luaL_argcheck(L, position >= 1 && (uint64_t)position <= finseg_page_user_count(page), argument, "no such user");
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
    fs_lua_push_slice(L, finseg_page_text(fs_lua_check_page(L, 1)));
    return 1;
}

/* page:users_text() -> the users array with its brackets, as it came */
static int page_users_text(lua_State *L)
{
    fs_lua_push_slice(L, finseg_page_users_text(fs_lua_check_page(L, 1)));
    return 1;
}

/* page:user(position) -> table */
static int page_user(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    finseg_slice user = finseg_page_user(page, fs_lua_check_user(L, 2, page));
    fs_lua_push_json(L, user.data, user.length);
    return 1;
}

/* page:user_id(position) -> text */
static int page_user_id(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    fs_lua_push_slice(L, finseg_page_user_id(page, fs_lua_check_user(L, 2, page)));
    return 1;
}

/* page:is_sorted() -> whether each userId comes after the one before, by its bytes */
static int page_is_sorted(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    bool sorted = true;
    for (size_t i = 1; sorted && i < finseg_page_user_count(page); i++)
        sorted = fs_text_compare(finseg_page_user_id(page, i - 1), finseg_page_user_id(page, i)) < 0;
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
        int order = fs_text_compare(finseg_page_user_id(page, middle), wanted);
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
    fs_lua_push_slice(L, finseg_page_user(page, fs_lua_check_user(L, 2, page)));
    return 1;
}

static int page_amount_count(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)finseg_page_amount_count(fs_lua_check_page(L, 1)));
    return 1;
}

/* page:members() -> table of the page's members but for users */
static int page_members(lua_State *L)
{
    finseg_slice text = finseg_page_text(fs_lua_check_page(L, 1));
    fs_lua_push_members(L, text.data, text.length, "users");
    return 1;
}

void fs_lua_register_page(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"user_count", page_user_count},
        {"amount_count", page_amount_count},
        {"size", page_size},
        {"text", page_text},
        {"users_text", page_users_text},
        {"user", page_user},
        {"user_id", page_user_id},
        {"user_text", page_user_text},
        {"is_sorted", page_is_sorted},
        {"find_user", page_find_user},
        {"members", page_members},
        {NULL, NULL},
    };
    static const luaL_Reg no_methods[] = {{NULL, NULL}};
    fs_lua_register_type(L, page_type, methods, collect_page);
    fs_lua_register_type(L, spares_type, no_methods, collect_spares);
    fs_lua_new_object(L, spares_type, sizeof(struct spares));
    lua_pushcclosure(L, page_of_text, 1);
    lua_setfield(L, -2, "page");
}
