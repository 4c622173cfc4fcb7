#include "kind.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/shortage.h"
#include "value/text.h"

static const char *const account_types[] = {"CHECKING", "SAVINGS",   "CREDIT_CARD", "SECURITY",
                                            "LOAN",     "BAUSPAREN", "MEMBERSHIP",  NULL};

#define ACCOUNT_TYPE                                                                                                   \
    {                                                                                                                  \
        .name = "accountType", .type = FINSEG_PARAMETER_TEXT, .values = account_types                                  \
    }
#define THRESHOLD                                                                                                      \
    {                                                                                                                  \
        .name = "threshold", .type = FINSEG_PARAMETER_AMOUNT, .required = true                                         \
    }
#define DURATION                                                                                                       \
    {                                                                                                                  \
        .name = "durationInMonth", .type = FINSEG_PARAMETER_INTEGER, .required = true, .minimum = 1, .maximum = 12     \
    }

static const finseg_parameter high_balance[] = {ACCOUNT_TYPE, THRESHOLD};
static const finseg_parameter low_balance[] = {ACCOUNT_TYPE, THRESHOLD, DURATION};
static const finseg_parameter by_duration[] = {DURATION};
static const finseg_parameter financial_breakdown[] = {
    {.name = "labels", .type = FINSEG_PARAMETER_TEXTS, .required = true},
    DURATION,
};

#define PARAMETERS(list) .parameters = (list), .parameter_count = sizeof(list) / sizeof *(list)

static const finseg_kind built_in[] = {
    {.name = "highBalance", .path = "highBalance", PARAMETERS(high_balance)},
    {.name = "lowBalance", .path = "lowBalance", PARAMETERS(low_balance)},
    {.name = "incomeSpendingSummary", .path = "incomeSpendingSummary", PARAMETERS(by_duration)},
    {.name = "insuranceSpending", .path = "insuranceSpending", PARAMETERS(by_duration)},
    {.name = "financialBreakdown", .path = "financialBreakdown", PARAMETERS(financial_breakdown)},
};
enum { BUILT_IN_COUNT = sizeof built_in / sizeof *built_in };

const finseg_parameter fs_kind_callback_parameter = {.name = "callbackURL", .type = FINSEG_PARAMETER_URL};

static const finseg_kind *find_built_in(const char *name)
{
    for (size_t i = 0; i < BUILT_IN_COUNT; i++) {
        if (strcmp(built_in[i].name, name) == 0)
            return &built_in[i];
    }
    return NULL;
}

static struct fs_added_kind *find_added(const struct fs_kind_list *added, const char *name)
{
    for (size_t i = 0; i < added->count; i++) {
        if (strcmp(added->list[i].name, name) == 0)
            return &added->list[i];
    }
    return NULL;
}

const finseg_kind *fs_kind_at(const struct fs_kind_list *added, size_t index)
{
    if (index < BUILT_IN_COUNT) {
        const struct fs_added_kind *replaced = find_added(added, built_in[index].name);
        return replaced ? &replaced->kind : &built_in[index];
    }
    index -= BUILT_IN_COUNT;
    for (size_t i = 0; i < added->count; i++) {
        if (!find_built_in(added->list[i].name) && index-- == 0)
            return &added->list[i].kind;
    }
    return NULL;
}

const finseg_parameter *fs_kind_parameter(const finseg_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->parameter_count; i++) {
        if (strcmp(kind->parameters[i].name, name) == 0)
            return &kind->parameters[i];
    }
    return strcmp(name, fs_kind_callback_parameter.name) == 0 ? &fs_kind_callback_parameter : NULL;
}

