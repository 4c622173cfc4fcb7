#include "control.h"

#include <string.h>

#include "counters.h"
#include "fault.h"
#include "openapi.h"

static const struct {
    const char *path;
    enum fs_route route;
} paths[] = {
    {"/openapi.json", FS_ROUTE_OPENAPI},
    {"/__faults", FS_ROUTE_FAULTS},
    {"/__stats", FS_ROUTE_STATS},
};

enum fs_route fs_control_route(const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(paths[i].path, path) == 0)
            return paths[i].route;
    }
    return FS_ROUTE_NONE;
}

static void tell_faults(struct fs_call *call)
{
    struct fs_buffer *out = &call->answer->body;
    call->answer->status = 200;
    fs_buffer_append_text(out, "{\"faults\":");
    fs_faults_write(call->service->faults, out);
    fs_buffer_append_char(out, '}');
}

static void replace_faults(struct fs_call *call)
{
    const struct fs_request *request = call->request;
    struct fs_buffer problem = {0};
    if (!fs_call_check_body(call, "application/json"))
        return;
    if (fs_faults_replace(call->service->faults, request->body, request->body_length, &problem))
        tell_faults(call);
    else
        fs_call_refuse_with(call, 400, FS_CODE_BAD_REQUEST, problem.data ? problem.data : "out of memory");
    fs_buffer_free(&problem);
}

static void answer_faults(struct fs_call *call)
{
    if (fs_call_has_method(call, "GET"))
        tell_faults(call);
    else if (fs_call_has_method(call, "POST"))
        replace_faults(call);
    else
        fs_call_refuse_method(call, "GET, POST");
}

static void tell_stats(struct fs_call *call)
{
    struct fs_buffer *out = &call->answer->body;
    call->answer->status = 200;
    fs_buffer_append_char(out, '{');
    fs_counters_write(call->service->counters, out);
    fs_buffer_append_text(out, ",\"faults\":");
    fs_faults_write_counts(call->service->faults, out);
    fs_buffer_append_char(out, '}');
}

static void tell_openapi(struct fs_call *call)
{
    call->answer->status = 200;
    fs_buffer_append(&call->answer->body, fs_openapi, fs_openapi_length);
}

void fs_control_answer(struct fs_call *call)
{
    if (call->route == FS_ROUTE_FAULTS)
        answer_faults(call);
    else if (!fs_call_has_method(call, "GET"))
        fs_call_refuse_method(call, "GET");
    else if (call->route == FS_ROUTE_STATS)
        tell_stats(call);
    else
        tell_openapi(call);
}
