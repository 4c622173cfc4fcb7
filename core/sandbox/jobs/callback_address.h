/* Where callbacks may go: a service that POSTs to any URL it is given is a way into other people's networks. */
#ifndef FINSEG_SANDBOX_RECEIVER_H
#define FINSEG_SANDBOX_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>

enum { SB_RECEIVER_LONGEST_URL = 2048, SB_RECEIVER_LONGEST_HOST = 255 }; /* bytes */

/*
 * The hosts that --callback-allow names, as sb_receiver_read_host() writes them, compared without case; "*" is every
 * host. None: loopback alone.
 */
struct sb_receivers {
    const char *const *hosts;
    size_t count;
};

/*
 * Reads a name, an IPv4 or an IPv6 address (in brackets or not), or "*", and writes it as it stands in a URL: "[::1]"
 * for "::1". False for anything else, such as a host with a port.
 */
bool sb_receiver_read_host(const char *text, char host[SB_RECEIVER_LONGEST_HOST + 1]);

/* NULL when a callback may go to the URL `text`; else what is wrong ("must be an http or https URL"), a text of ours. */
const char *sb_receivers_check(const struct sb_receivers *receivers, const char *text);
/*
 * What the URL `text`, which passed the check, names: its host ("host:port"), and its endpoint, the URL without query
 * and fragment. The caller frees each. NULL when out of memory.
 */
char *sb_receiver_host(const char *text);
char *sb_receiver_endpoint(const char *text);

#endif
