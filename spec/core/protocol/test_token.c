#include "protocol/token.h"

#include "test.h"

static finseg_error *read_token(struct fs_token *token, int status, const char *body, double now)
{
    struct fs_answer answer = {.status = status,
                               .body = body,
                               .length = strlen(body),
                               .retry_after = -1,
                               .request_id = "r-1",
                               .what = "token endpoint"};
    return fs_token_read(token, &answer, now);
}

static void takes(struct fs_token *token, const char *body, double now)
{
    finseg_error *error = read_token(token, 200, body, now);
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
}

static void no_token_is_not_usable(void)
{
    struct fs_token token = {0};
    CHECK(!fs_token_usable(&token, 0));
    fs_token_refuse(&token, 0);
    fs_token_free(&token);
}

static void a_token_is_renewed_before_it_ends(void)
{
    struct fs_token token = {0};
    takes(&token, "{\"access_token\":\"a\",\"expires_in\":3600}", 100);
    CHECK(fs_token_usable(&token, 100 + 3569));
    CHECK(!fs_token_usable(&token, 100 + 3571));
    /* What remains of a token that was issued earlier may be short: then a tenth early. */
    takes(&token, "{\"access_token\":\"b\",\"expires_in\":10}", 100);
    CHECK(fs_token_usable(&token, 108.9));
    CHECK(!fs_token_usable(&token, 109.1));
    fs_token_free(&token);
}

static void a_token_without_an_end_is_used_until_it_is_refused(void)
{
    struct fs_token token = {0};
    CHECK(fs_token_set(&token, "given"));
    CHECK(fs_token_usable(&token, 1e12));
    takes(&token, "{\"access_token\":\"a\",\"expires_in\":60}", 0);
    takes(&token, "{\"access_token\":\"a\"}", 0);
    CHECK(fs_token_usable(&token, 1e12));
    fs_token_refuse(&token, token.generation);
    CHECK(!fs_token_usable(&token, 0));
    fs_token_free(&token);
}

static void a_late_refusal_spares_a_newer_token(void)
{
    struct fs_token token = {0};
    takes(&token, "{\"access_token\":\"old\"}", 0);
    uint64_t old = token.generation;
    takes(&token, "{\"access_token\":\"new\"}", 0);
    fs_token_refuse(&token, old);
    CHECK(fs_token_usable(&token, 0));
    CHECK_TEXT(token.access_token, "new");
    fs_token_free(&token);
}

static void a_refresh_token_stays_until_another_comes(void)
{
    struct fs_token token = {0};
    takes(&token, "{\"access_token\":\"a\",\"refresh_token\":\"r1\"}", 0);
    takes(&token, "{\"access_token\":\"b\"}", 0);
    CHECK_TEXT(token.refresh_token, "r1");
    takes(&token, "{\"access_token\":\"b\",\"refresh_token\":\"r2\"}", 0);
    CHECK_TEXT(token.refresh_token, "r2");
    fs_token_forget_refresh(&token);
    CHECK(token.refresh_token == NULL);
    CHECK(fs_token_usable(&token, 0));
    fs_token_free(&token);
}

static void an_answer_without_a_usable_token_changes_nothing(void)
{
    static const struct {
        const char *body;
        const char *part;
    } cases[] = {
        {"{}", "no usable access_token"},
        {"{\"access_token\":7}", "no usable access_token"},
        {"{\"access_token\":\"\"}", "no usable access_token"},
        {"{\"access_token\":\"hush\\r\\nX-Evil: 1\"}", "no usable access_token"},
        {"[\"hush\"]", "no usable access_token"},
        {"", "not JSON"},
        {"<html>hush</html>", "not JSON"},
        {"{\"access_token\":\"hush\"", "not JSON"},
    };
    struct fs_token token = {0};
    takes(&token, "{\"access_token\":\"good\"}", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        finseg_error *error = read_token(&token, 200, cases[i].body, 0);
        CHECK_CASE(error && !strstr(finseg_error_message(error), "hush"), cases[i].body);
        CHECK_INT(finseg_error_status(error), 200);
        CHECK_TEXT(finseg_error_request_id(error), "r-1");
        CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, cases[i].part);
        CHECK_TEXT(token.access_token, "good");
    }
    fs_token_free(&token);
}

static void a_refusal_says_whose_fault_it_is(void)
{
    struct fs_token token = {0};
    finseg_error *error = read_token(&token, 400, "{\"errors\":[{\"code\":\"ILLEGAL_FIELD_VALUE\"}]}", 0);
    CHECK_TEXT(finseg_error_code(error), "ILLEGAL_FIELD_VALUE");
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "check client_id and client_secret");
    error = read_token(&token, 401, "{\"error\":\"invalid_client\",\"error_description\":\"Bad credentials\"}", 0);
    CHECK_TEXT(finseg_error_code(error), "invalid_client");
    CHECK(!finseg_error_retryable(error));
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "Bad credentials");
    CHECK_ERROR(read_token(&token, 404, "", 0), FINSEG_ERROR_PROTOCOL, "check token_url");
    CHECK_ERROR(read_token(&token, 302, "", 0), FINSEG_ERROR_PROTOCOL, "check token_url");
    CHECK_ERROR(read_token(&token, 429, "", 0), FINSEG_ERROR_RATE_LIMITED, "token endpoint");
    error = read_token(&token, 503, "", 0);
    CHECK(finseg_error_retryable(error));
    CHECK_ERROR(error, FINSEG_ERROR_SERVER, "token endpoint");
    CHECK(!fs_token_usable(&token, 0));
    fs_token_free(&token);
}

static void each_grant_has_its_form(void)
{
    struct fs_buffer form = {0};
    struct fs_credentials credentials = {.client_id = "id", .client_secret = "a&b=c +%"};
    fs_token_form(&form, &credentials);
    CHECK_TEXT(form.data, "grant_type=client_credentials&client_id=id&client_secret=a%26b%3Dc%20%2B%25");
    fs_buffer_clear(&form);
    credentials.username = "ann";
    credentials.password = "p\xC3\xA4ss";
    fs_token_form(&form, &credentials);
    CHECK_TEXT(form.data,
               "grant_type=password&client_id=id&client_secret=a%26b%3Dc%20%2B%25&username=ann&password=p%C3%A4ss");
    fs_buffer_clear(&form);
    fs_token_refresh_form(&form, &credentials, "again/1");
    CHECK_TEXT(form.data,
               "grant_type=refresh_token&client_id=id&client_secret=a%26b%3Dc%20%2B%25&refresh_token=again%2F1");
    fs_buffer_free_secret(&form);
}

static const struct test tests[] = {
    {"no token is not usable", no_token_is_not_usable},
    {"a token is renewed before it ends", a_token_is_renewed_before_it_ends},
    {"a token without an end is used until it is refused", a_token_without_an_end_is_used_until_it_is_refused},
    {"a late refusal spares a newer token", a_late_refusal_spares_a_newer_token},
    {"a refresh token stays until another comes or it is refused", a_refresh_token_stays_until_another_comes},
    {"an answer without a usable token changes nothing and is not quoted",
     an_answer_without_a_usable_token_changes_nothing},
    {"a refusal says whose fault it is", a_refusal_says_whose_fault_it_is},
    {"each grant has its form, percent-encoded", each_grant_has_its_form},
};
SUITE(token, tests);
