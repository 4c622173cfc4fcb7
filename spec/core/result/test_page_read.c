#include "result/page_index.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static finseg_page *parse(const char *text)
{
    finseg_error *error = NULL;
    finseg_page *page = finseg_page_parse(text, strlen(text), &error);
    CHECK_CASE(page != NULL, error ? finseg_error_message(error) : text);
    finseg_error_free(error);
    return page;
}

static void check_refused(const char *text, finseg_error_kind kind, const char *part)
{
    finseg_error *error = NULL;
    finseg_page *page = finseg_page_parse(text, strlen(text), &error);
    CHECK_CASE(page == NULL, text);
    CHECK_ERROR(error, kind, part);
    finseg_page_free(page);
}

static int64_t amount_of(const finseg_page *page, size_t index)
{
    int64_t amount = -77;
    CHECK(finseg_page_amount(page, index, &amount));
    return amount;
}

static void the_documented_shape_is_read(void)
{
    static const char text[] = "{\"durationInMonth\":0,\"creationDate\":\"2024-05-01\",\"users\":["
                               "{\"userId\":\"u1\",\"accounts\":[{\"accountId\":\"a1\",\"amount\":5000.10},{"
                               "\"accountId\":\"a2\",\"amount\":-7}]},"
                               "{\"userId\":\"u2\",\"accounts\":[]},"
                               "{\"userId\":\"u3\",\"accounts\":[{\"accountId\":\"a3\",\"amount\":1e3}]}"
                               "],\"totalElements\":3}";
    finseg_page *page = parse(text);
    if (!page)
        return;
    size_t first;
    CHECK_SLICE(finseg_page_text(page), text);
    CHECK_INT((int64_t)finseg_page_user_count(page), 3);
    CHECK_INT(finseg_page_total_elements(page), 3);
    CHECK_INT((int64_t)finseg_page_amount_count(page), 3);
    CHECK_SLICE(finseg_page_user_id(page, 0), "u1");
    CHECK_SLICE(finseg_page_user_id(page, 2), "u3");
    CHECK_SLICE(finseg_page_user(page, 1), "{\"userId\":\"u2\",\"accounts\":[]}");
    CHECK_INT((int64_t)finseg_page_user_amounts(page, 0, &first), 2);
    CHECK_INT((int64_t)first, 0);
    CHECK_INT((int64_t)finseg_page_user_amounts(page, 1, &first), 0);
    CHECK_INT((int64_t)finseg_page_user_amounts(page, 2, &first), 1);
    CHECK_INT((int64_t)first, 2);
    CHECK_INT(amount_of(page, 0), 50001000);
    CHECK_INT(amount_of(page, 1), -70000);
    CHECK_INT(amount_of(page, 2), 10000000);
    CHECK_SLICE(finseg_page_amount_text(page, 0), "5000.10");
    CHECK_SLICE(finseg_page_amount_account(page, 1), "a2");
    finseg_slice users = finseg_page_users_text(page);
    CHECK(users.data[0] == '[' && users.data[users.length - 1] == ']');
    CHECK_INT(users.data - finseg_page_text(page).data, strstr(text, "[{") - text);
    finseg_page_free(page);
}

static void only_users_is_required(void)
{
    finseg_page *page = parse("{\"users\":[]}");
    if (!page)
        return;
    CHECK_INT((int64_t)finseg_page_user_count(page), 0);
    CHECK_INT((int64_t)finseg_page_amount_count(page), 0);
    CHECK_INT(finseg_page_total_elements(page), -1);
    CHECK_SLICE(finseg_page_users_text(page), "[]");
    finseg_page_free(page);
    check_refused("{}", FINSEG_ERROR_PROTOCOL, "users is missing");
    check_refused("{\"totalElements\":0}", FINSEG_ERROR_PROTOCOL, "users is missing");
}

static void members_come_in_any_order_among_unknown_ones(void)
{
    finseg_page *page =
        parse("{\"x\":{\"users\":[1]},\"totalElements\":1,\"users\":[{\"accounts\":[{\"amount\":2,\"currency\":\"EUR\","
              "\"accountId\":\"a\",\"n\":{\"amount\":\"no\"}}],\"tags\":[\"userId\"],\"userId\":\"u\"}],\"y\":[[]]}");
    if (!page)
        return;
    CHECK_INT((int64_t)finseg_page_user_count(page), 1);
    CHECK_SLICE(finseg_page_user_id(page, 0), "u");
    CHECK_INT(amount_of(page, 0), 20000);
    CHECK_SLICE(finseg_page_amount_account(page, 0), "a");
    finseg_page_free(page);
}

