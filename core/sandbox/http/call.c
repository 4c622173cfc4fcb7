#include "call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "sandbox/base/timestamp.h"
#include "value/json.h"
#include "value/text.h"

bool sb_call_has_method(const struct sb_call *call, const char *method)
{
    return strcmp(call->request->method, method) == 0;
}

/* The role of the access token that the request brings, as far as it is known. */
static enum sb_role bearer_role(const struct sb_call *call)
{
    static const char scheme[] = "Bearer ";
    const char *header = call->request->authorization;
    bool bears = header && strncasecmp(header, scheme, strlen(scheme)) == 0;
    return bears ? sb_tokens_role(call->service->tokens, header + strlen(scheme)) : SB_ROLE_NONE;
}

/* ---- error bodies ---------------------------------------------------------------------------------------- */

void sb_call_refuse(struct sb_call *call, unsigned status)
{
    struct fs_buffer *out = &call->answer->body;
    char date[SB_TIMESTAMP_TEXT];
    struct fs_buffer endpoint = {0};
    sb_timestamp_format(sb_timestamp_now(), date);
    const char *method = call->request->method;
    const char *path = call->path.data ? call->path.data : "";
    fs_buffer_printf(&endpoint, "%s %s", fs_text_is_utf8(method, strlen(method)) ? method : "?", path);

    call->answer->status = status;
    fs_buffer_append_text(out, "{\"errors\":[");
    fs_buffer_append(out, call->errors.members.data, call->errors.members.length);
    fs_buffer_printf(out, "],\"date\":\"%s\",\"requestId\":", date);
    fs_json_append_string(out, call->answer->request_id, strlen(call->answer->request_id));
    fs_buffer_append_text(out, ",\"endpoint\":");
    fs_json_append_string(out, endpoint.data ? endpoint.data : "", endpoint.length);
    fs_buffer_append_text(out, ",\"authContext\":");
    const char *caller = bearer_role(call) == SB_ROLE_NONE ? "anonymous" : call->service->client_id;
    fs_json_append_string(out, caller, strlen(caller));
    fs_buffer_append_char(out, '}');
    if (call->errors.members.failed || endpoint.failed)
        out->failed = true;
    fs_buffer_free(&endpoint);
}

void sb_call_refuse_with(struct sb_call *call, unsigned status, const char *code, const char *message)
{
    sb_api_errors_add(&call->errors, code, "%s", message);
    sb_call_refuse(call, status);
}

void sb_call_fail(struct sb_call *call, struct fs_buffer *reason)
{
    fprintf(stderr, "finseg-sandbox: %s\n", reason->data ? reason->data : "out of memory");
    fs_buffer_free(reason);
    sb_call_refuse_with(call, 500, SB_CODE_UNEXPECTED_ERROR, "the sandbox cannot answer now");
}

void sb_call_refuse_authentication(struct sb_call *call, unsigned status, const char *error, const char *description)
{
    call->answer->status = status;
    fs_buffer_printf(&call->answer->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, description);
}

void sb_call_refuse_method(struct sb_call *call, const char *allowed)
{
    call->answer->allow = allowed;
    sb_call_refuse_with(call, 405, SB_CODE_METHOD_NOT_ALLOWED, "this path takes another method");
}

void sb_call_refuse_path(struct sb_call *call)
{
    sb_call_refuse_with(call, 404, SB_CODE_ENTITY_NOT_FOUND, "there is nothing at this path");
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

bool sb_call_check_body(struct sb_call *call, const char *type)
{
    const struct sb_request *request = call->request;
    if (request->body_too_large) {
        sb_call_refuse_with(call, 413, SB_CODE_REQUEST_TOO_LARGE, "the body is larger than 1 MiB");
        return false;
    }
    if (!has_media_type(request->content_type, type)) {
        sb_api_errors_add(&call->errors, SB_CODE_UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be %s", type);
        sb_call_refuse(call, 415);
        return false;
    }
    if (request->content_encoding && strcasecmp(request->content_encoding, "identity") != 0) {
        sb_call_refuse_with(call, 415, SB_CODE_UNSUPPORTED_MEDIA_TYPE, "the body must have no Content-Encoding");
        return false;
    }
    return true;
}

bool sb_call_check_token(struct sb_call *call)
{
    static const char scheme[] = "Bearer ";
    const char *header = call->request->authorization;
    if (!header || strncasecmp(header, scheme, strlen(scheme)) != 0) {
        call->answer->authenticate = "Bearer";
        sb_call_refuse_authentication(call, 401, "unauthorized", "an access token is required");
        return false;
    }
    enum sb_role role = sb_tokens_role(call->service->tokens, header + strlen(scheme));
    if (role != SB_ROLE_NONE && sb_faults_draw(call->service->faults, SB_FAULT_TOKEN, call->route, call->path.data)) {
        sb_tokens_revoke(call->service->tokens, role);
        sb_counters_count(call->service->counters, SB_TOKENS_REVOKED);
        role = SB_ROLE_NONE;
    }
    call->role = role;
    if (role == SB_ROLE_NONE) {
        call->answer->authenticate = "Bearer error=\"invalid_token\"";
        sb_call_refuse_authentication(call, 401, "invalid_token", "the access token is unknown or expired");
        return false;
    }
    if (call->service->role != SB_ROLE_NONE && call->service->role != role) {
        call->answer->authenticate = "Bearer error=\"insufficient_scope\"";
        sb_call_refuse_authentication(call, 403, "insufficient_scope",
                                      role == SB_ROLE_CLIENT ? "a user's token is required"
                                                             : "a client's token is required");
        return false;
    }
    return true;
}