static void refuse_unknown(const struct fs_kind_list *added, const char *name, finseg_error **error)
{
    struct fs_buffer known = {0};
    const finseg_kind *kind;
    for (size_t i = 0; (kind = fs_kind_at(added, i)) != NULL; i++)
        fs_buffer_printf(&known, "%s%s", i ? ", " : "", kind->name);
    fs_error_give(error, known.failed
                             ? fs_error_out_of_memory()
                             : fs_error_new(FINSEG_ERROR_INVALID, "there is no segment kind \"%s\": the kinds are %s",
                                            name, known.data));
    fs_buffer_free(&known);
}

const finseg_kind *fs_kind_find(const struct fs_kind_list *added, const char *name, finseg_error **error)
{
    const struct fs_added_kind *found = find_added(added, name);
    const finseg_kind *kind = found ? &found->kind : find_built_in(name);
    if (!kind)
        refuse_unknown(added, name, error);
    return kind;
}

/* ---- kinds that a config adds ---- */

static const char *const type_names[] = {
    [FINSEG_PARAMETER_TEXT] = "text",     [FINSEG_PARAMETER_URL] = "url",         [FINSEG_PARAMETER_TEXTS] = "texts",
    [FINSEG_PARAMETER_AMOUNT] = "amount", [FINSEG_PARAMETER_INTEGER] = "integer", [FINSEG_PARAMETER_FLAG] = "flag",
};

const char *finseg_parameter_type_name(finseg_parameter_type type)
{
    size_t count = sizeof type_names / sizeof *type_names;
    return (size_t)type < count ? type_names[type] : "unknown";
}

static const char *read_type(const cJSON *item, finseg_parameter *parameter)
{
    const char *name = cJSON_GetStringValue(item);
    for (size_t i = 0; name && i < sizeof type_names / sizeof *type_names; i++) {
        if (strcmp(type_names[i], name) == 0) {
            parameter->type = (finseg_parameter_type)i;
            return NULL;
        }
    }
    return "type is none of text, url, texts, amount, integer and flag";
}

static const char *read_values(const cJSON *item, finseg_parameter *parameter)
{
    int count = cJSON_GetArraySize(item);
    if (!cJSON_IsArray(item) || count == 0)
        return "values is no list of text";
    const char **values = calloc((size_t)count + 1, sizeof *values);
    if (!values)
        return fs_out_of_memory;
    free((void *)parameter->values);
    parameter->values = values;
    for (const cJSON *value = item->child; value; value = value->next) {
        *values = cJSON_GetStringValue(value);
        if (!*values++)
            return "values is no list of text";
    }
    return NULL;
}

static const char *read_parameter(const cJSON *item, finseg_parameter *parameter)
{
    *parameter = (finseg_parameter){.name = item->string, .minimum = -HUGE_VAL, .maximum = HUGE_VAL};
    const char *problem = cJSON_IsObject(item) ? NULL : "it is no object";
    bool typed = false;
    for (const cJSON *member = item->child; member && !problem; member = member->next) {
        if (strcmp(member->string, "type") == 0) {
            problem = read_type(member, parameter);
            typed = true;
        } else if (strcmp(member->string, "required") == 0) {
            parameter->required = cJSON_IsTrue(member);
            problem = cJSON_IsBool(member) ? NULL : "required is neither true nor false";
        } else if (strcmp(member->string, "minimum") == 0) {
            parameter->minimum = cJSON_GetNumberValue(member);
            problem = cJSON_IsNumber(member) ? NULL : "minimum is not a number";
        } else if (strcmp(member->string, "maximum") == 0) {
            parameter->maximum = cJSON_GetNumberValue(member);
            problem = cJSON_IsNumber(member) ? NULL : "maximum is not a number";
        } else if (strcmp(member->string, "values") == 0) {
            problem = read_values(member, parameter);
        } else {
            problem = "it has a member that is none of type, required, minimum, maximum and values";
        }
    }
    return problem || typed ? problem : "its type is missing";
}

