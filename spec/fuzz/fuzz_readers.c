/*
 * Any bytes as a result page: all readers give the same verdict and message, or the same columns. The same once more for a page of users cut from the input, which alternate so that the template learns, hits and
 * misses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "readers.h"
#include "value/buffer.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* A piece of the input, up to the next byte 1, which no JSON can have. */
static finseg_slice next_piece(finseg_slice *rest)
{
    const char *end = rest->length ? memchr(rest->data, 1, rest->length) : NULL;
    finseg_slice piece = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t taken = piece.length + (end ? 1 : 0);
    *rest = (finseg_slice){rest->data + taken, rest->length - taken};
    return piece;
}

static void append_user(struct fs_buffer *page, finseg_slice user)
{
    fs_buffer_append_char(page, ',');
    fs_buffer_append(page, user.data, user.length);
}

/*
 * The first piece is the usual user; each of the others comes once between two runs of it, and then the last one takes
 * its place.
 */
static void check_alternating(finseg_slice input)
{
    enum { RUN = 3 };
    struct fs_buffer page = {0};
    finseg_slice usual = next_piece(&input);
    fs_buffer_append_text(&page, "{\"users\":[{\"userId\":\"u\"}");
    while (input.length > 0) {
        finseg_slice other = next_piece(&input);
        for (int i = 0; i < RUN; i++)
            append_user(&page, usual);
        append_user(&page, other);
        if (input.length == 0)
            usual = other;
    }
    for (int i = 0; i < 2 * RUN; i++)
        append_user(&page, usual);
    fs_buffer_append_text(&page, "],\"totalElements\":9}");
    require(!page.failed);
    require(readers_agree(page.data, page.length));
    fs_buffer_free(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    finseg_slice input = {(const char *)data, size};
    require(readers_agree(input.data, input.length));
    if (size > 0 && size < 4096)
        check_alternating(input);
    return 0;
}
