/* Texts that stand in millions of rows, kept once and referred to by number: labels, counterparts. A cache spares most
 * queries. */
#ifndef FINSEG_SANDBOX_TEXT_TABLE_H
#define FINSEG_SANDBOX_TEXT_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "value/buffer.h"

struct sb_text_table;

/* Of the table `table` (number INTEGER PRIMARY KEY, name TEXT UNIQUE). NULL with a `problem`. */
struct sb_text_table *sb_text_table_open(sqlite3 *database, const char *table, struct fs_buffer *problem);
void sb_text_table_close(struct sb_text_table *names);
/* The number of this name, which is added when it is new. 0 with a `problem`. */
int64_t sb_text_table_number(struct sb_text_table *names, const char *name, struct fs_buffer *problem);
/* To be called when a transaction of the database that may have added names was rolled back. */
void sb_text_table_forget(struct sb_text_table *names);

#endif
