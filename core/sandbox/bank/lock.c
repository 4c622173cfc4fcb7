#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int sb_lock_take(const char *file, struct fs_buffer *problem)
{
    int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    if (lock >= 0 && errno == EWOULDBLOCK)
        fs_buffer_printf(problem, "%s is in use by another sandbox: end that one, or take another --db", file);
    else
        fs_buffer_printf(problem, "database: %s: %s", file, strerror(errno));
    sb_lock_release(lock);
    return -1;
}

void sb_lock_release(int lock)
{
    if (lock >= 0)
        close(lock);
}
