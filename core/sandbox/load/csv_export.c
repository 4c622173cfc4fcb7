#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv.h"
#include "sandbox/base/database.h"
#include "sandbox/base/date.h"
#include "value/money.h"

enum { STEPS_PER_CENT = FS_MONEY_SCALE / 100, MOST_COLUMNS = 5 };

enum column_type { END, TEXT, DATE, AMOUNT };

/* One file: what it is called, its header, the query of its rows, and how to write each column. */
struct file_layout {
    const char *name;
    const char *header;
    const char *query;
    enum column_type types[MOST_COLUMNS + 1];
};

static const struct file_layout layouts[] = {
    {
        .name = "users.csv",
        .header = "userId",
        .query = "SELECT user_id FROM users ORDER BY user_id",
        .types = {TEXT},
    },
    {
        .name = "accounts.csv",
        .header = "accountId,userId,type,opened",
        .query = "SELECT account_id, user_id, type, opened FROM users"
                 " CROSS JOIN accounts ON accounts.user = users.number ORDER BY user_id, account_id",
        .types = {TEXT, TEXT, TEXT, DATE},
    },
    {
        .name = "transactions.csv",
        .header = "accountId,date,amount,label,counterpart",
        .query = "SELECT account_id, day, amount, labels.name, counterparts.name FROM users"
                 " CROSS JOIN accounts ON accounts.user = users.number"
                 " CROSS JOIN transactions ON transactions.account = accounts.number"
                 " LEFT JOIN labels ON labels.number = label"
                 " LEFT JOIN counterparts ON counterparts.number = counterpart"
                 " ORDER BY user_id, account_id, day, sequence",
        .types = {TEXT, DATE, AMOUNT, TEXT, TEXT},
    },
};

enum { FILES = sizeof layouts / sizeof layouts[0] };

static void write_text(FILE *file, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs_unlocked(text, file);
        return;
    }
    putc_unlocked('"', file);
    for (; *text; text++) {
        if (*text == '"')
            putc_unlocked('"', file);
        putc_unlocked(*text, file);
    }
    putc_unlocked('"', file);
}

static void write_column(FILE *file, enum column_type type, sqlite3_stmt *row, int column)
{
    char date[SB_DATE_TEXT];
    char amount[FS_MONEY_TEXT];
    const char *text;
    switch (type) {
    case DATE:
        sb_date_format(sqlite3_column_int(row, column), date);
        fputs_unlocked(date, file);
        break;
    case AMOUNT:
        fs_money_format(sqlite3_column_int64(row, column) * STEPS_PER_CENT, amount);
        fputs_unlocked(amount, file);
        break;
    case TEXT:
        text = (const char *)sqlite3_column_text(row, column);
        write_text(file, text ? text : "");
        break;
    case END:
        break;
    }
}

static bool write_rows(FILE *file, const struct file_layout *layout, sqlite3_stmt *rows, struct fs_buffer *problem)
{
    int verdict;
    fprintf(file, "%s\r\n", layout->header);
    while ((verdict = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; layout->types[i] != END; i++) {
            if (i > 0)
                putc_unlocked(',', file);
            write_column(file, layout->types[i], rows, i);
        }
        fputs_unlocked("\r\n", file);
    }
    if (verdict != SQLITE_DONE)
        sb_database_describe(sqlite3_db_handle(rows), problem);
    return verdict == SQLITE_DONE;
}

/* `file` is closed in any case. */
static bool write_and_close(FILE *file, const char *path, const struct file_layout *layout, sqlite3 *database,
                            struct fs_buffer *problem)
{
    sqlite3_stmt *rows = sb_database_prepare(database, layout->query, problem);
    bool written = rows && write_rows(file, layout, rows, problem);
    sqlite3_finalize(rows);
    bool complete = !ferror(file) && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (fclose(file) == 0 && complete)
        return written;
    if (written)
        fs_buffer_printf(problem, "%s: %s", path, strerror(errno ? errno : EIO));
    return false;
}

/* `*made` is set when there is a file to remove. */
static bool write_file(const char *path, const struct file_layout *layout, sqlite3 *database, bool *made,
                       struct fs_buffer *problem)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    *made = descriptor >= 0;
    FILE *file = *made ? fdopen(descriptor, "w") : NULL;
    if (file)
        return write_and_close(file, path, layout, database, problem);
    fs_buffer_printf(problem, "%s: %s", path, strerror(errno));
    if (*made)
        close(descriptor);
    return false;
}

static bool make_directory(const char *directory, struct fs_buffer *problem)
{
    if (mkdir(directory, S_IRWXU) == 0 || errno == EEXIST)
        return true;
    fs_buffer_printf(problem, "%s: %s", directory, strerror(errno));
    return false;
}

bool sb_csv_export(const struct sb_bank *bank, const char *directory, struct fs_buffer *problem)
{
    struct fs_buffer paths[FILES] = {{0}};
    bool made[FILES] = {false};
    bool written = make_directory(directory, problem);
    for (size_t i = 0; written && i < FILES; i++) {
        fs_buffer_printf(&paths[i], "%s/%s", directory, layouts[i].name);
        written = !paths[i].failed && write_file(paths[i].data, &layouts[i], sb_bank_database(bank), &made[i], problem);
    }
    for (size_t i = 0; i < FILES; i++) {
        if (!written && made[i])
            unlink(paths[i].data);
        fs_buffer_free(&paths[i]);
    }
    if (!written && problem->length == 0)
        fs_buffer_append_text(problem, "out of memory");
    return written;
}
