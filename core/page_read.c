#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "money.h"
#include "page.h"
#include "page_index.h"

struct reader {
    struct fs_json json;
    finseg_page *page;
    finseg_error *error; /* what is wrong beyond the JSON grammar */
    bool in_user;        /* reading the user after those already in the index */
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

/* ---- the index ------------------------------------------------------------------------------------------- */

/* Makes room for one more; the new items are not initialised. NULL when memory is out, and the old ones stay. */
static void *grow(void *items, uint32_t count, uint32_t *capacity, size_t item_size)
{
    enum { FIRST_CAPACITY = 32 };
    if (count < *capacity)
        return items;
    uint32_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *grown = reallocarray(items, wanted, item_size);
    if (grown)
        *capacity = wanted;
    return grown;
}

static bool append_user(struct reader *reader, const struct fs_page_user *user)
{
    finseg_page *page = reader->page;
    void *users = grow(page->users, page->user_count, &page->user_capacity, sizeof *page->users);
    if (!users)
        return refuse_for_memory(reader);
    page->users = users;
    page->users[page->user_count++] = *user;
    return true;
}

static bool append_amount(struct reader *reader, const struct fs_page_amount *amount)
{
    finseg_page *page = reader->page;
    void *amounts = grow(page->amounts, page->amount_count, &page->amount_capacity, sizeof *page->amounts);
    if (!amounts)
        return refuse_for_memory(reader);
    page->amounts = amounts;
    page->amounts[page->amount_count++] = *amount;
    return true;
}

/* ---- walking --------------------------------------------------------------------------------------------- */

/* The members that are read. */
enum member {
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
    enum member member;
};

/* What is known of each object's members, ending with an empty name. */
static const struct known_member page_members[] = {
    {"users", MEMBER_USERS}, {"totalElements", MEMBER_TOTAL_ELEMENTS}, {0}};
static const struct known_member user_members[] = {
    {"userId", MEMBER_USER_ID}, {"accounts", MEMBER_ACCOUNTS}, {"insurances", MEMBER_INSURANCES}, {0}};
static const struct known_member record_members[] = {{"accountId", MEMBER_ACCOUNT_ID}, {"amount", MEMBER_AMOUNT}, {0}};

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

/* Whether a value of this type comes next; any other is refused. */
static bool expect(struct reader *reader, enum fs_json_type wanted, const char *subject, const char *otherwise)
{
    enum fs_json_type type;
    if (!fs_json_peek(&reader->json, &type))
        return false;
    return type == wanted || refuse(reader, reader->json.at, subject, otherwise);
}

/* Steps over a null: false when something else comes next. */
static bool skip_null(struct reader *reader)
{
    enum fs_json_type type;
    struct fs_json_value ignored;
    return fs_json_peek(&reader->json, &type) && type == FS_JSON_NULL && fs_json_skip(&reader->json, &ignored);
}

static bool enter_array(struct reader *reader, const char *subject)
{
    return expect(reader, FS_JSON_ARRAY, subject, " is not an array") && fs_json_enter(&reader->json);
}

static bool enter_object(struct reader *reader, const char *subject, const struct known_member *known,
                         struct object *object)
{
    if (!expect(reader, FS_JSON_OBJECT, subject, " is not an object"))
        return false;
    *object = (struct object){.known = known, .start = reader->json.at, .first = true};
    return fs_json_enter(&reader->json);
}

static const struct known_member *find_known(const struct known_member *known, const struct fs_json_value *key)
{
    while (known->name && !fs_json_string_is(key, known->name))
        known++;
    return known->name ? known : NULL;
}

/*
 * Steps to the next member that is known, past those that are not; false at the object's end or when something failed. A known
 * member may stand once only: of two, nobody could say which counts.
 */
static bool next_known(struct reader *reader, struct object *object, enum member *member)
{
    struct fs_json_value key;
    struct fs_json_value ignored;
    while (fs_json_next_member(&reader->json, &object->first, &key)) {
        const struct known_member *known = find_known(object->known, &key);
        if (known) {
            if (object->seen & known->member)
                return refuse(reader, key.data, known->name, " stands twice");
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
    if (!expect(reader, FS_JSON_STRING, subject, " is not a string") || !fs_json_skip(&reader->json, &value))
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

static bool read_amount(struct reader *reader, struct fs_page_amount *amount)
{
    struct fs_json_value value;
    if (!expect(reader, FS_JSON_NUMBER, "amount", " is not a number") || !fs_json_skip(&reader->json, &value))
        return false;
    amount->start = position(reader, value.data);
    amount->length = (uint32_t)value.length;
    amount->fits = fs_money_parse(value.data, value.length, &amount->scaled) == FS_MONEY_OK;
    return true;
}

static bool read_total_elements(struct reader *reader)
{
    static const char name[] = "totalElements";
    struct fs_json_value value;
    int64_t total = 0;
    if (skip_null(reader))
        return true;
    if (!expect(reader, FS_JSON_NUMBER, name, " is not a number") || !fs_json_skip(&reader->json, &value))
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
    enum member member;
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
    return !(record.seen & MEMBER_AMOUNT) || append_amount(reader, &amount);
}

static bool read_records(struct reader *reader, const char *array, const char *element)
{
    bool first = true;
    if (!enter_array(reader, array))
        return false;
    while (fs_json_next_element(&reader->json, &first)) {
        if (!read_record(reader, element))
            return false;
    }
    return !failed(reader);
}

/*
 * The amounts of accounts count; those of insurances only in a user without accounts, whichever of the two comes first. A null is
 * as good as absent.
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

static bool read_user(struct reader *reader)
{
    struct object object;
    enum member member;
    struct fs_page_user user = {.first_amount = reader->page->amount_count};
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

static bool read_users(struct reader *reader)
{
    bool first = true;
    if (!enter_array(reader, "users"))
        return false;
    uint32_t start = position(reader, reader->json.at - 1);
    while (fs_json_next_element(&reader->json, &first)) {
        reader->in_user = true;
        if (!read_user(reader))
            return false;
        reader->in_user = false;
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
    enum member member;
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

finseg_error *fs_page_read(finseg_page *page)
{
    if (page->length > FS_PAGE_MAX_BYTES)
        return fs_error_new(FINSEG_ERROR_TOO_LARGE, "the result page has %zu bytes; at most %d can be read",
                            page->length, FS_PAGE_MAX_BYTES);
    struct reader reader = {.page = page};
    page->total_elements = -1;
    fs_json_begin(&reader.json, page->text, page->length);
    if (read_page(&reader))
        return NULL;
    if (reader.error)
        return reader.error;
    finseg_error_kind kind = reader.json.too_deep ? FINSEG_ERROR_TOO_LARGE : FINSEG_ERROR_PROTOCOL;
    return describe(&reader, kind, reader.json.at, "", reader.json.problem);
}
