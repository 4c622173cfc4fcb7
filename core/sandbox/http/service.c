#include "service.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "control.h"
#include "fault.h"
#include "fault_apply.h"
#include "form.h"
#include "value/text.h"

static const char token_path[] = "/api/v2/oauth/token";
static const char segments_path[] = "/api/v1/segments/";

/* ---- tokens ---------------------------------------------------------------------------------------------- */

static bool field_is(const struct sb_form *form, const char *name, const char *expected)
{
    const char *value = sb_form_value(form, name);
    return value && fs_secret_equal(expected, strlen(expected), value, strlen(value));
}

static void require_field(struct sb_call *call, const struct sb_form *form, const char *name)
{
    if (!sb_form_value(form, name))
        sb_api_errors_add(&call->errors, SB_CODE_MISSING_FIELD, "%s is missing", name);
}

/* The role whose token the form asks for; SB_ROLE_NONE when its fields are incomplete, with errors. */
static enum sb_role read_grant(struct sb_call *call, const struct sb_form *form)
{
    const char *grant = sb_form_value(form, "grant_type");
    require_field(call, form, "grant_type");
    require_field(call, form, "client_id");
    require_field(call, form, "client_secret");
    enum sb_role role = SB_ROLE_USER;
    if (grant && strcmp(grant, "client_credentials") == 0) {
        role = SB_ROLE_CLIENT;
    } else if (grant && strcmp(grant, "password") == 0) {
        require_field(call, form, "username");
        require_field(call, form, "password");
    } else if (grant && strcmp(grant, "refresh_token") == 0) {
        require_field(call, form, "refresh_token");
    } else if (grant) {
        sb_api_errors_add(&call->errors, SB_CODE_ILLEGAL_FIELD_VALUE,
                          "grant_type must be client_credentials, password or refresh_token");
    }
    return call->errors.members.length == 0 ? role : SB_ROLE_NONE;
}

/* What is wrong with the credentials, as an OAuth error code; NULL when nothing is. */
static const char *check_credentials(const struct sb_service *service, const struct sb_form *form)
{
    bool client_id = field_is(form, "client_id", service->client_id);
    if (!field_is(form, "client_secret", service->client_secret) || !client_id)
        return "invalid_client";
    const char *refresh_token = sb_form_value(form, "refresh_token");
    const char *grant = sb_form_value(form, "grant_type");
    if (strcmp(grant, "refresh_token") == 0 && !sb_tokens_may_refresh(service->tokens, refresh_token))
        return "invalid_grant";
    if (strcmp(grant, "password") != 0)
        return NULL;
    bool username = field_is(form, "username", service->username);
    return field_is(form, "password", service->password) && username ? NULL : "invalid_grant";
}

static void grant_token(struct sb_call *call, enum sb_role role)
{
    struct sb_token token;
    struct fs_buffer *out = &call->answer->body;
    struct sb_counters *counters = call->service->counters;
    if (!sb_tokens_issue(call->service->tokens, role, &token)) {
        struct fs_buffer reason = {0};
        fs_buffer_append_text(&reason, "the kernel gives no random bytes");
        sb_call_fail(call, &reason);
        return;
    }
    sb_counters_count(counters, SB_TOKENS_HANDED);
    if (token.fresh)
        sb_counters_count(counters, SB_TOKENS_MADE);
    call->answer->status = 200;
    fs_buffer_printf(out, "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":%lld,\"scope\":\"all\"",
                     token.access_token, (long long)token.expires_in);
    if (token.refresh_token[0])
        fs_buffer_printf(out, ",\"refresh_token\":\"%s\"", token.refresh_token);
    fs_buffer_append_char(out, '}');
    explicit_bzero(&token, sizeof token);
}

static void answer_token_form(struct sb_call *call, const struct sb_form *form)
{
    enum sb_role role = read_grant(call, form);
    if (role == SB_ROLE_NONE) {
        sb_call_refuse(call, 400);
        return;
    }
    const char *error = check_credentials(call->service, form);
    if (error)
        sb_call_refuse_authentication(call, 401, error, "the credentials are wrong");
    else
        grant_token(call, role);
}

