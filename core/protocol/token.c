#include "token.h"

#include <string.h>

#include "value/error.h"
#include "value/secret.h"
#include "value/text.h"

static void replace(char **place, char *text)
{
    fs_secret_free(*place);
    *place = text;
}

bool fs_token_set(struct fs_token *token, const char *access_token)
{
    char *copy = fs_text_copy(access_token, strlen(access_token));
    if (!copy)
        return false;
    replace(&token->access_token, copy);
    token->renew_at = 0;
    token->generation++;
    return true;
}

bool fs_token_usable(const struct fs_token *token, double now)
{
    return token->access_token && (token->renew_at == 0 || now < token->renew_at);
}

void fs_token_refuse(struct fs_token *token, uint64_t generation)
{
    if (token->generation == generation)
        replace(&token->access_token, NULL);
}

/* A tenth of its life early, at most half a minute: what is sent with it must still find it valid. */
static double renewal_time(double now, double lifetime)
{
    double margin = lifetime / 10 < 30 ? lifetime / 10 : 30;
    return now + lifetime - margin;
}

static finseg_error *take(struct fs_token *token, const cJSON *tree, double now)
{
    const char *access_token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "access_token"));
    const char *refresh_token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "refresh_token"));
    const cJSON *lifetime = cJSON_GetObjectItemCaseSensitive(tree, "expires_in");
    if (!access_token || !fs_text_is_header_word(access_token))
        return fs_error_new(FINSEG_ERROR_PROTOCOL,
                            "the token endpoint's answer has no usable access_token; check token_url");
    if (!fs_token_set(token, access_token))
        return fs_error_out_of_memory();
    if (cJSON_IsNumber(lifetime) && lifetime->valuedouble > 0)
        token->renew_at = renewal_time(now, lifetime->valuedouble);
    if (refresh_token) {
        char *copy = fs_text_copy(refresh_token, strlen(refresh_token));
        if (!copy)
            return fs_error_out_of_memory();
        replace(&token->refresh_token, copy);
    }
    return NULL;
}

finseg_error *fs_token_read(struct fs_token *token, const struct fs_answer *answer, double now)
{
    if (answer->status / 100 == 2) {
        finseg_error *error;
        cJSON *tree = fs_answer_tree(answer);
        /* The body is not quoted: it may hold a token. */
        if (tree)
            error = take(token, tree, now);
        else
            error = fs_error_new(FINSEG_ERROR_PROTOCOL, "the token endpoint's answer is not JSON; check token_url");
        cJSON_Delete(tree);
        if (error) {
            fs_error_set_answer(error, answer->status, answer->retry_after);
            if (answer->request_id)
                fs_error_set_request_id(error, answer->request_id, strlen(answer->request_id));
        }
        return error;
    }
    finseg_error_kind kind = fs_answer_kind(answer->status);
    if (kind == FINSEG_ERROR_INVALID || kind == FINSEG_ERROR_AUTH)
        return fs_answer_error(answer, FINSEG_ERROR_AUTH,
                               "check client_id and client_secret, and username and password if they are used");
    if (kind == FINSEG_ERROR_NOT_FOUND || kind == FINSEG_ERROR_PROTOCOL)
        return fs_answer_error(answer, FINSEG_ERROR_PROTOCOL, "check token_url");
    return fs_answer_error(answer, kind, fs_answer_advice(kind));
}

void fs_token_forget_refresh(struct fs_token *token)
{
    replace(&token->refresh_token, NULL);
}

void fs_token_free(struct fs_token *token)
{
    replace(&token->access_token, NULL);
    replace(&token->refresh_token, NULL);
}

/* ---- asking for one ---- */

static void append_field(struct fs_buffer *form, const char *name, const char *value)
{
    fs_buffer_printf(form, "%s%s=", form->length ? "&" : "", name);
    fs_text_append_percent_encoded(form, value, strlen(value));
}

static void append_client(struct fs_buffer *form, const char *grant, const struct fs_credentials *credentials)
{
    append_field(form, "grant_type", grant);
    append_field(form, "client_id", credentials->client_id);
    append_field(form, "client_secret", credentials->client_secret);
}

void fs_token_form(struct fs_buffer *form, const struct fs_credentials *credentials)
{
    append_client(form, credentials->username ? "password" : "client_credentials", credentials);
    if (credentials->username) {
        append_field(form, "username", credentials->username);
        append_field(form, "password", credentials->password);
    }
}

void fs_token_refresh_form(struct fs_buffer *form, const struct fs_credentials *credentials, const char *refresh_token)
{
    append_client(form, "refresh_token", credentials);
    append_field(form, "refresh_token", refresh_token);
}
