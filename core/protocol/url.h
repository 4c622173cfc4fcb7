/* URLs: those that configuration brings, read by libcurl's own URL parser so that both always agree, and those that
 * requests go to. */
#ifndef FINSEG_URL_H
#define FINSEG_URL_H

#include <stdbool.h>
#include <stdint.h>

struct fs_url {
    char *text;   /* normalised, without a slash at its end */
    char *origin; /* scheme://host[:port] */
    bool https;
    bool loopback; /* localhost, 127.0.0.0/8 or ::1 */
};

/* Reads an absolute http or https URL. NULL when it is good, else what is wrong with it ("it has no host"); then
 * nothing is to be freed. Credentials, a query or a fragment in it are refused. */
const char *fs_url_read(struct fs_url *url, const char *text);
/* Whether it is an absolute http or https URL; what else it carries does not matter. */
bool fs_url_is_http(const char *text);
void fs_url_free(struct fs_url *url);

/* {base}/segments/{path}, which the caller frees; NULL when out of memory. */
char *fs_url_segment(const char *base_url, const char *path);
/* {base}/segments/{path}/{jobId}?number=&size=, likewise. */
char *fs_url_page(const char *base_url, const char *path, const char *job_id, uint64_t number, uint32_t size);

#endif
