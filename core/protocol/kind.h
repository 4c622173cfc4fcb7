/* The segment kinds: one table says where each is asked for and which parameters it takes (core/protocol/README.md, "The five
 * kinds"). A config can add to it or replace entries, so that an account that differs needs no code change. */
#ifndef FINSEG_KIND_H
#define FINSEG_KIND_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "finseg.h"

struct fs_added_kind {
    finseg_kind kind;
    char *name;
    cJSON *definition; /* owns the other texts of the kind */
};

/* The kinds that a config added. Zero-initialise it. */
struct fs_kind_list {
    struct fs_added_kind *list;
    size_t count;
};

/* Added kinds go before built-in ones. NULL with an error of kind invalid that names the kinds there are. */
const finseg_kind *fs_kind_find(const struct fs_kind_list *added, const char *name, finseg_error **error);
/* The kinds one after the other, built-in ones first (in their replaced form, if any); NULL beyond the last. */
const finseg_kind *fs_kind_at(const struct fs_kind_list *added, size_t index);
/* Reads a definition as finseg_config_add_kind() documents it and puts it into the list. 0 or -1. */
int fs_kind_add(struct fs_kind_list *added, const char *name, const char *definition, finseg_error **error);
/* False when out of memory; then `to` is empty. */
bool fs_kind_list_copy(struct fs_kind_list *to, const struct fs_kind_list *from);
void fs_kind_list_free(struct fs_kind_list *added);
/* callbackURL, which every kind takes (stated). */
extern const finseg_parameter fs_kind_callback_parameter;
/* NULL when the kind has no such parameter. */
const finseg_parameter *fs_kind_parameter(const finseg_kind *kind, const char *name);

#endif
