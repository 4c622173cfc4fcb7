/*
 * The strict JSON scanner: RFC 8259 and valid UTF-8, one pass, no tree, no allocation. It walks bytes that lie whole in
 * memory; nothing needs to follow them (no final zero).
 */
#ifndef FINSEG_JSON_H
#define FINSEG_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

enum { FS_JSON_MAX_DEPTH = 64 };

enum fs_json_type {
    FS_JSON_NULL,
    FS_JSON_FALSE,
    FS_JSON_TRUE,
    FS_JSON_NUMBER,
    FS_JSON_STRING,
    FS_JSON_ARRAY,
    FS_JSON_OBJECT
};

/*
 * A place in a text. The first problem is kept: `problem` names it ("a comma is missing") and `at` stays on its byte.
 */
struct fs_json {
    const char *start;
    const char *at;
    const char *end;
    const char *problem; /* NULL while all is well */
    unsigned depth;      /* arrays and objects open around `at` */
    bool too_deep;       /* the problem is the depth limit */
    bool simd; /* sixteen bytes at a time where the machine can; cleared only to test one reader against the other */
};

/* A value: its bytes, quotes and brackets included. */
struct fs_json_value {
    const char *data;
    size_t length;
    enum fs_json_type type;
    bool escaped; /* a string with at least one backslash */
    bool integer; /* a number without fraction and exponent */
};

void fs_json_begin(struct fs_json *json, const char *text, size_t length);
/* Reads one whole value, checking everything inside it. False at the first problem. */
bool fs_json_skip(struct fs_json *json, struct fs_json_value *value);
/*
 * Walking in: after fs_json_enter (at '{' or '[', told by fs_json_peek), fs_json_next_member or fs_json_next_element
 * answers true with the place before a value, which the caller must read (skip, or enter), and false at the closing
 * bracket (consumed) or at a problem.
 */
bool fs_json_peek(struct fs_json *json, enum fs_json_type *type);
bool fs_json_enter(struct fs_json *json);
/* `*first` is true before the first call and kept by it. `key` is a string value with its quotes. */
bool fs_json_next_member(struct fs_json *json, bool *first, struct fs_json_value *key);
bool fs_json_next_element(struct fs_json *json, bool *first);
/* Nothing but white space may follow. */
bool fs_json_finish(struct fs_json *json);

/* The string without quotes and escapes; it must have passed the scanner. */
void fs_json_append_unescaped(struct fs_buffer *out, const struct fs_json_value *string);
/* The same as a text that the caller frees; NULL when the value is not a string, or when out of memory. */
char *fs_json_text(const struct fs_json_value *value);
/* Whether the string, escapes resolved, is `text`. */
bool fs_json_string_is(const struct fs_json_value *string, const char *text);
/* Appends `text` (valid UTF-8) as a JSON string with its quotes. */
void fs_json_append_string(struct fs_buffer *out, const char *text, size_t length);

/*
 * True when all of `text` is one JSON value; else `*problem` and `*position` (a byte) say what is wrong. Both may be
 * NULL.
 */
bool fs_json_check(const char *text, size_t length, const char **problem, size_t *position);

/*
 * Looks for members of an object, in one pass that checks all of `text`: values[i] becomes the value of the first
 * member called names[i]; its data is NULL where there is none. False when the text is not one JSON value; then
 * nothing was found.
 */
bool fs_json_find(const char *text, size_t length, const char *const *names, struct fs_json_value *values,
                  size_t count);

#endif
