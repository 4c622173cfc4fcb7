/* Result pages to measure with: made from a seed, so that every run has the same. */
#ifndef FINSEG_BENCH_SAMPLE_H
#define FINSEG_BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "value/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sample_shape {
    SAMPLE_REGULAR,   /* every user alike, two accounts each */
    SAMPLE_VARIED,    /* one to three accounts */
    SAMPLE_SHUFFLED,  /* members in a random order */
    SAMPLE_EXTRA,     /* a member more, with a string of varying length */
    SAMPLE_SOMETIMES, /* a member more in every second user, at random */
    SAMPLE_MISSING,   /* a third of the accounts lack the accountId */
    SAMPLE_MIXED,     /* all of it at once */
    SAMPLE_SHAPES
};

const char *sample_name(enum sample_shape shape);
/* Puts a page of `users` users into `out`, which is emptied first. */
void sample_page(struct fs_buffer *out, enum sample_shape shape, int users, bool pretty);
/* The next number of a generator that always begins anew with the same `*state`. */
uint64_t sample_random(uint64_t *state);
/* Writes a random UUID: 36 bytes. */
void sample_uuid(uint64_t *state, char *text);

#ifdef __cplusplus
}
#endif

#endif
