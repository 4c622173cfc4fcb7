#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

bool fs_buffer_reserve(struct fs_buffer *buffer, size_t more)
{
    if (buffer->failed)
        return false;
    if (more >= SIZE_MAX / 2 - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + more + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    buffer->data[buffer->length] = '\0';
    return true;
}

void fs_buffer_append(struct fs_buffer *buffer, const void *bytes, size_t length)
{
    if (!fs_buffer_reserve(buffer, length))
        return;
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void fs_buffer_append_text(struct fs_buffer *buffer, const char *text)
{
    fs_buffer_append(buffer, text, strlen(text));
}

void fs_buffer_append_char(struct fs_buffer *buffer, char c)
{
    fs_buffer_append(buffer, &c, 1);
}

void fs_buffer_vprintf(struct fs_buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0)
        buffer->failed = true;
    else if (fs_buffer_reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

void fs_buffer_printf(struct fs_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fs_buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

void fs_buffer_clear(struct fs_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

char *fs_buffer_take(struct fs_buffer *buffer)
{
    char *data = NULL;
    if (fs_buffer_reserve(buffer, 0)) {
        data = buffer->data;
        *buffer = (struct fs_buffer){0};
    } else {
        fs_buffer_free(buffer);
    }
    return data;
}

void fs_buffer_free(struct fs_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct fs_buffer){0};
}

void fs_buffer_free_secret(struct fs_buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    fs_buffer_free(buffer);
}
