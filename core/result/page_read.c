#include "page_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page_index.h"
#include "template.h"
#include "value/error.h"
#include "value/json_inline.h"
#include "value/simd.h"
#include "value/text.h"
#include "value/uuid.h"

/*
 * Whether the template pays. Reading a user with it saves more than a failed try costs; `credit` weighs the two, and
 * when it is used up the template is dropped and another one learned, after a growing number of users.
 */
struct trial {
    int credit;
    uint32_t rest; /* users to read without a template */
    uint32_t next_rest;
};

enum { MOST_CREDIT = 32, GAIN = 2, LOSS = 3, FIRST_REST = 64 };

struct reader {
    struct fs_json json;
    finseg_page *page;
    finseg_error *error; /* what is wrong beyond the JSON grammar */
    bool in_user;        /* reading the user after those already in the index */
    enum fs_page_reader which;
    struct trial trial;
    struct fs_template template;
};

/* ---- problems -------------------------------------------------------------------------------------------- */

static bool failed(const struct reader *reader)
{
    return reader->error || reader->json.problem;
}

static finseg_error *describe(const struct reader *reader, finseg_error_kind kind, const char *at, const char *subject,
                              const char *problem)
{
    char user[32] = "";
    if (reader->in_user)
        snprintf(user, sizeof user, "user %u: ", (unsigned)reader->page->user_count);
    return fs_error_new(kind, "the result page cannot be read: %s%s%s, at byte %zu", user, subject, problem,
                        (size_t)(at - reader->json.start));
}

/* `subject` and `problem` make a sentence: "userId" and " is missing". */
static bool refuse(struct reader *reader, const char *at, const char *subject, const char *problem)
{
    reader->error = describe(reader, FINSEG_ERROR_PROTOCOL, at, subject, problem);
    return false;
}

static bool refuse_for_memory(struct reader *reader)
{
    reader->error = fs_error_out_of_memory();
    return false;
}

/* ---- walking --------------------------------------------------------------------------------------------- */

/* The members that are read. */
enum member {
    MEMBER_NONE = 0,
    MEMBER_USERS = 1 << 0,
    MEMBER_TOTAL_ELEMENTS = 1 << 1,
    MEMBER_USER_ID = 1 << 2,
    MEMBER_ACCOUNTS = 1 << 3,
    MEMBER_INSURANCES = 1 << 4,
    MEMBER_AMOUNT = 1 << 5,
    MEMBER_ACCOUNT_ID = 1 << 6
};

struct known_member {
    const char *name;
    size_t length;
    char quoted[16]; /* the name in quotes, and zeros: to be compared at once */
    unsigned mask;   /* of the bytes of `quoted` that count */
    enum member member;
};

#define KNOWN(name, member)                                                                                            \
    {                                                                                                                  \
        name, sizeof(name) - 1, "\"" name "\"", (1U << (sizeof(name) + 1)) - 1, member                                 \
    }

/* What is known of each object's members, ending with an empty name. */
static const struct known_member page_members[] = {
    KNOWN("users", MEMBER_USERS), KNOWN("totalElements", MEMBER_TOTAL_ELEMENTS), {0}};
static const struct known_member user_members[] = {
    KNOWN("userId", MEMBER_USER_ID), KNOWN("accounts", MEMBER_ACCOUNTS), KNOWN("insurances", MEMBER_INSURANCES), {0}};
static const struct known_member record_members[] = {
    KNOWN("accountId", MEMBER_ACCOUNT_ID), KNOWN("amount", MEMBER_AMOUNT), {0}};

/* An object being walked through. */
struct object {
    const struct known_member *known;
    const char *start; /* its opening bracket */
    unsigned seen;     /* known members met so far, as bits */
    bool first;
};

static uint32_t position(const struct reader *reader, const char *at)
{
    return (uint32_t)(at - reader->json.start);
}

