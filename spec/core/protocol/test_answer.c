#include "protocol/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "value/buffer.h"

static struct fs_answer answer_of(int status, const char *body)
{
    return (struct fs_answer){
        .status = status, .body = body, .length = strlen(body), .retry_after = -1, .what = "create highBalance"};
}

static finseg_error *error_of(int status, const char *body)
{
    struct fs_answer answer = answer_of(status, body);
    return fs_answer_error(&answer, fs_answer_kind(status), "do this");
}

static void both_error_forms_are_read(void)
{
    finseg_error *error =
        error_of(400, "{\"errors\":[{\"message\":\"Betrag fehlt\",\"code\":\"MISSING_FIELD\",\"type\":"
                      "\"BUSINESS\"},{\"code\":\"OTHER\"}],\"requestId\":\"r-9\"}");
    CHECK_TEXT(finseg_error_message(error),
               "create highBalance: the service answered 400 MISSING_FIELD: Betrag fehlt; do this");
    CHECK_TEXT(finseg_error_code(error), "MISSING_FIELD");
    CHECK_TEXT(finseg_error_request_id(error), "r-9");
    CHECK_INT(finseg_error_status(error), 400);
    finseg_error_free(error);
    error = error_of(401, "{\"error\":\"invalid_token\",\"error_description\":\"Token gone\"}");
    CHECK_TEXT(finseg_error_code(error), "invalid_token");
    CHECK_ERROR(error, FINSEG_ERROR_AUTH, "401 invalid_token: Token gone; do this");
}

static void a_body_that_says_nothing_is_no_hindrance(void)
{
    const char *const bodies[] = {"",
                                  "{}",
                                  "[]",
                                  "null",
                                  "{\"errors\":[]}",
                                  "{\"errors\":{}}",
                                  "{\"errors\":[7]}",
                                  "{\"errors\":[{\"code\":7,\"message\":null}],\"error\":{}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        finseg_error *error = error_of(500, bodies[i]);
        CHECK(finseg_error_code(error) == NULL);
        CHECK_TEXT(finseg_error_message(error), "create highBalance: the service answered 500; do this");
        finseg_error_free(error);
    }
}

static void a_page_of_a_proxy_is_quoted_in_part(void)
{
    char html[500] = "<html>\r\n<head>\t<title>Bad Gateway";
    memset(html + strlen(html), 'x', 400);
    finseg_error *error = error_of(502, html);
    CHECK(strlen(finseg_error_message(error)) < 250);
    CHECK_ERROR(error, FINSEG_ERROR_SERVER, "not JSON, beginning \"<html>  <head> <title>Bad Gatewayxxx");
}

static void a_message_is_cut_between_characters(void)
{
    struct fs_buffer body = {0};
    fs_buffer_append_text(&body, "{\"error_description\":\"x");
    while (body.length < 900)
        fs_buffer_append_text(&body, "\xE2\x82\xAC");
    fs_buffer_append_text(&body, "\"}");
    finseg_error *error = error_of(400, body.data);
    CHECK(strstr(finseg_error_message(error), "\xE2\x82\xAC...; do this") != NULL);
    CHECK_INT((int64_t)strlen(finseg_error_message(error)),
              (int64_t)strlen("create highBalance: the service answered 400: ") + 298 + 3 + 9);
    fs_buffer_free(&body);
    finseg_error_free(error);
}

static void nothing_in_an_answer_can_forge_a_line(void)
{
    finseg_error *error =
        error_of(400, "{\"errors\":[{\"message\":\"a\\nERROR b\\u001b[2J\\u007f\",\"code\":\"C\\r\\nD\"}],"
                      "\"requestId\":\"r\\n1\"}");
    CHECK_TEXT(finseg_error_code(error), "C  D");
    CHECK_TEXT(finseg_error_request_id(error), "r 1");
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "400 C  D: a ERROR b [2J ; do this");
    struct fs_answer answer = {
        .status = 502,
        .body = "caf\xE9\0\n!",
        .length = 7,
        .retry_after = -1,
        .request_id = "a\x1B[b",
        .what = "job\nj \xE2\x82",
    };
    error = fs_answer_error(&answer, FINSEG_ERROR_SERVER, NULL);
    CHECK_TEXT(finseg_error_request_id(error), "a [b");
    CHECK_ERROR(error, FINSEG_ERROR_SERVER,
                "job j ??: the service answered 502 with a body that is not JSON, beginning \"caf?  !\"");
}

