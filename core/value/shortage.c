#include "shortage.h"

#include <errno.h>
#include <stddef.h>

const char fs_out_of_memory[] = "out of memory; keep fewer results at a time, or give the process more memory";

const char *fs_shortage(int reason)
{
    switch (reason) {
    case EMFILE:
        return "out of file descriptors; close what is not needed, or raise the limit of the process (ulimit -n)";
    case ENFILE:
        return "out of file descriptors; the whole system has used up its own: raise fs.file-max";
    case ENOMEM:
    case ENOBUFS:
        return fs_out_of_memory;
    default:
        return NULL;
    }
}
