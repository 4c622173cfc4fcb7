#include "template.h"

#include <string.h>

#include "value/simd.h"

#if FS_SIMD

/* ---- reading --------------------------------------------------------------------------------------------- */

/* No hole looks further than this without asking where the text ends. */
enum { HOLE_REACH = 64 };
_Static_assert((int)HOLE_REACH >= 3 * (int)FS_SIMD_BYTES && (int)HOLE_REACH > (int)FS_UUID_TEXT &&
                   (int)HOLE_REACH >= (int)FS_SIMD_AMOUNT_REACH,
               "a hole's fast way fits");

/* The depth of a user's members and of a record's, counted from outside of the user. */
enum { USER_DEPTH = 1, RECORD_DEPTH = 3 };

struct run {
    const struct fs_template *template;
    const struct fs_json *json;
    finseg_page *page;
    const char *limit; /* a step that begins no later stays inside of the text */
    struct fs_page_user user;
    struct fs_uuid uuid;
    struct fs_page_amount amount;
};

/* Behind the literal, or NULL. */
static inline const char *match(const struct run *run, const struct fs_literal *literal, const char *at)
{
    const char *text = run->template->text + literal->start;
    const char *end = at + literal->length;
    if (at > run->limit)
        return NULL;
    while (end - at > FS_SIMD_BYTES) {
        if (!fs_simd_equal(at, text, 0xFFFF))
            return NULL;
        at += FS_SIMD_BYTES;
        text += FS_SIMD_BYTES;
    }
    return fs_simd_equal(at, text, literal->last_mask) ? end : NULL;
}

/* Reads any value with the scanner; behind it, or NULL. */
static const char *scan_value(const struct run *run, unsigned depth, const char *at, struct fs_json_value *value)
{
    struct fs_json json = *run->json;
    json.at = at;
    json.depth += depth;
    return fs_json_skip(&json, value) ? json.at : NULL;
}

/*
 * The closing quote of a string whose first byte is `at`; NULL when it is not for a template: with an escape, or wrong.
 */
static inline const char *end_of_string(const struct run *run, const char *at)
{
    struct fs_json_value value;
    const char *end = fs_simd_skip_plain(at, run->json->end);
    if (end < run->json->end && *end == '"')
        return end;
    end = scan_value(run, RECORD_DEPTH, at - 1, &value);
    return end && !value.escaped ? end - 1 : NULL;
}

static inline const char *read_id(const struct run *run, const char *at, struct fs_page_id *id)
{
    const char *end = fs_simd_ends_like_uuid(at) ? at + FS_UUID_TEXT : end_of_string(run, at);
    if (!end || end - at > FS_PAGE_MAX_ID)
        return NULL;
    *id = (struct fs_page_id){.start = (uint32_t)(at - run->json->start), .length = (uint32_t)(end - at)};
    return end;
}

static inline const char *read_user_id(struct run *run, const char *at)
{
    run->user.has_uuid = fs_simd_uuid(at, &run->uuid) && at[FS_UUID_TEXT] == '"';
    if (run->user.has_uuid) {
        run->user.id =
            (struct fs_page_id){.start = (uint32_t)(at - run->json->start), .length = (uint32_t)FS_UUID_TEXT};
        return at + FS_UUID_TEXT;
    }
    at = read_id(run, at, &run->user.id);
    return run->user.id.length > 0 ? at : NULL;
}

static const char *read_unusual_amount(struct run *run, const char *at)
{
    struct fs_json_value value;
    const char *end = scan_value(run, RECORD_DEPTH, at, &value);
    if (!end || value.type != FS_JSON_NUMBER)
        return NULL;
    fs_page_set_amount(&run->amount, &value, run->json->start);
    return end;
}

static inline const char *read_amount(struct run *run, const char *at)
{
    size_t length = fs_simd_amount(at, &run->amount.scaled);
    if (length == 0)
        return read_unusual_amount(run, at);
    run->amount.start = (uint32_t)(at - run->json->start);
    run->amount.length = (uint32_t)length & INT32_MAX;
    run->amount.fits = true;
    return at + length;
}

static inline const char *read_hole(struct run *run, size_t index, const char *at)
{
    const struct fs_template *template = run->template;
    switch (template->steps[index].hole) {
    case FS_HOLE_USER_ID:
        return read_user_id(run, at);
    case FS_HOLE_ACCOUNT_ID:
        return read_id(run, at, &run->amount.account);
    case FS_HOLE_AMOUNT:
        return read_amount(run, at);
    default:
        break;
    }
    struct fs_json_value ignored;
    bool in_record = template->has_records && index >= template->first_of_record && index <= template->last_of_record;
    return scan_value(run, in_record ? RECORD_DEPTH : USER_DEPTH, at, &ignored);
}

