/* The callbackURL of a create: who knows it can call. So no error and no event may repeat what a service says of it. */
#ifndef FINSEG_CALLBACK_URL_H
#define FINSEG_CALLBACK_URL_H

#include <stdbool.h>

#include "finseg.h"

enum { FS_CALLBACK_URL_FORMS = 5 };

/* The forms in which an answer may repeat it, NULL where there is none. Zero-initialise it. */
struct fs_callback_url {
    char *forms[FS_CALLBACK_URL_FORMS];
};

/* NULL: there is none. False when out of memory. */
bool fs_callback_url_set(struct fs_callback_url *url, const char *text);
/* Puts "***" in its place, and in that of its token: what follows the first dot of its last path segment. The text may
 * be NULL. */
void fs_callback_url_redact_text(const struct fs_callback_url *url, char *text);
/* The same for all that an error says. */
void fs_callback_url_redact(const struct fs_callback_url *url, finseg_error *error);
void fs_callback_url_free(struct fs_callback_url *url);

#endif
