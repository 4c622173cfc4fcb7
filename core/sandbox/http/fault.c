#include "fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/base/prng.h"
#include "value/json.h"
#include "value/text.h"

static const struct sb_fault types[] = {
    {"400", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 400, "a job that is not found; without PLACE on retrieve alone"},
    {"401", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 401, "the access token (or the client) is refused"},
    {"403", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 403, "the wrong role"},
    {"404", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 404, "a job that is not ready; without PLACE on retrieve alone"},
    {"423", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 423, "locked, still running elsewhere; without PLACE on retrieve alone"},
    {"429", SB_FAULT_INSTEAD, SB_FAULT_ASK_LATER, 429, "with Retry-After: 1"},
    {"429-date", SB_FAULT_INSTEAD, SB_FAULT_ASK_AT_DATE, 429, "with a Retry-After that is a date, a second ahead"},
    {"500", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 500, "the service failed"},
    {"502", SB_FAULT_INSTEAD, SB_FAULT_BAD_GATEWAY, 502, "a proxy's HTML page"},
    {"503", SB_FAULT_INSTEAD, SB_FAULT_ASK_LATER, 503, "with Retry-After: 1"},
    {"503-date", SB_FAULT_INSTEAD, SB_FAULT_ASK_AT_DATE, 503, "with a Retry-After that is a date, a second ahead"},
    {"503-bare", SB_FAULT_INSTEAD, SB_FAULT_STATUS, 503, "without Retry-After"},
    {"token-expires", SB_FAULT_TOKEN, SB_FAULT_EXPIRE_TOKEN, 0, "the token ends before its time: 401 until a new one"},
    {"job-stuck", SB_FAULT_JOB, SB_FAULT_JOB_STUCK, 0, "the job that is made stays pending: 404 until it expires"},
    {"job-fails", SB_FAULT_JOB, SB_FAULT_JOB_FAILS, 0, "the job that is made fails: 422"},
    {"job-vanishes", SB_FAULT_JOB, SB_FAULT_JOB_VANISHES, 0,
     "the job that is made is gone when it should be ready: 400"},
    {"callback-lost", SB_FAULT_CALLBACK, SB_FAULT_CALLBACK_LOST, 0, "the job's callback is never sent"},
    {"callback-twice", SB_FAULT_CALLBACK, SB_FAULT_CALLBACK_TWICE, 0, "the job's callback is sent twice"},
    {"callback-early", SB_FAULT_CALLBACK, SB_FAULT_CALLBACK_EARLY, 0, "the job's callback comes before it is ready"},
    {"page-repeats", SB_FAULT_NEXT_PAGE, SB_FAULT_REPEAT_PAGE, 0,
     "the page before is served once more (from page 1 on)"},
    {"total-moves", SB_FAULT_PAGE, SB_FAULT_MOVE_TOTAL, 0, "totalElements is by turns one and two more than it was"},
    {"truncated-json", SB_FAULT_BYTES, SB_FAULT_TRUNCATE, 0, "the body is the first half of the JSON"},
    {"garbage", SB_FAULT_BYTES, SB_FAULT_GARBAGE, 0, "the body is no JSON, nor UTF-8"},
    {"huge-body", SB_FAULT_BYTES, SB_FAULT_HUGE, 0, "256 MiB of white space in chunks, then the JSON"},
    {"length-less", SB_FAULT_BYTES, SB_FAULT_ANNOUNCE_LESS, 0, "Content-Length says half of what comes"},
    {"length-more", SB_FAULT_BYTES, SB_FAULT_ANNOUNCE_MORE, 0, "Content-Length says 64 bytes more than come"},
    {"drop-before", SB_FAULT_BYTES, SB_FAULT_DROP_BEFORE, 0, "the connection is closed instead of the answer"},
    {"drop-amid", SB_FAULT_BYTES, SB_FAULT_DROP_AMID, 0, "the connection is closed amid the body"},
    {"drop-after", SB_FAULT_BYTES, SB_FAULT_DROP_AFTER, 0, "the connection is closed, unannounced, after the body"},
    {"trickle", SB_FAULT_BYTES, SB_FAULT_TRICKLE, 0, "the body comes byte by byte, 5 ms apart"},
    {"stall", SB_FAULT_BYTES, SB_FAULT_STALL, 0, "half the body comes, then nothing for two minutes"},
    {"silence", SB_FAULT_BYTES, SB_FAULT_SILENCE, 0, "nothing comes for two minutes, then the connection is closed"},
};

enum { TYPES = sizeof types / sizeof types[0], MOST_RULES = 64, LONGEST_RULE = 256, WHOLE = 100 };

/* Names that stand for a place instead of a path. */
static const struct {
    const char *name;
    enum sb_route route;
} places[] = {
    {"token", SB_ROUTE_TOKEN},
    {"create", SB_ROUTE_CREATE},
    {"retrieve", SB_ROUTE_RETRIEVE},
};

enum { PLACES = sizeof places / sizeof places[0] };

