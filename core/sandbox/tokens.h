/*
 * OAuth2 tokens. One client and one user; each is handed the same token while it lives (to the last whole second: a token that
 * has less left is replaced, so `expires_in` never promises too much). For any thread.
 */
#ifndef FINSEG_SANDBOX_TOKENS_H
#define FINSEG_SANDBOX_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

struct fs_tokens;

enum fs_role { FS_ROLE_NONE, FS_ROLE_CLIENT, FS_ROLE_USER, FS_ROLES };

struct fs_token {
    char access_token[FS_SECRET_TEXT];
    char refresh_token[FS_SECRET_TEXT]; /* empty for a client token */
    int64_t expires_in;                 /* whole seconds, at least 1 */
    bool fresh;                         /* nobody had it before */
};

/* `time_to_live` in seconds. NULL when memory is out. */
struct fs_tokens *fs_tokens_new(int64_t time_to_live);
void fs_tokens_free(struct fs_tokens *tokens);
/* The role's token; false when the kernel gives no random bytes. */
bool fs_tokens_issue(struct fs_tokens *tokens, enum fs_role role, struct fs_token *token);
/* Whether this is the user's refresh token, which does not end. */
bool fs_tokens_may_refresh(struct fs_tokens *tokens, const char *refresh_token);
/* Whose token it is: FS_ROLE_NONE when it is unknown or expired. */
enum fs_role fs_tokens_role(struct fs_tokens *tokens, const char *access_token);
/* Ends the role's access token before its time. */
void fs_tokens_revoke(struct fs_tokens *tokens, enum fs_role role);

#endif
