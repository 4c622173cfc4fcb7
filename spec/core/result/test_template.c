/* The faster readers of a page against the scalar one, and the template by itself. */
#include "../../fuzz/readers.h"

#include "result/template.h"
#include "test.h"
#include "value/buffer.h"
#include "value/simd.h"

#define UUID "3f2b8c1e-9d47-4e5a-8b6f-0123456789ab"

/* Users as services write them, and what stands between two of them. */
struct style {
    const char *user;
    const char *separator;
};

static const struct style styles[] = {
    {"{\"userId\":\"" UUID
     "\",\"accounts\":[{\"accountId\":\"a\",\"amount\":5000.10},{\"accountId\":\"b\",\"amount\":-7}]}",
     ","},
    {"{\"userId\":\"u\",\"accounts\":[{\"amount\":1,\"accountId\":\"" UUID "\",\"note\":null}]}", ","},
    {"{\"userId\": \"u\", \"accounts\": [{\"accountId\": \"a\", \"amount\": 1e3}, {\"accountId\": \"b\", \"amount\": "
     "0.5}]}",
     ", "},
    {"{\n  \"accounts\": [\n    {\n      \"amount\": 12.25\n    },\n    {\n      \"amount\": 99999999.9999\n    }\n  "
     "],\n"
     "  \"userId\": \"" UUID "\"\n}",
     ",\n"},
    {"{\"userId\":\"u\",\"insurances\":[{\"type\":{\"a\":[1,\"x\"]},\"amount\":3.5}],\"accounts\":null,\"z\":[]}", ","},
    {"{\"userId\":\"u\",\"breakdowns\":[{\"label\":\"SALARY\"}]}", ","},
    {"{\"userId\":\"u\",\"accounts\":[{\"accountId\":null,\"incomingCount\":3}]}", ","},
};

enum { STYLES = sizeof styles / sizeof *styles };

static void append_users(struct fs_buffer *page, const struct style *style, int count)
{
    for (int i = 0; i < count; i++) {
        if (page->data[page->length - 1] != '[')
            fs_buffer_append_text(page, style->separator);
        fs_buffer_append_text(page, style->user);
    }
}

static struct fs_buffer page_of(const struct style *style, int count)
{
    struct fs_buffer page = {0};
    fs_buffer_append_text(&page, "{\"users\":[");
    append_users(&page, style, count);
    fs_buffer_append_text(&page, "],\"totalElements\":12}");
    CHECK(!page.failed);
    return page;
}

/* Each byte of a page in turn becomes another: one that ends a string, a number, a user, or begins something else. */
static void a_wrong_byte_anywhere_is_judged_alike(void)
{
    static const char others[] = "\"\\{}[],:0x-. \x01\x80\xC3";
    for (int style = 0; style < STYLES; style++) {
        struct fs_buffer page = page_of(&styles[style], 5);
        for (size_t at = 0; at < page.length; at++) {
            const char right = page.data[at];
            for (size_t i = 0; others[i]; i++) {
                page.data[at] = others[i];
                CHECK_CASE(readers_agree(page.data, page.length), page.data);
            }
            page.data[at] = right;
        }
        fs_buffer_free(&page);
    }
}

static void a_page_cut_short_anywhere_is_refused_alike(void)
{
    for (int style = 0; style < STYLES; style++) {
        struct fs_buffer page = page_of(&styles[style], 5);
        for (size_t length = 0; length <= page.length; length++)
            CHECK_CASE(readers_agree(page.data, length), page.data);
        fs_buffer_free(&page);
    }
}

static void users_of_other_shapes_in_between_are_read_alike(void)
{
    for (int usual = 0; usual < STYLES; usual++) {
        for (int other = 0; other < STYLES; other++) {
            struct fs_buffer page = page_of(&styles[usual], 4);
            page.length -= strlen("],\"totalElements\":12}");
            append_users(&page, &styles[other], 1);
            append_users(&page, &styles[usual], 3);
            append_users(&page, &styles[other], 100); /* long enough for the template to rest and to come back */
            append_users(&page, &styles[usual], 100);
            fs_buffer_append_text(&page, "]}");
            CHECK_CASE(readers_agree(page.data, page.length), page.data);
            fs_buffer_free(&page);
        }
    }
}

