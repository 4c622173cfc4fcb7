/* Descriptors of others that are attached to a client's loop: a server for callbacks, a connection to a store. */
#ifndef FINSEG_ATTACH_H
#define FINSEG_ATTACH_H

#include <sys/queue.h>

#include "io/loop.h"

/* One of them. Zero-initialise the list. */
struct fs_attached;
struct fs_attached_list {
    LIST_HEAD(fs_attachments, fs_attached) first;
};

/* NULL when it is not attached. */
struct fs_attached *fs_attached_find(const struct fs_attached_list *list, int fd);
/* False with errno set. */
bool fs_attach(struct fs_attached_list *list, struct fs_loop *loop, int fd);
/* The descriptor stays open. */
void fs_detach(struct fs_attached *attached);
void fs_detach_all(struct fs_attached_list *list);
/* In a process that was forked from the loop's: closes what was inherited, and leaves the common set as it is. */
void fs_detach_inherited(const struct fs_attached_list *list);
/* Has it count as ready at `due` (monotonic), whatever comes; negative: not by the clock. */
void fs_attached_set_alarm(struct fs_attached *attached, double due);
/* One that is ready, and not told yet; -1 when there is none. */
int fs_attached_next_ready(struct fs_attached_list *list);

#endif
