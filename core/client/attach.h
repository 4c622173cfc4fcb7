/* A descriptor of somebody else in a client's set: a receiver of callbacks, a connection to a store. */
#ifndef FINSEG_COMPANION_H
#define FINSEG_COMPANION_H

#include "finseg.h"
#include "io/loop.h"

struct fs_companion {
    finseg_client *client;
    int fd;                 /* as its owner calls it; that number may be another's by now */
    struct fs_watch *watch; /* of a duplicate, whose number is the client's own */
    struct fs_timer alarm;
    bool ready; /* and not yet told by finseg_client_next_ready() */
    struct fs_companion *next;
};

/* Lets go of all; their descriptors stay open. */
void fs_companion_free_all(finseg_client *client);
/* In a process that was forked from the client's: closes what was inherited, and leaves the common set as it is. */
void fs_companion_abandon_all(const finseg_client *client);

#endif
