#include "form.h"

#include <string.h>

#include "value/text.h"

static int hexadecimal(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool decode(const char *text, size_t length, bool plus_is_space, struct fs_buffer *out)
{
    size_t start = out->length;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? hexadecimal(text[i + 1]) : -1;
            int low = i + 2 < length ? hexadecimal(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        fs_buffer_append_char(out, c);
    }
    return !out->failed && (out->length == start || fs_text_is_utf8(out->data + start, out->length - start));
}

bool sb_form_percent_decode(const char *text, size_t length, struct fs_buffer *out)
{
    return decode(text, length, false, out);
}

/*
 * Decodes name or value to the end of the form's text, with a final zero. The room was made before, so nothing moves.
 */
static const char *add_text(struct sb_form *form, const char *text, size_t length)
{
    size_t start = form->text.length;
    if (!decode(text, length, true, &form->text))
        return NULL;
    fs_buffer_append_char(&form->text, '\0');
    return form->text.data + start;
}

static const char *add_field(struct sb_form *form, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    if (!equals)
        return "a field has no =";
    if (form->count == SB_FORM_FIELDS)
        return "there are too many fields";
    size_t name_length = (size_t)(equals - text);
    const char *name = add_text(form, text, name_length);
    const char *value = name ? add_text(form, equals + 1, length - name_length - 1) : NULL;
    if (!value)
        return "a field is not percent-encoded UTF-8";
    if (sb_form_value(form, name))
        return "a field appears twice";
    form->fields[form->count++] = (struct sb_form_field){name, value};
    return NULL;
}

bool sb_form_read(const char *text, size_t length, struct sb_form *form, const char **problem)
{
    *form = (struct sb_form){0};
    *problem = NULL;
    /* Decoding never lengthens; each field's two final zeros stand for its = and &. */
    if (!fs_buffer_reserve(&form->text, length + 2)) {
        *problem = "out of memory";
        return false;
    }
    size_t at = 0;
    while (at < length && !*problem) {
        const char *separator = memchr(text + at, '&', length - at);
        size_t field_length = separator ? (size_t)(separator - text) - at : length - at;
        if (field_length > 0)
            *problem = add_field(form, text + at, field_length);
        at += field_length + 1;
    }
    return !*problem;
}

void sb_form_free(struct sb_form *form)
{
    fs_buffer_free_secret(&form->text);
    form->count = 0;
}

const char *sb_form_value(const struct sb_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    }
    return NULL;
}
