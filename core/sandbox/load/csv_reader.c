#include "csv_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value/text.h"

enum { BLOCK = 64 * 1024 /* bytes */ };

static void begin_problem(const struct sb_table *table, size_t line, size_t column, struct fs_buffer *problem)
{
    fs_buffer_clear(problem);
    fs_buffer_printf(problem, "%s:%zu:%zu: ", table->path, line, column);
}

/* At byte `at` of the line read last. */
static bool refuse_line(const struct sb_table *table, size_t at, struct fs_buffer *problem, const char *what)
{
    begin_problem(table, table->line_number, at + 1, problem);
    fs_buffer_append_text(problem, what);
    return false;
}

bool sb_table_refuse(const struct sb_table *table, size_t field, struct fs_buffer *problem, const char *format, ...)
{
    va_list arguments;
    begin_problem(table, table->fields[field].line, table->fields[field].column, problem);
    va_start(arguments, format);
    fs_buffer_vprintf(problem, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

static bool check_text(const struct sb_table *table, struct fs_buffer *problem)
{
    const char *end = table->line + table->line_length;
    const char *zero = memchr(table->line, '\0', table->line_length);
    if (zero)
        return refuse_line(table, (size_t)(zero - table->line), problem, "a zero byte");
    if (fs_text_is_utf8(table->line, table->line_length))
        return true;
    const char *at = table->line;
    for (size_t length; (length = fs_text_utf8_sequence(at, end)) > 0;)
        at += length;
    return refuse_line(table, (size_t)(at - table->line), problem, "the line is not UTF-8");
}

/* Reads on in the file when the block is used up. False at the end and when the file cannot be read. */
static bool fill_block(struct sb_table *table)
{
    if (table->block_at == table->block_length) {
        table->block_at = 0;
        table->block_length = fread(table->block, 1, BLOCK, table->file);
    }
    return table->block_length > 0;
}

/* Gathers a line, its end included, or as much of it as shows that it is too long; nothing at the end. */
static void gather_line(struct sb_table *table)
{
    bool ended = false;
    fs_buffer_clear(&table->line_bytes);
    while (!ended && table->line_bytes.length <= SB_TABLE_LONGEST_ROW && fill_block(table)) {
        const char *start = table->block + table->block_at;
        size_t left = table->block_length - table->block_at;
        const char *line_feed = memchr(start, '\n', left);
        size_t length = line_feed ? (size_t)(line_feed - start) + 1 : left;
        fs_buffer_append(&table->line_bytes, start, length);
        table->block_at += length;
        ended = line_feed;
    }
}

/* Reads a line, its end included. */
static bool read_line(struct sb_table *table, bool *end, struct fs_buffer *problem)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    errno = 0;
    gather_line(table);
    if (ferror(table->file) || table->line_bytes.failed) {
        fs_buffer_printf(problem, "%s: %s", table->path, table->line_bytes.failed ? "out of memory" : strerror(errno));
        return false;
    }
    table->line = table->line_bytes.data;
    table->line_length = table->line_bytes.length;
    *end = table->line_length == 0;
    if (*end)
        return true;
    table->line_number++;
    if (table->line_length > SB_TABLE_LONGEST_ROW)
        return refuse_line(table, 0, problem, "the line is longer than 1 MiB");
    table->at = table->line_number == 1 && strncmp(table->line, byte_order_mark, strlen(byte_order_mark)) == 0
                    ? strlen(byte_order_mark)
                    : 0;
    return check_text(table, problem);
}

/* Whether nothing but its end is left of the line. */
static bool at_line_end(const struct sb_table *table)
{
    const char *rest = table->line + table->at;
    return *rest == '\0' || strcmp(rest, "\n") == 0 || strcmp(rest, "\r\n") == 0;
}

/* ---- fields ---------------------------------------------------------------------------------------------- */

/* Appends what stands before the next of `stops`, or before the line's end, to the field. */
static void copy_until(struct sb_table *table, const char *stops)
{
    const char *text = table->line + table->at;
    size_t length = strcspn(text, stops);
    fs_buffer_append(&table->row, text, length);
    table->at += length;
}

static bool next_line_of_field(struct sb_table *table, const struct sb_table_field *field, struct fs_buffer *problem)
{
    const char *what = "a quote is not closed";
    bool end = false;
    if (table->row.length > SB_TABLE_LONGEST_ROW)
        what = "the row is longer than 1 MiB; perhaps a quote is not closed";
    else if (!read_line(table, &end, problem))
        return false;
    else if (!end)
        return true;
    begin_problem(table, field->line, field->column, problem);
    fs_buffer_append_text(problem, what);
    return false;
}

/* From the opening quote to behind the closing one, over as many lines as it takes. */
static bool read_quoted(struct sb_table *table, const struct sb_table_field *field, struct fs_buffer *problem)
{
    table->at++;
    for (;;) {
        copy_until(table, "\"");
        if (table->line[table->at] == '\0') {
            if (!next_line_of_field(table, field, problem))
                return false;
            continue;
        }
        table->at++;
        if (table->line[table->at] != '"')
            return true;
        fs_buffer_append_char(&table->row, '"');
        table->at++;
    }
}

static bool read_field(struct sb_table *table, struct sb_table_field *field, struct fs_buffer *problem)
{
    const char stops[] = {table->separator, '"', '\r', '\n', '\0'};
    size_t start = table->row.length;
    field->line = table->line_number;
    field->column = table->at + 1;
    if (table->line[table->at] != '"')
        copy_until(table, stops);
    else if (!read_quoted(table, field, problem))
        return false;
    field->length = table->row.length - start;
    fs_buffer_append_char(&table->row, '\0');
    if (table->line[table->at] == table->separator || at_line_end(table))
        return true;
    return refuse_line(table, table->at, problem,
                       table->line[table->at] == '\r' ? "a carriage return is out of place"
                                                      : "a quote is out of place");
}

/* The row may have moved while it grew: pointers into it are made when it is whole. */
static bool point_into_row(struct sb_table *table, struct fs_buffer *problem)
{
    if (table->row.failed) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    const char *text = table->row.data;
    for (size_t i = 0; i < table->columns; i++) {
        table->fields[i].text = text;
        text += table->fields[i].length + 1;
    }
    return true;
}

static bool split(struct sb_table *table, struct fs_buffer *problem)
{
    size_t count = 0;
    fs_buffer_clear(&table->row);
    for (;; table->at++) { /* over the separator */
        if (count == table->columns)
            return refuse_line(table, table->at, problem, "the row has too many fields");
        if (!read_field(table, &table->fields[count++], problem))
            return false;
        if (at_line_end(table))
            break;
    }
    if (count == table->columns)
        return point_into_row(table, problem);
    begin_problem(table, table->line_number, table->at + 1, problem);
    fs_buffer_printf(problem, "the row has %zu fields, not %zu", count, table->columns);
    return false;
}

bool sb_table_next(struct sb_table *table, bool *end, struct fs_buffer *problem)
{
    return read_line(table, end, problem) && (*end || split(table, problem));
}

static bool check_header(struct sb_table *table, const char *const *header, struct fs_buffer *problem)
{
    bool end;
    if (!sb_table_next(table, &end, problem))
        return false;
    if (end) {
        fs_buffer_printf(problem, "%s: the file is empty", table->path);
        return false;
    }
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(table->fields[i].text, header[i]) != 0)
            return sb_table_refuse(table, i, problem, "the header has '%s' where '%s' belongs", table->fields[i].text,
                                   header[i]);
    }
    return true;
}