static void names_and_ids_may_be_escaped(void)
{
    finseg_page *page =
        parse("{\"user\\u0073\":[{\"user\\u0049d\":\"a\\\"\\u00e4\",\"\\u0061ccounts\":[{\"accountI\\u0064\":\"x\\/y\","
              "\"am\\u006funt\":1}]},{\"userId\":\"\\u007a\"}]}");
    if (!page)
        return;
    CHECK_SLICE(finseg_page_user_id(page, 0), "a\"\xC3\xA4");
    CHECK_SLICE(finseg_page_user_id(page, 1), "z");
    CHECK_SLICE(finseg_page_amount_account(page, 0), "x/y");
    finseg_page_free(page);
}

static void insurances_count_only_without_accounts(void)
{
    static const char insurances[] =
        "\"insurances\":[{\"accountId\":\"i\",\"amount\":3,\"provider\":\"P\"},{\"amount\":4}]";
    static const char accounts[] = "\"accounts\":[{\"accountId\":\"a\",\"amount\":1}]";
    const char *const orders[][2] = {{insurances, accounts}, {accounts, insurances}};
    char text[512];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"u\",%s,%s},{\"userId\":\"v\",%s}]}", orders[i][0],
                 orders[i][1], insurances);
        finseg_page *page = parse(text);
        if (!page)
            return;
        size_t first;
        CHECK_INT((int64_t)finseg_page_amount_count(page), 3);
        CHECK_INT((int64_t)finseg_page_user_amounts(page, 0, &first), 1);
        CHECK_INT(amount_of(page, 0), 10000);
        CHECK_SLICE(finseg_page_amount_account(page, 0), "a");
        CHECK_INT((int64_t)finseg_page_user_amounts(page, 1, &first), 2);
        CHECK_INT(amount_of(page, first), 30000);
        CHECK_SLICE(finseg_page_amount_account(page, first), "i");
        CHECK_SLICE(finseg_page_amount_account(page, first + 1), "");
        finseg_page_free(page);
    }
    snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"u\",\"accounts\":[],%s}]}", insurances);
    finseg_page *page = parse(text);
    CHECK_INT((int64_t)finseg_page_amount_count(page), 0);
    finseg_page_free(page);
    snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"u\",%s,\"accounts\":null}]}", insurances);
    page = parse(text);
    CHECK_INT((int64_t)finseg_page_amount_count(page), 2);
    finseg_page_free(page);
}

static void an_amount_that_does_not_fit_is_kept_as_text(void)
{
    finseg_page *page = parse(
        "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":0.00001},{\"amount\":1e30},{\"amount\":1.5}]}]}");
    if (!page)
        return;
    int64_t amount = -77;
    CHECK(!finseg_page_amount(page, 0, &amount));
    CHECK(!finseg_page_amount(page, 1, &amount));
    CHECK_INT(amount, -77);
    CHECK_SLICE(finseg_page_amount_text(page, 0), "0.00001");
    CHECK_SLICE(finseg_page_amount_text(page, 1), "1e30");
    CHECK_INT(amount_of(page, 2), 15000);
    finseg_page_free(page);
}

static void a_record_may_lack_its_amount(void)
{
    finseg_page *page = parse("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"accountId\":\"a\",\"incomingCount\":3},"
                              "{\"accountId\":null,\"amount\":1}]}]}");
    if (!page)
        return;
    CHECK_INT((int64_t)finseg_page_amount_count(page), 1);
    CHECK_SLICE(finseg_page_amount_account(page, 0), "");
    finseg_page_free(page);
}

static void total_elements_is_a_count(void)
{
    finseg_page *page = parse("{\"users\":[],\"totalElements\":null}");
    CHECK_INT(finseg_page_total_elements(page), -1);
    finseg_page_free(page);
    page = parse("{\"users\":[],\"totalElements\":9223372036854775807}");
    CHECK_INT(finseg_page_total_elements(page), INT64_MAX);
    finseg_page_free(page);
    check_refused("{\"users\":[],\"totalElements\":9223372036854775808}", FINSEG_ERROR_PROTOCOL, "beyond 64 bits");
    check_refused("{\"users\":[],\"totalElements\":-1}", FINSEG_ERROR_PROTOCOL, "totalElements is not a count");
    check_refused("{\"users\":[],\"totalElements\":1.0}", FINSEG_ERROR_PROTOCOL, "totalElements is not a count");
    check_refused("{\"users\":[],\"totalElements\":1e2}", FINSEG_ERROR_PROTOCOL, "totalElements is not a count");
    check_refused("{\"users\":[],\"totalElements\":\"1\"}", FINSEG_ERROR_PROTOCOL, "totalElements is not a number");
}