/* Values that the template takes fast, slowly, or not at all. */
static void unusual_values_are_read_alike(void)
{
    static const char *const ids[] = {UUID,
                                      "",
                                      "3F2b8c1e-9d47-4e5a-8b6f-0123456789ab",
                                      UUID "0",
                                      "\xC3\xA4\xE2\x82\xAC",
                                      "a\\n",
                                      "\\u0033f2b8c1e-9d47-4e5a-8b6f-0123456789ab"};
    static const char *const amounts[] = {"0",
                                          "-0",
                                          "00",
                                          "-",
                                          "1.",
                                          ".5",
                                          "1.2345",
                                          "1.23450",
                                          "1.00001",
                                          "123456789",
                                          "12345678.1",
                                          "-99999999.9999",
                                          "1e2",
                                          "1E-2",
                                          "1.5e1",
                                          "1e",
                                          "1.2.3",
                                          "922337203685477.5807",
                                          "922337203685477.5808",
                                          "1e400",
                                          "+1",
                                          "0x1",
                                          "null"};
    for (size_t id = 0; id < sizeof ids / sizeof *ids; id++) {
        for (size_t amount = 0; amount < sizeof amounts / sizeof *amounts; amount++) {
            struct fs_buffer user = {0};
            fs_buffer_printf(&user, "{\"userId\":\"%s\",\"accounts\":[{\"accountId\":\"%s\",\"amount\":%s}]}",
                             id % 2 ? UUID : ids[id], ids[id], amounts[amount]);
            struct style style = {"{\"userId\":\"u\",\"accounts\":[{\"accountId\":\"a\",\"amount\":1}]}", ","};
            struct fs_buffer page = page_of(&style, 3);
            page.length -= strlen("],\"totalElements\":12}");
            append_users(&page, &(struct style){user.data, ","}, 1);
            append_users(&page, &style, 3);
            fs_buffer_append_text(&page, "]}");
            CHECK_CASE(readers_agree(page.data, page.length), page.data);
            fs_buffer_free(&page);
            fs_buffer_free(&user);
        }
    }
}

#if FS_SIMD

/* Without this the tests above would hold for a template that never matched. */
static void a_template_reads_users_like_the_one_it_was_learned_from(void)
{
    enum { USERS = 12 };
    for (int style = 0; style < STYLES; style++) {
        struct fs_template template;
        struct fs_json json;
        struct fs_buffer text = page_of(&styles[style], USERS);
        finseg_page page = {.text = text.data, .length = text.length};
        finseg_slice user = {styles[style].user, strlen(styles[style].user)};
        finseg_slice space = {styles[style].separator + 1, strlen(styles[style].separator + 1)};
        bool learnable = strstr(styles[style].user, "[]}") == NULL || style == 4;
        CHECK_CASE(fs_template_learn(&template, user, space) == learnable, styles[style].user);
        fs_json_begin(&json, text.data, text.length);
        json.at += strlen("{\"users\":[");
        json.depth = 2;
        size_t read = fs_template_read_users(&template, &json, &page);
        /* The last ones lie too near to the end for looks at sixteen bytes. */
        CHECK_CASE(read >= USERS - 4 && read == page.user_count, styles[style].user);
        CHECK(json.depth == 2 && !json.problem && json.at[-1] == '}' && (*json.at == ',' || *json.at == ']'));
        page.text = NULL;
        readers_free(&page);
        fs_buffer_free(&text);
    }
}

static void users_no_template_can_be_made_of_are_not_learned(void)
{
    static const char *const users[] = {
        "{\"userId\":\"u\",\"accounts\":[]}", "{\"userId\":\"u\",\"accounts\":[{}]}",
        "{\"userId\":\"u\",\"accounts\":[{\"amount\":1}],\"insurances\":[{\"amount\":1}]}"};
    struct fs_template template;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        CHECK_CASE(!fs_template_learn(&template, (finseg_slice){users[i], strlen(users[i])}, (finseg_slice){0}),
                   users[i]);
        CHECK(!template.learned);
    }
    struct fs_buffer large = {0};
    fs_buffer_append_text(&large, "{\"userId\":\"u\"");
    for (int i = 0; i < 100; i++)
        fs_buffer_printf(&large, ",\"member%d\":%d", i, i);
    fs_buffer_append_text(&large, "}");
    CHECK(!fs_template_learn(&template, (finseg_slice){large.data, large.length}, (finseg_slice){0}));
    fs_buffer_free(&large);
}

#endif

static const struct test tests[] = {
    {"a wrong byte anywhere is judged alike", a_wrong_byte_anywhere_is_judged_alike},
    {"a page cut short anywhere is refused alike", a_page_cut_short_anywhere_is_refused_alike},
    {"users of other shapes in between are read alike", users_of_other_shapes_in_between_are_read_alike},
    {"unusual values are read alike", unusual_values_are_read_alike},
#if FS_SIMD
    {"a template reads users like the one it was learned from",
     a_template_reads_users_like_the_one_it_was_learned_from},
    {"users that no template can be made of are not learned", users_no_template_can_be_made_of_are_not_learned},
#endif
};
SUITE(template, tests);
