/*
 * Where callbacks go, hosts and endpoints by their names, and what is on its way there. Not for several threads at once.
 */
#ifndef FINSEG_SANDBOX_DESTINATION_H
#define FINSEG_SANDBOX_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>

struct sb_destination {
    struct sb_destination *next;
    char *name;
    size_t users;     /* how often it was taken and not left */
    size_t in_flight; /* the users' to count, as the next */
    bool timed_out;   /* its last try ended without an answer in time */
};

/* A hash table; zero-initialise. It is empty again when everything taken was left. */
enum { SB_DESTINATION_CHAINS = 1024 };

struct sb_destinations {
    struct sb_destination *chains[SB_DESTINATION_CHAINS];
};

/* The destination of that name, made when there is none. NULL when out of memory. */
struct sb_destination *sb_destinations_take(struct sb_destinations *destinations, const char *name);
/* The last to leave takes it away. NULL is allowed. */
void sb_destinations_leave(struct sb_destinations *destinations, struct sb_destination *destination);

#endif
