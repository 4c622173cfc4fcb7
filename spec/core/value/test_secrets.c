#include "value/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "value/error.h"

/* Checks what becomes of a text. */
static void redacts(const struct fs_secrets *secrets, const char *text, const char *expected)
{
    char *copy = strdup(text);
    fs_secrets_redact_text(secrets, copy);
    CHECK_TEXT(copy, expected);
    free(copy);
}

static void a_secret_goes_in_every_spelling(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "a/b+c d\"<&>'e\xC3\xA4=\xF0\x9F\x98\x80\\"));
    static const char *const spellings[] = {
        "a/b+c d\"<&>'e\xC3\xA4=\xF0\x9F\x98\x80\\",
        "a%2Fb%2Bc%20d%22%3C%26%3E%27e%C3%A4%3D%F0%9F%98%80%5C",
        "a%2fb%2bc%20d%22%3c%26%3e%27e%c3%a4%3d%f0%9f%98%80%5c",
        "a%2Fb%2Bc+d%22%3C%26%3E%27e%C3%A4%3D%F0%9F%98%80%5C",
        "a/b%2Bc+d\"<%26>'e\xC3\xA4=\xF0\x9F\x98\x80\\",
        "a/b+c d\\\"<&>'e\xC3\xA4=\xF0\x9F\x98\x80\\\\",
        "a\\/b+c d\\\"<&>'e\xC3\xA4=\xF0\x9F\x98\x80\\\\",
        "a/b+c d\\u0022\\u003c\\u0026\\u003E'e\\u00E4=\\uD83D\\ude00\\u005c",
        "a/b+c d&quot;&lt;&amp;&gt;&apos;e\xC3\xA4=\xF0\x9F\x98\x80\\",
        "a&#x2F;b&#43;c d&#34;&lt;&#x26;&gt;&#39;e&#xe4;&#61;&#x1F600;&#92;",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        char text[256];
        snprintf(text, sizeof text, "x=%s;", spellings[i]);
        redacts(&secrets, text, "x=***;");
    }
    fs_secrets_free(&secrets);
}

static void ordinary_text_stays_as_it_is(void)
{
    struct fs_secrets secrets = {0};
    redacts(&secrets, "no secret", "no secret");
    redacts(NULL, "no secret", "no secret");
    CHECK(fs_secrets_add(&secrets, "hunter2"));
    redacts(&secrets, "", "");
    redacts(&secrets, "100% of \\u12 hunters & <&#;> %zz hunter1", "100% of \\u12 hunters & <&#;> %zz hunter1");
    fs_secrets_free(&secrets);
}

static void secrets_that_overlap_go_together(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "token"));
    CHECK(fs_secrets_add(&secrets, "token-one"));
    CHECK(fs_secrets_add(&secrets, "one-more"));
    redacts(&secrets, "token token-one, one-more", "*** ***, ***");
    redacts(&secrets, "<token-one-more>", "<***>");
    redacts(&secrets, "tokentoken", "******");
    fs_secrets_free(&secrets);
}

static void a_short_secret_goes_as_a_whole_word(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "ab"));
    CHECK(fs_secrets_add(&secrets, "c"));
    CHECK(fs_secrets_add(&secrets, "word"));
    redacts(&secrets, "ab=c,about cab, ab_ c", "**=*,about cab, ab_ *");
    redacts(&secrets, "swords", "s***s");
    fs_secrets_free(&secrets);
}

static void a_secret_that_was_cut_goes_too(void)
{
    static const char secret[] = "0123456789abcdef/+";
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, secret));
    for (size_t cut = 8; cut < strlen(secret); cut++) {
        char text[64];
        snprintf(text, sizeof text, "bad token %.*s", (int)cut, secret);
        redacts(&secrets, text, "bad token ***");
    }
    redacts(&secrets, "bad token 0123456789abcdef%2F", "bad token ***");
    redacts(&secrets, "in 0123", "in 0123");
    redacts(&secrets, "0123456789abcdef is part of it", "0123456789abcdef is part of it");
    fs_secrets_free(&secrets);
}

static void a_secret_that_was_cut_within_an_escape_goes_too(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "0123456789/&\xF0\x9F\x98\x80-rest"));
    static const char *const cut[] = {
        "0123456789%",
        "0123456789%2",
        "0123456789%2F%26%F0%9F%9",
        "0123456789\\",
        "0123456789\\u",
        "0123456789\\u002",
        "0123456789/\\u0026\\ud83d",
        "0123456789/\\u0026\\ud83d\\",
        "0123456789/\\u0026\\ud83d\\ude0",
        "0123456789&#x2",
        "0123456789/&am",
        "0123456789/&amp;&#x1F60",
    };
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        char text[64];
        snprintf(text, sizeof text, "bad token %s", cut[i]);
        redacts(&secrets, text, "bad token ***");
    }
    redacts(&secrets, "0123456789%z", "0123456789%z");
    redacts(&secrets, "0123456789&x;", "0123456789&x;");
    redacts(&secrets, "0123456789\\x", "0123456789\\x");
    fs_secrets_free(&secrets);
}

