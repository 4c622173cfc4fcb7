#include "value/buffer.h"

#include <stdlib.h>

#include "test.h"

static void it_grows_and_stays_terminated(void)
{
    struct fs_buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        fs_buffer_append_char(&buffer, 'x');
    fs_buffer_append(&buffer, "yz", 2);
    fs_buffer_append_text(&buffer, "!");
    CHECK_INT((int64_t)buffer.length, 1003);
    CHECK_TEXT(buffer.data + 1000, "yz!");
    CHECK(buffer.capacity > buffer.length);
    fs_buffer_free(&buffer);
    CHECK(buffer.data == NULL);
}

static void formatted_text_is_appended_whole(void)
{
    struct fs_buffer buffer = {0};
    fs_buffer_append_text(&buffer, "a ");
    fs_buffer_printf(&buffer, "%0200d|%s", 7, "end");
    CHECK_INT((int64_t)buffer.length, 206);
    CHECK_TEXT(buffer.data + 201, "7|end");
    fs_buffer_free(&buffer);
}

static void taking_hands_over_and_empties(void)
{
    struct fs_buffer buffer = {0};
    char *text = fs_buffer_take(&buffer);
    CHECK_TEXT(text, "");
    free(text);
    fs_buffer_append_text(&buffer, "kept");
    text = fs_buffer_take(&buffer);
    CHECK_TEXT(text, "kept");
    CHECK_INT((int64_t)buffer.length, 0);
    free(text);
}

static void clearing_keeps_the_memory(void)
{
    struct fs_buffer buffer = {0};
    fs_buffer_append_text(&buffer, "first");
    const char *memory = buffer.data;
    fs_buffer_clear(&buffer);
    CHECK_TEXT(buffer.data, "");
    fs_buffer_append_text(&buffer, "second");
    CHECK(buffer.data == memory);
    CHECK_TEXT(buffer.data, "second");
    fs_buffer_free(&buffer);
}

static void a_failure_is_remembered(void)
{
    struct fs_buffer buffer = {0};
    fs_buffer_append_text(&buffer, "before");
    CHECK(!fs_buffer_reserve(&buffer, SIZE_MAX));
    fs_buffer_append_text(&buffer, "after");
    CHECK_INT((int64_t)buffer.length, 6);
    CHECK(buffer.failed);
    CHECK(fs_buffer_take(&buffer) == NULL);
    CHECK(buffer.data == NULL);
}

static void a_secret_can_be_freed_even_when_empty(void)
{
    struct fs_buffer buffer = {0};
    fs_buffer_free_secret(&buffer);
    fs_buffer_append_text(&buffer, "secret");
    fs_buffer_free_secret(&buffer);
    CHECK(buffer.data == NULL);
    CHECK_INT((int64_t)buffer.capacity, 0);
}

static const struct test tests[] = {
    {"it grows and stays terminated", it_grows_and_stays_terminated},
    {"formatted text is appended whole", formatted_text_is_appended_whole},
    {"taking hands the text over and empties the buffer", taking_hands_over_and_empties},
    {"clearing keeps the memory", clearing_keeps_the_memory},
    {"a failure is remembered", a_failure_is_remembered},
    {"a secret can be freed, even an empty one", a_secret_can_be_freed_even_when_empty},
};
SUITE(buffer, tests);
