#include "sample.h"

#include <string.h>

#include "value/uuid.h"

static const char *const names[SAMPLE_SHAPES] = {"regular",         "1-3 accounts", "shuffled", "extra",
                                                 "sometimes extra", "missing",      "mixed"};

/* A page being put together. */
struct writer {
    struct fs_buffer *out;
    bool pretty;
    int level;
    uint64_t random;
};

const char *sample_name(enum sample_shape shape)
{
    return names[shape];
}

uint64_t sample_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

void sample_uuid(uint64_t *state, char *text)
{
    struct fs_uuid uuid;
    uuid.high = (sample_random(state) & ~UINT64_C(0xF000)) | 0x4000;
    uuid.low = (sample_random(state) >> 2) | UINT64_C(1) << 63;
    fs_uuid_write(&uuid, text);
}

static bool happens(struct writer *writer, unsigned one_in)
{
    return sample_random(&writer->random) % one_in == 0;
}

static void line(struct writer *writer)
{
    if (writer->pretty)
        fs_buffer_printf(writer->out, "\n%*s", writer->level * 2, "");
}

static void open_bracket(struct writer *writer, char bracket)
{
    fs_buffer_append_char(writer->out, bracket);
    writer->level++;
}

static void close_bracket(struct writer *writer, char bracket)
{
    writer->level--;
    line(writer);
    fs_buffer_append_char(writer->out, bracket);
}

static void separate(struct writer *writer, bool *first)
{
    if (!*first)
        fs_buffer_append_char(writer->out, ',');
    *first = false;
    line(writer);
}

static void name(struct writer *writer, bool *first, const char *member)
{
    separate(writer, first);
    fs_buffer_printf(writer->out, writer->pretty ? "\"%s\": " : "\"%s\":", member);
}

static void write_uuid(struct writer *writer)
{
    char text[FS_UUID_TEXT + 1] = "";
    sample_uuid(&writer->random, text);
    fs_buffer_printf(writer->out, "\"%s\"", text);
}

/* From 0.01 to 99,999.99, small ones more often, one in four negative. */
static void write_amount(struct writer *writer)
{
    static const unsigned ranges[] = {1000, 100000, 1000000, 10000000};
    unsigned cents = (unsigned)(sample_random(&writer->random) % ranges[sample_random(&writer->random) % 4]);
    fs_buffer_printf(writer->out, "%s%u.%02u", happens(writer, 4) ? "-" : "", cents / 100, cents % 100);
}

static void write_note(struct writer *writer)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    size_t length = sample_random(&writer->random) % (sizeof text - 1);
    fs_buffer_printf(writer->out, "\"%.*s\"", (int)length, text);
}

static void write_account(struct writer *writer, enum sample_shape shape)
{
    bool first = true;
    bool mixed = shape == SAMPLE_MIXED;
    bool amount_first = (shape == SAMPLE_SHUFFLED || mixed) && happens(writer, 2);
    bool without_id = (shape == SAMPLE_MISSING || mixed) && happens(writer, 3);
    open_bracket(writer, '{');
    for (int i = 0; i < 2; i++) {
        if ((i == 0) == amount_first) {
            name(writer, &first, "amount");
            write_amount(writer);
        } else if (!without_id) {
            name(writer, &first, "accountId");
            write_uuid(writer);
        }
    }
    close_bracket(writer, '}');
}

static void write_accounts(struct writer *writer, enum sample_shape shape)
{
    bool first = true;
    bool varied = shape == SAMPLE_VARIED || shape == SAMPLE_MIXED;
    int count = varied ? 1 + (int)(sample_random(&writer->random) % 3) : 2;
    open_bracket(writer, '[');
    for (int i = 0; i < count; i++) {
        separate(writer, &first);
        write_account(writer, shape);
    }
    close_bracket(writer, ']');
}

static void write_user(struct writer *writer, enum sample_shape shape)
{
    bool first = true;
    bool mixed = shape == SAMPLE_MIXED;
    bool accounts_first = (shape == SAMPLE_SHUFFLED || mixed) && happens(writer, 2);
    bool extra = shape == SAMPLE_EXTRA || ((shape == SAMPLE_SOMETIMES || mixed) && happens(writer, 2));
    open_bracket(writer, '{');
    if (accounts_first) {
        name(writer, &first, "accounts");
        write_accounts(writer, shape);
    }
    name(writer, &first, "userId");
    write_uuid(writer);
    if (extra) {
        name(writer, &first, "note");
        write_note(writer);
    }
    if (!accounts_first) {
        name(writer, &first, "accounts");
        write_accounts(writer, shape);
    }
    close_bracket(writer, '}');
}

void sample_page(struct fs_buffer *out, enum sample_shape shape, int users, bool pretty)
{
    struct writer writer = {.out = out, .pretty = pretty, .random = 7};
    bool first = true;
    bool first_user = true;
    fs_buffer_clear(out);
    open_bracket(&writer, '{');
    name(&writer, &first, "creationDate");
    fs_buffer_append_text(out, "\"2024-05-01\"");
    name(&writer, &first, "users");
    open_bracket(&writer, '[');
    for (int i = 0; i < users; i++) {
        separate(&writer, &first_user);
        write_user(&writer, shape);
    }
    close_bracket(&writer, ']');
    name(&writer, &first, "totalElements");
    fs_buffer_printf(out, "%d", users);
    close_bracket(&writer, '}');
}
