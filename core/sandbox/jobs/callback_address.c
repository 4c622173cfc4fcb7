#include "callback_address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "value/buffer.h"
#include "value/text.h"

/* ---- hosts ----------------------------------------------------------------------------------------------- */

static bool is_ipv6(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* The host of a URL with nothing but that host, as libcurl spells it. */
static bool normalise(const char *url_text, char host[SB_CALLBACK_ADDRESS_LONGEST_HOST + 1])
{
    char *text = NULL;
    CURLU *url = curl_url();
    bool right = url && curl_url_set(url, CURLUPART_URL, url_text, 0) == CURLUE_OK &&
                 curl_url_get(url, CURLUPART_HOST, &text, 0) == CURLUE_OK && *text &&
                 strlen(text) <= SB_CALLBACK_ADDRESS_LONGEST_HOST;
    if (right)
        memcpy(host, text, strlen(text) + 1);
    curl_free(text);
    curl_url_cleanup(url);
    return right;
}

bool sb_callback_address_read_host(const char *text, char host[SB_CALLBACK_ADDRESS_LONGEST_HOST + 1])
{
    size_t length = strlen(text);
    struct fs_buffer url = {0};
    if (length == 0 || length > SB_CALLBACK_ADDRESS_LONGEST_HOST)
        return false;
    if (strcmp(text, "*") == 0) {
        memcpy(host, text, length + 1);
        return true;
    }
    bool in_brackets = text[0] == '[' && text[length - 1] == ']';
    if (!in_brackets && !is_ipv6(text) && strpbrk(text, ":/?#@[]%\\* "))
        return false;
    fs_buffer_printf(&url, is_ipv6(text) ? "http://[%s]/" : "http://%s/", text);
    bool right = url.data && normalise(url.data, host);
    fs_buffer_free(&url);
    return right;
}

/* ---- URLs ------------------------------------------------------------------------------------------------ */

/* Whether the parsed URL has the part; NULL parts count as absent. */
static bool has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    CURLUcode verdict = curl_url_get(url, part, &text, 0);
    curl_free(text);
    return verdict == CURLUE_OK;
}

static bool is_http(CURLU *url)
{
    char *scheme = NULL;
    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    bool http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    return http;
}

static bool is_loopback(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return fs_text_equal_ignoring_case(host, "localhost") || strcmp(host, "[::1]") == 0;
}

static bool is_allowed(const struct sb_callback_hosts *hosts, const char *host)
{
    if (hosts->count == 0)
        return is_loopback(host);
    for (size_t i = 0; i < hosts->count; i++) {
        if (strcmp(hosts->names[i], "*") == 0 || fs_text_equal_ignoring_case(hosts->names[i], host))
            return true;
    }
    return false;
}

static const char *check_parsed(const struct sb_callback_hosts *hosts, CURLU *url)
{
    if (!is_http(url))
        return "must be an http or https URL";
    if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
        return "must not hold credentials";
    char *host = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return "must have a host";
    bool allowed = is_allowed(hosts, host);
    curl_free(host);
    return allowed ? NULL : "names a host that callbacks may not go to; see --callback-allow";
}

const char *sb_callback_address_check(const struct sb_callback_hosts *hosts, const char *text)
{
    CURLU *url = curl_url();
    if (!url)
        return "cannot be read now";
    /* Without CURLU_NON_SUPPORT_SCHEME, what libcurl cannot speak is refused here. */
    const char *problem = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK ? check_parsed(hosts, url)
                                                                                 : "must be an http or https URL";
    curl_url_cleanup(url);
    return problem;
}

char *sb_callback_address_endpoint(const char *text)
{
    char *bare = NULL;
    char *endpoint = NULL;
    CURLU *url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &bare, CURLU_DEFAULT_PORT) == CURLUE_OK)
        endpoint = fs_text_copy(bare, strlen(bare));
    curl_free(bare);
    curl_url_cleanup(url);
    return endpoint;
}