static void a_secret_is_taken_out_before_anything_is_cut(void)
{
    static const char secret[] = "se\"cr/et-0123456789";
    static const char json_spelling[] = "se\\\"cr\\/et-0123456789";
    struct fs_secrets secrets = {0};
    CHECK(fs_secrets_add(&secrets, secret));
    for (int at = 0; at < 320; at++) {
        char body[1024];
        snprintf(body, sizeof body, "<%*s%s of the client", at, "", secret);
        struct fs_answer answer = answer_of(500, body);
        answer.secrets = &secrets;
        finseg_error *error = fs_answer_error(&answer, FINSEG_ERROR_SERVER, NULL);
        CHECK_CASE(!strstr(finseg_error_message(error), "se\""), finseg_error_message(error));
        finseg_error_free(error);
        char *quote = fs_answer_quote(&answer);
        CHECK_CASE(quote && !strstr(quote, "se\""), body);
        free(quote);
        snprintf(body, sizeof body, "{\"errors\":[{\"message\":\"%*s%s!\",\"code\":\"%*s%s!\"}],\"requestId\":\"%s\"}",
                 at, "", json_spelling, at / 4, "", json_spelling, json_spelling);
        answer = answer_of(400, body);
        answer.secrets = &secrets;
        error = fs_answer_error(&answer, FINSEG_ERROR_INVALID, NULL);
        CHECK_CASE(!strstr(finseg_error_message(error), "se\""), finseg_error_message(error));
        CHECK_CASE(!strstr(finseg_error_code(error), "se\""), finseg_error_code(error));
        CHECK_TEXT(finseg_error_request_id(error), "***");
        finseg_error_free(error);
    }
    fs_secrets_free(&secrets);
}

static void a_body_that_looks_like_a_page_is_not_quoted(void)
{
    const char *const pages[] = {"", " \r\n{\"users\":[", "{"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct fs_answer answer = answer_of(200, pages[i]);
        CHECK_CASE(fs_answer_quote(&answer) == NULL, pages[i]);
    }
    struct fs_answer answer = answer_of(200, "  <html>");
    char *quote = fs_answer_quote(&answer);
    CHECK_TEXT(quote, "  <html>");
    free(quote);
}

static void the_services_words_have_a_limit(void)
{
    struct fs_buffer body = {0};
    fs_buffer_printf(&body, "{\"error\":\"%050000d\",\"requestId\":\"%040000d\"}", 1, 2);
    finseg_error *error = error_of(400, body.data);
    CHECK(strlen(finseg_error_message(error)) < 500);
    CHECK_INT((int64_t)strlen(finseg_error_code(error)), 255);
    CHECK_INT((int64_t)strlen(finseg_error_request_id(error)), 255);
    finseg_error_free(error);
    fs_buffer_free(&body);
}

static void a_long_body_is_read_to_its_end(void)
{
    struct fs_buffer body = {0};
    fs_buffer_printf(&body, "{\"padding\":\"%02000000d\",\"error\":\"late\"}", 1);
    CHECK_ERROR(error_of(500, body.data), FINSEG_ERROR_SERVER, "the service answered 500 late; do this");
    body.data[body.length - 1] = ',';
    CHECK_ERROR(error_of(500, body.data), FINSEG_ERROR_SERVER, "500 with a body that is not JSON, beginning");
    fs_buffer_free(&body);
}

static void a_status_has_its_kind(void)
{
    static const struct {
        int status;
        finseg_error_kind kind;
    } cases[] = {
        {400, FINSEG_ERROR_INVALID},      {401, FINSEG_ERROR_AUTH},      {403, FINSEG_ERROR_AUTH},
        {404, FINSEG_ERROR_NOT_FOUND},    {413, FINSEG_ERROR_TOO_LARGE}, {422, FINSEG_ERROR_INVALID},
        {429, FINSEG_ERROR_RATE_LIMITED}, {500, FINSEG_ERROR_SERVER},    {599, FINSEG_ERROR_SERVER},
        {301, FINSEG_ERROR_PROTOCOL},     {204, FINSEG_ERROR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(fs_answer_kind(cases[i].status), cases[i].kind);
}

static void a_text_member_is_read_only_when_it_is_there(void)
{
    struct fs_answer answer = answer_of(200, "{\"jobId\":\"a\\u00e4 b\",\"n\":7,\"empty\":\"\"}");
    char *text = fs_answer_text_member(&answer, "jobId");
    CHECK_TEXT(text, "a\xC3\xA4 b");
    free(text);
    CHECK(fs_answer_text_member(&answer, "jobid") == NULL);
    CHECK(fs_answer_text_member(&answer, "n") == NULL);
    CHECK(fs_answer_text_member(&answer, "empty") == NULL);
    answer = answer_of(200, "{\"jobId\":\"a\"");
    CHECK(fs_answer_text_member(&answer, "jobId") == NULL);
}

static const struct test tests[] = {
    {"both error forms are read", both_error_forms_are_read},
    {"a body that says nothing is no hindrance", a_body_that_says_nothing_is_no_hindrance},
    {"the page of a proxy is quoted in part", a_page_of_a_proxy_is_quoted_in_part},
    {"a long message is cut between characters", a_message_is_cut_between_characters},
    {"nothing in an answer can forge a line", nothing_in_an_answer_can_forge_a_line},
    {"a secret is taken out before anything is cut", a_secret_is_taken_out_before_anything_is_cut},
    {"a body that looks like a page is not quoted", a_body_that_looks_like_a_page_is_not_quoted},
    {"the service's words have a limit", the_services_words_have_a_limit},
    {"a long body is read to its end", a_long_body_is_read_to_its_end},
    {"a status has its kind", a_status_has_its_kind},
    {"a text member is read only when it is there", a_text_member_is_read_only_when_it_is_there},
};
SUITE(answer, tests);
