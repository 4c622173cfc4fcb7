/*
 * Faults: what a service, or the network before it, does wrong. One table in fault.c names the types. A rule says which
 * type, how often and where; the rules are set by --fault and by POST /__faults.
 */
#ifndef FINSEG_SANDBOX_FAULT_H
#define FINSEG_SANDBOX_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "route.h"
#include "value/buffer.h"

/* When a fault strikes. Only where it could strike it is counted against a rule's number or rate. */
enum sb_fault_moment {
    SB_FAULT_INSTEAD,   /* of an answer: nothing is done and another status is answered */
    SB_FAULT_TOKEN,     /* when a segments request brings a valid access token */
    SB_FAULT_JOB,       /* when a job is made */
    SB_FAULT_CALLBACK,  /* when a job is made that has a callbackURL */
    SB_FAULT_PAGE,      /* when a page of a ready job is answered */
    SB_FAULT_NEXT_PAGE, /* when such a page is not the first */
    SB_FAULT_BYTES      /* when an answer of status 2xx with a body goes out; what was asked for is done */
};

enum sb_fault_effect {
    SB_FAULT_NONE,
    SB_FAULT_STATUS,
    SB_FAULT_ASK_LATER,   /* a status with Retry-After in seconds */
    SB_FAULT_ASK_AT_DATE, /* ... as a date */
    SB_FAULT_BAD_GATEWAY,
    SB_FAULT_EXPIRE_TOKEN,
    SB_FAULT_JOB_STUCK,
    SB_FAULT_JOB_FAILS,
    SB_FAULT_JOB_VANISHES,
    SB_FAULT_CALLBACK_LOST,
    SB_FAULT_CALLBACK_TWICE,
    SB_FAULT_CALLBACK_EARLY,
    SB_FAULT_REPEAT_PAGE,
    SB_FAULT_MOVE_TOTAL,
    SB_FAULT_TRUNCATE,
    SB_FAULT_GARBAGE,
    SB_FAULT_HUGE,
    SB_FAULT_ANNOUNCE_LESS,
    SB_FAULT_ANNOUNCE_MORE,
    SB_FAULT_DROP_BEFORE,
    SB_FAULT_DROP_AMID,
    SB_FAULT_DROP_AFTER,
    SB_FAULT_TRICKLE,
    SB_FAULT_STALL,
    SB_FAULT_SILENCE
};

struct sb_fault {
    const char *name;
    enum sb_fault_moment moment;
    enum sb_fault_effect effect;
    unsigned status; /* of an answer instead */
    const char *help;
};

struct sb_faults;

/* No rules; the seed decides which requests a rate strikes. NULL when out of memory. */
struct sb_faults *sb_faults_new(uint64_t seed);
void sb_faults_free(struct sb_faults *faults);

/* Whether it reads TYPE[:RATE%|:COUNT][@PLACE]. */
bool sb_fault_is_rule(const char *text);
/* Adds TYPE[:RATE%|:COUNT][@PLACE]. False with a `problem`, one line. */
bool sb_faults_add(struct sb_faults *faults, const char *rule, struct fs_buffer *problem);
/* Replaces all rules by those of a JSON array of strings. False with a `problem`, and nothing changed. */
bool sb_faults_replace(struct sb_faults *faults, const char *json, size_t length, struct fs_buffer *problem);
/* Appends the rules as a JSON array of {"fault", "met", "struck"}. */
void sb_faults_write(struct sb_faults *faults, struct fs_buffer *out);
/* Appends how often each type has struck since the start, whatever its rules were, as a JSON object. */
void sb_faults_write_counts(struct sb_faults *faults, struct fs_buffer *out);

/* The fault that strikes at this moment; NULL when none does. For any thread. */
const struct sb_fault *sb_faults_draw(struct sb_faults *faults, enum sb_fault_moment moment, enum sb_route route,
                                      const char *path);

/* How often faults of this type have struck since the start. For any thread. */
uint64_t sb_faults_struck(struct sb_faults *faults, const struct sb_fault *fault);

/* The table for --help, a line each. */
void sb_fault_describe_types(struct fs_buffer *out);

#endif
