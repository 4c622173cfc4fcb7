#include "record.h"

#include <string.h>

#include "value/json.h"
#include "value/money.h"

static void close_record(struct sb_record_writer *writer)
{
    if (writer->user == 0)
        return;
    fs_buffer_append_text(&writer->result->records, "]}");
    sb_result_end_record(writer->result);
}

void sb_record_next_entry(struct sb_record_writer *writer, int64_t user, const char *user_id)
{
    struct fs_buffer *out = &writer->result->records;
    if (user == writer->user) {
        fs_buffer_append_char(out, ',');
        return;
    }
    close_record(writer);
    writer->user = user;
    fs_buffer_append_text(out, "{\"userId\":");
    fs_json_append_string(out, user_id, strlen(user_id));
    fs_buffer_append_text(out, ",\"");
    fs_buffer_append_text(out, writer->list);
    fs_buffer_append_text(out, "\":[");
}

void sb_record_end(struct sb_record_writer *writer)
{
    close_record(writer);
    writer->user = 0;
}

void sb_record_append_column(struct fs_buffer *out, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (text)
        fs_json_append_string(out, text, (size_t)sqlite3_column_bytes(row, column));
    else
        fs_buffer_append_text(out, "null");
}

void sb_record_append_amount(struct fs_buffer *out, int64_t cents)
{
    char text[FS_MONEY_TEXT];
    size_t length = fs_money_format(cents * (FS_MONEY_SCALE / 100), text);
    fs_buffer_append(out, text, length);
}

void sb_record_append_count(struct fs_buffer *out, int64_t count)
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
