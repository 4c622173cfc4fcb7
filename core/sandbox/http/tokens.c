#include "tokens.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/base/timestamp.h"

enum { MS_PER_SECOND = 1000 };

struct holder {
    char access_token[FS_SECRET_TEXT]; /* empty: none was issued */
    char refresh_token[FS_SECRET_TEXT];
    int64_t expires; /* milliseconds since 1970 */
};

struct sb_tokens {
    pthread_mutex_t lock;
    int64_t time_to_live;
    struct holder holders[SB_ROLES];
};

struct sb_tokens *sb_tokens_new(int64_t time_to_live)
{
    struct sb_tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens)
        return NULL;
    pthread_mutex_init(&tokens->lock, NULL);
    tokens->time_to_live = time_to_live;
    return tokens;
}

void sb_tokens_free(struct sb_tokens *tokens)
{
    if (!tokens)
        return;
    pthread_mutex_destroy(&tokens->lock);
    explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
}

static bool renew(struct sb_tokens *tokens, enum sb_role role, int64_t now)
{
    struct holder *holder = &tokens->holders[role];
    if (role == SB_ROLE_USER && holder->refresh_token[0] == '\0' && !fs_secret_new(holder->refresh_token))
        return false;
    holder->expires = now + tokens->time_to_live * MS_PER_SECOND;
    return fs_secret_new(holder->access_token);
}

bool sb_tokens_issue(struct sb_tokens *tokens, enum sb_role role, struct sb_token *token)
{
    pthread_mutex_lock(&tokens->lock);
    struct holder *holder = &tokens->holders[role];
    int64_t now = sb_timestamp_now();
    token->fresh = holder->expires - now < MS_PER_SECOND;
    bool issued = !token->fresh || renew(tokens, role, now);
    if (issued) {
        memcpy(token->access_token, holder->access_token, sizeof token->access_token);
        memcpy(token->refresh_token, holder->refresh_token, sizeof token->refresh_token);
        token->expires_in = (holder->expires - now) / MS_PER_SECOND;
    }
    pthread_mutex_unlock(&tokens->lock);
    return issued;
}

static bool equal(const char *kept, const char *offered)
{
    return kept[0] != '\0' && fs_secret_equal(kept, strlen(kept), offered, strlen(offered));
}

bool sb_tokens_may_refresh(struct sb_tokens *tokens, const char *refresh_token)
{
    pthread_mutex_lock(&tokens->lock);
    bool known = equal(tokens->holders[SB_ROLE_USER].refresh_token, refresh_token);
    pthread_mutex_unlock(&tokens->lock);
    return known;
}

enum sb_role sb_tokens_role(struct sb_tokens *tokens, const char *access_token)
{
    enum sb_role found = SB_ROLE_NONE;
    pthread_mutex_lock(&tokens->lock);
    for (enum sb_role role = SB_ROLE_CLIENT; role < SB_ROLES; role++) {
        const struct holder *holder = &tokens->holders[role];
        if (equal(holder->access_token, access_token) && holder->expires > sb_timestamp_now())
            found = role;
    }
    pthread_mutex_unlock(&tokens->lock);
    return found;
}

void sb_tokens_revoke(struct sb_tokens *tokens, enum sb_role role)
{
    pthread_mutex_lock(&tokens->lock);
    tokens->holders[role].expires = 0;
    pthread_mutex_unlock(&tokens->lock);
}
