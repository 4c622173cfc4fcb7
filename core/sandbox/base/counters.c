#include "counters.h"

void sb_counters_add(struct sb_counters *counters, enum sb_counter counter, uint64_t number)
{
    atomic_fetch_add_explicit(&counters->counters[counter], number, memory_order_relaxed);
}

void sb_counters_count(struct sb_counters *counters, enum sb_counter counter)
{
    sb_counters_add(counters, counter, 1);
}

uint64_t sb_counters_value(const struct sb_counters *counters, enum sb_counter counter)
{
    return atomic_load_explicit(&counters->counters[counter], memory_order_relaxed);
}

static unsigned long long value(const struct sb_counters *counters, enum sb_counter counter)
{
    return sb_counters_value(counters, counter);
}

void sb_counters_write(const struct sb_counters *counters, struct fs_buffer *out)
{
    unsigned long long closed = value(counters, SB_CONNECTIONS_CLOSED); /* before opened: open is then never negative */
    unsigned long long opened = value(counters, SB_CONNECTIONS_OPENED);
    fs_buffer_printf(out, "\"connections\":{\"opened\":%llu,\"open\":%llu}", opened, opened - closed);
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
