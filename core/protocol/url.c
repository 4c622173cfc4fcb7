#include "url.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "value/shortage.h"
#include "value/text.h"

static bool has_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(parsed, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
}

/* A copy by malloc, so that one free() serves all of struct fs_url. */
static char *part_copy(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(parsed, part, &text, 0) != CURLUE_OK)
        return NULL;
    char *copy = fs_text_copy(text, strlen(text));
    curl_free(text);
    return copy;
}

static bool is_loopback(const char *host)
{
    return fs_text_equal_ignoring_case(host, "localhost") || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

static const char *refusal(CURLU *parsed)
{
    if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
        return "it carries credentials";
    if (has_part(parsed, CURLUPART_QUERY))
        return "it has a query";
    if (has_part(parsed, CURLUPART_FRAGMENT))
        return "it has a fragment";
    return NULL;
}

static void cut_slashes(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '/')
        text[--length] = '\0';
}

static const char *take_parts(struct fs_url *url, CURLU *parsed)
{
    char *scheme = part_copy(parsed, CURLUPART_SCHEME);
    char *host = part_copy(parsed, CURLUPART_HOST);
    const char *problem = fs_out_of_memory;
    if (scheme && host) {
        problem = NULL;
        url->https = strcmp(scheme, "https") == 0;
        url->loopback = is_loopback(host);
        if (!url->https && strcmp(scheme, "http") != 0)
            problem = "it is neither http nor https";
    }
    free(scheme);
    free(host);
    if (problem)
        return problem;
    url->text = part_copy(parsed, CURLUPART_URL);
    if (curl_url_set(parsed, CURLUPART_PATH, NULL, 0) == CURLUE_OK)
        url->origin = part_copy(parsed, CURLUPART_URL);
    if (!url->text || !url->origin)
        return fs_out_of_memory;
    cut_slashes(url->text);
    cut_slashes(url->origin);
    return NULL;
}

const char *fs_url_read(struct fs_url *url, const char *text)
{
    *url = (struct fs_url){0};
    CURLU *parsed = curl_url();
    if (!parsed)
        return fs_out_of_memory;
    const char *problem = NULL;
    if (curl_url_set(parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        problem = "it is no absolute URL such as https://host/api/v1";
    if (!problem)
        problem = refusal(parsed);
    if (!problem)
        problem = take_parts(url, parsed);
    curl_url_cleanup(parsed);
    if (problem)
        fs_url_free(url);
    return problem;
}

bool fs_url_is_http(const char *text)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    bool http = parsed && curl_url_set(parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parsed);
    return http;
}

void fs_url_free(struct fs_url *url)
{
    free(url->text);
    free(url->origin);
    *url = (struct fs_url){0};
}

/* ---- where requests go ---- */

static void append_segment_url(struct fs_buffer *url, const char *base_url, const char *path)
{
    fs_buffer_printf(url, "%s/segments", base_url);
    /* A path that a config gives may have several parts. */
    while (*path) {
        size_t length = strcspn(path, "/");
        fs_buffer_append_char(url, '/');
        fs_text_append_percent_encoded(url, path, length);
        path += length + (path[length] == '/');
    }
}

char *fs_url_segment(const char *base_url, const char *path)
{
    struct fs_buffer url = {0};
    append_segment_url(&url, base_url, path);
    return fs_buffer_take(&url);
}

char *fs_url_page(const char *base_url, const char *path, const char *job_id, uint64_t number, uint32_t size)
{
    struct fs_buffer url = {0};
    append_segment_url(&url, base_url, path);
    fs_buffer_append_char(&url, '/');
    fs_text_append_percent_encoded(&url, job_id, strlen(job_id));
    fs_buffer_printf(&url, "?number=%" PRIu64 "&size=%" PRIu32, number, size);
    return fs_buffer_take(&url);
}
