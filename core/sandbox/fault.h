/*
 * Faults: what a service, or the network before it, does wrong. One table in fault.c names the kinds. A rule says which kind, how
 * often and where; the rules are set by --fault and by POST /__faults.
 */
#ifndef FINSEG_SANDBOX_FAULT_H
#define FINSEG_SANDBOX_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../buffer.h"
#include "route.h"

/* When a fault strikes. Only what could be spoilt is counted against a rule's number or rate. */
enum fs_fault_moment {
    FS_FAULT_INSTEAD,   /* of an answer: nothing is done and another status is answered */
    FS_FAULT_TOKEN,     /* when a segments request brings a valid access token */
    FS_FAULT_JOB,       /* when a job is made */
    FS_FAULT_CALLBACK,  /* when a job is made that has a callbackURL */
    FS_FAULT_PAGE,      /* when a page of a ready job is answered */
    FS_FAULT_NEXT_PAGE, /* when such a page is not the first */
    FS_FAULT_BYTES      /* when an answer of status 2xx with a body goes out; what was asked for is done */
};

enum fs_fault_effect {
    FS_FAULT_NONE,
    FS_FAULT_STATUS,
    FS_FAULT_ASK_LATER,   /* a status with Retry-After in seconds */
    FS_FAULT_ASK_AT_DATE, /* ... as a date */
    FS_FAULT_BAD_GATEWAY,
    FS_FAULT_EXPIRE_TOKEN,
    FS_FAULT_JOB_STUCK,
    FS_FAULT_JOB_FAILS,
    FS_FAULT_JOB_VANISHES,
    FS_FAULT_CALLBACK_LOST,
    FS_FAULT_CALLBACK_TWICE,
    FS_FAULT_CALLBACK_EARLY,
    FS_FAULT_REPEAT_PAGE,
    FS_FAULT_MOVE_TOTAL,
    FS_FAULT_TRUNCATE,
    FS_FAULT_GARBAGE,
    FS_FAULT_HUGE,
    FS_FAULT_ANNOUNCE_LESS,
    FS_FAULT_ANNOUNCE_MORE,
    FS_FAULT_DROP_BEFORE,
    FS_FAULT_DROP_AMID,
    FS_FAULT_DROP_AFTER,
    FS_FAULT_TRICKLE,
    FS_FAULT_STALL,
    FS_FAULT_SILENCE
};

struct fs_fault {
    const char *name;
    enum fs_fault_moment moment;
    enum fs_fault_effect effect;
    unsigned status; /* of an answer instead */
    const char *help;
};

struct fs_faults;

/* No rules; the seed decides which requests a rate strikes. NULL when memory is out. */
struct fs_faults *fs_faults_new(uint64_t seed);
void fs_faults_free(struct fs_faults *faults);

/* Whether it reads KIND[:RATE%|:COUNT][@PLACE]. */
bool fs_fault_is_rule(const char *text);
/* Adds KIND[:RATE%|:COUNT][@PLACE]. False with a `problem`, one line. */
bool fs_faults_add(struct fs_faults *faults, const char *rule, struct fs_buffer *problem);
/* Replaces all rules by those of a JSON array of strings. False with a `problem`, and nothing changed. */
bool fs_faults_replace(struct fs_faults *faults, const char *json, size_t length, struct fs_buffer *problem);
/* Appends the rules as a JSON array of {"fault", "met", "struck"}. */
void fs_faults_write(struct fs_faults *faults, struct fs_buffer *out);
/* Appends how often each kind has struck since the start, whatever its rules were, as a JSON object. */
void fs_faults_write_counts(struct fs_faults *faults, struct fs_buffer *out);

/* The fault that strikes at this moment; NULL when none does. For any thread. */
const struct fs_fault *fs_faults_draw(struct fs_faults *faults, enum fs_fault_moment moment, enum fs_route route,
                                      const char *path);

/* How often faults of this kind have struck since the start. For any thread. */
uint64_t fs_faults_struck(struct fs_faults *faults, const struct fs_fault *fault);

/* The table for --help, a line each. */
void fs_fault_describe_kinds(struct fs_buffer *out);

#endif
