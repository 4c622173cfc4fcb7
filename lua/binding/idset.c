/* Sets of user ids. Their methods are public: Lua gets these userdata as they are (see finseg/idset.lua). */
#include <string.h>

#include "binding.h"

static const char idset_type[] = "finseg.idset";

struct idset {
    finseg_idset *set;
    unsigned changes; /* how often something was added */
    size_t held;
};

enum { BYTES_OF_AN_ID = 16 };

static struct idset *check_idset(lua_State *L, int argument)
{
    struct idset *idset = luaL_checkudata(L, argument, idset_type);
    luaL_argcheck(L, idset->set, argument, "the set is gone");
    return idset;
}

static struct idset *new_idset(lua_State *L)
{
    return fs_lua_new_object(L, idset_type, sizeof(struct idset));
}

static int collect_idset(lua_State *L)
{
    struct idset *idset = luaL_checkudata(L, 1, idset_type);
    finseg_idset_free(idset->set);
    idset->set = NULL;
    fs_lua_release(L, &idset->held);
    return 0;
}

int fs_lua_idset(lua_State *L)
{
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct idset *idset = new_idset(L);
    idset->set = finseg_idset_new(&scratch->error);
    return idset->set ? 1 : fs_lua_fail(L, scratch);
}

/* The id at `argument`. A number is refused, although Lua would make text of it. */
static finseg_slice check_id(lua_State *L, int argument)
{
    finseg_slice id;
    luaL_checktype(L, argument, LUA_TSTRING);
    id.data = lua_tolstring(L, argument, &id.length);
    return id;
}

/* ---- adding ---- */

static int answer_set(lua_State *L, int status, struct fs_lua_scratch *scratch)
{
    if (status != 0)
        return fs_lua_fail(L, scratch);
    lua_pushvalue(L, 1);
    return 1;
}

/* set:add(id) -> set | nil, err */
static int idset_add(lua_State *L)
{
    struct idset *idset = check_idset(L, 1);
    finseg_slice id = check_id(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    idset->changes++;
    return answer_set(L, finseg_idset_add(idset->set, id.data, id.length, &scratch->error), scratch);
}

/* set:add_page(page of the core) -> set | nil, err */
static int idset_add_page(lua_State *L)
{
    struct idset *idset = check_idset(L, 1);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    idset->changes++;
    fs_lua_hold(L, &idset->held, finseg_page_user_count(page) * BYTES_OF_AN_ID);
    return answer_set(L, finseg_idset_add_page(idset->set, page, &scratch->error), scratch);
}

/* ---- asking ---- */

/* set:count(), #set -> how many different ids there are */
static int idset_count(lua_State *L)
{
    fs_lua_push_count(L, finseg_idset_count(check_idset(L, 1)->set));
    return 1;
}

/* set:contains(id) -> boolean */
static int idset_contains(lua_State *L)
{
    const struct idset *idset = check_idset(L, 1);
    finseg_slice id = check_id(L, 2);
    lua_pushboolean(L, finseg_idset_contains(idset->set, id.data, id.length));
    return 1;
}

static int idset_tostring(lua_State *L)
{
    idset_count(L);
    lua_pushfstring(L, "finseg set of %s user ids", lua_tostring(L, -1));
    return 1;
}

struct walk {
    finseg_idset_cursor cursor;
    unsigned changes; /* of the set, when the walk began */
};

/* Upvalues: the set and the walk. -> id | nil at the end */
static int next_id(lua_State *L)
{
    const struct idset *idset = lua_touserdata(L, lua_upvalueindex(1));
    struct walk *walk = lua_touserdata(L, lua_upvalueindex(2));
    finseg_slice id;
    if (walk->changes != idset->changes)
        return luaL_error(L, "finseg: the set of user ids was added to while a loop went through it");
    if (!finseg_idset_next(idset->set, &walk->cursor, &id))
        return 0;
    lua_pushlstring(L, id.data, id.length);
    return 1;
}

/* set:ids() -> iterator over the ids, ascending by their bytes */
static int idset_ids(lua_State *L)
{
    const struct idset *idset = check_idset(L, 1);
    lua_pushvalue(L, 1);
    struct walk *walk = lua_newuserdata(L, sizeof *walk);
    *walk = (struct walk){.changes = idset->changes};
    lua_pushcclosure(L, next_id, 2);
    return 1;
}

/* ---- union, intersection, difference ---- */

typedef finseg_idset *merge_function(finseg_idset *a, finseg_idset *b, finseg_error **error);

/* An operator cannot answer an err: running out of memory raises, as it does everywhere in Lua. */
static int merge(lua_State *L, merge_function *merged)
{
    const struct idset *a = check_idset(L, 1);
    const struct idset *b = check_idset(L, 2);
    struct idset *result = new_idset(L);
    result->set = merged(a->set, b->set, NULL);
    if (!result->set)
        return luaL_error(L, "finseg: out of memory");
    fs_lua_hold(L, &result->held, finseg_idset_count(result->set) * BYTES_OF_AN_ID);
    return 1;
}

static int idset_union(lua_State *L)
{
    return merge(L, finseg_idset_union);
}

static int idset_intersection(lua_State *L)
{
    return merge(L, finseg_idset_intersection);
}

static int idset_difference(lua_State *L)
{
    return merge(L, finseg_idset_difference);
}

int fs_lua_precedes(lua_State *L)
{
    finseg_slice a = check_id(L, 1);
    finseg_slice b = check_id(L, 2);
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    lua_pushboolean(L, order != 0 ? order < 0 : a.length < b.length);
    return 1;
}

void fs_lua_register_idset(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", idset_add},
        {"add_page", idset_add_page},
        {"count", idset_count},
        {"contains", idset_contains},
        {"has", idset_contains}, /* as a rule's result has it */
        {"ids", idset_ids},
        {"each", idset_ids},
        {"union", idset_union},
        {"intersection", idset_intersection},
        {"difference", idset_difference},
        {NULL, NULL},
    };
    static const luaL_Reg operators[] = {
        {"__add", idset_union}, {"__mul", idset_intersection},  {"__sub", idset_difference},
        {"__len", idset_count}, {"__tostring", idset_tostring}, {NULL, NULL},
    };
    fs_lua_register_type(L, idset_type, methods, collect_idset);
    luaL_getmetatable(L, idset_type);
    fs_lua_set_functions(L, operators);
    lua_pop(L, 1);
}
