#include "value/decimal.h"
#include "binding.h"

/* The JSON number at `argument`. */
static struct fs_decimal check_decimal(lua_State *L, int argument)
{
    struct fs_decimal number;
    size_t length = 0;
    luaL_checktype(L, argument, LUA_TSTRING);
    const char *text = lua_tolstring(L, argument, &length);
    luaL_argcheck(L, fs_decimal_read(text, length, &number), argument, "is not a number");
    return number;
}

int fs_lua_decimal_compare(lua_State *L)
{
    struct fs_decimal a = check_decimal(L, 1);
    struct fs_decimal b = check_decimal(L, 2);
    lua_pushinteger(L, fs_decimal_compare(&a, &b));
    return 1;
}

typedef bool combine_function(const struct fs_decimal *a, const struct fs_decimal *b, struct fs_buffer *out);

static int combine(lua_State *L, combine_function *combined)
{
    struct fs_decimal a = check_decimal(L, 1);
    struct fs_decimal b = check_decimal(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (!combined(&a, &b, &scratch->text))
        return 0;
    if (scratch->text.failed)
        return luaL_error(L, "finseg: out of memory");
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    return 1;
}

int fs_lua_decimal_add(lua_State *L)
{
    return combine(L, fs_decimal_add);
}

int fs_lua_decimal_subtract(lua_State *L)
{
    return combine(L, fs_decimal_subtract);
}
