/* Where callbacks may go: a service that POSTs to any URL it is given is a way into other people's networks. */
#ifndef FINSEG_SANDBOX_RECEIVER_H
#define FINSEG_SANDBOX_RECEIVER_H

#include <stddef.h>

enum { FS_RECEIVER_LONGEST_URL = 2048 }; /* bytes */

/* The hosts that --callback-allow names, compared without case; "*" is every host. None: loopback alone. */
struct fs_receivers {
    const char *const *hosts;
    size_t count;
};

/* NULL when a callback may go to the URL `text`; else what is wrong ("must be an http or https URL"), a text of ours. */
const char *fs_receivers_check(const struct fs_receivers *receivers, const char *text);
/*
 * What the URL `text`, which passed the check, names: its host ("host:port"), and its endpoint, the URL without query and fragment.
 * The caller frees each. NULL when memory is out.
 */
char *fs_receiver_host(const char *text);
char *fs_receiver_endpoint(const char *text);

#endif