struct rule {
    const struct sb_fault *type;
    char text[LONGEST_RULE];
    char path[LONGEST_RULE]; /* what a path must begin with; empty: any */
    enum sb_route route;     /* SB_ROUTE_NONE: any */
    int percent;             /* of the matching moments; -1 when `left` counts */
    uint64_t left;
    uint64_t met; /* matching moments */
    uint64_t struck;
    struct sb_prng prng;
};

struct sb_faults {
    pthread_mutex_t lock; /* guards the rules */
    atomic_size_t count;  /* read without the lock to see that there is none */
    struct rule rules[MOST_RULES];
    uint64_t struck[TYPES];
    uint64_t seed;
};

struct sb_faults *sb_faults_new(uint64_t seed)
{
    struct sb_faults *faults = calloc(1, sizeof *faults);
    if (!faults)
        return NULL;
    pthread_mutex_init(&faults->lock, NULL);
    atomic_init(&faults->count, 0);
    faults->seed = seed;
    return faults;
}

void sb_faults_free(struct sb_faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

void sb_fault_describe_types(struct fs_buffer *out)
{
    for (size_t i = 0; i < TYPES; i++)
        fs_buffer_printf(out, "  %-16s %s\n", types[i].name, types[i].help);
}

/* ---- reading rules --------------------------------------------------------------------------------------- */

static const struct sb_fault *type_named(const char *name, size_t length)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
            return &types[i];
    }
    return NULL;
}