static void answer_token(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    if (strcmp(request->method, "POST") != 0) {
        sb_call_refuse_method(call, "POST");
        return;
    }
    if (!sb_call_check_body(call, "application/x-www-form-urlencoded"))
        return;
    struct sb_form form;
    const char *problem;
    if (sb_form_read(request->body, request->body_length, &form, &problem))
        answer_token_form(call, &form);
    else
        sb_call_refuse_with(call, 400, SB_CODE_BAD_REQUEST, problem);
    sb_form_free(&form);
}

/* ---- segments -------------------------------------------------------------------------------------------- */

/* The order that the body makes, with what the faults do to it. False with errors. */
static bool read_order(struct sb_call *call, const struct sb_segment_kind *kind, struct sb_segment_request *parameters,
                       struct sb_job_order *order)
{
    const struct sb_request *request = call->request;
    bool read = sb_segment_read_request(kind, request->body, request->body_length, parameters, &call->errors);
    const char *url = parameters->callback_url;
    const char *problem = *url ? sb_callback_address_check(&call->service->callback_hosts, url) : NULL;
    if (problem)
        sb_api_errors_add(&call->errors, SB_CODE_ILLEGAL_FIELD_VALUE, "callbackURL %s", problem);
    *order = (struct sb_job_order){
        .kind = kind,
        .body = request->body,
        .length = request->body_length,
        .callback_url = url,
    };
    return read && !problem;
}

static void choose_fate(struct sb_call *call, struct sb_job_order *order)
{
    static const enum sb_job_fate job_fates[] = {
        [SB_FAULT_JOB_STUCK] = SB_FATE_STUCK,
        [SB_FAULT_JOB_FAILS] = SB_FATE_FAILS,
        [SB_FAULT_JOB_VANISHES] = SB_FATE_VANISHES,
    };
    static const enum sb_callback_fate callback_fates[] = {
        [SB_FAULT_CALLBACK_LOST] = SB_CALLBACK_LOST,
        [SB_FAULT_CALLBACK_TWICE] = SB_CALLBACK_TWICE,
        [SB_FAULT_CALLBACK_EARLY] = SB_CALLBACK_EARLY,
    };
    struct sb_faults *faults = call->service->faults;
    const struct sb_fault *fault = sb_faults_draw(faults, SB_FAULT_JOB, call->route, call->path.data);
    if (fault)
        order->fate = job_fates[fault->effect];
    fault = *order->callback_url ? sb_faults_draw(faults, SB_FAULT_CALLBACK, call->route, call->path.data) : NULL;
    if (fault)
        order->callback_fate = callback_fates[fault->effect];
}

