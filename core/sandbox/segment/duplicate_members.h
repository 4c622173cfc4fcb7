/* The names of a JSON object's members. */
#ifndef FINSEG_SANDBOX_DUPLICATE_MEMBERS_H
#define FINSEG_SANDBOX_DUPLICATE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether two members of the object, which passed fs_json_check, have one name, escapes resolved. False when memory is
 * out.
 */
bool sb_has_duplicate_members(const char *object, size_t length, bool *repeat);

#endif
