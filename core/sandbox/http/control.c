#include "control.h"

#include <string.h>

#include "fault.h"
#include "openapi.h"
#include "sandbox/base/counters.h"

static const struct {
    const char *path;
    enum sb_route route;
} paths[] = {
    {"/openapi.json", SB_ROUTE_OPENAPI},
    {"/__faults", SB_ROUTE_FAULTS},
    {"/__stats", SB_ROUTE_STATS},
};

enum sb_route sb_control_route(const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(paths[i].path, path) == 0)
            return paths[i].route;
    }
    return SB_ROUTE_NONE;
}

static void tell_faults(struct sb_call *call)
{
    struct fs_buffer *out = &call->answer->body;
    call->answer->status = 200;
    fs_buffer_append_text(out, "{\"faults\":");
    sb_faults_write(call->service->faults, out);
    fs_buffer_append_char(out, '}');
}

static void replace_faults(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    struct fs_buffer problem = {0};
    if (!sb_call_check_body(call, "application/json"))
        return;
    if (sb_faults_replace(call->service->faults, request->body, request->body_length, &problem))
        tell_faults(call);
    else
        sb_call_refuse_with(call, 400, SB_CODE_BAD_REQUEST, problem.data ? problem.data : "out of memory");
    fs_buffer_free(&problem);
}

static void answer_faults(struct sb_call *call)
{
    if (sb_call_has_method(call, "GET"))
        tell_faults(call);
    else if (sb_call_has_method(call, "POST"))
        replace_faults(call);
    else
        sb_call_refuse_method(call, "GET, POST");
}

static void tell_stats(struct sb_call *call)
{
    struct fs_buffer *out = &call->answer->body;
    call->answer->status = 200;
    fs_buffer_append_text(out, "{\"requests\":");
    sb_request_counts_write(call->service->requests, out);
    fs_buffer_append_char(out, ',');
    sb_counters_write(call->service->counters, out);
    fs_buffer_append_text(out, ",\"faults\":");
    sb_faults_write_counts(call->service->faults, out);
    fs_buffer_append_char(out, '}');
}

static void tell_openapi(struct sb_call *call)
{
    call->answer->status = 200;
    fs_buffer_append(&call->answer->body, sb_openapi, sb_openapi_length);
}

void sb_control_answer(struct sb_call *call)
{
    if (call->route == SB_ROUTE_FAULTS)
        answer_faults(call);
    else if (!sb_call_has_method(call, "GET"))
        sb_call_refuse_method(call, "GET");
    else if (call->route == SB_ROUTE_STATS)
        tell_stats(call);
    else
        tell_openapi(call);
}
