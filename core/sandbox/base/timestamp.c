#include "timestamp.h"

#include <stdio.h>
#include <time.h>

enum { MS_PER_SECOND = 1000, NS_PER_MS = 1000000 };

int64_t sb_timestamp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / NS_PER_MS;
}

void sb_timestamp_format(int64_t timestamp, char text[SB_TIMESTAMP_TEXT])
{
    time_t seconds = (time_t)(timestamp / MS_PER_SECOND);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, SB_TIMESTAMP_TEXT, "%Y-%m-%d %H:%M:%S", &utc);
    snprintf(text + length, SB_TIMESTAMP_TEXT - length, ".%03d", (int)(timestamp % MS_PER_SECOND));
}
