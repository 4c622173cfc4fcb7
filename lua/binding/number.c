#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "binding.h"

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
static bool push_integer(lua_State *L, const char *text, size_t length)
{
    enum { SAFE_DIGITS = 18 };
    bool negative = *text == '-';
    size_t digits = length - negative;
    if (digits <= SAFE_DIGITS) {
        lua_Integer number = 0;
        for (size_t i = negative; i < length; i++)
            number = number * 10 + (text[i] - '0');
        lua_pushinteger(L, negative ? -number : number);
        return true;
    }
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno == ERANGE || number < LUA_MININTEGER || number > LUA_MAXINTEGER)
        return false;
    lua_pushinteger(L, (lua_Integer)number);
    return true;
}
#else
static bool push_integer(lua_State *L, const char *text, size_t length)
{
    (void)L;
    (void)text;
    (void)length;
    return false;
}
#endif

void fs_lua_push_number(lua_State *L, const char *text, size_t length, bool integer)
{
    if (!integer || !push_integer(L, text, length))
        fs_lua_push_float(L, text, length);
}
