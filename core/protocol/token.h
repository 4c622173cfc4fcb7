/*
 * The access token: whether there is one, how long it lives, how to get the next. Pure: answers and "now" (monotonic
 * seconds) come in. Facts (stated): the service hands out one token while it lives, `expires_in` may be what remains
 * of it, and refresh tokens renew user tokens only.
 */
#ifndef FINSEG_TOKEN_H
#define FINSEG_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "value/buffer.h"

/* Zero-initialise it: no token yet. */
struct fs_token {
    char *access_token;
    char *refresh_token;
    double renew_at;     /* when to get the next one, before this one ends; 0: its end is not known */
    uint64_t generation; /* grows with every new token, so that a late 401 does not throw away a newer one */
};

/* A token that the caller was given elsewhere; its end is not known. False when out of memory. */
bool fs_token_set(struct fs_token *token, const char *access_token);
bool fs_token_usable(const struct fs_token *token, double now);
/* The service refused the token of this generation. */
void fs_token_refuse(struct fs_token *token, uint64_t generation);
/*
 * Reads an answer of the token endpoint. NULL when the token was taken; else the error: auth when the credentials
 * were refused, protocol when the answer makes no sense, rate_limited or server.
 */
finseg_error *fs_token_read(struct fs_token *token, const struct fs_answer *answer, double now);
/* Drops the refresh token: it was refused. */
void fs_token_forget_refresh(struct fs_token *token);
void fs_token_free(struct fs_token *token);

/* The form of each grant (stated). They hold secrets: free them with fs_buffer_free_secret(). */
struct fs_credentials {
    const char *client_id;
    const char *client_secret;
    const char *username; /* with password: the password grant; NULL: client_credentials */
    const char *password;
};
void fs_token_form(struct fs_buffer *form, const struct fs_credentials *credentials);
void fs_token_refresh_form(struct fs_buffer *form, const struct fs_credentials *credentials, const char *refresh_token);

#endif
