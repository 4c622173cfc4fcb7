/* Runs the suites. An argument runs only the tests whose "suite: behaviour" contains it. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* One line a suite; each is defined in test_NAME.c. */
#define SUITES(SUITE_OF)                                                                                               \
    SUITE_OF(buffer)                                                                                                   \
    SUITE_OF(text)                                                                                                     \
    SUITE_OF(error)                                                                                                    \
    SUITE_OF(decimal)                                                                                                  \
    SUITE_OF(secrets)                                                                                                  \
    SUITE_OF(money)                                                                                                    \
    SUITE_OF(json)                                                                                                     \
    SUITE_OF(simd)                                                                                                     \
    SUITE_OF(page_read)                                                                                                \
    SUITE_OF(page)                                                                                                     \
    SUITE_OF(aggregates)                                                                                               \
    SUITE_OF(page_pool)                                                                                                \
    SUITE_OF(template)                                                                                                 \
    SUITE_OF(idset)                                                                                                    \
    SUITE_OF(traversal)                                                                                                \
    SUITE_OF(kind)                                                                                                     \
    SUITE_OF(request)                                                                                                  \
    SUITE_OF(canonical)                                                                                                \
    SUITE_OF(schedule)                                                                                                 \
    SUITE_OF(repeat)                                                                                                   \
    SUITE_OF(url)                                                                                                      \
    SUITE_OF(token)                                                                                                    \
    SUITE_OF(answer)                                                                                                   \
    SUITE_OF(job)                                                                                                      \
    SUITE_OF(config)                                                                                                   \
    SUITE_OF(event)                                                                                                    \
    SUITE_OF(loop)                                                                                                     \
    SUITE_OF(sigpipe)                                                                                                  \
    SUITE_OF(transport)                                                                                                \
    SUITE_OF(operation)                                                                                                \
    SUITE_OF(resource)                                                                                                 \
    SUITE_OF(client)                                                                                                   \
    SUITE_OF(session)                                                                                                  \
    SUITE_OF(authorization)                                                                                            \
    SUITE_OF(operations)                                                                                               \
    SUITE_OF(attach)                                                                                                   \
    SUITE_OF(recycle)

#define DECLARE(name) extern const struct suite suite_##name;
#define LIST(name) &suite_##name,
SUITES(DECLARE)
static const struct suite *const suites[] = {SUITES(LIST)};

static unsigned failures; /* of the running test */

static void report(const char *file, int line)
{
    failures++;
    printf("  %s:%d: ", file, line);
}

void check_true(bool passed, const char *expression, const char *file, int line)
{
    if (passed)
        return;
    report(file, line);
    printf("not true: %s\n", expression);
}

void check_int(int64_t actual, int64_t expected, const char *expression, const char *file, int line)
{
    if (actual == expected)
        return;
    report(file, line);
    printf("%s is %lld, not %lld\n", expression, (long long)actual, (long long)expected);
}

void check_text(const char *actual, const char *expected, const char *expression, const char *file, int line)
{
    if (actual && strcmp(actual, expected) == 0)
        return;
    report(file, line);
    printf("%s is \"%s\", not \"%s\"\n", expression, actual ? actual : "(null)", expected);
}

void check_slice(finseg_slice actual, const char *expected, const char *expression, const char *file, int line)
{
    if (actual.length == strlen(expected) && memcmp(actual.data, expected, actual.length) == 0)
        return;
    report(file, line);
    printf("%s is \"%.*s\", not \"%s\"\n", expression, (int)actual.length, actual.data, expected);
}

void check_error(finseg_error *error, finseg_error_kind kind, const char *part, const char *expression,
                 const char *file, int line)
{
    if (!error) {
        report(file, line);
        printf("%s is no error, not of kind %s\n", expression, finseg_error_kind_name(kind));
        return;
    }
    const char *message = finseg_error_message(error);
    if (finseg_error_get_kind(error) != kind || !strstr(message, part)) {
        report(file, line);
        printf("%s is %s, \"%s\"; not %s, \"...%s...\"\n", expression,
               finseg_error_kind_name(finseg_error_get_kind(error)), message, finseg_error_kind_name(kind), part);
    }
    finseg_error_free(error);
}

void check_case(bool passed, const char *text, const char *expression, const char *file, int line)
{
    if (passed)
        return;
    report(file, line);
    printf("not true: %s, for: %.200s\n", expression, text);
}

bool is_true_in_child(bool (*run_it)(void *), void *argument)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        execlp("sh", "sh", "-c", run_it(argument) ? "exit 0" : "exit 1", (char *)NULL);
        _exit(2);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status == 0;
}

static bool run(const struct suite *suite, const struct test *test)
{
    failures = 0;
    test->run();
    if (failures > 0)
        printf("FAILED %s: %s\n", suite->name, test->behaviour);
    return failures == 0;
}

static bool is_wanted(const struct suite *suite, const struct test *test, const char *filter)
{
    char name[256];
    snprintf(name, sizeof name, "%s: %s", suite->name, test->behaviour);
    return !filter || strstr(name, filter);
}

int main(int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : NULL;
    unsigned passed = 0;
    unsigned failed = 0;
    for (size_t s = 0; s < sizeof suites / sizeof *suites; s++) {
        for (size_t t = 0; t < suites[s]->count; t++) {
            const struct test *test = &suites[s]->tests[t];
            if (!is_wanted(suites[s], test, filter))
                continue;
            if (run(suites[s], test))
                passed++;
            else
                failed++;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