/* From a user's first hole to behind its last one, with its amounts put into the page; or NULL. */
static const char *read_holes(struct run *run, const char *at)
{
    const struct fs_template *template = run->template;
    const size_t last_of_record = template->has_records ? template->last_of_record : SIZE_MAX;
    for (size_t i = 0;;) {
        at = read_hole(run, i, at);
        if (!at)
            return NULL;
        if (i == last_of_record) {
            if (template->has_amounts && !fs_page_append_amount(run->page, &run->amount))
                return NULL;
            const char *next = match(run, &template->next_record, at);
            if (next) {
                at = next;
                i = template->first_of_record;
                continue;
            }
        }
        if (++i == template->step_count)
            return at;
        at = match(run, &template->steps[i].literal, at);
        if (!at)
            return NULL;
    }
}

static bool append_user(struct run *run, const char *start, const char *end)
{
    run->user.start = (uint32_t)(start - run->json->start);
    run->user.length = (uint32_t)(end - start);
    return fs_page_append_user(run->page, &run->user, &run->uuid);
}

size_t fs_template_read_users(const struct fs_template *template, struct fs_json *json, finseg_page *page)
{
    if (json->end - json->at < template->reach)
        return 0;
    struct run run = {.template = template, .json = json, .page = page, .limit = json->end - template->reach};
    const uint32_t before = page->user_count;
    const char *start = json->at;
    const char *at = match(&run, &template->steps[0].literal, start);
    while (at) {
        run.user.first_amount = page->amount_count & INT32_MAX;
        const char *tail = read_holes(&run, at);
        const char *end = tail ? tail + template->tail.length : NULL;
        at = tail ? match(&run, &template->next_user, tail) : NULL;
        if (!end || !(at || match(&run, &template->tail, tail)) || !append_user(&run, start, end)) {
            page->amount_count = run.user.first_amount;
            break;
        }
        json->at = end;
        start = tail + template->next_user_start;
    }
    return page->user_count - before;
}

/* ---- learning -------------------------------------------------------------------------------------------- */

/* `from` is what has not yet gone into a literal. */
struct learner {
    struct fs_template *template;
    struct fs_json json;
    const char *from;
    uint16_t literal_start; /* of the literal being put together, at the end of the template's text */
    bool failed;            /* no room, or not what a template can be made of */
};

static void add_text(struct learner *learner, const char *text, size_t length)
{
    struct fs_template *template = learner->template;
    if (length > FS_TEMPLATE_MAX_TEXT - (size_t) template->text_length)
        learner->failed = true;
    if (learner->failed)
        return;
    memcpy(template->text + template->text_length, text, length);
    template->text_length = (uint16_t)(template->text_length + length);
}

static void add_literal_again(struct learner *learner, struct fs_literal literal)
{
    add_text(learner, learner->template->text + literal.start, literal.length);
}

/* Everything up to `to` goes into the literal. */
static void add_up_to(struct learner *learner, const char *to)
{
    add_text(learner, learner->from, (size_t)(to - learner->from));
    learner->from = to;
}

static struct fs_literal finish_literal(struct learner *learner)
{
    struct fs_template *template = learner->template;
    size_t length = (size_t) template->text_length - learner->literal_start;
    size_t rest = length % FS_TEMPLATE_ALIGNMENT;
    size_t padding = rest > 0 ? FS_TEMPLATE_ALIGNMENT - rest : 0;
    struct fs_literal literal = {.start = learner->literal_start,
                                 .length = (uint16_t)length,
                                 .last_mask = (uint16_t)(rest > 0 ? (1U << rest) - 1 : 0xFFFF)};
    static const char zeros[FS_TEMPLATE_ALIGNMENT];
    add_text(learner, zeros, padding);
    learner->literal_start = template->text_length;
    if (length == 0)
        learner->failed = true;
    if (template->reach < length + padding + HOLE_REACH)
        template->reach = (uint16_t)(length + padding + HOLE_REACH);
    return literal;
}

/* The literal up to `start` is finished; what follows to `end` is the hole. */
static void add_hole(struct learner *learner, enum fs_template_hole hole, const char *start, const char *end)
{
    struct fs_template *template = learner->template;
    if (template->step_count == FS_TEMPLATE_MAX_HOLES) {
        learner->failed = true;
        return;
    }
    add_up_to(learner, start);
    struct fs_literal literal = finish_literal(learner);
    template->steps[template->step_count++] = (struct fs_template_step){.literal = literal, .hole = (uint8_t)hole};
    learner->from = end;
}

/*
 * Reads the value that comes next and makes it a hole: inside of its quotes, when it is an id. A null in place of an id
 * is literal text.
 */
static void learn_value(struct learner *learner, enum fs_template_hole hole)
{
    struct fs_json_value value;
    bool is_id = hole == FS_HOLE_USER_ID || hole == FS_HOLE_ACCOUNT_ID;
    if (!fs_json_skip(&learner->json, &value) || (is_id && value.type == FS_JSON_NULL))
        return;
    size_t quote = is_id ? 1 : 0;
    add_hole(learner, hole, value.data + quote, value.data + value.length - quote);
}

