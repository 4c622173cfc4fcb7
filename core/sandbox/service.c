#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../json.h"
#include "../text.h"
#include "complaint.h"
#include "form.h"
#include "timestamp.h"

static const char token_path[] = "/api/v2/oauth/token";
static const char segments_path[] = "/api/v1/segments/";

/* One request on its way to its answer. */
struct exchange {
    const struct fs_service *service;
    const struct fs_request *request;
    struct fs_answer *answer;
    struct fs_complaints complaints;
    struct fs_buffer path; /* decoded, without the query */
    const char *query;     /* as on the wire; empty when there is none */
};

/* ---- error bodies ---------------------------------------------------------------------------------------- */

/* Ends the exchange with the errors[] body of the complaints made. */
static void refuse(struct exchange *exchange, unsigned status)
{
    struct fs_buffer *out = &exchange->answer->body;
    char date[FS_TIMESTAMP_TEXT];
    struct fs_buffer endpoint = {0};
    fs_timestamp_format(fs_timestamp_now(), date);
    const char *method = exchange->request->method;
    const char *path = exchange->path.data ? exchange->path.data : "";
    fs_buffer_printf(&endpoint, "%s %s", fs_text_is_utf8(method, strlen(method)) ? method : "?", path);

    exchange->answer->status = status;
    fs_buffer_append_text(out, "{\"errors\":[");
    fs_buffer_append(out, exchange->complaints.members.data, exchange->complaints.members.length);
    fs_buffer_printf(out, "],\"date\":\"%s\",\"requestId\":", date);
    fs_json_append_string(out, exchange->answer->request_id, strlen(exchange->answer->request_id));
    fs_buffer_append_text(out, ",\"endpoint\":");
    fs_json_append_string(out, endpoint.data ? endpoint.data : "", endpoint.length);
    fs_buffer_append_text(out, ",\"authContext\":");
    fs_json_append_string(out, exchange->service->client_id, strlen(exchange->service->client_id));
    fs_buffer_append_char(out, '}');
    if (exchange->complaints.members.failed || endpoint.failed)
        out->failed = true;
    fs_buffer_free(&endpoint);
}

static void refuse_with(struct exchange *exchange, unsigned status, const char *code, const char *message)
{
    fs_complain(&exchange->complaints, code, "%s", message);
    refuse(exchange, status);
}

/* A 500: the reason goes to stderr, not to the caller. */
static void fail(struct exchange *exchange, struct fs_buffer *reason)
{
    fprintf(stderr, "finseg-sandbox: %s\n", reason->data ? reason->data : "out of memory");
    fs_buffer_free(reason);
    refuse_with(exchange, 500, FS_CODE_UNEXPECTED_ERROR, "the sandbox cannot answer now");
}

/* The OAuth form of an error. Both texts are ours. */
static void refuse_authentication(struct exchange *exchange, unsigned status, const char *error,
                                  const char *description)
{
    exchange->answer->status = status;
    fs_buffer_printf(&exchange->answer->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, description);
}

static void refuse_method(struct exchange *exchange, const char *allowed)
{
    exchange->answer->allow = allowed;
    refuse_with(exchange, 405, FS_CODE_METHOD_NOT_ALLOWED, "this path takes another method");
}

static void refuse_path(struct exchange *exchange)
{
    refuse_with(exchange, 404, FS_CODE_ENTITY_NOT_FOUND, "there is nothing at this path");
}

/* ---- checks that several requests share ------------------------------------------------------------------ */

/* The media type of a Content-Type header, without its parameters, is `type`. */
static bool has_media_type(const char *content_type, const char *type)
{
    size_t length = strlen(type);
    if (!content_type || strncasecmp(content_type, type, length) != 0)
        return false;
    content_type += length;
    return content_type[strspn(content_type, " \t")] == '\0' || content_type[strspn(content_type, " \t")] == ';';
}

