#include "protocol/config.h"

#include <math.h>
#include <stdlib.h>

#include "test.h"

static void refuses_number(const char *field, double value, const char *part)
{
    finseg_config *config = finseg_config_new();
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_number(config, field, value, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, part);
    finseg_config_free(config);
}

static void refuses_text(const char *field, const char *value, const char *part)
{
    finseg_config *config = finseg_config_new();
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_text(config, field, value, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, part);
    finseg_config_free(config);
}

static void defaults_are_the_documented_ones(void)
{
    finseg_config *config = finseg_config_new();
    CHECK_TEXT(config->base_url, "https://di-sandbox.finapi.io/api/v1");
    CHECK_TEXT(config->user_agent, "finseg/" FINSEG_VERSION);
    CHECK(config->token_url == NULL && config->client_id == NULL && config->access_token == NULL);
    CHECK(config->timeout == 30 && config->connect_timeout == 10);
    CHECK(config->first_page == 0 && config->page_size == 500 && config->parallel_pages == 4);
    CHECK(config->max_body == 67108864);
    CHECK(config->poll_first == 0.5 && config->poll_factor == 1.5 && config->poll_max == 30);
    CHECK(config->retry_attempts == 4 && config->retry_base == 0.5 && config->retry_max == 30);
    CHECK(!config->allow_plain_http && !config->log);
    finseg_config_free(config);
}

static void a_value_can_be_set_and_set_again(void)
{
    finseg_config *config = finseg_config_new();
    CHECK_INT(finseg_config_set_text(config, "base_url", "https://one", NULL), 0);
    CHECK_INT(finseg_config_set_text(config, "base_url", "https://two", NULL), 0);
    CHECK_TEXT(config->base_url, "https://two");
    CHECK_INT(finseg_config_set_number(config, "poll.first", 0.001, NULL), 0);
    CHECK(config->poll_first == 0.001);
    CHECK_INT(finseg_config_set_flag(config, "log", true, NULL), 0);
    CHECK(config->log);
    finseg_config_free(config);
}

static void an_unknown_field_is_told_the_known_ones(void)
{
    refuses_text("client-id", "x", "no field \"client-id\"; the fields are base_url, token_url, client_id");
    refuses_number("pollfirst", 1, "poll.first");
    finseg_config *config = finseg_config_new();
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_flag(config, "verify", false, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, "no field \"verify\"");
    finseg_config_free(config);
}

static void a_wrong_type_is_refused(void)
{
    refuses_text("timeout", "30", "timeout must be a number");
    refuses_text("log", "true", "log must be true or false");
    refuses_number("client_id", 1, "client_id must be text");
    refuses_number("log", 1, "log must be true or false");
    finseg_config *config = finseg_config_new();
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_flag(config, "timeout", true, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, "timeout must be a number");
    finseg_config_free(config);
}

static void a_number_out_of_its_range_is_refused_with_the_range(void)
{
    refuses_number("timeout", 0, "timeout must be a number from 0.001 to 86400");
    refuses_number("timeout", NAN, "timeout must be");
    refuses_number("timeout", INFINITY, "timeout must be");
    refuses_number("page_size", 0, "page_size must be a whole number from 1 to 1000000");
    refuses_number("page_size", 1.5, "page_size must be a whole number");
    refuses_number("poll.factor", 0.9, "poll.factor must be");
    refuses_number("retry.attempts", 0, "retry.attempts must be a whole number from 1 to 100");
    refuses_number("max_body", 2147483648.0, "max_body must be");
}

static void a_text_that_could_say_more_than_one_thing_is_refused(void)
{
    refuses_text("client_secret", "", "client_secret is empty");
    refuses_text("user_agent", "a\r\nX-Evil: 1", "user_agent is empty or has a control character");
    finseg_config *config = finseg_config_new();
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_set_text(config, "client_secret", "hush\nhush", &error), -1);
    CHECK(strstr(finseg_error_message(error), "hush") == NULL);
    finseg_error_free(error);
    finseg_config_free(config);
}

static void a_copy_has_everything_and_lives_on_its_own(void)
{
    finseg_config *config = finseg_config_new();
    finseg_config_set_text(config, "client_id", "id", NULL);
    finseg_config_set_text(config, "client_secret", "secret", NULL);
    finseg_config_set_number(config, "page_size", 7, NULL);
    finseg_config_set_flag(config, "log", true, NULL);
    CHECK_INT(finseg_config_add_kind(config, "mine", "{\"path\":\"own\"}", NULL), 0);
    finseg_config *copy = fs_config_copy(config);
    finseg_config_free(config);
    CHECK_TEXT(copy->client_secret, "secret");
    CHECK(copy->page_size == 7 && copy->log && copy->token_url == NULL);
    CHECK_TEXT(fs_kind_find(&copy->kinds, "mine", NULL)->path, "own");
    finseg_config_free(copy);
}