/* Whether a value that begins like this comes next; any other is refused. */
static inline bool expect(struct reader *reader, char beginning, const char *subject, const char *otherwise)
{
    enum fs_json_type type;
    struct fs_json *json = &reader->json;
    if (json->problem || !fs_json_find_token(json))
        return false;
    if (*json->at == beginning)
        return true;
    return fs_json_peek(json, &type) && refuse(reader, json->at, subject, otherwise);
}

static bool expect_number(struct reader *reader, const char *subject)
{
    enum fs_json_type type;
    if (!fs_json_peek(&reader->json, &type))
        return false;
    return type == FS_JSON_NUMBER || refuse(reader, reader->json.at, subject, " is not a number");
}

/* Steps over a null: false when something else comes next. */
static inline bool skip_null(struct reader *reader)
{
    struct fs_json *json = &reader->json;
    struct fs_json_value ignored;
    return !json->problem && fs_json_find_token(json) && *json->at == 'n' && fs_json_skip(json, &ignored);
}

/* At the opening bracket that expect has found. */
static inline bool enter(struct reader *reader)
{
    struct fs_json *json = &reader->json;
    if (json->depth == FS_JSON_MAX_DEPTH) /* which says so */
        return fs_json_enter(json);
    json->depth++;
    json->at++;
    return true;
}

static bool enter_array(struct reader *reader, const char *subject)
{
    return expect(reader, '[', subject, " is not an array") && enter(reader);
}

static bool enter_object(struct reader *reader, const char *subject, const struct known_member *known,
                         struct object *object)
{
    if (!expect(reader, '{', subject, " is not an object"))
        return false;
    *object = (struct object){.known = known, .start = reader->json.at, .first = true};
    return enter(reader);
}

static const struct known_member *find_known(const struct known_member *known, const struct fs_json_value *name)
{
    while (known->name && !fs_json_string_is(name, known->name))
        known++;
    return known->name ? known : NULL;
}

/* The known member whose name stands here, spelt without escapes and in one look; NULL for all others. */
static inline const struct known_member *glance(const struct reader *reader, const struct known_member *known)
{
#if FS_SIMD
    const struct fs_json *json = &reader->json;
    if (!json->simd || json->end - json->at < FS_SIMD_BYTES)
        return NULL;
    while (known->name && !fs_simd_equal(json->at, known->quoted, known->mask))
        known++;
    return known->name ? known : NULL;
#else
    (void)reader;
    (void)known;
    return NULL;
#endif
}

/* Reads a member's name up to its value; `*known` becomes what is known of it, or NULL. */
static inline bool read_name(struct reader *reader, const struct object *object, const struct known_member **known)
{
    struct fs_json *json = &reader->json;
    struct fs_json_value name;
    *known = glance(reader, object->known);
    if (*known) {
        json->at += (*known)->length + 2;
    } else {
        if (!fs_json_scan_name(json, &name))
            return false;
        *known = find_known(object->known, &name);
    }
    return fs_json_scan_colon(json);
}

/*
 * Steps to the next member that is known, past those that are not; false at the object's end or when something failed.
 * A known member may stand once only: of two, nobody could say which counts. Inlined by force: it is where irregular
 * pages spend their time.
 */
__attribute__((always_inline)) static inline bool next_known(struct reader *reader, struct object *object,
                                                             enum member *member)
{
    const struct known_member *known;
    struct fs_json_value ignored;
    while (fs_json_scan_member(&reader->json, &object->first)) {
        const char *name = reader->json.at;
        if (!read_name(reader, object, &known))
            return false;
        if (known) {
            if (object->seen & known->member)
                return refuse(reader, name, known->name, " stands twice");
            object->seen |= known->member;
            *member = known->member;
            return true;
        }
        if (!fs_json_skip(&reader->json, &ignored))
            return false;
    }
    return false;
}

/* ---- values ---------------------------------------------------------------------------------------------- */

