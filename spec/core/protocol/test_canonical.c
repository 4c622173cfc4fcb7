#include "protocol/canonical.h"

#include <stdlib.h>

#include "test.h"

static const struct fs_kind_list none = {0};

static void writes(const char *kind, const char *parameters, const char *expected)
{
    finseg_error *error = NULL;
    char *text = fs_canonical_parameters(fs_kind_find(&none, kind, NULL), parameters, &error);
    CHECK_TEXT(text, expected);
    CHECK(error == NULL);
    finseg_error_free(error);
    free(text);
}

static void equal_amounts_are_one_text(void)
{
    writes("highBalance", "{\"threshold\":5000}", "{\"threshold\":5000.00}");
    writes("highBalance", "{\"threshold\":5000.0}", "{\"threshold\":5000.00}");
    writes("highBalance", "{\"threshold\":\"5000.00\"}", "{\"threshold\":5000.00}");
    writes("highBalance", "{\"threshold\":5e3}", "{\"threshold\":5000.00}");
    writes("highBalance", "{\"threshold\":5000.0001}", "{\"threshold\":5000.0001}");
}

static void members_are_sorted_and_the_callback_is_left_out(void)
{
    writes("lowBalance", "{\"threshold\":-100,\"callbackURL\":\"https://a.example/b\",\"durationInMonth\":3}",
           "{\"durationInMonth\":3,\"threshold\":-100.00}");
}

static void account_types_have_no_case(void)
{
    writes("highBalance", "{\"threshold\":1,\"accountType\":\"Credit_CARD\"}",
           "{\"accountType\":\"credit_card\",\"threshold\":1.00}");
    writes("highBalance", "{\"threshold\":1,\"accountType\":\"credit_card\"}",
           "{\"accountType\":\"credit_card\",\"threshold\":1.00}");
}

static void lists_keep_their_order_and_case(void)
{
    writes("financialBreakdown", "{\"labels\":[\"SALARY\",\"Rent\"],\"durationInMonth\":12}",
           "{\"durationInMonth\":12,\"labels\":[\"SALARY\",\"Rent\"]}");
}

static void wrong_parameters_are_refused(void)
{
    finseg_error *error = NULL;
    CHECK(fs_canonical_parameters(fs_kind_find(&none, "highBalance", NULL), "{\"treshold\":1}", &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "treshold");
}

static const struct test tests[] = {
    {"equal amounts are one text, however they were written", equal_amounts_are_one_text},
    {"members are sorted and the callback is left out", members_are_sorted_and_the_callback_is_left_out},
    {"account types have no case", account_types_have_no_case},
    {"lists keep their order and case", lists_keep_their_order_and_case},
    {"wrong parameters are refused by name", wrong_parameters_are_refused},
};
SUITE(canonical, tests);
