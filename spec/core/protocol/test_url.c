#include "protocol/url.h"

#include <stdlib.h>

#include "test.h"

static void reads(const char *text, const char *normalised, const char *origin)
{
    struct fs_url url;
    const char *problem = fs_url_read(&url, text);
    CHECK_CASE(problem == NULL, text);
    if (problem)
        return;
    CHECK_TEXT(url.text, normalised);
    CHECK_TEXT(url.origin, origin);
    fs_url_free(&url);
    CHECK(url.text == NULL);
}

static void refuses(const char *text, const char *part)
{
    struct fs_url url;
    const char *problem = fs_url_read(&url, text);
    CHECK_CASE(problem && strstr(problem, part), text);
    if (!problem)
        fs_url_free(&url);
}

static void is_loopback(const char *text, bool expected)
{
    struct fs_url url;
    CHECK_CASE(fs_url_read(&url, text) == NULL, text);
    CHECK_CASE(url.loopback == expected, text);
    fs_url_free(&url);
}

static void a_url_is_normalised_and_has_an_origin(void)
{
    reads("https://di-sandbox.finapi.io/api/v1", "https://di-sandbox.finapi.io/api/v1", "https://di-sandbox.finapi.io");
    reads("HTTPS://host:8443/api//", "https://host:8443/api", "https://host:8443");
    reads("http://[::1]:80/", "http://[::1]:80", "http://[::1]:80");
    reads("https://host", "https://host", "https://host");
}

static void the_scheme_is_told_and_must_be_http(void)
{
    struct fs_url url;
    CHECK(fs_url_read(&url, "HTTPS://host") == NULL && url.https);
    fs_url_free(&url);
    CHECK(fs_url_read(&url, "http://host") == NULL && !url.https);
    fs_url_free(&url);
    refuses("ftp://host/", "neither http nor https");
    refuses("file:///etc/passwd", "");
    refuses("host/api/v1", "no absolute URL");
    refuses("", "no absolute URL");
    refuses("https://", "no absolute URL");
    refuses("https://ho st/", "no absolute URL");
    refuses("https://host/a\r\nHost: evil", "no absolute URL");
}

static void what_does_not_belong_into_it_is_refused(void)
{
    refuses("https://user@host/", "carries credentials");
    refuses("https://user:secret@host/", "carries credentials");
    refuses("http://127.0.0.1@evil.example/", "carries credentials");
    refuses("https://host/api?key=1", "has a query");
    refuses("https://host/api#part", "has a fragment");
}

static void only_this_machine_is_loopback(void)
{
    const char *const here[] = {"http://localhost/",  "http://LocalHost:1/", "http://127.0.0.1/",
                                "http://127.8.9.10/", "http://[::1]:8/",     "http://127.1/"};
    const char *const elsewhere[] = {"http://localhost.example.org/",
                                     "http://127.0.0.1.example.org/",
                                     "http://[::2]/",
                                     "http://128.0.0.1/",
                                     "http://0.0.0.0/",
                                     "http://127.example/",
                                     "http://mylocalhost/"};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        is_loopback(here[i], true);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        is_loopback(elsewhere[i], false);
}

static void a_url_cannot_be_left_by_what_is_put_into_it(void)
{
    char *url = fs_url_segment("https://host/api/v1", "highBalance");
    CHECK_TEXT(url, "https://host/api/v1/segments/highBalance");
    free(url);
    url = fs_url_page("https://host/api/v1", "a/b", "../j 1?x=\xC3\xA4#&", 18446744073709551615U, 500);
    CHECK_TEXT(url,
               "https://host/api/v1/segments/a/b/..%2Fj%201%3Fx%3D%C3%A4%23%26?number=18446744073709551615&size=500");
    free(url);
}

static const struct test tests[] = {
    {"a URL is normalised and has an origin", a_url_is_normalised_and_has_an_origin},
    {"the scheme is told, and must be http or https", the_scheme_is_told_and_must_be_http},
    {"what does not belong into it is refused", what_does_not_belong_into_it_is_refused},
    {"only this machine is loopback", only_this_machine_is_loopback},
    {"a URL cannot be left by what is put into it", a_url_cannot_be_left_by_what_is_put_into_it},
};
SUITE(url, tests);