static const char *read_parameters(const cJSON *item, finseg_kind *kind, const char **where)
{
    if (!cJSON_IsObject(item))
        return "parameters is no object";
    finseg_parameter *parameters = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *parameters);
    if (!parameters)
        return fs_out_of_memory;
    kind->parameters = parameters;
    for (const cJSON *member = item->child; member; member = member->next) {
        const char *problem = read_parameter(member, &parameters[kind->parameter_count++]);
        if (problem) {
            *where = member->string;
            return problem;
        }
    }
    return NULL;
}

/* NULL, or what is wrong, and with which parameter. */
static const char *read_definition(const cJSON *definition, finseg_kind *kind, const char **where)
{
    const char *problem = cJSON_IsObject(definition) ? NULL : "it is no object";
    for (const cJSON *member = definition->child; member && !problem; member = member->next) {
        if (strcmp(member->string, "path") == 0) {
            kind->path = cJSON_GetStringValue(member);
            problem = kind->path && *kind->path ? NULL : "path is no text";
        } else if (strcmp(member->string, "parameters") == 0 && !kind->parameters) {
            problem = read_parameters(member, kind, where);
        } else {
            problem = "it has a member that is neither path nor parameters";
        }
    }
    return problem;
}

static void free_added(struct fs_added_kind *added)
{
    for (size_t i = 0; i < added->kind.parameter_count; i++)
        free((void *)added->kind.parameters[i].values);
    free((void *)added->kind.parameters);
    free(added->name);
    cJSON_Delete(added->definition);
}

void fs_kind_list_free(struct fs_kind_list *added)
{
    for (size_t i = 0; i < added->count; i++)
        free_added(&added->list[i]);
    free(added->list);
    *added = (struct fs_kind_list){0};
}

/* Where the list keeps the kind of that name; NULL when out of memory. */
static struct fs_added_kind *make_room(struct fs_kind_list *added, const char *name)
{
    struct fs_added_kind *found = find_added(added, name);
    if (found) {
        free_added(found);
        return found;
    }
    struct fs_added_kind *list = realloc(added->list, (added->count + 1) * sizeof *list);
    if (!list)
        return NULL;
    added->list = list;
    return &list[added->count++];
}

static int refuse(const char *name, const char *where, const char *problem, finseg_error **error)
{
    return fs_error_give(error, problem == fs_out_of_memory
                                    ? fs_error_out_of_memory()
                                    : fs_error_new(FINSEG_ERROR_CONFIG, "kinds.%s%s%s: %s", name,
                                                   where ? ".parameters." : "", where ? where : "", problem));
}

/* Takes the definition over, which is NULL when there was no memory for it. 0 or -1. */
static int add(struct fs_kind_list *added, const char *name, cJSON *definition, finseg_error **error)
{
    struct fs_added_kind made = {.name = fs_text_copy(name, strlen(name)), .definition = definition};
    made.kind = (finseg_kind){.name = made.name, .path = made.name};
    const char *where = NULL;
    const char *problem = made.name && definition ? read_definition(definition, &made.kind, &where) : fs_out_of_memory;
    struct fs_added_kind *place = problem ? NULL : make_room(added, name);
    if (place) {
        *place = made;
        return 0;
    }
    refuse(name, where, problem ? problem : fs_out_of_memory, error);
    free_added(&made);
    return -1;
}

int fs_kind_add(struct fs_kind_list *added, const char *name, const char *definition, finseg_error **error)
{
    if (!*name)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "kinds: a kind's name is empty"));
    const char *problem;
    if (!fs_json_check(definition, strlen(definition), &problem, NULL))
        return refuse(name, NULL, problem, error);
    return add(added, name, cJSON_Parse(definition), error);
}

bool fs_kind_list_copy(struct fs_kind_list *to, const struct fs_kind_list *from)
{
    *to = (struct fs_kind_list){0};
    for (size_t i = 0; i < from->count; i++) {
        if (add(to, from->list[i].name, cJSON_Duplicate(from->list[i].definition, true), NULL) != 0) {
            fs_kind_list_free(to);
            return false;
        }
    }
    return true;
}
