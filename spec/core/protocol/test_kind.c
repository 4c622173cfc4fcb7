#include "protocol/kind.h"

#include "test.h"

static const struct fs_kind_list none = {0};

static void refuses(const char *definition, const char *part)
{
    struct fs_kind_list added = {0};
    finseg_error *error = NULL;
    CHECK_INT(fs_kind_add(&added, "mine", definition, &error), -1);
    CHECK_INT((int64_t)added.count, 0);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, part);
    fs_kind_list_free(&added);
}

static void the_five_kinds_are_known(void)
{
    const char *const names[] = {"highBalance", "lowBalance", "incomeSpendingSummary", "insuranceSpending",
                                 "financialBreakdown"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const finseg_kind *kind = fs_kind_find(&none, names[i], NULL);
        CHECK_CASE(kind && strcmp(kind->path, names[i]) == 0, names[i]);
        CHECK_CASE(kind && fs_kind_parameter(kind, "callbackURL") == &fs_kind_callback_parameter, names[i]);
    }
    CHECK(fs_kind_find(&none, "highbalance", NULL) == NULL);
}

static void an_unknown_kind_is_told_the_known_ones(void)
{
    struct fs_kind_list added = {0};
    CHECK_INT(fs_kind_add(&added, "mine", "{}", NULL), 0);
    CHECK_INT(fs_kind_add(&added, "lowBalance", "{}", NULL), 0);
    finseg_error *error = NULL;
    CHECK(fs_kind_find(&added, "hiBalance", &error) == NULL);
    const char *first = strstr(finseg_error_message(error), "lowBalance");
    CHECK(first && strstr(first + 1, "lowBalance") == NULL);
    CHECK(strstr(finseg_error_message(error), "financialBreakdown, mine") != NULL);
    CHECK_ERROR(error, FINSEG_ERROR_INVALID, "\"hiBalance\": the kinds are highBalance, ");
    fs_kind_list_free(&added);
}

static void a_kind_can_be_added(void)
{
    struct fs_kind_list added = {0};
    CHECK_INT(fs_kind_add(&added, "mine",
                          "{\"parameters\":{\"depth\":{\"type\":\"integer\",\"required\":true,\"minimum\":-2,"
                          "\"maximum\":3},\"sort\":{\"type\":\"texts\",\"values\":[\"UP\",\"DOWN\"]}}}",
                          NULL),
              0);
    const finseg_kind *kind = fs_kind_find(&added, "mine", NULL);
    CHECK_TEXT(kind->path, "mine");
    const finseg_parameter *depth = fs_kind_parameter(kind, "depth");
    CHECK(depth->type == FINSEG_PARAMETER_INTEGER && depth->required && depth->minimum == -2 && depth->maximum == 3);
    const finseg_parameter *sort = fs_kind_parameter(kind, "sort");
    CHECK(sort->type == FINSEG_PARAMETER_TEXTS && !sort->required);
    CHECK_TEXT(sort->values[1], "DOWN");
    CHECK(sort->values[2] == NULL);
    fs_kind_list_free(&added);
    CHECK(fs_kind_find(&added, "mine", NULL) == NULL);
}

static void an_added_kind_goes_before_all_others_of_its_name(void)
{
    struct fs_kind_list added = {0};
    CHECK_INT(fs_kind_add(&added, "highBalance", "{\"path\":\"first\"}", NULL), 0);
    CHECK_INT(fs_kind_add(&added, "highBalance", "{\"path\":\"second\"}", NULL), 0);
    CHECK_INT((int64_t)added.count, 1);
    CHECK_TEXT(fs_kind_find(&added, "highBalance", NULL)->path, "second");
    CHECK(fs_kind_parameter(fs_kind_find(&added, "highBalance", NULL), "threshold") == NULL);
    fs_kind_list_free(&added);
}

static void a_copy_lives_on_its_own(void)
{
    struct fs_kind_list from = {0};
    struct fs_kind_list to;
    CHECK_INT(fs_kind_add(&from, "a", "{}", NULL), 0);
    CHECK_INT(fs_kind_add(&from, "b", "{\"parameters\":{\"p\":{\"type\":\"text\",\"values\":[\"X\"]}}}", NULL), 0);
    CHECK(fs_kind_list_copy(&to, &from));
    fs_kind_list_free(&from);
    CHECK_TEXT(fs_kind_parameter(fs_kind_find(&to, "b", NULL), "p")->values[0], "X");
    fs_kind_list_free(&to);
}

static void a_wrong_definition_is_refused_and_names_the_place(void)
{
    refuses("", "kinds.mine: ");
    refuses("{\"path\":\"x\"", "kinds.mine: the text ends too early");
    refuses("[]", "kinds.mine: it is no object");
    refuses("null", "kinds.mine: it is no object");
    refuses("{\"path\":1}", "kinds.mine: path");
    refuses("{\"path\":\"\"}", "kinds.mine: path");
    refuses("{\"url\":\"x\"}", "kinds.mine: it has a member that is neither path nor parameters");
    refuses("{\"parameters\":[]}", "kinds.mine: parameters is no object");
    refuses("{\"parameters\":{\"p\":1}}", "kinds.mine.parameters.p: it is no object");
    refuses("{\"parameters\":{\"p\":{}}}", "kinds.mine.parameters.p: its type is missing");
    refuses("{\"parameters\":{\"p\":{\"type\":\"number\"}}}", "kinds.mine.parameters.p: type is none of");
    refuses("{\"parameters\":{\"p\":{\"type\":\"flag\",\"required\":1}}}", "p: required is neither");
    refuses("{\"parameters\":{\"p\":{\"type\":\"integer\",\"minimum\":\"1\"}}}", "p: minimum is not a number");
    refuses("{\"parameters\":{\"p\":{\"type\":\"text\",\"values\":[\"a\",1]}}}", "p: values is no list of text");
    refuses("{\"parameters\":{\"p\":{\"type\":\"text\",\"values\":[\"a\"],\"values\":[]}}}",
            "p: values is no list of text");
    refuses("{\"parameters\":{\"p\":{\"type\":\"text\",\"default\":1}}}", "p: it has a member that is none of");
    finseg_error *error = NULL;
    struct fs_kind_list added = {0};
    CHECK_INT(fs_kind_add(&added, "", "{}", &error), -1);
    CHECK_ERROR(error, FINSEG_ERROR_CONFIG, "a kind's name is empty");
}

static const struct test tests[] = {
    {"the five kinds are known, by exact name, and take a callback", the_five_kinds_are_known},
    {"who asks for an unknown kind is told the known ones, each once", an_unknown_kind_is_told_the_known_ones},
    {"a kind can be added, with everything a definition may say", a_kind_can_be_added},
    {"an added kind goes before all others of its name", an_added_kind_goes_before_all_others_of_its_name},
    {"a copied list lives on its own", a_copy_lives_on_its_own},
    {"a wrong definition is refused and names the place", a_wrong_definition_is_refused_and_names_the_place},
};
SUITE(kind, tests);
