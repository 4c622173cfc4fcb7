#include "label.h"

#include <string.h>

bool sb_label_in_group(const char *label, const char *group)
{
    size_t length = strlen(group);
    return strncmp(label, group, length) == 0 && (label[length] == '\0' || label[length] == '_');
}
