#include "csv_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value/text.h"

enum { BLOCK = 64 * 1024 /* bytes */ };

static void begin_problem(const struct sb_csv_reader *reader, size_t line, size_t column, struct fs_buffer *problem)
{
    fs_buffer_clear(problem);
    fs_buffer_printf(problem, "%s:%zu:%zu: ", reader->path, line, column);
}

/* At byte `at` of the line read last. */
static bool refuse_line(const struct sb_csv_reader *reader, size_t at, struct fs_buffer *problem, const char *what)
{
    begin_problem(reader, reader->line_number, at + 1, problem);
    fs_buffer_append_text(problem, what);
    return false;
}

bool sb_csv_reader_refuse(const struct sb_csv_reader *reader, size_t field, struct fs_buffer *problem,
                          const char *format, ...)
{
    va_list arguments;
    begin_problem(reader, reader->fields[field].line, reader->fields[field].column, problem);
    va_start(arguments, format);
    fs_buffer_vprintf(problem, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

static bool check_text(const struct sb_csv_reader *reader, struct fs_buffer *problem)
{
    const char *end = reader->line + reader->line_length;
    const char *zero = memchr(reader->line, '\0', reader->line_length);
    if (zero)
        return refuse_line(reader, (size_t)(zero - reader->line), problem, "a zero byte");
    if (fs_text_is_utf8(reader->line, reader->line_length))
        return true;
    const char *at = reader->line;
    for (size_t length; (length = fs_text_utf8_sequence(at, end)) > 0;)
        at += length;
    return refuse_line(reader, (size_t)(at - reader->line), problem, "the line is not UTF-8");
}

/* Reads on in the file when the block is used up. False at the end and when the file cannot be read. */
static bool fill_block(struct sb_csv_reader *reader)
{
    if (reader->block_at == reader->block_length) {
        reader->block_at = 0;
        reader->block_length = fread(reader->block, 1, BLOCK, reader->file);
    }
    return reader->block_length > 0;
}

/* Gathers a line, its end included, or as much of it as shows that it is too long; nothing at the end. */
static void gather_line(struct sb_csv_reader *reader)
{
    bool ended = false;
    fs_buffer_clear(&reader->line_bytes);
    while (!ended && reader->line_bytes.length <= SB_CSV_READER_LONGEST_ROW && fill_block(reader)) {
        const char *start = reader->block + reader->block_at;
        size_t left = reader->block_length - reader->block_at;
        const char *line_feed = memchr(start, '\n', left);
        size_t length = line_feed ? (size_t)(line_feed - start) + 1 : left;
        fs_buffer_append(&reader->line_bytes, start, length);
        reader->block_at += length;
        ended = line_feed;
    }
}

/* Reads a line, its end included. */
static bool read_line(struct sb_csv_reader *reader, bool *end, struct fs_buffer *problem)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    errno = 0;
    gather_line(reader);
    if (ferror(reader->file) || reader->line_bytes.failed) {
        fs_buffer_printf(problem, "%s: %s", reader->path,
                         reader->line_bytes.failed ? "out of memory" : strerror(errno));
        return false;
    }
    reader->line = reader->line_bytes.data;
    reader->line_length = reader->line_bytes.length;
    *end = reader->line_length == 0;
    if (*end)
        return true;
    reader->line_number++;
    if (reader->line_length > SB_CSV_READER_LONGEST_ROW)
        return refuse_line(reader, 0, problem, "the line is longer than 1 MiB");
    reader->at = reader->line_number == 1 && strncmp(reader->line, byte_order_mark, strlen(byte_order_mark)) == 0
                     ? strlen(byte_order_mark)
                     : 0;
    return check_text(reader, problem);
}

/* Whether nothing but its end is left of the line. */
static bool at_line_end(const struct sb_csv_reader *reader)
{
    const char *rest = reader->line + reader->at;
    return *rest == '\0' || strcmp(rest, "\n") == 0 || strcmp(rest, "\r\n") == 0;
}

/* ---- fields ---------------------------------------------------------------------------------------------- */

/* Appends what stands before the next of `stops`, or before the line's end, to the field. */
static void copy_until(struct sb_csv_reader *reader, const char *stops)
{
    const char *text = reader->line + reader->at;
    size_t length = strcspn(text, stops);
    fs_buffer_append(&reader->row, text, length);
    reader->at += length;
}

static bool next_line_of_field(struct sb_csv_reader *reader, const struct sb_csv_field *field,
                               struct fs_buffer *problem)
{
    const char *what = "a quote is not closed";
    bool end = false;
    if (reader->row.length > SB_CSV_READER_LONGEST_ROW)
        what = "the row is longer than 1 MiB; perhaps a quote is not closed";
    else if (!read_line(reader, &end, problem))
        return false;
    else if (!end)
        return true;
    begin_problem(reader, field->line, field->column, problem);
    fs_buffer_append_text(problem, what);
    return false;
}

/* From the opening quote to behind the closing one, over as many lines as it takes. */
static bool read_quoted(struct sb_csv_reader *reader, const struct sb_csv_field *field, struct fs_buffer *problem)
{
    reader->at++;
    for (;;) {
        copy_until(reader, "\"");
        if (reader->line[reader->at] == '\0') {
            if (!next_line_of_field(reader, field, problem))
                return false;
            continue;
        }
        reader->at++;
        if (reader->line[reader->at] != '"')
            return true;
        fs_buffer_append_char(&reader->row, '"');
        reader->at++;
    }
}

static bool read_field(struct sb_csv_reader *reader, struct sb_csv_field *field, struct fs_buffer *problem)
{
    const char stops[] = {reader->separator, '"', '\r', '\n', '\0'};
    size_t start = reader->row.length;
    field->line = reader->line_number;
    field->column = reader->at + 1;
    if (reader->line[reader->at] != '"')
        copy_until(reader, stops);
    else if (!read_quoted(reader, field, problem))
        return false;
    field->length = reader->row.length - start;
    fs_buffer_append_char(&reader->row, '\0');
    if (reader->line[reader->at] == reader->separator || at_line_end(reader))
        return true;
    return refuse_line(reader, reader->at, problem,
                       reader->line[reader->at] == '\r' ? "a carriage return is out of place"
                                                        : "a quote is out of place");
}

/* The row may have moved while it grew: pointers into it are made when it is whole. */
static bool point_into_row(struct sb_csv_reader *reader, struct fs_buffer *problem)
{
    if (reader->row.failed) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    const char *text = reader->row.data;
    for (size_t i = 0; i < reader->columns; i++) {
        reader->fields[i].text = text;
        text += reader->fields[i].length + 1;
    }
    return true;
}

static bool split(struct sb_csv_reader *reader, struct fs_buffer *problem)
{
    size_t count = 0;
    fs_buffer_clear(&reader->row);
    for (;; reader->at++) { /* over the separator */
        if (count == reader->columns)
            return refuse_line(reader, reader->at, problem, "the row has too many fields");
        if (!read_field(reader, &reader->fields[count++], problem))
            return false;
        if (at_line_end(reader))
            break;
    }
    if (count == reader->columns)
        return point_into_row(reader, problem);
    begin_problem(reader, reader->line_number, reader->at + 1, problem);
    fs_buffer_printf(problem, "the row has %zu fields, not %zu", count, reader->columns);
    return false;
}

bool sb_csv_reader_next(struct sb_csv_reader *reader, bool *end, struct fs_buffer *problem)
{
    return read_line(reader, end, problem) && (*end || split(reader, problem));
}

static bool check_header(struct sb_csv_reader *reader, const char *const *header, struct fs_buffer *problem)
{
    bool end;
    if (!sb_csv_reader_next(reader, &end, problem))
        return false;
    if (end) {
        fs_buffer_printf(problem, "%s: the file is empty", reader->path);
        return false;
    }
    for (size_t i = 0; i < reader->columns; i++) {
        if (strcmp(reader->fields[i].text, header[i]) != 0)
            return sb_csv_reader_refuse(reader, i, problem, "the header has '%s' where '%s' belongs",
                                        reader->fields[i].text, header[i]);
    }
    return true;
}

bool sb_csv_reader_open(struct sb_csv_reader *reader, const char *directory, const char *name, char separator,
                        const char *const *header, size_t columns, struct fs_buffer *problem)
{
    struct fs_buffer path = {0};
    *reader = (struct sb_csv_reader){.separator = separator, .columns = columns};
    fs_buffer_printf(&path, "%s/%s", directory, name);
    reader->path = fs_buffer_take(&path);
    reader->block = malloc(BLOCK);
    if (!reader->path || !reader->block) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    reader->file = fopen(reader->path, "re");
    if (!reader->file) {
        fs_buffer_printf(problem, "%s: %s", reader->path, strerror(errno));
        return false;
    }
    return check_header(reader, header, problem);
}

void sb_csv_reader_close(struct sb_csv_reader *reader)
{
    if (reader->file)
        fclose(reader->file);
    free(reader->block);
    fs_buffer_free(&reader->line_bytes);
    fs_buffer_free(&reader->row);
    free(reader->path);
    *reader = (struct sb_csv_reader){0};
}

/* ---- whole files ------------------------------------------------------------------------------------------- */

static bool read_rows(struct sb_csv_reader *reader, bool (*read_row)(void *owner), void *owner,
                      struct fs_buffer *problem)
{
    for (;;) {
        bool end;
        if (!sb_csv_reader_next(reader, &end, problem))
            return false;
        if (end)
            return true;
        if (!read_row(owner))
            return false;
    }
}

bool sb_csv_reader_each(struct sb_csv_reader *reader, const char *directory, const char *name, char separator,
                        const char *const *header, size_t columns, bool (*read_row)(void *owner), void *owner,
                        struct fs_buffer *problem)
{
    bool read = sb_csv_reader_open(reader, directory, name, separator, header, columns, problem) &&
                read_rows(reader, read_row, owner, problem);
    sb_csv_reader_close(reader);
    return read;
}
