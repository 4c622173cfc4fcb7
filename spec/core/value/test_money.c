#include "value/money.h"

#include "test.h"

struct amount_case {
    const char *text;
    int64_t amount;
};

static enum fs_money_verdict parse(const char *text, int64_t *amount)
{
    return fs_money_parse(text, strlen(text), amount);
}

static void decimals_are_read_exactly(void)
{
    static const struct amount_case cases[] = {
        {"0", 0},
        {"1", 10000},
        {"-1", -10000},
        {"12.5", 125000},
        {"12.50000", 125000},
        {"0.0001", 1},
        {"-0.0001", -1},
        {"0.1", 1000},
        {"1234.5678", 12345678},
        {"0.00000000000000000000000000000000000000000000", 0},
        {"922337203685477.5807", INT64_MAX},
        {"-922337203685477.5808", INT64_MIN},
        {"922337203685477.580700000000000000000000000000", INT64_MAX},
        {"-0", 0},
        {"-0.0", 0},
        {"-0e5", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t amount = 77;
        CHECK_CASE(parse(cases[i].text, &amount) == FS_MONEY_OK, cases[i].text);
        CHECK_CASE(amount == cases[i].amount, cases[i].text);
    }
}

static void exponents_are_resolved(void)
{
    static const struct amount_case cases[] = {
        {"1e3", 10000000},
        {"1E+3", 10000000},
        {"1e-4", 1},
        {"1e00000000000000000000000000000000000002", 1000000},
        {"12345e-4", 12345},
        {"100000e-9", 1},
        {"0.00001e1", 1},
        {"0.000000000000000000000000000001e30", 10000},
        {"1000000000000000000000000000000e-30", 10000},
        {"9223372036854775807e-4", INT64_MAX},
        {"-9223372036854775808e-4", INT64_MIN},
        {"9e14", 9000000000000000000},
        {"0e999999999999999999999999999999", 0},
        {"0.000e-999999999999999999999999999999", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t amount = 77;
        CHECK_CASE(parse(cases[i].text, &amount) == FS_MONEY_OK, cases[i].text);
        CHECK_CASE(amount == cases[i].amount, cases[i].text);
    }
}

static void check_refused(const char *const *texts, size_t count, enum fs_money_verdict verdict)
{
    for (size_t i = 0; i < count; i++) {
        int64_t amount = 77;
        CHECK_CASE(parse(texts[i], &amount) == verdict, texts[i]);
        CHECK_CASE(amount == 77, texts[i]);
    }
}

static void what_is_too_fine_is_never_rounded(void)
{
    static const char *const texts[] = {
        "0.00005",  "1.00001",       "-0.00001", "1e-5",
        "12345e-5", "1e-9999999999", "0.1e-4",   "123456789012345678901234567890.00001"};
    check_refused(texts, sizeof texts / sizeof *texts, FS_MONEY_TOO_FINE);
}

static void what_is_too_large_never_wraps(void)
{
    static const char *const texts[] = {
        "922337203685477.5808",          "-922337203685477.5809", "1e15",
        "1844674407370955.1616", /* 2^64 at this scale */
        "1844674407370955.1617",         "1e999999999999",        "-1e99999999999999999999999999999999",
        "123456789012345678901234567890"};
    check_refused(texts, sizeof texts / sizeof *texts, FS_MONEY_TOO_LARGE);
}

static void only_json_numbers_are_read(void)
{
    static const char *const texts[] = {"",    "-",   "+1",    "01",    "-01",   "00",       "1.",   ".5",  "1.e1",
                                        "1e",  "1e+", "1e-",   " 1",    "1 ",    "1,5",      "0x10", "NaN", "inf",
                                        "--1", "1-",  "1.2.3", "1e5.5", "1e5e5", "\xD9\xA1", "1a"};
    check_refused(texts, sizeof texts / sizeof *texts, FS_MONEY_MALFORMED);
    int64_t amount;
    CHECK_INT(fs_money_parse("1\0", 2, &amount), FS_MONEY_MALFORMED);
    CHECK_INT(fs_money_parse("125", 2, &amount), FS_MONEY_OK);
    CHECK_INT(amount, 120000);
}

static void amounts_are_written_with_two_to_four_decimals(void)
{
    static const struct amount_case cases[] = {
        {"0.00", 0},
        {"0.0001", 1},
        {"-0.0001", -1},
        {"0.01", 100},
        {"-0.01", -100},
        {"0.10", 1000},
        {"1.00", 10000},
        {"12.50", 125000},
        {"12.505", 125050},
        {"12.5051", 125051},
        {"-1234.50", -12345000},
        {"1000000.00", 10000000000},
        {"922337203685477.5807", INT64_MAX},
        {"-922337203685477.5808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FS_MONEY_TEXT];
        size_t length = fs_money_format(cases[i].amount, text);
        CHECK_TEXT(text, cases[i].text);
        CHECK_INT((int64_t)length, (int64_t)strlen(cases[i].text));
    }
}

static void what_is_written_is_read_back(void)
{
    uint64_t random = 88172645463325252U;
    for (int i = 0; i < 100000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t amount = (int64_t)(random >> (i % 64));
        int64_t again = 0;
        char text[FS_MONEY_TEXT];
        size_t length = fs_money_format(amount, text);
        CHECK_CASE(fs_money_parse(text, length, &again) == FS_MONEY_OK && again == amount, text);
    }
}

static const struct test tests[] = {
    {"decimals are read exactly", decimals_are_read_exactly},
    {"exponents are resolved", exponents_are_resolved},
    {"what is too fine is never rounded", what_is_too_fine_is_never_rounded},
    {"what is too large never wraps", what_is_too_large_never_wraps},
    {"only JSON numbers are read", only_json_numbers_are_read},
    {"amounts are written with two to four decimals", amounts_are_written_with_two_to_four_decimals},
    {"what is written is read back", what_is_written_is_read_back},
};
SUITE(money, tests);
