/* One page, read by each reader, and the results held against each other; for the fuzz target and the core's tests. */
#ifndef FINSEG_SPEC_READERS_H
#define FINSEG_SPEC_READERS_H

#include <stdlib.h>
#include <string.h>

#include "result/page_index.h"
#include "result/page_read.h"
#include "value/error.h"

/* The bytes lie in memory of just their length, so that a look beyond their end is noticed. */
static inline finseg_error *readers_read(finseg_page *page, const char *text, size_t length, enum fs_page_reader which)
{
    *page = (finseg_page){.text = malloc(length ? length : 1), .length = length};
    if (!page->text)
        abort();
    if (length)
        memcpy(page->text, text, length);
    return fs_page_read(page, which);
}

static inline void readers_free(finseg_page *page)
{
    free(page->text);
    free(page->users);
    free(page->uuids);
    free(page->amounts);
    fs_buffer_free(&page->unescaped);
}

static inline bool readers_same_id(struct fs_page_id a, struct fs_page_id b)
{
    return a.start == b.start && a.length == b.length && a.was_escaped == b.was_escaped;
}

static inline bool readers_same_user(const finseg_page *a, const finseg_page *b, size_t index)
{
    const struct fs_page_user *left = &a->users[index];
    const struct fs_page_user *right = &b->users[index];
    return left->start == right->start && left->length == right->length && left->first_amount == right->first_amount &&
           readers_same_id(left->id, right->id) && left->has_uuid == right->has_uuid &&
           (!left->has_uuid || fs_uuid_equal(&a->uuids[index], &b->uuids[index]));
}

static inline bool readers_same_amount(const struct fs_page_amount *a, const struct fs_page_amount *b)
{
    return a->start == b->start && a->length == b->length && a->fits == b->fits && a->scaled == b->scaled &&
           readers_same_id(a->account, b->account);
}

static inline bool readers_same_index(const finseg_page *a, const finseg_page *b)
{
    bool same = a->total_elements == b->total_elements && a->user_count == b->user_count &&
                a->users_start == b->users_start && a->users_length == b->users_length &&
                a->amount_count == b->amount_count && a->unescaped.length == b->unescaped.length &&
                (a->unescaped.length == 0 || memcmp(a->unescaped.data, b->unescaped.data, a->unescaped.length) == 0);
    for (size_t i = 0; same && i < a->user_count; i++)
        same = readers_same_user(a, b, i);
    for (size_t i = 0; same && i < a->amount_count; i++)
        same = readers_same_amount(&a->amounts[i], &b->amounts[i]);
    return same;
}

static inline bool readers_same_error(const finseg_error *a, const finseg_error *b)
{
    return a && b ? a->kind == b->kind && strcmp(a->message, b->message) == 0 : a == b;
}

/* Whether all readers agree: on the verdict and its message, or on the columns. */
static inline bool readers_agree(const char *text, size_t length)
{
    static const enum fs_page_reader faster[] = {FS_PAGE_SIMD, FS_PAGE_TEMPLATE};
    finseg_page measure;
    finseg_error *problem = readers_read(&measure, text, length, FS_PAGE_SCALAR);
    bool agree = true;
    for (size_t i = 0; i < sizeof faster / sizeof *faster; i++) {
        finseg_page page;
        finseg_error *error = readers_read(&page, text, length, faster[i]);
        agree = agree && readers_same_error(error, problem) && (error || readers_same_index(&page, &measure));
        finseg_error_free(error);
        readers_free(&page);
    }
    finseg_error_free(problem);
    readers_free(&measure);
    return agree;
}

#endif
