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
        .name = "accountType", .type = FS_PARAMETER_TEXT, .values = account_types                                      \
    }
#define THRESHOLD                                                                                                      \
    {                                                                                                                  \
        .name = "threshold", .type = FS_PARAMETER_AMOUNT, .required = true                                             \
    }
#define DURATION                                                                                                       \
    {                                                                                                                  \
        .name = "durationInMonth", .type = FS_PARAMETER_INTEGER, .required = true, .minimum = 1, .maximum = 12         \
    }

static const struct fs_parameter high_balance[] = {ACCOUNT_TYPE, THRESHOLD};
static const struct fs_parameter low_balance[] = {ACCOUNT_TYPE, THRESHOLD, DURATION};
static const struct fs_parameter by_duration[] = {DURATION};
static const struct fs_parameter financial_breakdown[] = {
    {.name = "labels", .type = FS_PARAMETER_TEXTS, .required = true},
    DURATION,
};

#define PARAMETERS(list) .parameters = (list), .parameter_count = sizeof(list) / sizeof *(list)

static const struct fs_kind built_in[] = {
    {.name = "highBalance", .path = "highBalance", PARAMETERS(high_balance)},
    {.name = "lowBalance", .path = "lowBalance", PARAMETERS(low_balance)},
    {.name = "incomeSpendingSummary", .path = "incomeSpendingSummary", PARAMETERS(by_duration)},
    {.name = "insuranceSpending", .path = "insuranceSpending", PARAMETERS(by_duration)},
    {.name = "financialBreakdown", .path = "financialBreakdown", PARAMETERS(financial_breakdown)},
};
enum { BUILT_IN_COUNT = sizeof built_in / sizeof *built_in };

const struct fs_parameter fs_kind_callback_parameter = {.name = "callbackURL", .type = FS_PARAMETER_URL};

static const struct fs_kind *find_built_in(const char *name)
{
    for (size_t i = 0; i < BUILT_IN_COUNT; i++) {
        if (strcmp(built_in[i].name, name) == 0)
            return &built_in[i];
    }
    return NULL;
}

const struct fs_kind *fs_kind_find(const struct fs_kind_list *added, const char *name)
{
    for (size_t i = 0; i < added->count; i++) {
        if (strcmp(added->kinds[i].name, name) == 0)
            return &added->kinds[i];
    }
    return find_built_in(name);
}

const struct fs_kind *fs_kind_at(const struct fs_kind_list *added, size_t index)
{
    if (index < BUILT_IN_COUNT)
        return fs_kind_find(added, built_in[index].name);
    index -= BUILT_IN_COUNT;
    for (size_t i = 0; i < added->count; i++) {
        if (!find_built_in(added->kinds[i].name) && index-- == 0)
            return &added->kinds[i];
    }
    return NULL;
}

const struct fs_parameter *fs_kind_parameter(const struct fs_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->parameter_count; i++) {
        if (strcmp(kind->parameters[i].name, name) == 0)
            return &kind->parameters[i];
    }
    return strcmp(name, fs_kind_callback_parameter.name) == 0 ? &fs_kind_callback_parameter : NULL;
}

finseg_error *fs_kind_unknown(const struct fs_kind_list *added, const char *name)
{
    struct fs_buffer known = {0};
    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        fs_buffer_printf(&known, "%s%s", i ? ", " : "", built_in[i].name);
    for (size_t i = 0; i < added->count; i++) {
        if (!find_built_in(added->kinds[i].name))
            fs_buffer_printf(&known, ", %s", added->kinds[i].name);
    }
    finseg_error *error = fs_error_new(FINSEG_ERROR_INVALID, "there is no segment kind \"%s\": the kinds are %s", name,
                                       known.failed ? "?" : known.data);
    fs_buffer_free(&known);
    return error;
}

/* ---- kinds that a config adds ---- */

static void free_values(const char *const *values)
{
    for (const char *const *value = values; value && *value; value++)
        free((void *)*value);
    free((void *)values);
}