static bool check_body(struct exchange *exchange, const char *type)
{
    const struct fs_request *request = exchange->request;
    if (request->body_too_large) {
        refuse_with(exchange, 413, FS_CODE_REQUEST_TOO_LARGE, "the body is larger than 1 MiB");
        return false;
    }
    if (!has_media_type(request->content_type, type)) {
        fs_complain(&exchange->complaints, FS_CODE_UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be %s", type);
        refuse(exchange, 415);
        return false;
    }
    return true;
}

static bool check_token(struct exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *header = exchange->request->authorization;
    if (!header || strncasecmp(header, scheme, strlen(scheme)) != 0) {
        exchange->answer->authenticate = "Bearer";
        refuse_authentication(exchange, 401, "unauthorized", "an access token is required");
        return false;
    }
    enum fs_role role = fs_tokens_role(exchange->service->tokens, header + strlen(scheme));
    if (role == FS_ROLE_NONE) {
        exchange->answer->authenticate = "Bearer error=\"invalid_token\"";
        refuse_authentication(exchange, 401, "invalid_token", "the access token is unknown or expired");
        return false;
    }
    if (exchange->service->role != FS_ROLE_NONE && exchange->service->role != role) {
        exchange->answer->authenticate = "Bearer error=\"insufficient_scope\"";
        refuse_authentication(exchange, 403, "insufficient_scope",
                              role == FS_ROLE_CLIENT ? "a user's token is required" : "a client's token is required");
        return false;
    }
    return true;
}

/* ---- tokens ---------------------------------------------------------------------------------------------- */

static bool field_is(const struct fs_form *form, const char *name, const char *expected)
{
    const char *value = fs_form_value(form, name);
    return value && fs_secret_equal(expected, strlen(expected), value, strlen(value));
}

static void require_field(struct exchange *exchange, const struct fs_form *form, const char *name)
{
    if (!fs_form_value(form, name))
        fs_complain(&exchange->complaints, FS_CODE_MISSING_FIELD, "%s is missing", name);
}

/* The role whose token the form asks for; FS_ROLE_NONE when its fields are incomplete, with complaints. */
static enum fs_role read_grant(struct exchange *exchange, const struct fs_form *form)
{
    const char *grant = fs_form_value(form, "grant_type");
    require_field(exchange, form, "grant_type");
    require_field(exchange, form, "client_id");
    require_field(exchange, form, "client_secret");
    enum fs_role role = FS_ROLE_USER;
    if (grant && strcmp(grant, "client_credentials") == 0) {
        role = FS_ROLE_CLIENT;
    } else if (grant && strcmp(grant, "password") == 0) {
        require_field(exchange, form, "username");
        require_field(exchange, form, "password");
    } else if (grant && strcmp(grant, "refresh_token") == 0) {
        require_field(exchange, form, "refresh_token");
    } else if (grant) {
        fs_complain(&exchange->complaints, FS_CODE_ILLEGAL_FIELD_VALUE,
                    "grant_type must be client_credentials, password or refresh_token");
    }
    return exchange->complaints.members.length == 0 ? role : FS_ROLE_NONE;
}

/* What is wrong with the credentials, as an OAuth error code; NULL when nothing is. */
static const char *check_credentials(const struct fs_service *service, const struct fs_form *form)
{
    bool client_id = field_is(form, "client_id", service->client_id);
    if (!field_is(form, "client_secret", service->client_secret) || !client_id)
        return "invalid_client";
    const char *refresh_token = fs_form_value(form, "refresh_token");
    const char *grant = fs_form_value(form, "grant_type");
    if (strcmp(grant, "refresh_token") == 0 && !fs_tokens_may_refresh(service->tokens, refresh_token))
        return "invalid_grant";
    if (strcmp(grant, "password") != 0)
        return NULL;
    bool username = field_is(form, "username", service->username);
    return field_is(form, "password", service->password) && username ? NULL : "invalid_grant";
}

static void grant_token(struct exchange *exchange, enum fs_role role)
{
    struct fs_token token;
    struct fs_buffer *out = &exchange->answer->body;
    if (!fs_tokens_issue(exchange->service->tokens, role, &token)) {
        struct fs_buffer reason = {0};
        fs_buffer_append_text(&reason, "the kernel gives no random bytes");
        fail(exchange, &reason);
        return;
    }
    exchange->answer->status = 200;
    fs_buffer_printf(out, "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%lld,\"scope\":\"all\"",
                     token.access_token, (long long)token.expires_in);
    if (token.refresh_token[0])
        fs_buffer_printf(out, ",\"refresh_token\":\"%s\"", token.refresh_token);
    fs_buffer_append_char(out, '}');
    explicit_bzero(&token, sizeof token);
}

static void answer_token_form(struct exchange *exchange, const struct fs_form *form)
{
    enum fs_role role = read_grant(exchange, form);
    if (role == FS_ROLE_NONE) {
        refuse(exchange, 400);
        return;
    }
    const char *error = check_credentials(exchange->service, form);
    if (error)
        refuse_authentication(exchange, 401, error, "the credentials are wrong");
    else
        grant_token(exchange, role);
}

static void answer_token(struct exchange *exchange)
{
    const struct fs_request *request = exchange->request;
    if (strcmp(request->method, "POST") != 0) {
        refuse_method(exchange, "POST");
        return;
    }
    if (!check_body(exchange, "application/x-www-form-urlencoded"))
        return;
    struct fs_form form;
    const char *problem;
    if (fs_form_read(request->body, request->body_length, &form, &problem))
        answer_token_form(exchange, &form);
    else
        refuse_with(exchange, 400, FS_CODE_BAD_REQUEST, problem);
    fs_form_free(&form);
}

/* ---- segments -------------------------------------------------------------------------------------------- */

static void create_job(struct exchange *exchange, const struct fs_segment_kind *kind)
{
    const struct fs_request *request = exchange->request;
    struct fs_segment_request parameters;
    char id[FS_SECRET_TEXT];
    struct fs_buffer problem = {0};
    if (!check_body(exchange, "application/json"))
        return;
    if (!fs_segment_read_request(kind, request->body, request->body_length, &parameters, &exchange->complaints)) {
        refuse(exchange, 400);
    } else if (fs_jobs_create(exchange->service->jobs, kind, request->body, request->body_length, id, &problem)) {
        exchange->answer->status = 201;
        fs_buffer_printf(&exchange->answer->body, "{\"jobId\":\"%s\"}", id);
    } else {
        fail(exchange, &problem);
    }
}

/* All digits, at most `largest`. */
static bool read_number(const char *text, uint64_t largest, uint64_t *number)
{
    *number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && *number <= largest; at++)
        *number = *number * 10 + (uint64_t)(*at - '0');
    return at > text && *at == '\0' && *number <= largest;
}

