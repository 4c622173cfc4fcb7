#include "protocol/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static const struct fs_kind_list none = {0};

static const finseg_parameter exotic_parameters[] = {
    {.name = "share", .type = FINSEG_PARAMETER_FLAG},
    {.name = "sort", .type = FINSEG_PARAMETER_TEXTS, .values = (const char *const[]){"UP", "DOWN", NULL}},
};
static const finseg_kind exotic = {
    .name = "exotic", .path = "exotic", .parameters = exotic_parameters, .parameter_count = 2};

static const finseg_kind *kind_of(const char *name)
{
    return strcmp(name, "exotic") == 0 ? &exotic : fs_kind_find(&none, name, NULL);
}

static char *body_of(const char *kind, const char *parameters, finseg_error **error)
{
    struct fs_request request;
    if (fs_request_read(&request, kind_of(kind), parameters, error) != 0)
        return NULL;
    char *body = fs_request_body(&request);
    fs_request_free(&request);
    return body;
}

static void makes(const char *kind, const char *parameters, const char *expected)
{
    finseg_error *error = NULL;
    char *body = body_of(kind, parameters, &error);
    CHECK_TEXT(body, expected);
    CHECK_CASE(error == NULL, error ? finseg_error_message(error) : "");
    finseg_error_free(error);
    free(body);
}

static void refuses(const char *kind, const char *parameters, const char *part)
{
    finseg_error *error = NULL;
    char *body = body_of(kind, parameters, &error);
    CHECK_CASE(body == NULL, parameters ? parameters : "(none)");
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, part);
    free(body);
    CHECK(body_of(kind, parameters, NULL) == NULL);
}

static void parameters_become_the_body(void)
{
    makes("highBalance", "{\"accountType\":\"checking\",\"threshold\":5000}",
          "{\"accountType\":\"checking\",\"threshold\":5000}");
    makes("lowBalance", " { \"durationInMonth\" : 3 , \"threshold\" : -100 } ",
          "{\"durationInMonth\":3,\"threshold\":-100}");
    makes("financialBreakdown", "{\"labels\":[\"SALARY\",\"R\\u00dcCK\\\"\"],\"durationInMonth\":12}",
          "{\"labels\":[\"SALARY\",\"R\xC3\x9C"
          "CK\\\"\"],\"durationInMonth\":12}");
    makes("exotic", NULL, "{}");
    makes("exotic", "{\"share\":false,\"sort\":[\"down\"],\"callbackURL\":\"https://me/?a=b&c\"}",
          "{\"share\":false,\"sort\":[\"down\"],\"callbackURL\":\"https://me/?a=b&c\"}");
}

static void an_amount_keeps_its_own_digits(void)
{
    makes("highBalance", "{\"threshold\":\"5000.10\"}", "{\"threshold\":5000.10}");
    makes("highBalance", "{\"threshold\":0.1}", "{\"threshold\":0.1}");
    makes("highBalance", "{\"threshold\":900719925474099.3333}", "{\"threshold\":900719925474099.3333}");
    makes("highBalance", "{\"threshold\":1e3}", "{\"threshold\":1e3}");
    refuses("highBalance", "{\"threshold\":\"5000,10\"}", "highBalance: threshold must be a number or decimal text");
    refuses("highBalance", "{\"threshold\":\"\"}", "threshold must be a number");
    refuses("highBalance", "{\"threshold\":\"1}, \\\"x\\\": {\"}", "threshold must be a number");
    refuses("highBalance", "{\"threshold\":null}", "threshold must be a number");
    refuses("highBalance", "{\"threshold\":[1]}", "threshold must be a number");
    refuses("highBalance", "{\"threshold\":0.00001}", "threshold has more than four decimals");
    refuses("highBalance", "{\"threshold\":1e15}", "threshold is beyond what an amount can be");
}

static void a_missing_or_unknown_parameter_is_named(void)
{
    refuses("highBalance", NULL, "highBalance: threshold is missing");
    refuses("lowBalance", "{\"threshold\":1}", "lowBalance: durationInMonth is missing");
    refuses("highBalance", "{\"treshold\":1}",
            "highBalance: treshold is no parameter of this kind: it takes accountType, threshold, callbackURL");
    refuses("highBalance", "{\"threshold\":1,\"threshold\":2}", "highBalance: threshold is given twice");
}

