/* A growing run of bytes. A failed allocation is remembered: later appends do nothing, and the caller asks once, at
 * the end. */
#ifndef FINSEG_BUFFER_H
#define FINSEG_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise before the first use. `data` is NULL or holds `length` bytes and a zero after them. */
struct fs_buffer {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

/* Makes room for `more` bytes beyond the length. False when out of memory. */
bool fs_buffer_reserve(struct fs_buffer *buffer, size_t more);
void fs_buffer_append(struct fs_buffer *buffer, const void *bytes, size_t length);
void fs_buffer_append_text(struct fs_buffer *buffer, const char *text);
void fs_buffer_append_char(struct fs_buffer *buffer, char c);
__attribute__((format(printf, 2, 3))) void fs_buffer_printf(struct fs_buffer *buffer, const char *format, ...);
void fs_buffer_vprintf(struct fs_buffer *buffer, const char *format, va_list arguments);
/* Empties it and keeps the memory for the next use. */
void fs_buffer_clear(struct fs_buffer *buffer);
/* Hands the bytes over as a zero-terminated text that the caller frees, and empties the buffer. NULL when it had
 * failed. */
char *fs_buffer_take(struct fs_buffer *buffer);
void fs_buffer_free(struct fs_buffer *buffer);
/* Overwrites the whole memory with zeros before freeing it: for secrets. */
void fs_buffer_free_secret(struct fs_buffer *buffer);

#endif
