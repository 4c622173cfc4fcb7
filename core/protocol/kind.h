/* The segment kinds: one table that says where each is asked for and which parameters it takes (API.md, "The five
 * kinds"). A config can add to it or replace entries, so that an account that differs needs no code change. */
#ifndef FINSEG_KIND_H
#define FINSEG_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "finseg.h"

enum fs_parameter_type {
    FS_PARAMETER_TEXT,
    FS_PARAMETER_URL, /* text: an absolute http or https URL */
    FS_PARAMETER_TEXTS,
    FS_PARAMETER_AMOUNT,
    FS_PARAMETER_INTEGER,
    FS_PARAMETER_FLAG
};

struct fs_parameter {
    const char *name;
    enum fs_parameter_type type;
    bool required;
    double minimum; /* of an integer; both ends belong to the range */
    double maximum;
    const char *const *values; /* of a text: what is allowed, ending in NULL; or NULL for anything */
};

struct fs_kind {
    const char *name;
    const char *path; /* below /segments/ */
    const struct fs_parameter *parameters;
    size_t parameter_count;
};

/* The kinds that a config added. Zero-initialise it. */
struct fs_kind_list {
    struct fs_kind *kinds;
    size_t count;
};

/* Added kinds go before built-in ones. NULL when there is none of that name. */
const struct fs_kind *fs_kind_find(const struct fs_kind_list *added, const char *name);
/* The kinds one after the other, built-in ones first (in their replaced form, if any); NULL beyond the last. */
const struct fs_kind *fs_kind_at(const struct fs_kind_list *added, size_t index);
/* "text", "url", ..., as definitions spell it. */
const char *fs_parameter_type_name(enum fs_parameter_type type);
/* Reads a definition as finseg_config_add_kind() documents it and puts it into the list. 0 or -1. */
int fs_kind_add(struct fs_kind_list *added, const char *name, const char *definition, finseg_error **error);
/* False when out of memory; then `to` is empty. */
bool fs_kind_list_copy(struct fs_kind_list *to, const struct fs_kind_list *from);
void fs_kind_list_free(struct fs_kind_list *added);
/* An error of kind invalid that names the kinds there are. */
finseg_error *fs_kind_unknown(const struct fs_kind_list *added, const char *name);
/* callbackURL, which every kind takes (stated). */
extern const struct fs_parameter fs_kind_callback_parameter;
/* NULL when the kind has no such parameter. */
const struct fs_parameter *fs_kind_parameter(const struct fs_kind *kind, const char *name);

#endif
