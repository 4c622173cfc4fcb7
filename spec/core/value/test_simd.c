#include "value/simd.h"

#include <stdio.h>

#include "test.h"
#include "value/money.h"

#if FS_SIMD

static void check_amount(const char *number)
{
    char text[64] = "";
    int64_t fast = -1;
    int64_t exact = -2;
    snprintf(text, sizeof text, "%s,\"12345678\"", number);
    size_t length = fs_simd_amount(text, &fast);
    if (length > 0) {
        CHECK_CASE(length == strlen(number) && fs_money_parse(number, length, &exact) == FS_MONEY_OK, number);
        CHECK_INT(fast, exact);
    }
}

static void an_amount_is_exact(void)
{
    char text[32];
    for (int whole = 0; whole <= 10; whole++) {
        for (int fraction = 0; fraction <= 6; fraction++) {
            for (int negative = 0; negative < 2; negative++) {
                snprintf(text, sizeof text, "%s%.*s%s%.*s", negative ? "-" : "", whole, "9081726354",
                         fraction ? "." : "", fraction, "102938");
                check_amount(text);
            }
        }
    }
    int64_t amount = 0;
    CHECK_INT((int64_t)fs_simd_amount("-99999999.9999}                 ", &amount), 14);
    CHECK_INT(amount, INT64_C(-999999999999));
    CHECK_INT((int64_t)fs_simd_amount("0.05,                           ", &amount), 4);
    CHECK_INT(amount, 500);
}

static void the_same_uuids_are_known(void)
{
    char text[] = "3f2b8c1e-9d47-4e5a-8b6f-0123456789ab";
    for (size_t at = 0; at < FS_UUID_TEXT; at++) {
        const char right = text[at];
        for (int c = 0; c < 256; c++) {
            struct fs_uuid fast = {0};
            struct fs_uuid slow = {0};
            text[at] = (char)c;
            bool is_uuid = fs_uuid_read(text, &slow);
            CHECK_CASE(fs_simd_uuid(text, &fast) == is_uuid && fs_uuid_equal(&fast, &slow), text);
        }
        text[at] = right;
    }
}

static const struct test tests[] = {
    {"an amount is exact", an_amount_is_exact},
    {"the same UUIDs are known", the_same_uuids_are_known},
};
SUITE(simd, tests);

#else

static const struct test tests[] = {{0}};
const struct suite suite_simd = {"simd", tests, 0};

#endif