static void zero_bytes_hide_nothing(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "hunter2"));
    char text[] = "a\0hunter2\0b";
    CHECK_INT((int64_t)fs_secrets_redact(&secrets, text, sizeof text - 1), 7);
    CHECK(memcmp(text, "a\0***\0b", 8) == 0);
    fs_secrets_free(&secrets);
}

static void a_url_goes_with_its_password_and_its_token(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add_url(&secrets, "http://ann:p%40ss-word@proxy.example:3128"));
    CHECK(fs_secrets_add_url(&secrets, "bob:other@proxy"));
    CHECK(fs_secrets_add_url(&secrets, "https://me.example/hook/id.0123456789abcdef"));
    CHECK(fs_secrets_add_url(&secrets, "https://me.example/callback.html"));
    redacts(&secrets, "via http://ann:p%40ss-word@proxy.example:3128", "via ***");
    redacts(&secrets, "wrong password p@ss-word, p%40ss-word", "wrong password ***, ***");
    redacts(&secrets, "Proxy-Authorization: Basic YW5uOnBAc3Mtd29yZA==", "Proxy-Authorization: Basic ***");
    redacts(&secrets, "Basic Ym9iOm90aGVy", "Basic ***");
    redacts(&secrets, "https://me.example/hook/id.0123456789abcdef", "***");
    redacts(&secrets, "/hook/id.0123456789abcdef", "/hook/id.***");
    redacts(&secrets, "proxy.example: html of /callback.html", "proxy.example: html of /callback.html");
    fs_secrets_free(&secrets);
}

static void a_retired_secret_is_forgotten_after_many_others(void)
{
    struct fs_secrets secrets = {0};
    fs_secrets_retire(&secrets, fs_secrets_add(&secrets, "the-old-one"));
    fs_secrets_retire(&secrets, NULL);
    redacts(&secrets, "the-old-one", "***");
    CHECK(fs_secrets_add(&secrets, "kept-in-use"));
    for (int i = 0; i < FS_SECRETS_RETIRED; i++) {
        char text[32];
        snprintf(text, sizeof text, "another-%d", i);
        fs_secrets_retire(&secrets, fs_secrets_add(&secrets, text));
    }
    redacts(&secrets, "the-old-one another-0! kept-in-use", "the-old-one ***! ***");
    fs_secrets_free(&secrets);
}

static void an_error_says_none_of_them(void)
{
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, "hunter2"));
    finseg_error *error = fs_error_new(FINSEG_ERROR_SERVER, "wrong: hunter2");
    fs_error_set_code(error, "E-hunter2", 9);
    fs_error_set_request_id(error, "hunter2-1", 9);
    fs_secrets_redact_error(&secrets, error);
    CHECK_TEXT(finseg_error_code(error), "E-***");
    CHECK_TEXT(finseg_error_request_id(error), "***-1");
    CHECK_ERROR(error, FINSEG_ERROR_SERVER, "wrong: ***");
    CHECK(fs_secrets_add(&secrets, finseg_error_message(fs_error_out_of_memory())));
    fs_secrets_redact_error(&secrets, fs_error_out_of_memory());
    CHECK(strchr(finseg_error_message(fs_error_out_of_memory()), '*') == NULL);
    fs_secrets_free(&secrets);
}

static const struct test tests[] = {
    {"a secret goes in every spelling", a_secret_goes_in_every_spelling},
    {"ordinary text stays as it is", ordinary_text_stays_as_it_is},
    {"secrets that overlap go together", secrets_that_overlap_go_together},
    {"a short secret goes as a whole word", a_short_secret_goes_as_a_whole_word},
    {"a secret that was cut goes too", a_secret_that_was_cut_goes_too},
    {"a secret that was cut within an escape goes too", a_secret_that_was_cut_within_an_escape_goes_too},
    {"zero bytes hide nothing", zero_bytes_hide_nothing},
    {"a URL goes with its password and its token", a_url_goes_with_its_password_and_its_token},
    {"a retired secret is forgotten after many others", a_retired_secret_is_forgotten_after_many_others},
    {"an error says none of them", an_error_says_none_of_them},
};
SUITE(secrets, tests);