bool sb_table_open(struct sb_table *table, const char *directory, const char *name, char separator,
                   const char *const *header, size_t columns, struct fs_buffer *problem)
{
    struct fs_buffer path = {0};
    *table = (struct sb_table){.separator = separator, .columns = columns};
    fs_buffer_printf(&path, "%s/%s", directory, name);
    table->path = fs_buffer_take(&path);
    table->block = malloc(BLOCK);
    if (!table->path || !table->block) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    table->file = fopen(table->path, "re");
    if (!table->file) {
        fs_buffer_printf(problem, "%s: %s", table->path, strerror(errno));
        return false;
    }
    return check_header(table, header, problem);
}

void sb_table_close(struct sb_table *table)
{
    if (table->file)
        fclose(table->file);
    free(table->block);
    fs_buffer_free(&table->line_bytes);
    fs_buffer_free(&table->row);
    free(table->path);
    *table = (struct sb_table){0};
}

/* ---- whole files ------------------------------------------------------------------------------------------- */

static bool read_rows(struct sb_table *table, bool (*read_row)(void *owner), void *owner, struct fs_buffer *problem)
{
    for (;;) {
        bool end;
        if (!sb_table_next(table, &end, problem))
            return false;
        if (end)
            return true;
        if (!read_row(owner))
            return false;
    }
}

bool sb_table_each(struct sb_table *table, const char *directory, const char *name, char separator,
                   const char *const *header, size_t columns, bool (*read_row)(void *owner), void *owner,
                   struct fs_buffer *problem)
{
    bool read = sb_table_open(table, directory, name, separator, header, columns, problem) &&
                read_rows(table, read_row, owner, problem);
    sb_table_close(table);
    return read;
}
