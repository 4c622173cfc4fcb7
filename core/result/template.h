/*
 * The learned template: users of one result look alike, so what stands between their values is learned from one of them
 * and compared with the next sixteen bytes at a time, leaving only the values to be read.
 *
 * A template never judges. A user that matches is byte for byte the learned one but for its values, each of which has
 * passed the scanner, so the general reader would have accepted it with the same columns; whatever does not match is
 * left to the general reader from the user's first byte on. Without FS_SIMD no template is ever learned.
 */
#ifndef FINSEG_TEMPLATE_H
#define FINSEG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page_index.h"
#include "value/json.h"

enum { FS_TEMPLATE_MAX_HOLES = 48, FS_TEMPLATE_MAX_TEXT = 4096, FS_TEMPLATE_ALIGNMENT = 16 };

/* What stands in the place of a value. */
enum fs_template_hole {
    FS_HOLE_USER_ID,    /* a string, without its quotes */
    FS_HOLE_ACCOUNT_ID, /* a string, without its quotes */
    FS_HOLE_AMOUNT,     /* a number */
    FS_HOLE_VALUE       /* any value: a member that is not known */
};

/*
 * A text to compare with. It lies in the template's `text` from `start`, filled up with zeros to a whole number of
 * blocks.
 */
struct fs_literal {
    uint16_t start;
    uint16_t length;
    uint16_t last_mask; /* the bytes of the last block that count */
};

/* A literal, and the hole behind it. */
struct fs_template_step {
    struct fs_literal literal;
    uint8_t hole;
};

/*
 * A user: each step's literal and hole, then `tail`, up to its closing bracket. The steps from first_of_record to
 * last_of_record are one of its records; they are repeated where `next_record` follows (the rest of one record, the
 * comma, and the beginning of the next up to its first hole). `next_user` is the same for users.
 */
struct fs_template {
    bool learned;
    bool has_records;
    bool has_amounts; /* each record has an amount */
    uint16_t step_count;
    uint16_t first_of_record;
    uint16_t last_of_record;
    uint16_t reach; /* a literal and the bytes that a hole may look at lie within so many bytes */
    uint16_t text_length;
    uint16_t next_user_start; /* where in the literal next_user the next user's first byte is */
    struct fs_literal next_record;
    struct fs_literal next_user;
    struct fs_literal tail;
    struct fs_template_step steps[FS_TEMPLATE_MAX_HOLES];
    _Alignas(FS_TEMPLATE_ALIGNMENT) char text[FS_TEMPLATE_MAX_TEXT];
};

/*
 * Learns from a user that the general reader has accepted; `before` is the white space that stands before it in its
 * array. False when users of this kind are none for a template; then `learned` is false.
 */
bool fs_template_learn(struct fs_template *template, finseg_slice user, finseg_slice before);

/*
 * With `json` at the first byte of a user: reads users into the page as long as they match, one after another. Answers
 * how many; `json` is then behind the last of them (or where it was), and everything else about it is unchanged. Memory
 * that runs out ends it like a mismatch.
 */
size_t fs_template_read_users(const struct fs_template *template, struct fs_json *json, finseg_page *page);

#endif
