#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "binding.h"
#include "error.h"
#include "json.h"

static void push_value(lua_State *L, struct fs_json *json);

static void push_string(lua_State *L, const struct fs_json_value *string)
{
    if (!string->escaped) {
        lua_pushlstring(L, string->data + 1, string->length - 2);
        return;
    }
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    fs_json_append_unescaped(&scratch->text, string);
    if (scratch->text.failed)
        luaL_error(L, "memory is out");
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    lua_remove(L, -2);
}

/* The powers of ten that a double holds exactly. */
static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWERS = sizeof exact_powers / sizeof *exact_powers, EXACT_DIGITS = 15 };

/* Digits of at most 15 places over an exact power of ten: one division, rounded once, gives the nearest double. */
static bool read_plain_decimal(const char *text, size_t length, double *number)
{
    const char *at = text;
    const char *end = text + length;
    bool negative = at < end && *at == '-';
    at += negative;
    if (end - at > EXACT_DIGITS + 1)
        return false;
    int64_t digits = 0;
    const char *point = NULL;
    for (; at < end; at++) {
        if (*at == '.')
            point = at;
        else if (*at >= '0' && *at <= '9')
            digits = digits * 10 + (*at - '0');
        else
            return false;
    }
    size_t decimals = point ? (size_t)(end - point) - 1 : 0;
    if (decimals >= EXACT_POWERS || digits >= INT64_C(1) << 53)
        return false;
    double magnitude = (double)digits / exact_powers[decimals];
    *number = negative ? -magnitude : magnitude;
    return true;
}

/* strtod, whatever the host's locale writes for a decimal point. */
static double read_decimal(const char *text)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return strtod(text, NULL);
    double number = strtod_l(text, NULL, plain);
    freelocale(plain);
    return number;
}

void fs_lua_push_float(lua_State *L, const char *text, size_t length)
{
    double number = 0;
    if (!read_plain_decimal(text, length, &number))
        number = read_decimal(text);
    if (isfinite(number))
        lua_pushnumber(L, number);
    else
        lua_pushlstring(L, text, length);
}

#if FS_LUA_HAS_INTEGERS
static bool push_integer(lua_State *L, const char *text)
{
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno == ERANGE || number < LUA_MININTEGER || number > LUA_MAXINTEGER)
        return false;
    lua_pushinteger(L, (lua_Integer)number);
    return true;
}
#else
static bool push_integer(lua_State *L, const char *text)
{
    (void)L;
    (void)text;
    return false;
}
#endif

static void push_scalar(lua_State *L, const struct fs_json_value *value)
{
    switch (value->type) {
    case FS_JSON_FALSE:
    case FS_JSON_TRUE:
        lua_pushboolean(L, value->type == FS_JSON_TRUE);
        break;
    case FS_JSON_NUMBER:
        if (!value->integer || !push_integer(L, value->data))
            fs_lua_push_float(L, value->data, value->length);
        break;
    case FS_JSON_STRING:
        push_string(L, value);
        break;
    default:
        lua_pushlightuserdata(L, NULL);
    }
}

static void push_array(lua_State *L, struct fs_json *json)
{
    lua_newtable(L);
    fs_json_enter(json);
    bool first = true;
    for (int i = 1; fs_json_next_element(json, &first); i++) {
        push_value(L, json);
        lua_rawseti(L, -2, i);
    }
}

static void push_object(lua_State *L, struct fs_json *json, const char *except)
{
    lua_createtable(L, 0, 2); /* the commonest objects have two members */
    fs_json_enter(json);
    bool first = true;
    struct fs_json_value key;
    while (fs_json_next_member(json, &first, &key)) {
        if (except && fs_json_string_is(&key, except)) {
            struct fs_json_value skipped;
            fs_json_skip(json, &skipped);
            continue;
        }
        push_string(L, &key);
        push_value(L, json);
        lua_rawset(L, -3);
    }
}

static void push_value(lua_State *L, struct fs_json *json)
{
    luaL_checkstack(L, 6, "JSON is nested too deeply");
    enum fs_json_type type = FS_JSON_NULL;
    fs_json_peek(json, &type);
    if (type == FS_JSON_OBJECT) {
        push_object(L, json, NULL);
    } else if (type == FS_JSON_ARRAY) {
        push_array(L, json);
    } else {
        struct fs_json_value value = {.type = FS_JSON_NULL};
        fs_json_skip(json, &value);
        push_scalar(L, &value);
    }
}

void fs_lua_push_json(lua_State *L, const char *text, size_t length)
{
    struct fs_json json;
    fs_json_begin(&json, text, length);
    push_value(L, &json);
}

void fs_lua_push_members(lua_State *L, const char *text, size_t length, const char *except)
{
    struct fs_json json;
    fs_json_begin(&json, text, length);
    enum fs_json_type type;
    if (fs_json_peek(&json, &type) && type == FS_JSON_OBJECT)
        push_object(L, &json, except);
    else
        lua_newtable(L);
}

int fs_lua_from_json(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *problem = NULL;
    size_t position = 0;
    if (!fs_json_check(text, length, &problem, &position)) {
        struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
        scratch->error = fs_error_new(FINSEG_ERROR_PROTOCOL, "no JSON: %s, at byte %zu", problem, position);
        return fs_lua_fail(L, scratch);
    }
    fs_lua_push_json(L, text, length);
    return 1;
}
