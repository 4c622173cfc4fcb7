/*
 * UUIDs in the one spelling that has an exact inverse: 36 characters, lower-case, with dashes. Every other id stays
 * text.
 */
#ifndef FINSEG_UUID_H
#define FINSEG_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FS_UUID_TEXT = 36, FS_UUID_BYTES = 16 };

/* As two numbers, the first byte highest: comparing them compares the texts byte by byte. */
struct fs_uuid {
    uint64_t high;
    uint64_t low;
};

/* Reads FS_UUID_TEXT bytes. False, and nothing else, when they are not a UUID in the canonical spelling. */
bool fs_uuid_read(const char *text, struct fs_uuid *uuid);
/* Writes FS_UUID_TEXT bytes, no final zero. */
void fs_uuid_write(const struct fs_uuid *uuid, char *text);
/* The 16 bytes, the first one highest. */
void fs_uuid_bytes(const struct fs_uuid *uuid, unsigned char bytes[FS_UUID_BYTES]);

static inline bool fs_uuid_equal(const struct fs_uuid *a, const struct fs_uuid *b)
{
    return a->high == b->high && a->low == b->low;
}

/* Without branches: what is compared is random. */
static inline bool fs_uuid_less(const struct fs_uuid *a, const struct fs_uuid *b)
{
    return (a->high < b->high) | ((a->high == b->high) & (a->low < b->low));
}

#endif
