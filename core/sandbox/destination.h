/*
 * Where callbacks go, hosts and endpoints by their names, and what is on its way there. Not for several threads at once.
 */
#ifndef FINSEG_SANDBOX_DESTINATION_H
#define FINSEG_SANDBOX_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>

struct fs_destination {
    struct fs_destination *next;
    char *name;
    size_t users;     /* how often it was taken and not left */
    size_t in_flight; /* the users' to count, as the next */
    bool timed_out;   /* its last try ended without an answer in time */
};

/* A hash table; zero-initialise. It is empty again when everything taken was left. */
enum { FS_DESTINATION_CHAINS = 1024 };

struct fs_destinations {
    struct fs_destination *chains[FS_DESTINATION_CHAINS];
};

/* The destination of that name, made when there is none. NULL when memory is out. */
struct fs_destination *fs_destinations_take(struct fs_destinations *destinations, const char *name);
/* The last to leave takes it away. NULL is allowed. */
void fs_destinations_leave(struct fs_destinations *destinations, struct fs_destination *destination);

#endif
