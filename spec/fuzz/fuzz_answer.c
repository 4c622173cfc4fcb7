/*
 * Any bytes as the body of an answer, the first two choosing the status: whoever reads it comes to a verdict, and
 * what an error says of it is one plain line of UTF-8. A token that is taken can go into a header, a job id that is
 * read into a URL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/job.h"
#include "protocol/token.h"
#include "protocol/url.h"
#include "value/json.h"
#include "value/text.h"

/* What a message may hold of a body, with room for the words around it. */
enum { MESSAGE_LIMIT = 1200, FIELD_LIMIT = 255 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_line(const char *text, size_t limit)
{
    size_t length = strlen(text);
    require(length <= limit && fs_text_is_utf8(text, length));
    for (const char *c = text; *c; c++)
        require((unsigned char)*c >= 0x20 && *c != 0x7F);
}

static void check_field(const char *text)
{
    if (text)
        check_line(text, FIELD_LIMIT);
}

/* Frees the error. */
static void check_error(finseg_error *error, int status)
{
    require(error != NULL);
    check_line(finseg_error_message(error), MESSAGE_LIMIT);
    check_field(finseg_error_code(error));
    check_field(finseg_error_request_id(error));
    require(finseg_error_status(error) == status);
    finseg_error_free(error);
}

static void check_token(const struct fs_answer *answer)
{
    struct fs_token token = {0};
    finseg_error *error = fs_token_read(&token, answer, 1000);
    if (error) {
        require(!fs_token_usable(&token, 1000));
        check_error(error, answer->status);
    } else {
        require(answer->status / 100 == 2 && fs_token_usable(&token, 1000));
        require(fs_text_is_header_word(token.access_token));
    }
    fs_token_free(&token);
}

static void check_job(const struct fs_answer *answer)
{
    char *id = fs_answer_text_member(answer, "jobId");
    finseg_job *job = fs_job_new("highBalance", "highBalance", id ? id : "\n\xE2\x82", 0);
    require(job != NULL);
    for (int reads = 0; reads < 2; reads++) {
        finseg_error *error = fs_job_read(job, answer, 1000);
        require((error == NULL) == (answer->status == 200));
        if (error)
            check_error(error, answer->status);
    }
    char *url = fs_url_page("https://host", "highBalance", finseg_job_id(job), 0, 1);
    require(url && strncmp(url, "https://host/segments/highBalance/", 34) == 0);
    require(strspn(url + 34, "%-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
            strcspn(url + 34, "?"));
    free(url);
    finseg_job_free(job);
    free(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct fs_answer answer = {
        .status = 100 + (data[0] * 256 + data[1]) % 500,
        .body = size > 2 ? (const char *)data + 2 : NULL,
        .length = size - 2,
        .retry_after = -1,
        .what = "create highBalance",
    };
    check_error(fs_answer_error(&answer, fs_answer_kind(answer.status), NULL), answer.status);
    check_token(&answer);
    check_job(&answer);
    return 0;
}
