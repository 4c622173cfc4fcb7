#include "callback_url.h"

#include <stdlib.h>
#include <string.h>

#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/text.h"

/* In the order in which they are looked for: the token is a part of the others. */
enum { PLAIN, JSON, JSON_WITH_SLASHES_ESCAPED, PERCENT_ENCODED, TOKEN };

/* Bytes: what is shorter is more likely a word, as in /callback.html, than a token. */
enum { SHORTEST_TOKEN = 16 };

/* As a JSON text has it, without the quotes. */
static char *json_form(const char *text)
{
    struct fs_buffer json = {0};
    fs_json_append_string(&json, text, strlen(text));
    char *form = json.failed ? NULL : fs_text_copy(json.data + 1, json.length - 2);
    fs_buffer_free(&json);
    return form;
}

static char *slashes_escaped(const char *json)
{
    struct fs_buffer form = {0};
    for (; *json; json++) {
        if (*json == '/')
            fs_buffer_append_char(&form, '\\');
        fs_buffer_append_char(&form, *json);
    }
    return fs_buffer_take(&form);
}

static char *percent_encoded(const char *text)
{
    struct fs_buffer form = {0};
    fs_text_append_percent_encoded(&form, text, strlen(text));
    return fs_buffer_take(&form);
}

/* NULL when it has none. */
static const char *find_token(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    const char *dot = path ? strchr(strrchr(path, '/'), '.') : NULL;
    return dot && strlen(dot + 1) >= SHORTEST_TOKEN ? dot + 1 : NULL;
}

static bool set_forms(struct fs_callback_url *url, const char *text)
{
    const char *token = find_token(text);
    url->forms[PLAIN] = fs_text_copy(text, strlen(text));
    url->forms[JSON] = json_form(text);
    if (url->forms[JSON])
        url->forms[JSON_WITH_SLASHES_ESCAPED] = slashes_escaped(url->forms[JSON]);
    url->forms[PERCENT_ENCODED] = percent_encoded(text);
    if (token)
        url->forms[TOKEN] = fs_text_copy(token, strlen(token));
    for (int i = 0; i < FS_CALLBACK_URL_FORMS; i++) {
        if (!url->forms[i] && (i != TOKEN || token))
            return false;
    }
    return true;
}

bool fs_callback_url_set(struct fs_callback_url *url, const char *text)
{
    bool set = !text || set_forms(url, text);
    if (!set)
        fs_callback_url_free(url);
    return set;
}

void fs_callback_url_redact_text(const struct fs_callback_url *url, char *text)
{
    for (int i = 0; text && i < FS_CALLBACK_URL_FORMS; i++)
        fs_text_redact(text, url->forms[i]);
}

void fs_callback_url_redact(const struct fs_callback_url *url, finseg_error *error)
{
    if (fs_error_is_shared(error))
        return;
    fs_callback_url_redact_text(url, error->message);
    fs_callback_url_redact_text(url, error->code);
    fs_callback_url_redact_text(url, error->request_id);
}

void fs_callback_url_free(struct fs_callback_url *url)
{
    for (int i = 0; i < FS_CALLBACK_URL_FORMS; i++)
        free(url->forms[i]);
    *url = (struct fs_callback_url){0};
}