static void a_wrong_shape_is_refused_with_user_and_byte(void)
{
    check_refused("[]", FINSEG_ERROR_PROTOCOL, "it is not an object, at byte 0");
    check_refused("{\"users\":{}}", FINSEG_ERROR_PROTOCOL, "users is not an array, at byte 9");
    check_refused("{\"users\":null}", FINSEG_ERROR_PROTOCOL, "users is not an array");
    check_refused("{\"users\":[1]}", FINSEG_ERROR_PROTOCOL, "user 0: it is not an object, at byte 10");
    check_refused("{\"users\":[{\"userId\":\"u\"},{\"id\":\"v\"}]}", FINSEG_ERROR_PROTOCOL,
                  "user 1: userId is missing, at byte 25");
    check_refused("{\"users\":[{\"userId\":7}]}", FINSEG_ERROR_PROTOCOL, "user 0: userId is not a string");
    check_refused("{\"users\":[{\"userId\":null}]}", FINSEG_ERROR_PROTOCOL, "user 0: userId is not a string");
    check_refused("{\"users\":[{\"userId\":\"\"}]}", FINSEG_ERROR_PROTOCOL, "user 0: userId is empty");
    check_refused("{\"users\":[{\"userId\":\"a\\u0000\"}]}", FINSEG_ERROR_PROTOCOL, "userId holds a zero character");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":{}}]}", FINSEG_ERROR_PROTOCOL,
                  "user 0: accounts is not an array");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[1]}]}", FINSEG_ERROR_PROTOCOL,
                  "user 0: an element of accounts is not an object");
    check_refused("{\"users\":[{\"userId\":\"u\",\"insurances\":7}]}", FINSEG_ERROR_PROTOCOL,
                  "insurances is not an array");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":\"1\"}]}]}", FINSEG_ERROR_PROTOCOL,
                  "user 0: amount is not a number");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":null}]}]}", FINSEG_ERROR_PROTOCOL,
                  "amount is not a number");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"accountId\":1}]}]}", FINSEG_ERROR_PROTOCOL,
                  "accountId is not a string");
}

static void a_member_that_is_read_stands_once(void)
{
    check_refused("{\"users\":[],\"users\":[]}", FINSEG_ERROR_PROTOCOL, "users stands twice");
    check_refused("{\"users\":[],\"totalElements\":0,\"totalElements\":0}", FINSEG_ERROR_PROTOCOL,
                  "totalElements stands twice");
    check_refused("{\"users\":[{\"userId\":\"u\",\"user\\u0049d\":\"v\"}]}", FINSEG_ERROR_PROTOCOL,
                  "user 0: userId stands twice");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[],\"accounts\":null}]}", FINSEG_ERROR_PROTOCOL,
                  "accounts stands twice");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":1,\"amount\":1}]}]}", FINSEG_ERROR_PROTOCOL,
                  "amount stands twice");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"accountId\":\"a\",\"accountId\":\"a\"}]}]}",
                  FINSEG_ERROR_PROTOCOL, "accountId stands twice");
    finseg_page *page = parse("{\"users\":[{\"userId\":\"u\",\"x\":1,\"x\":2}],\"y\":1,\"y\":2}");
    finseg_page_free(page);
}

static void bad_json_is_refused_wherever_it_stands(void)
{
    check_refused("", FINSEG_ERROR_PROTOCOL, "the text ends too early, at byte 0");
    check_refused("<html>", FINSEG_ERROR_PROTOCOL, "a value is missing, at byte 0");
    check_refused("{\"users\":[]} x", FINSEG_ERROR_PROTOCOL, "more text after the value, at byte 13");
    check_refused("{\"users\":[{\"userId\":\"u\"} {}]}", FINSEG_ERROR_PROTOCOL,
                  "read: a comma or ] is missing, at byte 25");
    check_refused("{\"users\":[{\"userId\":\"u\",\"x\":[01]}]}", FINSEG_ERROR_PROTOCOL,
                  "user 0: a number with a leading zero");
    check_refused("{\"users\":[{\"userId\":\"\xFF\"}]}", FINSEG_ERROR_PROTOCOL, "user 0: not valid UTF-8");
    check_refused("{\"x\":\"\xC0\x80\",\"users\":[]}", FINSEG_ERROR_PROTOCOL, "not valid UTF-8");
    check_refused("{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":1.}]}]}", FINSEG_ERROR_PROTOCOL,
                  "lacks a digit");
}

static void limits_are_too_large(void)
{
    enum { ROOM = 4096 };
    char text[ROOM];
    char deep[200] = "";
    memset(deep, '[', 100);
    snprintf(text, sizeof text, "{\"users\":[],\"x\":%s", deep);
    check_refused(text, FINSEG_ERROR_TOO_LARGE, "nested too deeply");

    char id[FS_PAGE_MAX_ID + 2];
    memset(id, 'i', sizeof id);
    id[FS_PAGE_MAX_ID + 1] = '\0';
    snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"%s\"}]}", id);
    check_refused(text, FINSEG_ERROR_PROTOCOL, "userId is longer than 1024 bytes");
    id[FS_PAGE_MAX_ID] = '\0';
    snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"%s\"}]}", id);
    finseg_page *page = parse(text);
    if (page)
        CHECK_SLICE(finseg_page_user_id(page, 0), id);
    finseg_page_free(page);
    /* Escapes count as what they stand for. */
    id[FS_PAGE_MAX_ID - 1] = '\0';
    snprintf(text, sizeof text, "{\"users\":[{\"userId\":\"%s\\u0041\"}]}", id);
    page = parse(text);
    CHECK(page != NULL);
    finseg_page_free(page);
}