static bool read_paging(struct exchange *exchange, uint64_t *number, uint64_t *size)
{
    struct fs_form query;
    const char *problem;
    *number = 0;
    *size = FS_SERVICE_DEFAULT_PAGE_SIZE;
    if (fs_form_read(exchange->query, strlen(exchange->query), &query, &problem)) {
        const char *number_text = fs_form_value(&query, "number");
        const char *size_text = fs_form_value(&query, "size");
        if (number_text && !read_number(number_text, UINT32_MAX, number))
            fs_complain(&exchange->complaints, FS_CODE_ILLEGAL_FIELD_VALUE, "number must be a page number from 0 on");
        if (size_text && (!read_number(size_text, FS_SERVICE_LARGEST_PAGE_SIZE, size) || *size == 0))
            fs_complain(&exchange->complaints, FS_CODE_ILLEGAL_FIELD_VALUE, "size must be from 1 to %d",
                        FS_SERVICE_LARGEST_PAGE_SIZE);
    } else {
        fs_complain(&exchange->complaints, FS_CODE_BAD_REQUEST, "the query is malformed: %s", problem);
    }
    fs_form_free(&query);
    return exchange->complaints.members.length == 0;
}

static void retrieve_page(struct exchange *exchange, const struct fs_segment_kind *kind, const char *job_id)
{
    uint64_t number;
    uint64_t size;
    struct fs_result *result = NULL;
    struct fs_buffer reason = {0};
    if (!read_paging(exchange, &number, &size)) {
        refuse(exchange, 400);
        return;
    }
    switch (fs_jobs_find(exchange->service->jobs, kind, job_id, &result)) {
    case FS_JOB_READY:
        exchange->answer->status = 200;
        fs_result_write_page(result, number, size, &exchange->answer->body);
        fs_result_release(result);
        break;
    case FS_JOB_PENDING:
        refuse_with(exchange, 404, FS_CODE_NOT_READY, "the job is not ready yet");
        break;
    case FS_JOB_UNKNOWN:
        refuse_with(exchange, 400, FS_CODE_ENTITY_NOT_FOUND, "there is no such job");
        break;
    case FS_JOB_FAILED:
        refuse_with(exchange, 422, FS_CODE_JOB_FAILED, "the job failed");
        break;
    case FS_JOB_TROUBLE:
        fs_buffer_append_text(&reason, "a job cannot be read");
        fail(exchange, &reason);
        break;
    }
}

