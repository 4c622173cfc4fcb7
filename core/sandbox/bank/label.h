/*
 * Labels say what a transaction is: SALARY, INSURANCE_HEALTH. They are plain text, upper case by custom, and form
 * groups by their names: a finer label is the name of its group, an underscore, and more. So INSURANCE_HEALTH is in the
 * groups INSURANCE and INSURANCE_HEALTH, while OVERDRAFT_INTEREST is not in INTEREST.
 */
#ifndef FINSEG_SANDBOX_LABEL_H
#define FINSEG_SANDBOX_LABEL_H

#include <stdbool.h>

/* The label is the group's name or finer. Bytes count, case included. */
bool sb_label_in_group(const char *label, const char *group);

#endif