static void free_kind(struct fs_kind *kind)
{
    for (size_t i = 0; i < kind->parameter_count; i++) {
        free((void *)kind->parameters[i].name);
        free_values(kind->parameters[i].values);
    }
    free((void *)kind->parameters);
    free((void *)kind->name);
    free((void *)kind->path);
}

void fs_kind_list_free(struct fs_kind_list *added)
{
    for (size_t i = 0; i < added->count; i++)
        free_kind(&added->kinds[i]);
    free(added->kinds);
    *added = (struct fs_kind_list){0};
}

static bool copy_values(struct fs_parameter *parameter, const char *const *values)
{
    if (!values)
        return true;
    size_t count = 0;
    while (values[count])
        count++;
    const char **copy = calloc(count + 1, sizeof *copy);
    parameter->values = copy;
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = fs_text_copy(values[i], strlen(values[i]));
        if (!copy[i])
            return false;
    }
    return copy != NULL;
}

/* What is copied so far is always in a state that free_kind() understands. */
static bool copy_kind(struct fs_kind *to, const struct fs_kind *from)
{
    *to = (struct fs_kind){.name = fs_text_copy(from->name, strlen(from->name)),
                           .path = fs_text_copy(from->path, strlen(from->path))};
    struct fs_parameter *parameters = calloc(from->parameter_count + 1, sizeof *parameters);
    to->parameters = parameters;
    if (!to->name || !to->path || !parameters)
        return false;
    for (size_t i = 0; i < from->parameter_count; i++) {
        const struct fs_parameter *parameter = &from->parameters[i];
        parameters[i] = *parameter;
        parameters[i].name = fs_text_copy(parameter->name, strlen(parameter->name));
        parameters[i].values = NULL;
        to->parameter_count++;
        if (!parameters[i].name || !copy_values(&parameters[i], parameter->values))
            return false;
    }
    return true;
}

bool fs_kind_list_copy(struct fs_kind_list *to, const struct fs_kind_list *from)
{
    *to = (struct fs_kind_list){0};
    if (from->count == 0)
        return true;
    to->kinds = calloc(from->count, sizeof *to->kinds);
    if (!to->kinds)
        return false;
    while (to->count < from->count) {
        bool copied = copy_kind(&to->kinds[to->count], &from->kinds[to->count]);
        to->count++;
        if (!copied) {
            fs_kind_list_free(to);
            return false;
        }
    }
    return true;
}

static bool put(struct fs_kind_list *added, const struct fs_kind *kind)
{
    struct fs_kind copy;
    if (!copy_kind(&copy, kind)) {
        free_kind(&copy);
        return false;
    }
    for (size_t i = 0; i < added->count; i++) {
        if (strcmp(added->kinds[i].name, kind->name) == 0) {
            free_kind(&added->kinds[i]);
            added->kinds[i] = copy;
            return true;
        }
    }
    struct fs_kind *kinds = realloc(added->kinds, (added->count + 1) * sizeof *kinds);
    if (!kinds) {
        free_kind(&copy);
        return false;
    }
    added->kinds = kinds;
    kinds[added->count++] = copy;
    return true;
}

/* ---- reading a definition ---- */

static const char *const type_names[] = {
    [FS_PARAMETER_TEXT] = "text",     [FS_PARAMETER_URL] = "url",         [FS_PARAMETER_TEXTS] = "texts",
    [FS_PARAMETER_AMOUNT] = "amount", [FS_PARAMETER_INTEGER] = "integer", [FS_PARAMETER_FLAG] = "flag",
};

const char *fs_parameter_type_name(enum fs_parameter_type type)
{
    return type_names[type];
}

static const char *read_type(const cJSON *item, struct fs_parameter *parameter)
{
    const char *name = cJSON_GetStringValue(item);
    for (size_t i = 0; name && i < sizeof type_names / sizeof *type_names; i++) {
        if (strcmp(type_names[i], name) == 0) {
            parameter->type = (enum fs_parameter_type)i;
            return NULL;
        }
    }
    return "type is none of text, url, texts, amount, integer and flag";
}