static void create_job(struct sb_call *call, const struct sb_segment_kind *kind)
{
    struct sb_segment_request parameters;
    struct sb_job_order order;
    char id[FS_SECRET_TEXT];
    struct fs_buffer problem = {0};
    if (!sb_call_check_body(call, "application/json"))
        return;
    if (!read_order(call, kind, &parameters, &order)) {
        sb_call_refuse(call, 400);
        return;
    }
    choose_fate(call, &order);
    if (sb_jobs_create(call->service->jobs, &order, id, &problem)) {
        call->answer->status = 201;
        fs_buffer_printf(&call->answer->body, "{\"jobId\":\"%s\"}", id);
    } else {
        sb_call_fail(call, &problem);
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

static bool read_paging(struct sb_call *call, uint64_t *number, uint64_t *size)
{
    struct sb_form query;
    const char *problem;
    *number = 0;
    *size = SB_SERVICE_DEFAULT_PAGE_SIZE;
    if (sb_form_read(call->query, strlen(call->query), &query, &problem)) {
        const char *number_text = sb_form_value(&query, "number");
        const char *size_text = sb_form_value(&query, "size");
        if (number_text && !read_number(number_text, UINT32_MAX, number))
            sb_api_errors_add(&call->errors, SB_CODE_ILLEGAL_FIELD_VALUE, "number must be a page number from 0 on");
        if (size_text && (!read_number(size_text, SB_SERVICE_LARGEST_PAGE_SIZE, size) || *size == 0))
            sb_api_errors_add(&call->errors, SB_CODE_ILLEGAL_FIELD_VALUE, "size must be from 1 to %d",
                              SB_SERVICE_LARGEST_PAGE_SIZE);
    } else {
        sb_api_errors_add(&call->errors, SB_CODE_BAD_REQUEST, "the query is malformed: %s", problem);
    }
    sb_form_free(&query);
    return call->errors.members.length == 0;
}

static void fail_to_read(struct sb_call *call)
{
    struct fs_buffer reason = {0};
    fs_buffer_append_text(&reason, "a job cannot be read");
    sb_call_fail(call, &reason);
}

static void write_page(struct sb_call *call, const struct sb_job *job, uint64_t number, uint64_t size)
{
    struct sb_faults *faults = call->service->faults;
    uint64_t total = job->users;
    if (number > 0 && sb_faults_draw(faults, SB_FAULT_NEXT_PAGE, call->route, call->path.data))
        number--;
    const struct sb_fault *fault = sb_faults_draw(faults, SB_FAULT_PAGE, call->route, call->path.data);
    if (fault)
        total += sb_faults_struck(faults, fault) % 2 == 1 ? 1 : 2;
    call->answer->status = 200;
    if (!sb_jobs_write_page(call->service->jobs, job, number, size, total, &call->answer->body))
        fail_to_read(call);
}

static void retrieve_page(struct sb_call *call, const struct sb_segment_kind *kind, const char *job_id)
{
    uint64_t number;
    uint64_t size;
    struct sb_job job;
    if (!read_paging(call, &number, &size)) {
        sb_call_refuse(call, 400);
        return;
    }
    switch (sb_jobs_find(call->service->jobs, kind, job_id, &job)) {
    case SB_JOB_READY:
        write_page(call, &job, number, size);
        break;
    case SB_JOB_PENDING:
        sb_call_refuse_with(call, 404, SB_CODE_NOT_READY, "the job is not ready yet");
        break;
    case SB_JOB_UNKNOWN:
        sb_call_refuse_with(call, 400, SB_CODE_ENTITY_NOT_FOUND, "there is no such job");
        break;
    case SB_JOB_FAILED:
        sb_call_refuse_with(call, 422, SB_CODE_JOB_FAILED, "the job failed");
        break;
    case SB_JOB_TROUBLE:
        fail_to_read(call);
        break;
    }
}

/* What a path below segments_path names. */
struct target {
    const struct sb_segment_kind *kind; /* NULL: nothing */
    const char *job_id;                 /* NULL: the kind itself */
};

/* `rest` is what follows segments_path. */
static struct target find_target(const char *rest)
{
    size_t kind_length = strcspn(rest, "/");
    struct target target = {.kind = sb_segment_kind_named(rest, kind_length)};
    if (rest[kind_length] == '/') {
        target.job_id = rest + kind_length + 1;
        if (*target.job_id == '\0' || strchr(target.job_id, '/'))
            target.kind = NULL;
    }
    return target;
}

static bool may_retrieve(const struct sb_call *call)
{
    return sb_call_has_method(call, "GET") || sb_call_has_method(call, "HEAD");
}

static void answer_segments(struct sb_call *call)
{
    struct target target = find_target(call->path.data + strlen(segments_path));
    if (!sb_call_check_token(call))
        return;
    if (!target.kind)
        sb_call_refuse_path(call);
    else if (call->route == SB_ROUTE_RETRIEVE)
        retrieve_page(call, target.kind, target.job_id);
    else if (call->route == SB_ROUTE_CREATE)
        create_job(call, target.kind);
    else
        sb_call_refuse_method(call, target.job_id ? "GET, HEAD" : "POST");
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
static void choose_request_id(const char *wish, char id[SB_REQUEST_LONGEST_ID + 1])
{
    if (wish && *wish && strlen(wish) <= SB_REQUEST_LONGEST_ID && is_printable_ascii(wish))
        snprintf(id, SB_REQUEST_LONGEST_ID + 1, "%s", wish);
    else if (!fs_secret_new(id))
        id[0] = '\0';
}

static bool is_below_segments(const char *path)
{
    return strncmp(path, segments_path, strlen(segments_path)) == 0;
}

static enum sb_route find_route(const struct sb_call *call)
{
    const char *path = call->path.data;
    if (strcmp(path, token_path) == 0)
        return sb_call_has_method(call, "POST") ? SB_ROUTE_TOKEN : SB_ROUTE_NONE;
    if (!is_below_segments(path))
        return sb_control_route(path);
    struct target target = find_target(path + strlen(segments_path));
    if (target.kind && target.job_id && may_retrieve(call))
        return SB_ROUTE_RETRIEVE;
    return target.kind && !target.job_id && sb_call_has_method(call, "POST") ? SB_ROUTE_CREATE : SB_ROUTE_NONE;
}

static void answer_path(struct sb_call *call)
{
    if (strcmp(call->path.data, token_path) == 0)
        answer_token(call);
    else if (is_below_segments(call->path.data))
        answer_segments(call);
    else if (call->route != SB_ROUTE_NONE)
        sb_control_answer(call);
    else
        sb_call_refuse_path(call);
}

static bool may_be_faulty(const struct sb_call *call)
{
    return call->route == SB_ROUTE_TOKEN || call->route == SB_ROUTE_CREATE || call->route == SB_ROUTE_RETRIEVE;
}

/* Whether a fault has answered instead of the service. */
static bool answer_by_fault(struct sb_call *call)
{
    const struct sb_fault *fault =
        may_be_faulty(call) ? sb_faults_draw(call->service->faults, SB_FAULT_INSTEAD, call->route, call->path.data)
                            : NULL;
    if (fault)
        sb_fault_answer_instead(call, fault);
    return fault;
}

static void apply_fault_to_body(struct sb_call *call)
{
    struct sb_answer *answer = call->answer;
    bool whole = answer->status / 100 == 2 && !answer->body.failed && !sb_call_has_method(call, "HEAD");
    const struct sb_fault *fault = whole && may_be_faulty(call) ? sb_faults_draw(call->service->faults, SB_FAULT_BYTES,
                                                                                 call->route, call->path.data)
                                                                : NULL;
    if (fault)
        sb_fault_apply_to_body(answer, fault);
}

/* A path that cannot be decoded is told as it came, with what is not printable ASCII encoded. */
static void keep_encoded(struct sb_call *call, size_t length)
{
    const char *target = call->request->target;
    fs_buffer_clear(&call->path);
    for (size_t i = 0; i < length; i++) {
        if (target[i] > ' ' && target[i] <= '~')
            fs_buffer_append_char(&call->path, target[i]);
        else
            fs_buffer_printf(&call->path, "%%%02X", (unsigned char)target[i]);
    }
}

static void answer_call(struct sb_call *call)
{
    size_t path_length = strcspn(call->request->target, "?");
    if (path_length == 0 || !sb_form_percent_decode(call->request->target, path_length, &call->path)) {
        keep_encoded(call, path_length);
        sb_call_refuse_with(call, 400, SB_CODE_BAD_REQUEST, "the path is not percent-encoded UTF-8");
        return;
    }
    call->route = find_route(call);
    if (call->request->bad_headers)
        sb_call_refuse_with(call, 400, SB_CODE_BAD_REQUEST, call->request->bad_headers);
    else if (!answer_by_fault(call))
        answer_path(call);
    apply_fault_to_body(call);
}

void sb_service_answer(const struct sb_service *service, const struct sb_request *request, struct sb_answer *answer)
{
    struct sb_call call = {.service = service, .request = request, .answer = answer};
    size_t path_length = strcspn(request->target, "?");
    call.query = request->target[path_length] == '?' ? request->target + path_length + 1 : "";
    choose_request_id(request->request_id, answer->request_id);
    answer_call(&call);
    sb_request_counts_add(service->requests, call.route, answer->status);
    fs_buffer_free(&call.path);
    sb_api_errors_free(&call.errors);
}