static void a_text_must_be_one_of_its_values(void)
{
    makes("highBalance", "{\"accountType\":\"Credit_Card\",\"threshold\":1}",
          "{\"accountType\":\"Credit_Card\",\"threshold\":1}");
    refuses("highBalance", "{\"accountType\":\"GIRO\",\"threshold\":1}",
            "accountType \"GIRO\" is none of CHECKING, SAVINGS, CREDIT_CARD");
    refuses("highBalance", "{\"accountType\":\"\",\"threshold\":1}", "accountType must be text that is not empty");
    refuses("highBalance", "{\"accountType\":7,\"threshold\":1}", "accountType must be text");
    refuses("exotic", "{\"sort\":[\"UP\",\"LEFT\"]}", "sort \"LEFT\" is none of UP, DOWN");
    refuses("financialBreakdown", "{\"labels\":[],\"durationInMonth\":1}", "labels must not be an empty list");
    refuses("financialBreakdown", "{\"labels\":\"SALARY\",\"durationInMonth\":1}", "labels must be a list of text");
    refuses("financialBreakdown", "{\"labels\":[1],\"durationInMonth\":1}", "labels must be text");
    refuses("exotic", "{\"share\":\"yes\"}", "share must be true or false");
}

static void a_zero_byte_cuts_nothing_off(void)
{
    refuses("financialBreakdown", "{\"labels\":[\"A\\u0000B\"],\"durationInMonth\":1}",
            "labels must be text without a zero byte");
    refuses("highBalance", "{\"threshold\\u0000!\":1}", "a name with a zero byte");
}

static void an_integer_must_be_whole_and_within_its_range(void)
{
    const char *const wrong[] = {"0", "13", "-1", "1.5", "-0.9", "1.0", "1e1", "\"3\"", "true", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char parameters[64];
        snprintf(parameters, sizeof parameters, "{\"durationInMonth\":%s}", wrong[i]);
        refuses("insuranceSpending", parameters,
                "insuranceSpending: durationInMonth must be a whole number from 1 to 12");
    }
    makes("insuranceSpending", "{\"durationInMonth\":1}", "{\"durationInMonth\":1}");
}

static void parameters_must_be_one_json_object(void)
{
    refuses("exotic", "", "exotic: parameters");
    refuses("exotic", "[]", "exotic: parameters must be a JSON object");
    refuses("exotic", "{\"share\":true", "exotic: parameters are no JSON: ");
    refuses("exotic", "{\"share\":true,}", "exotic: parameters are no JSON: ");
    refuses("exotic", "{} {}", "exotic: parameters are no JSON: ");
    refuses("exotic", "{\"share\":truth}", "exotic: parameters are no JSON: ");
}

static void asks_to_call(const char *parameters, const char *expected)
{
    struct fs_request request;
    char *url = NULL;
    CHECK_INT(fs_request_read(&request, kind_of("exotic"), parameters, NULL), 0);
    CHECK(fs_request_callback_url(&request, &url));
    if (expected)
        CHECK_TEXT(url, expected);
    else
        CHECK(url == NULL);
    free(url);
    fs_request_free(&request);
}

static void the_callback_url_is_told_as_plain_text(void)
{
    asks_to_call("{\"callbackURL\":\"https:\\/\\/me\\/\\u00e4?a=\\\"b\\\"\"}", "https://me/\xC3\xA4?a=\"b\"");
    asks_to_call("{\"share\":true}", NULL);
}

static void a_kind_may_have_a_callback_url_of_its_own(void)
{
    static const finseg_parameter own[] = {{.name = "callbackURL", .type = FINSEG_PARAMETER_FLAG}};
    const finseg_kind kind = {.name = "own", .path = "own", .parameters = own, .parameter_count = 1};
    struct fs_request request;
    char *url = NULL;
    CHECK_INT(fs_request_read(&request, &kind, "{\"callbackURL\":true}", NULL), 0);
    CHECK(fs_request_callback_url(&request, &url) && url == NULL);
    fs_request_free(&request);
}

static const struct test tests[] = {
    {"parameters become the body, as they were written", parameters_become_the_body},
    {"an amount keeps its own digits", an_amount_keeps_its_own_digits},
    {"a missing, unknown or doubled parameter is named", a_missing_or_unknown_parameter_is_named},
    {"a text must be one of its values, without case", a_text_must_be_one_of_its_values},
    {"a zero byte cuts nothing off", a_zero_byte_cuts_nothing_off},
    {"an integer must be whole and within its range", an_integer_must_be_whole_and_within_its_range},
    {"parameters must be one JSON object", parameters_must_be_one_json_object},
    {"the callbackURL is told as plain text, when there is one", the_callback_url_is_told_as_plain_text},
    {"a kind may define callbackURL in its own way", a_kind_may_have_a_callback_url_of_its_own},
};
SUITE(request, tests);