static bool read_id(struct reader *reader, const char *subject, struct fs_page_id *id)
{
    struct fs_json_value value;
    if (!expect(reader, '"', subject, " is not a string") || !fs_json_scan_string(&reader->json, &value))
        return false;
    size_t start = position(reader, value.data + 1);
    size_t length = value.length - 2;
    if (value.escaped) {
        struct fs_buffer *unescaped = &reader->page->unescaped;
        start = unescaped->length;
        fs_json_append_unescaped(unescaped, &value);
        if (unescaped->failed)
            return refuse_for_memory(reader);
        length = unescaped->length - start;
        if (memchr(unescaped->data + start, '\0', length))
            return refuse(reader, value.data, subject, " holds a zero character");
    }
    if (length > FS_PAGE_MAX_ID)
        return refuse(reader, value.data, subject, " is longer than 1024 bytes");
    *id = (struct fs_page_id){.start = (uint32_t)start, .length = (uint32_t)length, .was_escaped = value.escaped};
    return true;
}

static bool read_uuid(const struct reader *reader, finseg_slice text, struct fs_uuid *uuid)
{
    if (text.length != FS_UUID_TEXT)
        return false;
#if FS_SIMD
    if (reader->which != FS_PAGE_SCALAR)
        return fs_simd_uuid(text.data, uuid);
#endif
    (void)reader;
    return fs_uuid_read(text.data, uuid);
}

/* The usual amount, in one look; false, and nothing done, for any other value. */
static inline bool read_usual_amount(struct reader *reader, struct fs_page_amount *amount)
{
#if FS_SIMD
    struct fs_json *json = &reader->json;
    if (reader->which == FS_PAGE_SCALAR || json->end - json->at < FS_SIMD_AMOUNT_REACH)
        return false;
    size_t length = fs_simd_amount(json->at, &amount->scaled);
    amount->start = position(reader, json->at);
    amount->length = (uint32_t)length & INT32_MAX;
    amount->fits = true;
    json->at += length;
    return length > 0;
#else
    (void)reader;
    (void)amount;
    return false;
#endif
}

static bool read_amount(struct reader *reader, struct fs_page_amount *amount)
{
    struct fs_json_value value;
    if (!fs_json_find_token(&reader->json))
        return false;
    if (read_usual_amount(reader, amount))
        return true;
    if (!expect_number(reader, "amount") || !fs_json_skip(&reader->json, &value))
        return false;
    fs_page_set_amount(amount, &value, reader->json.start);
    return true;
}

static bool read_total_elements(struct reader *reader)
{
    static const char name[] = "totalElements";
    struct fs_json_value value;
    int64_t total = 0;
    if (skip_null(reader))
        return true;
    if (!expect_number(reader, name) || !fs_json_skip(&reader->json, &value))
        return false;
    if (!value.integer || value.data[0] == '-')
        return refuse(reader, value.data, name, " is not a count");
    for (size_t i = 0; i < value.length; i++) {
        if (__builtin_mul_overflow(total, 10, &total) || __builtin_add_overflow(total, value.data[i] - '0', &total))
            return refuse(reader, value.data, name, " is beyond 64 bits");
    }
    reader->page->total_elements = total;
    return true;
}

/* ---- objects --------------------------------------------------------------------------------------------- */

/* One of accounts[] or insurances[]. */
static bool read_record(struct reader *reader, const char *subject)
{
    struct object record;
    enum member member = MEMBER_NONE;
    struct fs_page_amount amount = {0};
    if (!enter_object(reader, subject, record_members, &record))
        return false;
    while (next_known(reader, &record, &member)) {
        bool done = member == MEMBER_AMOUNT ? read_amount(reader, &amount)
                                            : skip_null(reader) || read_id(reader, "accountId", &amount.account);
        if (!done)
            return false;
    }
    if (failed(reader))
        return false;
    return !(record.seen & MEMBER_AMOUNT) || fs_page_append_amount(reader->page, &amount) || refuse_for_memory(reader);
}

static bool read_records(struct reader *reader, const char *array, const char *element)
{
    bool first = true;
    if (!enter_array(reader, array))
        return false;
    while (fs_json_scan_element(&reader->json, &first)) {
        if (!read_record(reader, element))
            return false;
    }
    return !failed(reader);
}

