#include "counters.h"

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

void sb_counters_add(struct sb_counters *counters, enum sb_counter counter, uint64_t number)
{
    atomic_fetch_add_explicit(&counters->counters[counter], number, memory_order_relaxed);
}

void sb_counters_count(struct sb_counters *counters, enum sb_counter counter)
{
    sb_counters_add(counters, counter, 1);
}

void sb_counters_count_request(struct sb_counters *counters, enum sb_route route, unsigned status)
{
    if (status < SB_COUNTERS_STATUSES)
        atomic_fetch_add_explicit(&counters->requests[route][status], 1, memory_order_relaxed);
}

uint64_t sb_counters_value(const struct sb_counters *counters, enum sb_counter counter)
{
    return atomic_load_explicit(&counters->counters[counter], memory_order_relaxed);
}

static unsigned long long value(const struct sb_counters *counters, enum sb_counter counter)
{
    return sb_counters_value(counters, counter);
}

static void write_requests(const struct sb_counters *counters, struct fs_buffer *out)
{
    const char *separator = "";
    fs_buffer_append_text(out, "\"requests\":[");
    for (int route = 0; route < SB_ROUTES; route++) {
        for (int status = 0; status < SB_COUNTERS_STATUSES; status++) {
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

void sb_counters_write(const struct sb_counters *counters, struct fs_buffer *out)
{
    write_requests(counters, out);
    unsigned long long closed = value(counters, SB_CONNECTIONS_CLOSED); /* before opened: open is then never negative */
    unsigned long long opened = value(counters, SB_CONNECTIONS_OPENED);
    fs_buffer_printf(out, ",\"connections\":{\"opened\":%llu,\"open\":%llu}", opened, opened - closed);
    fs_buffer_printf(out, ",\"tokens\":{\"made\":%llu,\"handed\":%llu,\"revoked\":%llu}",
                     value(counters, SB_TOKENS_MADE), value(counters, SB_TOKENS_HANDED),
                     value(counters, SB_TOKENS_REVOKED));
    fs_buffer_printf(out, ",\"jobs\":{\"made\":%llu,\"computed\":%llu,\"failed\":%llu,\"swept\":%llu}",
                     value(counters, SB_JOBS_MADE), value(counters, SB_JOBS_COMPUTED), value(counters, SB_JOBS_FAILED),
                     value(counters, SB_JOBS_SWEPT));
    fs_buffer_printf(out, ",\"callbacks\":{\"sent\":%llu,\"delivered\":%llu,\"givenUp\":%llu}",
                     value(counters, SB_CALLBACKS_SENT), value(counters, SB_CALLBACKS_DELIVERED),
                     value(counters, SB_CALLBACKS_GIVEN_UP));
}
