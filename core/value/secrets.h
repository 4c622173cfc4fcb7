/*
 * Every secret that a client knows, and how it is taken out of text: of an error, of an event. Whoever quotes what
 * somebody else wrote redacts it first, and cuts it afterwards.
 */
#ifndef FINSEG_SECRETS_H
#define FINSEG_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "finseg.h"

/* How many secrets that are no longer in use are still taken out of text: an answer may come late. */
enum { FS_SECRETS_RETIRED = 64 };

struct fs_secret_entry;

/* Zero-initialise it. */
struct fs_secrets {
    LIST_HEAD(fs_secret_entries, fs_secret_entry) entries;
    struct fs_secret_entry *retired[FS_SECRETS_RETIRED];
    size_t next_retired;
    bool first[256]; /* bytes that a spelling of a secret may begin with, and that may follow */
    bool second[256];
};

/* Copies the secret. NULL when out of memory. */
struct fs_secret_entry *fs_secrets_add(struct fs_secrets *secrets, const char *text);
/*
 * The same for a URL that is secret as a whole, and in parts: its password, user and password as HTTP's Basic scheme
 * sends them, and a token of 16 bytes or more that follows the first dot of its last path segment.
 */
struct fs_secret_entry *fs_secrets_add_url(struct fs_secrets *secrets, const char *url);
/* The secret is no longer in use: it is forgotten when enough others have been retired after it. NULL is allowed. */
void fs_secrets_retire(struct fs_secrets *secrets, struct fs_secret_entry *entry);
/* Overwrites all with zeros. */
void fs_secrets_free(struct fs_secrets *secrets);

/*
 * Puts "***" in the place of every secret in a text of `length` bytes, and answers the new length, which is never
 * longer; a text that became shorter ends with a zero byte. A secret is found as it is, percent-encoded, as a form
 * carries it, escaped as in JSON, and escaped as in HTML. Secrets that overlap go together. The beginning of a secret,
 * eight bytes or more, at the end of the text goes too: somebody may have cut it. A secret of under four bytes is
 * found as a whole word only, since it would blot out ordinary text. `secrets` may be NULL: there are none.
 */
size_t fs_secrets_redact(const struct fs_secrets *secrets, char *text, size_t length);
/* The same for a text that ends with a zero byte. NULL is allowed. */
void fs_secrets_redact_text(const struct fs_secrets *secrets, char *text);
/* The same for all that an error says. */
void fs_secrets_redact_error(const struct fs_secrets *secrets, finseg_error *error);

#endif
