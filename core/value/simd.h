/*
 * Questions to sixteen bytes at a time, with SSE2, which every x86-64 has. FS_SIMD says whether it is there; elsewhere
 * nothing of this file is used. Each of them has a scalar counterpart, named with it, that gives the same answers and
 * is what the tests hold it against.
 */
#ifndef FINSEG_SIMD_H
#define FINSEG_SIMD_H

#if defined(__SSE2__) && !defined(FS_NO_SIMD)
#define FS_SIMD 1
#else
#define FS_SIMD 0
#endif

#if FS_SIMD

#include <emmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "uuid.h"

enum { FS_SIMD_BYTES = 16 };

static inline __m128i fs_simd_load(const char *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

static inline uint64_t fs_simd_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t fs_simd_half_word(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/*
 * Bit i is set when byte i needs a look inside a string: a quote, a backslash, a control character, or a byte beyond
 * ASCII (which is negative here, so that one signed comparison finds both). Counterpart: fs_json_is_plain in json_inline.h.
 */
static inline unsigned fs_simd_special(const char *bytes)
{
    __m128i block = fs_simd_load(bytes);
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}

/* Steps over plain bytes: to the first special one, or to less than sixteen bytes before `end`. */
static inline const char *fs_simd_skip_plain(const char *at, const char *end)
{
    while (end - at >= FS_SIMD_BYTES) {
        unsigned special = fs_simd_special(at);
        if (special)
            return at + __builtin_ctz(special);
        at += FS_SIMD_BYTES;
    }
    return at;
}

/*
 * Whether a string ends behind FS_UUID_TEXT plain bytes, as most ids do. Looking for just that end is faster than
 * looking for any: the next step need not wait for where it is. Reads three blocks.
 */
static inline bool fs_simd_ends_like_uuid(const char *text)
{
    const unsigned rest = (1U << FS_UUID_TEXT % FS_SIMD_BYTES) - 1;
    unsigned special = fs_simd_special(text) | fs_simd_special(text + FS_SIMD_BYTES);
    special |= fs_simd_special(text + (ptrdiff_t)2 * FS_SIMD_BYTES) & rest;
    return special == 0 && text[FS_UUID_TEXT] == '"';
}

/* Steps over white space in the same way. */
static inline const char *fs_simd_skip_white_space(const char *at, const char *end)
{
    while (end - at >= FS_SIMD_BYTES) {
        __m128i block = fs_simd_load(at);
        __m128i space = _mm_cmpeq_epi8(block, _mm_set1_epi8(' '));
        __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
        __m128i line = _mm_cmpeq_epi8(block, _mm_set1_epi8('\n'));
        __m128i carriage = _mm_cmpeq_epi8(block, _mm_set1_epi8('\r'));
        __m128i white = _mm_or_si128(_mm_or_si128(space, tab), _mm_or_si128(line, carriage));
        unsigned other = (unsigned)_mm_movemask_epi8(white) ^ 0xFFFF;
        if (other)
            return at + __builtin_ctz(other);
        at += FS_SIMD_BYTES;
    }
    return at;
}

/* Whether the bytes chosen by `mask` are equal. */
static inline bool fs_simd_equal(const char *a, const char *b, unsigned mask)
{
    unsigned equal = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(fs_simd_load(a), fs_simd_load(b)));
    return (equal & mask) == mask;
}

/* Sixteen hexadecimal digits as their values; `*valid` becomes false when one is no lower-case digit. */
static inline __m128i fs_simd_hex_values(__m128i text, bool *valid)
{
    __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
    __m128i letter = _mm_sub_epi8(text, _mm_set1_epi8('a'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    *valid = *valid && _mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) == 0xFFFF;
    __m128i letter_value = _mm_and_si128(is_letter, _mm_add_epi8(letter, _mm_set1_epi8(10)));
    return _mm_or_si128(_mm_and_si128(is_digit, digit), letter_value);
}

/* Of each pair of digits the byte they stand for, in sixteen bits. */
static inline __m128i fs_simd_join_digits(__m128i values)
{
    __m128i joined = _mm_or_si128(_mm_slli_epi16(values, 4), _mm_srli_epi16(values, 8));
    return _mm_and_si128(joined, _mm_set1_epi16(0xFF));
}

/* Counterpart: fs_uuid_read. Reads FS_UUID_TEXT bytes and no more. */
static inline bool fs_simd_uuid(const char *text, struct fs_uuid *uuid)
{
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return false;
    uint64_t words[2];
    bool valid = true;
    __m128i high = _mm_set_epi64x((int64_t)(fs_simd_half_word(text + 9) | fs_simd_half_word(text + 14) << 32),
                                  (int64_t)fs_simd_word(text));
    __m128i low = _mm_set_epi64x((int64_t)fs_simd_word(text + 28),
                                 (int64_t)(fs_simd_half_word(text + 19) | fs_simd_half_word(text + 24) << 32));
    high = fs_simd_join_digits(fs_simd_hex_values(high, &valid));
    low = fs_simd_join_digits(fs_simd_hex_values(low, &valid));
    _mm_storeu_si128((__m128i *)(void *)words, _mm_packus_epi16(high, low));
    if (!valid)
        return false;
    *uuid = (struct fs_uuid){__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
    return true;
}

/* Eight digits, the first lowest in `values`, as one number. */
static inline uint64_t fs_simd_eight_digits(uint64_t values)
{
    const uint64_t lanes = UINT64_C(0x000000FF000000FF);
    values = values * 10 + (values >> 8);
    return ((values & lanes) * UINT64_C(0x000F424000000064) +
            ((values >> 16) & lanes) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* Bytes that fs_simd_amount may look at. */
enum { FS_SIMD_AMOUNT_REACH = FS_SIMD_BYTES };

/*
 * The usual amount: up to eight digits, perhaps a minus, perhaps one to four decimals. Answers the length of the
 * number, with `*amount` at scale 10^-4; or 0 for every other text, right or wrong, which fs_money_parse and the
 * scanner then judge. There are no branches on signs and lengths, which nothing can predict; and the length comes
 * first, from the block alone, because what is read next waits for it.
 */
static inline size_t fs_simd_amount(const char *text, int64_t *amount)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030);
    const unsigned negative = *text == '-';
    __m128i block = fs_simd_load(text);
    __m128i values = _mm_sub_epi8(block, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
    unsigned digits = (unsigned)_mm_movemask_epi8(is_digit);
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('.')));
    unsigned length = (unsigned)__builtin_ctz(~(digits | points | negative));
    unsigned whole_length = (unsigned)__builtin_ctz(~(digits >> negative));
    const char *whole = text + negative;
    if (whole_length - 1 > 7 || (*whole == '0' && whole_length > 1))
        return 0;
    const unsigned point = length > negative + whole_length;
    const unsigned fraction_length = length - negative - whole_length - point;
    points &= (1U << length) - 1;
    if (fraction_length > 4 || (point && fraction_length == 0) || (points & (points - 1)) != 0)
        return 0;
    if ((text[length] | 0x20) == 'e')
        return 0;

    uint64_t units = fs_simd_eight_digits((fs_simd_word(whole) - zeros) << (64 - 8 * whole_length));
    /* Left-aligned, digits that are missing count as zeros: what comes out is at the scale already. */
    uint64_t decimals = fs_simd_half_word(whole + whole_length + point) - (zeros >> 32);
    decimals &= (UINT64_C(1) << (8 * fraction_length)) - 1;
    decimals = decimals * 10 + (decimals >> 8);
    uint64_t magnitude = units * 10000 + (decimals & 0xFF) * 100 + ((decimals >> 16) & 0xFF);
    uint64_t sign = 0 - (uint64_t)negative;
    *amount = (int64_t)((magnitude ^ sign) - sign);
    return length;
}

#endif

#endif
