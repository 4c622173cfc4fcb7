#include "result.h"

#include <string.h>

#include "value/json.h"
#include "value/money.h"

void sb_result_free(struct sb_result *result)
{
    fs_buffer_free(&result->records);
    fs_buffer_free(&result->ends);
}

static void end_record(struct sb_result *result)
{
    fs_buffer_append_text(&result->records, "]}");
    size_t end = result->records.length;
    fs_buffer_append(&result->ends, (const char *)&end, sizeof end);
    if (end <= SB_RESULT_LARGEST)
        return;
    result->too_large = true;
    fs_buffer_clear(&result->records);
}

void sb_result_begin_entry(struct sb_result *result, int64_t user, const char *user_id)
{
    struct fs_buffer *out = &result->records;
    if (user == result->user) {
        fs_buffer_append_char(out, ',');
        return;
    }
    sb_result_end(result);
    result->user = user;
    fs_buffer_append_text(out, "{\"userId\":");
    fs_json_append_string(out, user_id, strlen(user_id));
    fs_buffer_append_text(out, ",\"");
    fs_buffer_append_text(out, result->list);
    fs_buffer_append_text(out, "\":[");
}

void sb_result_end(struct sb_result *result)
{
    if (result->user != 0)
        end_record(result);
    result->user = 0;
}

void sb_result_append_column(struct fs_buffer *out, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (text)
        fs_json_append_string(out, text, (size_t)sqlite3_column_bytes(row, column));
    else
        fs_buffer_append_text(out, "null");
}

void sb_result_append_amount(struct fs_buffer *out, int64_t cents)
{
    char text[FS_MONEY_TEXT];
    size_t length = fs_money_format(cents * (FS_MONEY_SCALE / 100), text);
    fs_buffer_append(out, text, length);
}

void sb_result_append_count(struct fs_buffer *out, int64_t count)
{
    char reversed[20];
    size_t length = 0;
    do {
        reversed[length++] = (char)('0' + count % 10);
        count /= 10;
    } while (count > 0);
    while (length > 0)
        fs_buffer_append_char(out, reversed[--length]);
}

size_t sb_result_count(const struct sb_result *result)
{
    return result->ends.length / sizeof(size_t);
}

/* Where the first `count` records end. */
static size_t end_of(const struct sb_result *result, size_t count)
{
    size_t end = 0;
    if (count > 0)
        memcpy(&end, result->ends.data + (count - 1) * sizeof end, sizeof end);
    return end;
}

const char *sb_result_record(const struct sb_result *result, size_t position, size_t *length)
{
    size_t start = end_of(result, position);
    *length = end_of(result, position + 1) - start;
    return result->records.data + start;
}
