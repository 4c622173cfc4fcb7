/*
 * OAuth2 tokens. One client and one user; each is handed the same token while it lives (to the last whole second: a
 * token that has less left is replaced, so `expires_in` never promises too much). For any thread.
 */
#ifndef FINSEG_SANDBOX_TOKENS_H
#define FINSEG_SANDBOX_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "value/secret.h"

struct sb_tokens;

enum sb_role { SB_ROLE_NONE, SB_ROLE_CLIENT, SB_ROLE_USER, SB_ROLES };

struct sb_token {
    char access_token[FS_SECRET_TEXT];
    char refresh_token[FS_SECRET_TEXT]; /* empty for a client token */
    int64_t expires_in;                 /* whole seconds, at least 1 */
    bool fresh;                         /* nobody had it before */
};

/* `time_to_live` in seconds. NULL when out of memory. */
struct sb_tokens *sb_tokens_new(int64_t time_to_live);
void sb_tokens_free(struct sb_tokens *tokens);
/* The role's token; false when the kernel gives no random bytes. */
bool sb_tokens_issue(struct sb_tokens *tokens, enum sb_role role, struct sb_token *token);
/* Whether this is the user's refresh token, which does not end. */
bool sb_tokens_may_refresh(struct sb_tokens *tokens, const char *refresh_token);
/* Whose token it is: SB_ROLE_NONE when it is unknown or expired. */
enum sb_role sb_tokens_role(struct sb_tokens *tokens, const char *access_token);
/* Ends the role's access token before its time. */
void sb_tokens_revoke(struct sb_tokens *tokens, enum sb_role role);

#endif