/* `rest` is what follows segments_path: a kind, or a kind and a job. */
static void answer_segments(struct exchange *exchange, const char *rest)
{
    const char *method = exchange->request->method;
    size_t kind_length = strcspn(rest, "/");
    const struct fs_segment_kind *kind = fs_segment_kind_named(rest, kind_length);
    const char *job_id = rest[kind_length] == '/' ? rest + kind_length + 1 : NULL;
    if (!check_token(exchange))
        return;
    if (!kind || (job_id && (*job_id == '\0' || strchr(job_id, '/')))) {
        refuse_path(exchange);
    } else if (job_id) {
        if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
            retrieve_page(exchange, kind, job_id);
        else
            refuse_method(exchange, "GET, HEAD");
    } else if (strcmp(method, "POST") == 0) {
        create_job(exchange, kind);
    } else {
        refuse_method(exchange, "POST");
    }
}

/* ---- all requests ---------------------------------------------------------------------------------------- */

static bool is_printable_ascii(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* The caller's X-Request-Id, or one of our own. */
static void choose_request_id(const char *wish, char id[FS_SERVICE_LONGEST_REQUEST_ID + 1])
{
    if (wish && *wish && strlen(wish) <= FS_SERVICE_LONGEST_REQUEST_ID && is_printable_ascii(wish))
        snprintf(id, FS_SERVICE_LONGEST_REQUEST_ID + 1, "%s", wish);
    else if (!fs_secret_new(id))
        id[0] = '\0';
}

static void answer_path(struct exchange *exchange)
{
    const char *path = exchange->path.data;
    if (strcmp(path, token_path) == 0)
        answer_token(exchange);
    else if (strncmp(path, segments_path, strlen(segments_path)) == 0)
        answer_segments(exchange, path + strlen(segments_path));
    else
        refuse_path(exchange);
}

void fs_service_answer(const struct fs_service *service, const struct fs_request *request, struct fs_answer *answer)
{
    struct exchange exchange = {.service = service, .request = request, .answer = answer};
    size_t path_length = strcspn(request->target, "?");
    exchange.query = request->target[path_length] == '?' ? request->target + path_length + 1 : "";
    choose_request_id(request->request_id, answer->request_id);
    if (path_length > 0 && fs_form_percent_decode(request->target, path_length, &exchange.path)) {
        answer_path(&exchange);
    } else {
        fs_buffer_clear(&exchange.path);
        refuse_with(&exchange, 400, FS_CODE_BAD_REQUEST, "the path is not percent-encoded UTF-8");
    }
    fs_buffer_free(&exchange.path);
    fs_complaints_free(&exchange.complaints);
}

void fs_answer_free(struct fs_answer *answer)
{
    fs_buffer_free_secret(&answer->body);
}
