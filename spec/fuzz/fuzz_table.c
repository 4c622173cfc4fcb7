/* Any bytes as a delimited text file: held against a slow reading, one byte and one state at a time. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/load/csv_reader.h"
#include "value/buffer.h"
#include "value/text.h"

enum { COLUMNS = 3 };

static const char *const header[COLUMNS] = {"a", "b", "c"};

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* ---- the slow reading: each field's bytes and a zero, whole rows only ---- */

struct slow {
    char separator;
    size_t fields; /* of the row that is open */
    struct fs_buffer out;
};

static bool end_field(struct slow *slow)
{
    fs_buffer_append_char(&slow->out, '\0');
    return ++slow->fields <= COLUMNS;
}

static bool end_row(struct slow *slow)
{
    bool whole = end_field(slow) && slow->fields == COLUMNS;
    slow->fields = 0;
    return whole;
}

static bool read_slowly(struct slow *slow, const char *text, size_t length)
{
    enum { FIELD_START, PLAIN, QUOTED, QUOTE_IN_QUOTED } state = FIELD_START;
    bool row_open = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool ends_row = c == '\n' || (c == '\r' && i + 1 < length && text[i + 1] == '\n');
        row_open = true;
        if (state == QUOTED) {
            if (c == '"')
                state = QUOTE_IN_QUOTED;
            else
                fs_buffer_append_char(&slow->out, c);
        } else if (c == '"') {
            if (state == PLAIN)
                return false;
            if (state == QUOTE_IN_QUOTED)
                fs_buffer_append_char(&slow->out, c);
            state = QUOTED;
        } else if (ends_row) {
            if (!end_row(slow))
                return false;
            i += c == '\r';
            state = FIELD_START;
            row_open = false;
        } else if (c == slow->separator) {
            if (!end_field(slow))
                return false;
            state = FIELD_START;
        } else {
            if (state == QUOTE_IN_QUOTED || c == '\r')
                return false;
            fs_buffer_append_char(&slow->out, c);
            state = PLAIN;
        }
    }
    return state != QUOTED && (!row_open || end_row(slow));
}

/* ---- the reader ---- */

static bool read_table(const char *directory, const char *name, char separator, struct fs_buffer *out)
{
    struct sb_csv_reader reader;
    struct fs_buffer problem = {0};
    bool end = false;
    bool read = sb_csv_reader_open(&reader, directory, name, separator, header, COLUMNS, &problem);
    while (read && (read = sb_csv_reader_next(&reader, &end, &problem)) && !end) {
        for (size_t i = 0; i < COLUMNS; i++) {
            const struct sb_csv_field *field = &reader.fields[i];
            require(strlen(field->text) == field->length && field->line >= 2 && field->column >= 1);
            fs_buffer_append(out, field->text, field->length + 1);
        }
    }
    require(read == (problem.length == 0));
    sb_csv_reader_close(&reader);
    fs_buffer_free(&problem);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slow slow = {.separator = *data & 1 ? ',' : ';'};
    const char *rows = (const char *)data + 1;
    bool marked = *data & 2;
    struct fs_buffer file = {0};
    fs_buffer_printf(&file, "%sa%cb%cc\n", marked ? "\xEF\xBB\xBF" : "", slow.separator, slow.separator);
    fs_buffer_append(&file, rows, size - 1);

    char name[16];
    int descriptor = memfd_create("reader", MFD_CLOEXEC);
    require(descriptor >= 0 && write(descriptor, file.data, file.length) == (ssize_t)file.length);
    snprintf(name, sizeof name, "%d", descriptor);

    struct fs_buffer out = {0};
    bool clean = !memchr(rows, '\0', size - 1) && fs_text_is_utf8(rows, size - 1);
    bool good = clean && read_slowly(&slow, rows, size - 1);
    require(read_table("/proc/self/fd", name, slow.separator, &out) == good);
    require(!good ||
            (out.length == slow.out.length && (out.length == 0 || memcmp(out.data, slow.out.data, out.length) == 0)));
    fs_buffer_free(&out);
    fs_buffer_free(&slow.out);
    fs_buffer_free(&file);
    close(descriptor);
    return 0;
}