/* The texts stay in the cJSON tree; `*values` is an array to be freed. */
static const char *read_values(const cJSON *item, const char ***values)
{
    int count = cJSON_GetArraySize(item);
    if (!cJSON_IsArray(item) || count == 0)
        return "values is no list of text";
    *values = calloc((size_t)count + 1, sizeof **values);
    if (!*values)
        return fs_out_of_memory;
    for (int i = 0; i < count; i++) {
        (*values)[i] = cJSON_GetStringValue(cJSON_GetArrayItem(item, i));
        if (!(*values)[i])
            return "values is no list of text";
    }
    return NULL;
}

static const char *read_parameter(const cJSON *item, struct fs_parameter *parameter)
{
    *parameter = (struct fs_parameter){.name = item->string, .minimum = -HUGE_VAL, .maximum = HUGE_VAL};
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
            problem = cJSON_IsNumber(member) ? NULL : "minimum is no number";
        } else if (strcmp(member->string, "maximum") == 0) {
            parameter->maximum = cJSON_GetNumberValue(member);
            problem = cJSON_IsNumber(member) ? NULL : "maximum is no number";
        } else if (strcmp(member->string, "values") == 0) {
            const char **values = NULL;
            problem = read_values(member, &values);
            free((void *)parameter->values);
            parameter->values = values;
        } else {
            problem = "it has a member that is none of type, required, minimum, maximum and values";
        }
    }
    return problem || typed ? problem : "its type is missing";
}

static const char *read_parameters(const cJSON *item, struct fs_parameter **parameters, size_t *count,
                                   const char **where)
{
    if (!cJSON_IsObject(item))
        return "parameters is no object";
    *parameters = calloc((size_t)cJSON_GetArraySize(item) + 1, sizeof **parameters);
    if (!*parameters)
        return fs_out_of_memory;
    for (const cJSON *member = item->child; member; member = member->next) {
        const char *problem = read_parameter(member, &(*parameters)[(*count)++]);
        if (problem) {
            *where = member->string;
            return problem;
        }
    }
    return NULL;
}

static int refuse(const char *name, const char *where, const char *problem, finseg_error **error)
{
    if (problem == fs_out_of_memory)
        return fs_error_give(error, fs_error_out_of_memory());
    return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "kinds.%s%s%s: %s", name, where ? ".parameters." : "",
                                             where ? where : "", problem));
}

static int add_definition(struct fs_kind_list *added, const char *name, const cJSON *definition, finseg_error **error)
{
    struct fs_kind kind = {.name = name, .path = name};
    struct fs_parameter *parameters = NULL;
    const char *problem = cJSON_IsObject(definition) ? NULL : "it is no object";
    const char *where = NULL;
    for (const cJSON *member = definition->child; member && !problem; member = member->next) {
        if (strcmp(member->string, "path") == 0) {
            kind.path = cJSON_GetStringValue(member);
            problem = kind.path && *kind.path ? NULL : "path is no text";
        } else if (strcmp(member->string, "parameters") == 0 && !parameters) {
            problem = read_parameters(member, &parameters, &kind.parameter_count, &where);
        } else {
            problem = "it has a member that is neither path nor parameters";
        }
    }
    kind.parameters = parameters;
    if (!problem && !put(added, &kind))
        problem = fs_out_of_memory;
    int result = problem ? refuse(name, where, problem, error) : 0;
    for (size_t i = 0; i < kind.parameter_count; i++)
        free((void *)parameters[i].values);
    free(parameters);
    return result;
}

int fs_kind_add(struct fs_kind_list *added, const char *name, const char *definition, finseg_error **error)
{
    if (!*name)
        return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "kinds: a kind's name is empty"));
    const char *problem;
    if (!fs_json_check(definition, strlen(definition), &problem, NULL))
        return refuse(name, NULL, problem, error);
    cJSON *tree = cJSON_Parse(definition);
    if (!tree)
        return fs_error_give(error, fs_error_out_of_memory());
    int result = add_definition(added, name, tree, error);
    cJSON_Delete(tree);
    return result;
}
