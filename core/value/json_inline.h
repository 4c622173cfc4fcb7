/* The inline fast path of json.c, for files that take many steps: what is rare or wrong is left to functions of json.c,
 * so these two know each other. See json.h for what a struct fs_json is. */
#ifndef FINSEG_JSON_INLINE_H
#define FINSEG_JSON_INLINE_H

#include <stdint.h>
#include <string.h>

#include "json.h"
#include "simd.h"

/* Keeps the problem and answers false. */
bool fs_json_fail(struct fs_json *json, const char *at, const char *problem);
bool fs_json_fail_at_end(struct fs_json *json);
/*
 * In a string that begins at value->data, with `at` on the first byte that is not plain: checks the rest and steps
 * behind it.
 */
bool fs_json_scan_string_rest(struct fs_json *json, struct fs_json_value *value);

static inline bool fs_json_is_white(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void fs_json_skip_white_space(struct fs_json *json)
{
    const char *at = json->at;
    if (at < json->end && (unsigned char)*at > ' ')
        return;
    if (json->end - at >= 2 && *at == ' ' && (unsigned char)at[1] > ' ') { /* as behind a colon */
        json->at = at + 1;
        return;
    }
#if FS_SIMD
    if (json->simd)
        at = fs_simd_skip_white_space(at, json->end);
#endif
    while (at < json->end && fs_json_is_white(*at))
        at++;
    json->at = at;
}

/* The white space before a token; false when there is no token any more. */
static inline bool fs_json_find_token(struct fs_json *json)
{
    fs_json_skip_white_space(json);
    return json->at < json->end || fs_json_fail_at_end(json);
}

/*
 * Whether all of eight bytes are ASCII that needs no look inside a string: no quote, no backslash, no control
 * character.
 */
static inline bool fs_json_is_plain_word(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = ones << 7;
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    /* A byte below n sets its top bit in word - n; a borrow only ever comes from a byte that has itself been found. */
    uint64_t found = (word - ones * 0x20) | (quote - ones) | (backslash - ones) | word;
    return (found & tops) == 0;
}

static inline bool fs_json_is_plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

/* Where the run of plain bytes at `at` ends. */
static inline const char *fs_json_skip_plain(const struct fs_json *json, const char *at)
{
#if FS_SIMD
    if (json->simd) {
        at = fs_simd_skip_plain(at, json->end);
        if (json->end - at >= FS_SIMD_BYTES)
            return at;
    }
#endif
    while (json->end - at >= 8 && fs_json_is_plain_word(at))
        at += 8;
    while (at < json->end && fs_json_is_plain(*at))
        at++;
    return at;
}

/* At a quote: checks the string and steps behind it. */
static inline bool fs_json_scan_string(struct fs_json *json, struct fs_json_value *value)
{
    const char *start = json->at;
    const char *end = fs_json_skip_plain(json, start + 1);
    value->type = FS_JSON_STRING;
    value->escaped = false;
    value->data = start;
    json->at = end;
    if (end == json->end || *end != '"')
        return fs_json_scan_string_rest(json, value);
    json->at = end + 1;
    value->length = (size_t)(end + 1 - start);
    return true;
}

/*
 * Steps to the next item of the innermost array or object; false at its closing bracket, which is consumed, or at a
 * problem.
 */
static inline bool fs_json_scan_item(struct fs_json *json, bool *first, char bracket, const char *problem)
{
    if (json->problem || !fs_json_find_token(json))
        return false;
    bool was_first = *first;
    *first = false;
    if (*json->at == bracket) {
        json->at++;
        json->depth--;
        return false;
    }
    if (was_first)
        return true;
    if (*json->at != ',')
        return fs_json_fail(json, json->at, problem);
    json->at++;
    return fs_json_find_token(json);
}

/* As fs_json_next_element. */
static inline bool fs_json_scan_element(struct fs_json *json, bool *first)
{
    return fs_json_scan_item(json, first, ']', "a comma or ] is missing");
}

/* Where a member's name begins: reads it. */
static inline bool fs_json_scan_name(struct fs_json *json, struct fs_json_value *name)
{
    if (*json->at != '"')
        return fs_json_fail(json, json->at, "a member name in quotes is missing");
    name->integer = false;
    return fs_json_scan_string(json, name);
}

/* Behind a member's name. */
static inline bool fs_json_scan_colon(struct fs_json *json)
{
    if (!fs_json_find_token(json))
        return false;
    if (*json->at != ':')
        return fs_json_fail(json, json->at, "a colon is missing");
    json->at++;
    return true;
}

/* As fs_json_next_member, in its first half: to where the name begins. */
static inline bool fs_json_scan_member(struct fs_json *json, bool *first)
{
    return fs_json_scan_item(json, first, '}', "a comma or } is missing");
}

#endif
