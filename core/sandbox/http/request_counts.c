#include "request_counts.h"

static const struct {
    const char *method;
    const char *path;
} route_names[SB_ROUTES] = {
    [SB_ROUTE_NONE] = {"*", "*"},
    [SB_ROUTE_TOKEN] = {"POST", "/api/v2/oauth/token"},
    [SB_ROUTE_CREATE] = {"POST", "/api/v1/segments/{kind}"},
    [SB_ROUTE_RETRIEVE] = {"GET", "/api/v1/segments/{kind}/{jobId}"},
    [SB_ROUTE_OPENAPI] = {"GET", "/openapi.json"},
    [SB_ROUTE_FAULTS] = {"*", "/__faults"},
    [SB_ROUTE_STATS] = {"GET", "/__stats"},
};

void sb_request_counts_add(struct sb_request_counts *requests, enum sb_route route, unsigned status)
{
    if (status < SB_REQUEST_COUNTS_STATUSES)
        atomic_fetch_add_explicit(&requests->counts[route][status], 1, memory_order_relaxed);
}

void sb_request_counts_write(const struct sb_request_counts *requests, struct fs_buffer *out)
{
    const char *separator = "";
    fs_buffer_append_char(out, '[');
    for (int route = 0; route < SB_ROUTES; route++) {
        for (int status = 0; status < SB_REQUEST_COUNTS_STATUSES; status++) {
            uint64_t count = atomic_load_explicit(&requests->counts[route][status], memory_order_relaxed);
            if (count == 0)
                continue;
            fs_buffer_printf(out, "%s{\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"count\":%llu}", separator,
                             route_names[route].method, route_names[route].path, status, (unsigned long long)count);
            separator = ",";
        }
    }
    fs_buffer_append_char(out, ']');
}
