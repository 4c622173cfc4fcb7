#include "stats.h"

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

void fs_stats_add(struct fs_stats *stats, enum fs_counter counter, uint64_t number)
{
    atomic_fetch_add_explicit(&stats->counters[counter], number, memory_order_relaxed);
}

void fs_stats_count(struct fs_stats *stats, enum fs_counter counter)
{
    fs_stats_add(stats, counter, 1);
}

void fs_stats_count_request(struct fs_stats *stats, enum fs_route route, unsigned status)
{
    if (status < FS_STATS_STATUSES)
        atomic_fetch_add_explicit(&stats->requests[route][status], 1, memory_order_relaxed);
}

uint64_t fs_stats_value(const struct fs_stats *stats, enum fs_counter counter)
{
    return atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
}

static unsigned long long value(const struct fs_stats *stats, enum fs_counter counter)
{
    return fs_stats_value(stats, counter);
}

static void write_requests(const struct fs_stats *stats, struct fs_buffer *out)
{
    const char *separator = "";
    fs_buffer_append_text(out, "\"requests\":[");
    for (int route = 0; route < FS_ROUTES; route++) {
        for (int status = 0; status < FS_STATS_STATUSES; status++) {
            uint64_t count = atomic_load_explicit(&stats->requests[route][status], memory_order_relaxed);
            if (count == 0)
                continue;
            fs_buffer_printf(out, "%s{\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"count\":%llu}", separator,
                             route_names[route].method, route_names[route].path, status, (unsigned long long)count);
            separator = ",";
        }
    }
    fs_buffer_append_char(out, ']');
}

void fs_stats_write(const struct fs_stats *stats, struct fs_buffer *out)
{
    write_requests(stats, out);
    unsigned long long closed = value(stats, FS_CONNECTIONS_CLOSED); /* before opened: open is then never negative */
    unsigned long long opened = value(stats, FS_CONNECTIONS_OPENED);
    fs_buffer_printf(out, ",\"connections\":{\"opened\":%llu,\"open\":%llu}", opened, opened - closed);
    fs_buffer_printf(out, ",\"tokens\":{\"made\":%llu,\"handed\":%llu,\"revoked\":%llu}", value(stats, FS_TOKENS_MADE),
                     value(stats, FS_TOKENS_HANDED), value(stats, FS_TOKENS_REVOKED));
    fs_buffer_printf(out, ",\"jobs\":{\"made\":%llu,\"computed\":%llu,\"failed\":%llu,\"swept\":%llu}",
                     value(stats, FS_JOBS_MADE), value(stats, FS_JOBS_COMPUTED), value(stats, FS_JOBS_FAILED),
                     value(stats, FS_JOBS_SWEPT));
    fs_buffer_printf(out, ",\"callbacks\":{\"sent\":%llu,\"delivered\":%llu,\"givenUp\":%llu}",
                     value(stats, FS_CALLBACKS_SENT), value(stats, FS_CALLBACKS_DELIVERED),
                     value(stats, FS_CALLBACKS_GIVEN_UP));
}
