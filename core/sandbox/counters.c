#include "counters.h"

static const struct {
    const char *method;
    const char *path;
} route_names[FS_ROUTES] = {
    [FS_ROUTE_NONE] = {"*", "*"},
    [FS_ROUTE_TOKEN] = {"POST", "/api/v2/oauth/token"},
    [FS_ROUTE_CREATE] = {"POST", "/api/v1/segments/{kind}"},
    [FS_ROUTE_RETRIEVE] = {"GET", "/api/v1/segments/{kind}/{jobId}"},
    [FS_ROUTE_OPENAPI] = {"GET", "/openapi.json"},
    [FS_ROUTE_FAULTS] = {"*", "/__faults"},
    [FS_ROUTE_STATS] = {"GET", "/__stats"},
};

void fs_counters_add(struct fs_counters *counters, enum fs_counter counter, uint64_t number)
{
    atomic_fetch_add_explicit(&counters->counters[counter], number, memory_order_relaxed);
}

void fs_counters_count(struct fs_counters *counters, enum fs_counter counter)
{
    fs_counters_add(counters, counter, 1);
}

void fs_counters_count_request(struct fs_counters *counters, enum fs_route route, unsigned status)
{
    if (status < FS_COUNTERS_STATUSES)
        atomic_fetch_add_explicit(&counters->requests[route][status], 1, memory_order_relaxed);
}

uint64_t fs_counters_value(const struct fs_counters *counters, enum fs_counter counter)
{
    return atomic_load_explicit(&counters->counters[counter], memory_order_relaxed);
}

static unsigned long long value(const struct fs_counters *counters, enum fs_counter counter)
{
    return fs_counters_value(counters, counter);
}

static void write_requests(const struct fs_counters *counters, struct fs_buffer *out)
{
    const char *separator = "";
    fs_buffer_append_text(out, "\"requests\":[");
    for (int route = 0; route < FS_ROUTES; route++) {
        for (int status = 0; status < FS_COUNTERS_STATUSES; status++) {
            uint64_t count = atomic_load_explicit(&counters->requests[route][status], memory_order_relaxed);
            if (count == 0)
                continue;
            fs_buffer_printf(out, "%s{\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"count\":%llu}", separator,
                             route_names[route].method, route_names[route].path, status, (unsigned long long)count);
            separator = ",";
        }
    }
    fs_buffer_append_char(out, ']');
}

void fs_counters_write(const struct fs_counters *counters, struct fs_buffer *out)
{
    write_requests(counters, out);
    unsigned long long closed = value(counters, FS_CONNECTIONS_CLOSED); /* before opened: open is then never negative */
    unsigned long long opened = value(counters, FS_CONNECTIONS_OPENED);
    fs_buffer_printf(out, ",\"connections\":{\"opened\":%llu,\"open\":%llu}", opened, opened - closed);
    fs_buffer_printf(out, ",\"tokens\":{\"made\":%llu,\"handed\":%llu,\"revoked\":%llu}",
                     value(counters, FS_TOKENS_MADE), value(counters, FS_TOKENS_HANDED),
                     value(counters, FS_TOKENS_REVOKED));
    fs_buffer_printf(out, ",\"jobs\":{\"made\":%llu,\"computed\":%llu,\"failed\":%llu,\"swept\":%llu}",
                     value(counters, FS_JOBS_MADE), value(counters, FS_JOBS_COMPUTED), value(counters, FS_JOBS_FAILED),
                     value(counters, FS_JOBS_SWEPT));
    fs_buffer_printf(out, ",\"callbacks\":{\"sent\":%llu,\"delivered\":%llu,\"givenUp\":%llu}",
                     value(counters, FS_CALLBACKS_SENT), value(counters, FS_CALLBACKS_DELIVERED),
                     value(counters, FS_CALLBACKS_GIVEN_UP));
}
