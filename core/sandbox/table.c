#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "../text.h"

static void begin_problem(const struct fs_table *table, size_t column, struct fs_buffer *problem)
{
    fs_buffer_clear(problem);
    fs_buffer_printf(problem, "%s:%zu:%zu: ", table->path, table->line_number, column);
}

static bool refuse_line(const struct fs_table *table, size_t column, struct fs_buffer *problem, const char *what)
{
    begin_problem(table, column, problem);
    fs_buffer_append_text(problem, what);
    return false;
}

bool fs_table_refuse(const struct fs_table *table, size_t field, struct fs_buffer *problem, const char *format, ...)
{
    va_list arguments;
    begin_problem(table, table->fields[field].column, problem);
    va_start(arguments, format);
    fs_buffer_vprintf(problem, format, arguments);
    va_end(arguments);
    return false;
}

/* Reads a line without its end. */
static bool read_line(struct fs_table *table, size_t *length, bool *end, struct fs_buffer *problem)
{
    errno = 0;
    ssize_t read = getline(&table->line, &table->line_capacity, table->file);
    *end = read < 0;
    if (*end) {
        if (!ferror(table->file) && errno == 0)
            return true;
        fs_buffer_printf(problem, "%s: %s", table->path, strerror(errno));
        return false;
    }
    table->line_number++;
    *length = (size_t)read;
    if (*length > 0 && table->line[*length - 1] == '\n')
        (*length)--;
    if (*length > 0 && table->line[*length - 1] == '\r')
        (*length)--;
    table->line[*length] = '\0';
    if (memchr(table->line, '\0', *length))
        return refuse_line(table, strlen(table->line) + 1, problem, "a zero byte");
    if (!fs_text_is_utf8(table->line, *length))
        return refuse_line(table, 1, problem, "the line is not UTF-8");
    return true;
}

/* Takes the quotes off in place. `*at` moves from the opening quote to behind the closing one; NULL when that is missing. */
static char *read_quoted(char **at)
{
    char *text = ++*at;
    char *out = text;
    for (;; (*at)++) {
        if (**at == '\0')
            return NULL;
        if (**at == '"') {
            (*at)++;
            if (**at != '"')
                break;
        }
        *out++ = **at;
    }
    /* What follows the closing quote is needed still: `out` is before it. */
    *out = '\0';
    return text;
}

static bool split(struct fs_table *table, struct fs_buffer *problem)
{
    char *at = table->line;
    size_t count = 0;
    for (;;) {
        size_t column = (size_t)(at - table->line) + 1;
        if (count == table->columns)
            return refuse_line(table, column, problem, "the row has too many fields");
        char *text = at;
        if (*at == '"') {
            text = read_quoted(&at);
            if (!text)
                return refuse_line(table, column, problem, "a quote is not closed");
        } else {
            at += strcspn(at, (char[]){table->separator, '"', '\0'});
        }
        char after = *at;
        if (after != '\0' && after != table->separator)
            return refuse_line(table, (size_t)(at - table->line) + 1, problem, "a quote is out of place");
        *at++ = '\0';
        table->fields[count++] = (struct fs_table_field){text, strlen(text), column};
        if (after == '\0')
            break;
    }
    if (count == table->columns)
        return true;
    begin_problem(table, (size_t)(at - table->line), problem);
    fs_buffer_printf(problem, "the row has %zu fields, not %zu", count, table->columns);
    return false;
}

bool fs_table_next(struct fs_table *table, bool *end, struct fs_buffer *problem)
{
    size_t length = 0;
    return read_line(table, &length, end, problem) && (*end || split(table, problem));
}

static bool check_header(struct fs_table *table, const char *const *header, struct fs_buffer *problem)
{
    bool end;
    if (!fs_table_next(table, &end, problem))
        return false;
    if (end) {
        fs_buffer_printf(problem, "%s: the file is empty", table->path);
        return false;
    }
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(table->fields[i].text, header[i]) != 0)
            return fs_table_refuse(table, i, problem, "the header has '%s' where '%s' belongs", table->fields[i].text,
                                   header[i]);
    }
    return true;
}

bool fs_table_open(struct fs_table *table, const char *directory, const char *name, char separator,
                   const char *const *header, size_t columns, struct fs_buffer *problem)
{
    struct fs_buffer path = {0};
    *table = (struct fs_table){.separator = separator, .columns = columns};
    fs_buffer_printf(&path, "%s/%s", directory, name);
    table->path = fs_buffer_take(&path);
    if (!table->path) {
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

void fs_table_close(struct fs_table *table)
{
    if (table->file)
        fclose(table->file);
    free(table->line);
    free(table->path);
    *table = (struct fs_table){0};
}
