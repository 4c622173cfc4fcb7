/*
 * Jobs and results as requests read them: on a connection of their own, so that no page waits while a result is computed or stored.
 * A result's records are kept in blocks: a page of a large one is read without the rest. All functions but open and close may be
 * called from any thread.
 */
#ifndef FINSEG_SANDBOX_ARCHIVE_H
#define FINSEG_SANDBOX_ARCHIVE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "jobs.h"
#include "result_cache.h"
#include "sandbox/segment/result.h"
#include "sandbox/segment/segment.h"
#include "value/buffer.h"

/* Bytes of records in a row of the table `blocks`; the last block of a result is shorter. */
enum { SB_ARCHIVE_BLOCK = 64 * 1024 };

struct sb_archive;

/* Reads FILE, whose tables must exist. When `file` is NULL it reads `database`, which is in memory and cannot be opened twice, under
 * `lock`, which guards it. NULL with a `problem`. */
struct sb_archive *sb_archive_open(const char *file, sqlite3 *database, pthread_mutex_t *lock,
                                   struct fs_buffer *problem);
void sb_archive_close(struct sb_archive *archive);

/* Finds the job `entry->id`, and fills in the rest of the entry when it is ready: the caller releases its result then. */
enum sb_job_state sb_archive_find(struct sb_archive *archive, const struct sb_segment_kind *kind,
                                  struct sb_shelf_entry *entry);
/* Appends a slice of a job's records; false when it cannot be read, or the job has gone. */
bool sb_archive_read(struct sb_archive *archive, int64_t job, struct sb_result_slice slice, struct fs_buffer *out);

#endif
