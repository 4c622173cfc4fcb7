/* Texts that stand in millions of rows, kept once and referred to by number: labels, counterparts. A cache spares most
 * queries. */
#ifndef FINSEG_SANDBOX_NAMES_H
#define FINSEG_SANDBOX_NAMES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "value/buffer.h"

struct sb_names;

/* Of the table `table` (number INTEGER PRIMARY KEY, name TEXT UNIQUE). NULL with a `problem`. */
struct sb_names *sb_names_open(sqlite3 *database, const char *table, struct fs_buffer *problem);
void sb_names_close(struct sb_names *names);
/* The number of this name, which is added when it is new. 0 with a `problem`. */
int64_t sb_names_number(struct sb_names *names, const char *name, struct fs_buffer *problem);
/* To be called when a transaction of the database that may have added names was rolled back. */
void sb_names_forget(struct sb_names *names);

#endif