static void many_users_are_indexed(void)
{
    enum { USERS = 5000 };
    char *text = malloc((size_t)USERS * 80 + 100);
    CHECK(text != NULL);
    if (!text)
        return;
    size_t length = (size_t)sprintf(text, "{\"users\":[");
    for (int i = 0; i < USERS; i++)
        length +=
            (size_t)sprintf(text + length, "%s{\"userId\":\"u%d\",\"accounts\":[{\"amount\":%d},{\"amount\":-%d}]}",
                            i ? "," : "", i, i, i);
    length += (size_t)sprintf(text + length, "]}");
    finseg_error *error = NULL;
    finseg_page *page = finseg_page_parse(text, length, &error);
    free(text);
    CHECK(page != NULL && !error);
    if (!page)
        return;
    CHECK_INT((int64_t)finseg_page_user_count(page), USERS);
    CHECK_INT((int64_t)finseg_page_amount_count(page), (int64_t)2 * USERS);
    for (int i = 0; i < USERS; i++) {
        size_t first;
        char id[16];
        sprintf(id, "u%d", i);
        CHECK_SLICE(finseg_page_user_id(page, (size_t)i), id);
        CHECK_INT((int64_t)finseg_page_user_amounts(page, (size_t)i, &first), 2);
        CHECK_INT(amount_of(page, first + 1), -(int64_t)i * 10000);
    }
    finseg_page_free(page);
}

static void a_text_may_stay_the_callers(void)
{
    static const char text[] = "{\"users\":[{\"userId\":\"u\",\"accounts\":[{\"amount\":1}]}]}";
    finseg_error *error = NULL;
    CHECK(finseg_page_parse_in_place(text, sizeof text - 3, NULL, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "too early");
    finseg_page *page = finseg_page_parse_in_place(text, sizeof text - 1, NULL, NULL);
    CHECK(page != NULL && finseg_page_text(page).data == text);
    CHECK_SLICE(finseg_page_user_id(page, 0), "u");
    finseg_page_free(page);
    finseg_page_free(NULL);
}

static void a_spare_page_leaves_only_its_memory(void)
{
    static const char text[] = "{\"users\":[{\"userId\":\"\\u0076\"}]}";
    finseg_page *spare =
        parse("{\"users\":[{\"userId\":\"\\u0075\",\"accounts\":[{\"amount\":1}]}],\"totalElements\":1}");
    finseg_page *page = finseg_page_parse_in_place(text, sizeof text - 1, spare, NULL);
    CHECK(page == spare && finseg_page_text(page).data == text);
    CHECK_INT((int64_t)finseg_page_user_count(page), 1);
    CHECK_INT((int64_t)finseg_page_amount_count(page), 0);
    CHECK_INT(finseg_page_total_elements(page), -1);
    CHECK_SLICE(finseg_page_user_id(page, 0), "v");
    finseg_error *error = NULL;
    CHECK(finseg_page_parse_in_place("7", 1, page, &error) == NULL);
    CHECK_ERROR(error, FINSEG_ERROR_PROTOCOL, "it is not an object");
}

static const struct test tests[] = {
    {"the documented shape is read", the_documented_shape_is_read},
    {"only users is required", only_users_is_required},
    {"members come in any order, among unknown ones", members_come_in_any_order_among_unknown_ones},
    {"names and ids may be escaped", names_and_ids_may_be_escaped},
    {"insurances count only without accounts", insurances_count_only_without_accounts},
    {"an amount that does not fit is kept as text", an_amount_that_does_not_fit_is_kept_as_text},
    {"a record may lack its amount", a_record_may_lack_its_amount},
    {"totalElements is a count", total_elements_is_a_count},
    {"a wrong shape is refused with user and byte", a_wrong_shape_is_refused_with_user_and_byte},
    {"a member that is read stands once", a_member_that_is_read_stands_once},
    {"bad JSON is refused wherever it stands", bad_json_is_refused_wherever_it_stands},
    {"limits on depth and ids hold", limits_are_too_large},
    {"many users are indexed", many_users_are_indexed},
    {"a text may stay the caller's", a_text_may_stay_the_callers},
    {"a spare page leaves only its memory", a_spare_page_leaves_only_its_memory},
};
SUITE(page_read, tests);
