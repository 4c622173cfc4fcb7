/*
 * What is gathered over the amounts of a result, page by page: core.total(), core.tally(), core.range() and
 * core.histogram() make objects with two methods.
 *   add(page) -> true | nil, err, and what was gathered so far unchanged
 *   result() -> what was gathered
 */
#include <string.h>

#include "binding.h"
#include "value/error.h"

static const char total_type[] = "finseg.core.total";
static const char tally_type[] = "finseg.core.tally";
static const char range_type[] = "finseg.core.range";
static const char histogram_type[] = "finseg.core.histogram";

/* What add() answers; `status` is what the function of the core did. */
static int answer_add(lua_State *L, int status, struct fs_lua_scratch *scratch)
{
    if (status != 0)
        return fs_lua_fail(L, scratch);
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * The bound at `index` (positive) as an amount: a number as the shortest decimal that reads back the same, or decimal
 * text. False with scratch->error; any other type raises.
 */
static bool read_bound(lua_State *L, int index, int64_t *bound, struct fs_lua_scratch *scratch)
{
    size_t length = 0;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &length);
        return finseg_amount_parse(text, length, bound, &scratch->error) == 0;
    }
    luaL_checktype(L, index, LUA_TNUMBER);
    fs_buffer_clear(&scratch->text);
    if (!fs_lua_encode(L, index, &scratch->text)) {
        scratch->error = fs_error_new(FINSEG_ERROR_INVALID, "a bound must be a finite number");
        return false;
    }
    return finseg_amount_parse(scratch->text.data, scratch->text.length, bound, &scratch->error) == 0;
}

/* ---- sum ---- */

/* core.total() */
int fs_lua_total(lua_State *L)
{
    fs_lua_new_object(L, total_type, sizeof(finseg_total));
    return 1;
}

static int total_add(lua_State *L)
{
    finseg_total *total = luaL_checkudata(L, 1, total_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    return answer_add(L, finseg_page_sum(page, total, &scratch->error), scratch);
}

/* -> the nearest number, the exact decimal text */
static int total_result(lua_State *L)
{
    const finseg_total *total = luaL_checkudata(L, 1, total_type);
    char text[FINSEG_TOTAL_TEXT];
    finseg_total_text(total, text);
    lua_pushnumber(L, finseg_total_number(total));
    lua_pushstring(L, text);
    return 2;
}

/* ---- count ---- */

struct tally {
    int64_t minimum;
    int64_t maximum;
    uint64_t count;
};

/* core.tally(minimum, maximum; nil: no bound) -> tally | nil, err */
int fs_lua_tally(lua_State *L)
{
    lua_settop(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct tally *tally = fs_lua_new_object(L, tally_type, sizeof *tally);
    *tally = (struct tally){.minimum = INT64_MIN, .maximum = INT64_MAX};
    if ((!lua_isnil(L, 1) && !read_bound(L, 1, &tally->minimum, scratch)) ||
        (!lua_isnil(L, 2) && !read_bound(L, 2, &tally->maximum, scratch)))
        return fs_lua_fail(L, scratch);
    fs_lua_empty_scratch(scratch);
    return 1;
}

static int tally_add(lua_State *L)
{
    struct tally *tally = luaL_checkudata(L, 1, tally_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    int status = finseg_page_count(page, tally->minimum, tally->maximum, &tally->count, &scratch->error);
    return answer_add(L, status, scratch);
}

/* -> how many amounts lie within the bounds */
static int tally_result(lua_State *L)
{
    const struct tally *tally = luaL_checkudata(L, 1, tally_type);
    fs_lua_push_count(L, tally->count);
    return 1;
}

/* ---- minimum and maximum ---- */

/* core.range() */
int fs_lua_range(lua_State *L)
{
    fs_lua_new_object(L, range_type, sizeof(finseg_range));
    return 1;
}

static int range_add(lua_State *L)
{
    finseg_range *range = luaL_checkudata(L, 1, range_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    return answer_add(L, finseg_page_range(page, range, &scratch->error), scratch);
}

/* range:result(largest) -> the nearest number, the exact decimal text of the smallest or the largest amount | nothing */
static int range_result(lua_State *L)
{
    const finseg_range *range = luaL_checkudata(L, 1, range_type);
    if (range->count == 0)
        return 0;
    char text[FINSEG_AMOUNT_TEXT];
    finseg_amount_text(lua_toboolean(L, 2) ? range->maximum : range->minimum, text);
    fs_lua_push_float(L, text, strlen(text));
    lua_pushstring(L, text);
    return 2;
}

/* ---- histogram ---- */

/* The bounds are followed by one count more. */
struct histogram {
    size_t bound_count;
    int64_t bounds[];
};

static uint64_t *counts_of(struct histogram *histogram)
{
    return (uint64_t *)(void *)(histogram->bounds + histogram->bound_count);
}

/* core.histogram(bounds) -> histogram | nil, err */
int fs_lua_histogram(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count < INT32_MAX, 1, "too many bounds");
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct histogram *histogram =
        fs_lua_new_object(L, histogram_type, sizeof *histogram + (2 * count + 1) * sizeof(int64_t));
    histogram->bound_count = count;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (int)i + 1);
        if (!read_bound(L, lua_gettop(L), &histogram->bounds[i], scratch))
            return fs_lua_fail(L, scratch);
        lua_pop(L, 1);
    }
    fs_lua_empty_scratch(scratch);
    return 1;
}

static int histogram_add(lua_State *L)
{
    struct histogram *histogram = luaL_checkudata(L, 1, histogram_type);
    const finseg_page *page = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    int status =
        finseg_page_histogram(page, histogram->bounds, histogram->bound_count, counts_of(histogram), &scratch->error);
    return answer_add(L, status, scratch);
}

/* -> list of counts, one more than there are bounds */
static int histogram_result(lua_State *L)
{
    struct histogram *histogram = luaL_checkudata(L, 1, histogram_type);
    const uint64_t *counts = counts_of(histogram);
    lua_createtable(L, (int)histogram->bound_count + 1, 0);
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        fs_lua_push_count(L, counts[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

void fs_lua_register_aggregates(lua_State *L)
{
    static const luaL_Reg total[] = {{"add", total_add}, {"result", total_result}, {NULL, NULL}};
    static const luaL_Reg tally[] = {{"add", tally_add}, {"result", tally_result}, {NULL, NULL}};
    static const luaL_Reg range[] = {{"add", range_add}, {"result", range_result}, {NULL, NULL}};
    static const luaL_Reg histogram[] = {{"add", histogram_add}, {"result", histogram_result}, {NULL, NULL}};
    fs_lua_register_type(L, total_type, total, NULL);
    fs_lua_register_type(L, tally_type, tally, NULL);
    fs_lua_register_type(L, range_type, range, NULL);
    fs_lua_register_type(L, histogram_type, histogram, NULL);
}