static void learn_record(struct learner *learner)
{
    bool first = true;
    struct fs_json_value key;
    struct fs_json *json = &learner->json;
    fs_json_enter(json);
    while (fs_json_next_member(json, &first, &key)) {
        if (fs_json_string_is(&key, "amount")) {
            learner->template->has_amounts = true;
            learn_value(learner, FS_HOLE_AMOUNT);
        } else {
            learn_value(learner, fs_json_string_is(&key, "accountId") ? FS_HOLE_ACCOUNT_ID : FS_HOLE_VALUE);
        }
    }
}

/*
 * What stands between two elements: as in the text, or, when there is one element only, as it stands before that one.
 */
static void add_separator(struct learner *learner, finseg_slice before_first, finseg_slice between)
{
    if (between.length > 0) {
        add_text(learner, between.data, between.length);
        return;
    }
    add_text(learner, ",", 1);
    add_text(learner, before_first.data, before_first.length);
}

/* The part of a step's literal that begins with `start`, of which everything up to the hole was `length` bytes. */
static void add_beginning(struct learner *learner, size_t step, size_t length)
{
    const struct fs_literal literal = learner->template->steps[step].literal;
    add_text(learner, learner->template->text + literal.start + literal.length - length, length);
}

/* Of a record that has ended: how the next one begins, and the literal of what follows begins with the record's end. */
static void learn_next_record(struct learner *learner, size_t beginning, const char *record_end, finseg_slice before)
{
    struct fs_template *template = learner->template;
    struct fs_json *json = &learner->json;
    struct fs_json_value ignored;
    enum fs_json_type type;
    bool first = false;
    finseg_slice between = {0};
    uint16_t end_start = template->text_length;
    add_up_to(learner, record_end);
    struct fs_literal end = {.start = end_start, .length = (uint16_t)(template->text_length - end_start)};
    while (fs_json_next_element(json, &first) && fs_json_peek(json, &type)) {
        if (between.length == 0)
            between = (finseg_slice){record_end, (size_t)(json->at - record_end)};
        fs_json_skip(json, &ignored);
        learner->from = json->at;
    }
    add_separator(learner, before, between);
    add_beginning(learner, template->first_of_record, beginning);
    template->next_record = finish_literal(learner);
    add_literal_again(learner, end);
}

static void learn_records(struct learner *learner)
{
    struct fs_template *template = learner->template;
    struct fs_json *json = &learner->json;
    enum fs_json_type type;
    bool first = true;
    if (!fs_json_peek(json, &type) || type == FS_JSON_NULL) {
        struct fs_json_value null;
        fs_json_skip(json, &null);
        return;
    }
    fs_json_enter(json);
    const char *array = json->at;
    if (template->has_records || !fs_json_next_element(json, &first) || !fs_json_peek(json, &type)) {
        learner->failed = true;
        return;
    }
    const char *record = json->at;
    template->has_records = true;
    template->first_of_record = template->step_count;
    add_up_to(learner, record);
    size_t text_before = (size_t) template->text_length - learner->literal_start;
    learn_record(learner);
    if (template->step_count == template->first_of_record || learner->failed) {
        learner->failed = true;
        return;
    }
    template->last_of_record = (uint16_t)(template->step_count - 1);
    size_t beginning = template->steps[template->first_of_record].literal.length - text_before;
    learn_next_record(learner, beginning, json->at, (finseg_slice){array, (size_t)(record - array)});
}

static void learn_user(struct learner *learner)
{
    bool first = true;
    struct fs_json_value key;
    struct fs_json *json = &learner->json;
    fs_json_enter(json);
    while (!learner->failed && fs_json_next_member(json, &first, &key)) {
        if (fs_json_string_is(&key, "accounts") || fs_json_string_is(&key, "insurances"))
            learn_records(learner);
        else
            learn_value(learner, fs_json_string_is(&key, "userId") ? FS_HOLE_USER_ID : FS_HOLE_VALUE);
    }
}

bool fs_template_learn(struct fs_template *template, finseg_slice user, finseg_slice before)
{
    struct learner learner = {.template = template, .from = user.data};
    template->learned = false;
    template->has_records = false;
    template->has_amounts = false;
    template->step_count = 0;
    template->reach = 0;
    template->text_length = 0;
    fs_json_begin(&learner.json, user.data, user.length);
    learn_user(&learner);
    if (learner.failed || learner.json.problem)
        return false;
    add_up_to(&learner, user.data + user.length);
    template->tail = finish_literal(&learner);
    add_literal_again(&learner, template->tail);
    add_separator(&learner, before, (finseg_slice){0});
    template->next_user_start = (uint16_t)(template->text_length - learner.literal_start);
    add_literal_again(&learner, template->steps[0].literal);
    template->next_user = finish_literal(&learner);
    template->learned = !learner.failed;
    return template->learned;
}

#else

bool fs_template_learn(struct fs_template *template, finseg_slice user, finseg_slice before)
{
    (void)user;
    (void)before;
    template->learned = false;
    return false;
}

size_t fs_template_read_users(const struct fs_template *template, struct fs_json *json, finseg_page *page)
{
    (void)template;
    (void)json;
    (void)page;
    return 0;
}

#endif