/*
 * The amounts of accounts count; those of insurances only in a user without accounts, whichever of the two comes first.
 * A null is as good as absent.
 */
static bool read_accounts(struct reader *reader, const struct fs_page_user *user, bool *has_accounts)
{
    if (skip_null(reader))
        return true;
    *has_accounts = true;
    reader->page->amount_count = user->first_amount;
    return read_records(reader, "accounts", "an element of accounts");
}

static bool read_insurances(struct reader *reader, bool has_accounts)
{
    uint32_t amounts_before = reader->page->amount_count;
    if (skip_null(reader))
        return true;
    if (!read_records(reader, "insurances", "an element of insurances"))
        return false;
    if (has_accounts)
        reader->page->amount_count = amounts_before;
    return true;
}

static bool read_user_member(struct reader *reader, enum member member, struct fs_page_user *user, bool *has_accounts)
{
    switch (member) {
    case MEMBER_USER_ID:
        return read_id(reader, "userId", &user->id);
    case MEMBER_ACCOUNTS:
        return read_accounts(reader, user, has_accounts);
    default:
        return read_insurances(reader, *has_accounts);
    }
}

static bool append_user(struct reader *reader, struct fs_page_user *user)
{
    struct fs_uuid uuid = {0};
    const char *bytes = user->id.was_escaped ? reader->page->unescaped.data : reader->json.start;
    user->has_uuid = read_uuid(reader, (finseg_slice){bytes + user->id.start, user->id.length}, &uuid);
    return fs_page_append_user(reader->page, user, &uuid) || refuse_for_memory(reader);
}

static bool read_user(struct reader *reader)
{
    struct object object;
    enum member member = MEMBER_NONE;
    struct fs_page_user user = {.first_amount = reader->page->amount_count & INT32_MAX};
    bool has_accounts = false;
    if (!enter_object(reader, "it", user_members, &object))
        return false;
    while (next_known(reader, &object, &member)) {
        if (!read_user_member(reader, member, &user, &has_accounts))
            return false;
    }
    if (failed(reader))
        return false;
    if (!(object.seen & MEMBER_USER_ID))
        return refuse(reader, object.start, "userId", " is missing");
    if (user.id.length == 0)
        return refuse(reader, object.start, "userId", " is empty");
    user.start = position(reader, object.start);
    user.length = position(reader, reader->json.at) - user.start;
    return append_user(reader, &user);
}

/* ---- the template ---------------------------------------------------------------------------------------- */

/* White space in front of a user, if it is not the first in its array. */
static finseg_slice space_before(const struct reader *reader, const char *user)
{
    const char *comma = user;
    while (comma > reader->json.start && comma[-1] != ',' && comma[-1] != '[')
        comma--;
    return (finseg_slice){comma, (size_t)(user - comma)};
}

static void learn(struct reader *reader)
{
    const struct fs_page_user *user = &reader->page->users[reader->page->user_count - 1];
    const char *start = reader->json.start + user->start;
    fs_template_learn(&reader->template, (finseg_slice){start, user->length}, space_before(reader, start));
}

/* Reads what matches; false when nothing did. */
static bool read_by_template(struct reader *reader)
{
    struct trial *trial = &reader->trial;
    if (reader->which != FS_PAGE_TEMPLATE || !reader->template.learned)
        return false;
    size_t users = fs_template_read_users(&reader->template, &reader->json, reader->page);
    int gain = GAIN * (int)(users < MOST_CREDIT ? users : MOST_CREDIT);
    trial->credit = trial->credit + gain < MOST_CREDIT ? trial->credit + gain : MOST_CREDIT;
    return users > 0;
}

