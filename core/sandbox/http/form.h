/*
 * application/x-www-form-urlencoded: the body of a token request, and a query. Strict: a name stands once, every % is
 * followed by two hexadecimal digits, values are UTF-8 without zero bytes.
 */
#ifndef FINSEG_SANDBOX_FORM_H
#define FINSEG_SANDBOX_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "value/buffer.h"

enum { SB_FORM_FIELDS = 32 };

struct sb_form_field {
    const char *name;
    const char *value;
};

struct sb_form {
    struct sb_form_field fields[SB_FORM_FIELDS];
    size_t count;
    struct fs_buffer text; /* what the fields point into */
};

/* False when it is malformed: `*problem` says how. The caller frees the form in either case. */
bool sb_form_read(const char *text, size_t length, struct sb_form *form, const char **problem);
void sb_form_free(struct sb_form *form);
/* NULL when there is no such field. */
const char *sb_form_value(const struct sb_form *form, const char *name);

/*
 * Appends `text` with %XX replaced by its byte. False at a % without two digits, at a zero byte and when it is no UTF-8
 * then.
 */
bool sb_form_percent_decode(const char *text, size_t length, struct fs_buffer *out);

#endif