/* ":10%", ":3", or nothing, which strikes always. */
static bool read_frequency(const char *text, size_t length, struct rule *rule)
{
    uint64_t number = 0;
    size_t i = 1;
    rule->percent = WHOLE;
    if (length == 0)
        return true;
    for (; i < length && text[i] >= '0' && text[i] <= '9' && number < UINT32_MAX; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    if (i == 1)
        return false;
    if (i == length) {
        rule->percent = -1;
        rule->left = number;
        return true;
    }
    rule->percent = (int)number;
    return i + 1 == length && text[i] == '%' && number <= WHOLE;
}

/*
 * Where a rule without a place strikes. These statuses speak of a job; elsewhere only a rule that says so brings them.
 */
static enum sb_route usual_place(const struct sb_fault *type)
{
    bool about_job = type->status == 400 || type->status == 404 || type->status == 423;
    return about_job ? SB_ROUTE_RETRIEVE : SB_ROUTE_NONE;
}

static bool read_place(const char *text, struct rule *rule)
{
    rule->route = SB_ROUTE_NONE;
    if (*text == '\0') {
        rule->route = usual_place(rule->type);
        return true;
    }
    text++; /* the @ */
    if (*text == '/') {
        memcpy(rule->path, text, strlen(text) + 1);
        return true;
    }
    for (size_t i = 0; i < PLACES; i++) {
        if (strcmp(places[i].name, text) == 0)
            rule->route = places[i].route;
    }
    return rule->route != SB_ROUTE_NONE;
}

static bool read_rule(const char *text, struct rule *rule, struct fs_buffer *problem)
{
    *rule = (struct rule){0};
    size_t length = strlen(text);
    size_t name = strcspn(text, ":@");
    size_t before_place = name + strcspn(text + name, "@");
    if (length >= LONGEST_RULE || !fs_text_is_utf8(text, length)) {
        fs_buffer_append_text(problem, "a fault is too long or not UTF-8");
        return false;
    }
    memcpy(rule->text, text, length + 1);
    rule->type = type_named(text, name);
    if (!rule->type)
        fs_buffer_printf(problem, "there is no fault '%.*s'", (int)name, text);
    else if (!read_frequency(text + name, before_place - name, rule))
        fs_buffer_printf(problem, "'%s': after : comes a count (3) or a rate from 0%% to 100%%", text);
    else if (!read_place(text + before_place, rule))
        fs_buffer_printf(problem, "'%s': after @ comes a path (/...), token, create or retrieve", text);
    else
        return true;
    return false;
}

bool sb_fault_is_rule(const char *text)
{
    struct rule rule;
    struct fs_buffer ignored = {0};
    bool read = read_rule(text, &rule, &ignored);
    fs_buffer_free(&ignored);
    return read;
}

/* Under the lock, or before there are threads. */
static bool append_rule(struct sb_faults *faults, const struct rule *rule)
{
    size_t count = atomic_load(&faults->count);
    if (count == MOST_RULES)
        return false;
    faults->rules[count] = *rule;
    faults->rules[count].prng = sb_prng_stream(faults->seed, count);
    atomic_store(&faults->count, count + 1);
    return true;
}

static void refuse_number(struct fs_buffer *problem)
{
    fs_buffer_printf(problem, "there are more than %d faults", (int)MOST_RULES);
}

bool sb_faults_add(struct sb_faults *faults, const char *text, struct fs_buffer *problem)
{
    struct rule rule;
    if (!read_rule(text, &rule, problem))
        return false;
    pthread_mutex_lock(&faults->lock);
    bool added = append_rule(faults, &rule);
    pthread_mutex_unlock(&faults->lock);
    if (!added)
        refuse_number(problem);
    return added;
}

static bool read_rule_value(const struct fs_json_value *value, struct rule *rule, struct fs_buffer *problem)
{
    struct fs_buffer text = {0};
    if (value->type != FS_JSON_STRING) {
        fs_buffer_append_text(problem, "a fault must be a string");
        return false;
    }
    fs_json_append_unescaped(&text, value);
    bool read = text.data && !memchr(text.data, '\0', text.length) && read_rule(text.data, rule, problem);
    if (!read && problem->length == 0)
        fs_buffer_append_text(problem, "a fault must not be empty or hold a zero");
    fs_buffer_free(&text);
    return read;
}

/* Reads the array into `rules`, which has room for MOST_RULES. */
static bool read_rules(const char *text, size_t length, struct rule *rules, size_t *count, struct fs_buffer *problem)
{
    struct fs_json json;
    enum fs_json_type type;
    bool first = true;
    *count = 0;
    fs_json_begin(&json, text, length);
    if (!fs_json_check(text, length, NULL, NULL) || !fs_json_peek(&json, &type) || type != FS_JSON_ARRAY) {
        fs_buffer_append_text(problem, "the body must be a JSON array of faults, such as [\"503:2@retrieve\"]");
        return false;
    }
    fs_json_enter(&json);
    while (fs_json_next_element(&json, &first)) {
        struct fs_json_value value;
        if (!fs_json_skip(&json, &value))
            return false;
        if (*count == MOST_RULES) {
            refuse_number(problem);
            return false;
        }
        if (!read_rule_value(&value, &rules[*count], problem))
            return false;
        ++*count;
    }
    return true;
}

bool sb_faults_replace(struct sb_faults *faults, const char *json, size_t length, struct fs_buffer *problem)
{
    size_t count;
    struct rule *rules = calloc(MOST_RULES, sizeof *rules);
    if (!rules) {
        fs_buffer_append_text(problem, "out of memory");
        return false;
    }
    bool read = read_rules(json, length, rules, &count, problem);
    if (read) {
        pthread_mutex_lock(&faults->lock);
        atomic_store(&faults->count, 0);
        for (size_t i = 0; i < count; i++)
            append_rule(faults, &rules[i]);
        pthread_mutex_unlock(&faults->lock);
    }
    free(rules);
    return read;
}

/* ---- striking -------------------------------------------------------------------------------------------- */

static bool applies(const struct rule *rule, enum sb_fault_moment moment, enum sb_route route, const char *path)
{
    return rule->type->moment == moment && (rule->route == SB_ROUTE_NONE || rule->route == route) &&
           strncmp(path, rule->path, strlen(rule->path)) == 0;
}

static bool strikes(struct rule *rule)
{
    rule->met++;
    bool struck = rule->percent < 0 ? rule->left > 0 : sb_prng_chance(&rule->prng, rule->percent);
    if (!struck)
        return false;
    if (rule->left > 0)
        rule->left--;
    rule->struck++;
    return true;
}

const struct sb_fault *sb_faults_draw(struct sb_faults *faults, enum sb_fault_moment moment, enum sb_route route,
                                      const char *path)
{
    const struct sb_fault *fault = NULL;
    if (atomic_load(&faults->count) == 0)
        return NULL;
    pthread_mutex_lock(&faults->lock);
    size_t count = atomic_load(&faults->count);
    for (size_t i = 0; i < count && !fault; i++) {
        struct rule *rule = &faults->rules[i];
        if (applies(rule, moment, route, path) && strikes(rule))
            fault = rule->type;
    }
    if (fault)
        faults->struck[fault - types]++;
    pthread_mutex_unlock(&faults->lock);
    return fault;
}

uint64_t sb_faults_struck(struct sb_faults *faults, const struct sb_fault *fault)
{
    pthread_mutex_lock(&faults->lock);
    uint64_t struck = faults->struck[fault - types];
    pthread_mutex_unlock(&faults->lock);
    return struck;
}

/* ---- telling --------------------------------------------------------------------------------------------- */

void sb_faults_write(struct sb_faults *faults, struct fs_buffer *out)
{
    pthread_mutex_lock(&faults->lock);
    size_t count = atomic_load(&faults->count);
    fs_buffer_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &faults->rules[i];
        fs_buffer_append_text(out, i > 0 ? ",{\"fault\":" : "{\"fault\":");
        fs_json_append_string(out, rule->text, strlen(rule->text));
        fs_buffer_printf(out, ",\"met\":%llu,\"struck\":%llu}", (unsigned long long)rule->met,
                         (unsigned long long)rule->struck);
    }
    fs_buffer_append_char(out, ']');
    pthread_mutex_unlock(&faults->lock);
}

void sb_faults_write_counts(struct sb_faults *faults, struct fs_buffer *out)
{
    const char *separator = "";
    pthread_mutex_lock(&faults->lock);
    fs_buffer_append_char(out, '{');
    for (size_t i = 0; i < TYPES; i++) {
        if (faults->struck[i] == 0)
            continue;
        fs_buffer_printf(out, "%s\"%s\":%llu", separator, types[i].name, (unsigned long long)faults->struck[i]);
        separator = ",";
    }
    fs_buffer_append_char(out, '}');
    pthread_mutex_unlock(&faults->lock);
}
