/* Any bytes as a number: held against a slow reading that shifts the decimal point through a text. Any 64 bits:
 * written and read back. */
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/money.h"

__extension__ typedef unsigned __int128 wide;

enum { SHIFT_LIMIT = 200, LONGEST = 100 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_number(const char *text)
{
    static regex_t number;
    static bool compiled;
    if (!compiled)
        require(regcomp(&number, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$", REG_EXTENDED | REG_NOSUB) == 0);
    compiled = true;
    return !strchr(text, '\n') && regexec(&number, text, 0, NULL, 0) == 0;
}

/* The digits with the decimal point `shift` places (the exponent and the scale) further right, in a field of zeros. */
static enum fs_money_verdict read_slowly(const char *text, int shift, int64_t *amount)
{
    enum { POINT = SHIFT_LIMIT + LONGEST, FIELD = 2 * POINT };
    char field[FIELD];
    bool negative = *text == '-';
    memset(field, '0', sizeof field);
    text += negative;
    int whole = (int)strspn(text, "0123456789");
    int at = POINT - whole - shift;
    int end = at;
    /* Written where they stand once the point is at POINT: a larger shift puts the digits further left. */
    for (const char *c = text; *c && *c != 'e' && *c != 'E'; c++) {
        if (*c != '.')
            field[end++] = *c;
    }
    for (int i = POINT; i < FIELD; i++) {
        if (field[i] != '0')
            return FS_MONEY_TOO_FINE;
    }
    wide magnitude = 0;
    wide limit = (wide)INT64_MAX + negative;
    for (int i = 0; i < POINT; i++) {
        magnitude = magnitude * 10 + (wide)(field[i] - '0');
        if (magnitude > limit)
            return FS_MONEY_TOO_LARGE;
    }
    *amount = negative ? (int64_t) - (uint64_t)magnitude : (int64_t)magnitude;
    return FS_MONEY_OK;
}

static void check_text(const char *text, size_t length)
{
    int64_t amount = 0;
    enum fs_money_verdict verdict = fs_money_parse(text, length, &amount);
    char terminated[LONGEST + 1];
    if (length > LONGEST)
        return;
    memcpy(terminated, text, length);
    terminated[length] = '\0';
    bool malformed = strlen(terminated) != length || !is_number(terminated);
    require(malformed == (verdict == FS_MONEY_MALFORMED));
    if (malformed)
        return;
    const char *exponent_text = strpbrk(terminated, "eE");
    long exponent = exponent_text ? strtol(exponent_text + 1, NULL, 10) : 0;
    if (exponent > SHIFT_LIMIT - 4 || exponent < -SHIFT_LIMIT)
        return;
    int64_t slow_amount = 0;
    require(read_slowly(terminated, (int)exponent + 4, &slow_amount) == verdict);
    require(verdict != FS_MONEY_OK || amount == slow_amount);
}

static void check_round_trip(int64_t amount)
{
    char text[FS_MONEY_TEXT];
    int64_t again = 0;
    size_t length = fs_money_format(amount, text);
    require(length == strlen(text) && length < FS_MONEY_TEXT);
    require(fs_money_parse(text, length, &again) == FS_MONEY_OK && again == amount);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t amount = 0;
    memcpy(&amount, data, size < sizeof amount ? size : sizeof amount);
    check_round_trip(amount);
    check_text((const char *)data, size);
    return 0;
}
