/* Where callbacks may go: a service that POSTs to any URL it is given is a way into other people's networks. */
#ifndef FINSEG_SANDBOX_CALLBACK_ADDRESS_H
#define FINSEG_SANDBOX_CALLBACK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { SB_CALLBACK_ADDRESS_LONGEST_HOST = 255 }; /* bytes */

/*
 * The hosts that --callback-allow names, as sb_callback_address_read_host() writes them, compared without case; "*" is
 * every host. None: loopback alone.
 */
struct sb_callback_hosts {
    const char *const *names;
    size_t count;
};

/*
 * Reads a name, an IPv4 or an IPv6 address (in brackets or not), or "*", and writes it as it stands in a URL: "[::1]"
 * for "::1". False for anything else, such as a host with a port.
 */
bool sb_callback_address_read_host(const char *text, char host[SB_CALLBACK_ADDRESS_LONGEST_HOST + 1]);

/*
 * NULL when a callback may go to the URL `text`; else what is wrong ("must be an http or https URL"), a text of ours.
 */
const char *sb_callback_address_check(const struct sb_callback_hosts *hosts, const char *text);
/*
 * The URL `text`, which passed the check, without its query and fragment. The caller frees it. NULL when out of memory.
 */
char *sb_callback_address_endpoint(const char *text);

#endif
