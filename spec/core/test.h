/*
 * The test program's small framework. A file holds one suite: functions that CHECK things, a table of them, and SUITE
 * to give it its name; main.c lists the suites. A test goes on after a failed check, and counts as failed once.
 */
#ifndef FINSEG_SPEC_TEST_H
#define FINSEG_SPEC_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "finseg.h"

struct test {
    const char *behaviour; /* what it guards, as a sentence */
    void (*run)(void);
};

struct suite {
    const char *name;
    const struct test *tests;
    size_t count;
};

#define SUITE(suite_name, table)                                                                                       \
    const struct suite suite_##suite_name = {#suite_name, table, sizeof(table) / sizeof *(table)}

#define CHECK(condition) check_true((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) check_int((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_SLICE(actual, expected) check_slice((actual), (expected), #actual, __FILE__, __LINE__)
/* Checks the kind of an error and that its message contains `part`, and frees it. */
#define CHECK_ERROR(error, kind, part) check_error((error), (kind), (part), #error, __FILE__, __LINE__)
/* For checks in a loop over cases: says which case it was, when `passed` is false. */
#define CHECK_CASE(passed, text) check_case((passed), (text), #passed, __FILE__, __LINE__)

/*
 * Runs it in a process of its own and answers whether it answered true. It has 20 seconds.
 * The process ends as another program, since valgrind checks one that ends by itself for all that it inherited.
 */
bool is_true_in_child(bool (*run_it)(void *), void *argument);

void check_true(bool passed, const char *expression, const char *file, int line);
void check_int(int64_t actual, int64_t expected, const char *expression, const char *file, int line);
void check_text(const char *actual, const char *expected, const char *expression, const char *file, int line);
void check_slice(finseg_slice actual, const char *expected, const char *expression, const char *file, int line);
void check_error(finseg_error *error, finseg_error_kind kind, const char *part, const char *expression,
                 const char *file, int line);
void check_case(bool passed, const char *text, const char *expression, const char *file, int line);

#endif