/* A user was read without the template. */
static void note_miss(struct reader *reader)
{
    struct trial *trial = &reader->trial;
    if (reader->which != FS_PAGE_TEMPLATE || reader->page->user_count < 2)
        return;
    if (trial->rest > 0) {
        trial->rest--;
        return;
    }
    trial->credit -= LOSS;
    if (trial->credit < 0) {
        reader->template.learned = false;
        *trial =
            (struct trial){MOST_CREDIT, trial->next_rest, trial->next_rest > 0 ? trial->next_rest * 2 : FIRST_REST};
    } else if (!reader->template.learned) {
        learn(reader);
    }
}

/* ---- the page -------------------------------------------------------------------------------------------- */

static bool read_users(struct reader *reader)
{
    bool first = true;
    if (!enter_array(reader, "users"))
        return false;
    uint32_t start = position(reader, reader->json.at - 1);
    while (fs_json_scan_element(&reader->json, &first)) {
        if (read_by_template(reader))
            continue;
        reader->in_user = true;
        if (!read_user(reader))
            return false;
        reader->in_user = false;
        note_miss(reader);
    }
    if (failed(reader))
        return false;
    reader->page->users_start = start;
    reader->page->users_length = position(reader, reader->json.at) - start;
    return true;
}

static bool read_page(struct reader *reader)
{
    struct object object;
    enum member member = MEMBER_NONE;
    if (!enter_object(reader, "it", page_members, &object))
        return false;
    while (next_known(reader, &object, &member)) {
        if (!(member == MEMBER_USERS ? read_users(reader) : read_total_elements(reader)))
            return false;
    }
    if (failed(reader) || !fs_json_finish(&reader->json))
        return false;
    return object.seen & MEMBER_USERS || refuse(reader, object.start, "users", " is missing");
}

finseg_error *fs_page_read(finseg_page *page, enum fs_page_reader which)
{
    struct reader reader;
    if (page->length > FS_PAGE_MAX_BYTES)
        return fs_error_new(FINSEG_ERROR_TOO_LARGE, "the result page has %zu bytes; at most %d can be read",
                            page->length, FS_PAGE_MAX_BYTES);
    reader.page = page;
    reader.error = NULL;
    reader.in_user = false;
    reader.which = which;
    reader.trial = (struct trial){.credit = MOST_CREDIT};
    reader.template.learned =
        false; /* the rest of it means nothing until then, and is too large to be cleared for every page */
    page->total_elements = -1;
    page->user_count = 0;
    page->amount_count = 0;
    fs_buffer_clear(&page->unescaped);
    fs_json_begin(&reader.json, page->text, page->length);
    reader.json.simd = reader.json.simd && which != FS_PAGE_SCALAR;
    if (read_page(&reader))
        return NULL;
    if (reader.error)
        return reader.error;
    finseg_error_kind kind = reader.json.too_deep ? FINSEG_ERROR_TOO_LARGE : FINSEG_ERROR_PROTOCOL;
    return describe(&reader, kind, reader.json.at, "", reader.json.problem);
}

/* The page; when it cannot be read, it is freed. */
static finseg_page *read_or_free(finseg_page *page, finseg_error **error)
{
    finseg_error *problem = fs_page_read(page, FS_PAGE_TEMPLATE);
    if (!problem)
        return page;
    finseg_page_free(page);
    fs_error_give(error, problem);
    return NULL;
}

finseg_page *finseg_page_parse(const char *text, size_t length, finseg_error **error)
{
    finseg_page *page = calloc(1, sizeof *page);
    char *copy = fs_text_copy(length > 0 ? text : "", length);
    if (!page || !copy) {
        free(page);
        free(copy);
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    page->text = copy;
    page->length = length;
    return read_or_free(page, error);
}

finseg_page *finseg_page_parse_in_place(const char *text, size_t length, finseg_page *spare, finseg_error **error)
{
    finseg_page *page = spare ? spare : calloc(1, sizeof *page);
    if (!page) {
        fs_error_give(error, fs_error_out_of_memory());
        return NULL;
    }
    fs_page_drop_text(page);
    page->text = (char *)text;
    page->length = length;
    page->text_is_lent = true;
    return read_or_free(page, error);
}
