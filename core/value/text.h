/* Small questions about text: comparing, percent-encoding, UTF-8. */
#ifndef FINSEG_TEXT_H
#define FINSEG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "finseg.h"

/* By their bytes: below, above or 0, as memcmp; of two where one begins the other, the shorter is less. */
int fs_text_compare(finseg_slice a, finseg_slice b);
/* Equal but for the case of ASCII letters. */
bool fs_text_equal_ignoring_case(const char *a, const char *b);
/* Appends `text` with all but RFC 3986's unreserved characters as %XX: right for a path segment, a query and a form. */
void fs_text_append_percent_encoded(struct fs_buffer *out, const char *text, size_t length);
/* Valid UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
bool fs_text_is_utf8(const char *text, size_t length);
/* The length of the UTF-8 sequence at `text`, which lies before `end`; 0 when it is not valid. */
size_t fs_text_utf8_sequence(const char *text, const char *end);
/* Writes `code` (a Unicode scalar value) as UTF-8 and answers the length. */
size_t fs_text_put_utf8(unsigned code, char bytes[4]);
/* Appends `code` (a Unicode scalar value) as UTF-8. */
void fs_text_append_utf8(struct fs_buffer *out, unsigned code);
/* A copy that the caller frees; NULL when out of memory, or `text` is NULL. */
char *fs_text_copy(const char *text, size_t length);
/* Visible ASCII without a space: what may go into a header line as one word. */
bool fs_text_is_header_word(const char *text);

#endif