static void a_config_lists_its_kinds(void)
{
    finseg_config *config = finseg_config_new();
    CHECK_INT(finseg_config_add_kind(config, "mine", "{\"parameters\":{\"sort\":{\"type\":\"texts\"}}}", NULL), 0);
    CHECK_INT(finseg_config_add_kind(config, "lowBalance", "{\"path\":\"mine/low\"}", NULL), 0);
    const finseg_kind *kind = finseg_config_kind(config, 0);
    CHECK_TEXT(kind->name, "highBalance");
    CHECK_INT((int64_t)kind->parameter_count, 2);
    CHECK_TEXT(kind->parameters[0].values[1], "SAVINGS");
    CHECK(kind->parameters[1].type == FINSEG_PARAMETER_AMOUNT && kind->parameters[1].required);
    CHECK_TEXT(finseg_config_kind(config, 1)->path, "mine/low");
    kind = finseg_config_kind(config, 5);
    CHECK_TEXT(kind->name, "mine");
    CHECK_TEXT(finseg_parameter_type_name(kind->parameters[0].type), "texts");
    CHECK_TEXT(finseg_parameter_type_name((finseg_parameter_type)(FINSEG_PARAMETER_FLAG + 1)), "unknown");
    CHECK(finseg_config_kind(config, 6) == NULL);
    finseg_config_free(config);
}

static void the_environment_fills_in_what_it_has(void)
{
    finseg_config *config = finseg_config_new();
    setenv("FINSEG_BASE_URL", "https://elsewhere", 1);
    setenv("FINSEG_CLIENT_ID", "", 1);
    setenv("FINSEG_CA_FILE", "ca.pem", 1);
    unsetenv("FINSEG_CLIENT_SECRET");
    finseg_config_set_text(config, "client_id", "kept", NULL);
    CHECK_INT(finseg_config_read_environment(config, NULL), 0);
    CHECK_TEXT(config->base_url, "https://elsewhere");
    CHECK_TEXT(config->client_id, "kept");
    CHECK_TEXT(config->ca_file, "ca.pem");
    CHECK(config->client_secret == NULL);
    setenv("FINSEG_BASE_URL", "two\nlines", 1);
    finseg_error *error = NULL;
    CHECK_INT(finseg_config_read_environment(config, &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, "base_url");
    unsetenv("FINSEG_BASE_URL");
    unsetenv("FINSEG_CLIENT_ID");
    unsetenv("FINSEG_CA_FILE");
    finseg_config_free(config);
}

static void credentials_must_be_whole(void)
{
    static const struct {
        const char *fields[9];
        const char *part; /* NULL: they are good */
    } cases[] = {
        {{NULL}, "FINSEG_CLIENT_ID"},
        {{"client_id", "a", NULL}, "client_secret is missing"},
        {{"client_secret", "a", NULL}, "client_id is missing"},
        {{"client_id", "a", "client_secret", "b", NULL}, NULL},
        {{"access_token", "a", NULL}, NULL},
        {{"access_token", "a b", NULL}, "one word"},
        {{"access_token", "a", "username", "b", NULL}, "go together"},
        {{"access_token", "a", "username", "b", "password", "c", NULL}, "need client_id"},
        {{"client_id", "a", "client_secret", "b", "username", "c", "password", "d", NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        finseg_config *config = finseg_config_new();
        for (size_t f = 0; f < 8 && cases[i].fields[f]; f += 2)
            finseg_config_set_text(config, cases[i].fields[f], cases[i].fields[f + 1], NULL);
        finseg_error *error = NULL;
        int result = fs_config_check_credentials(config, &error);
        CHECK_INT(result, cases[i].part ? -1 : 0);
        if (cases[i].part)
            CHECK_ERROR(error, FINSEG_ERROR_CONFIG, cases[i].part);
        finseg_config_free(config);
    }
}

static const struct test tests[] = {
    {"defaults are the documented ones", defaults_are_the_documented_ones},
    {"a value can be set, and set again", a_value_can_be_set_and_set_again},
    {"who sets an unknown field is told the known ones", an_unknown_field_is_told_the_known_ones},
    {"a wrong type is refused", a_wrong_type_is_refused},
    {"a number out of its range is refused with the range", a_number_out_of_its_range_is_refused_with_the_range},
    {"a text that is empty or could say more than one thing is refused, unquoted",
     a_text_that_could_say_more_than_one_thing_is_refused},
    {"a copy has everything and lives on its own", a_copy_has_everything_and_lives_on_its_own},
    {"a config lists the kinds it knows, its own last", a_config_lists_its_kinds},
    {"the environment fills in what it has", the_environment_fills_in_what_it_has},
    {"credentials must be whole", credentials_must_be_whole},
};
SUITE(config, tests);
