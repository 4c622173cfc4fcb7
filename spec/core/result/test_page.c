#include "result/page.h"

#include "test.h"

static uint64_t hash_of(const char *text)
{
    finseg_page *page = finseg_page_parse(text, strlen(text), NULL);
    CHECK_CASE(page != NULL, text);
    uint64_t hash = page ? fs_page_hash(page) : 0;
    finseg_page_free(page);
    return hash;
}

static void the_hash_is_of_the_ids_in_their_order(void)
{
    uint64_t hash = hash_of("{\"users\":[{\"userId\":\"ab\"},{\"userId\":\"c\"}]}");
    CHECK(
        hash ==
        hash_of(
            "{\"totalElements\":9,\"users\":[{\"x\":1,\"userId\":\"\\u0061b\"}, {\"userId\":\"c\",\"accounts\":[]}]}"));
    CHECK(hash != hash_of("{\"users\":[{\"userId\":\"a\"},{\"userId\":\"bc\"}]}"));
    CHECK(hash != hash_of("{\"users\":[{\"userId\":\"abc\"}]}"));
    CHECK(hash != hash_of("{\"users\":[{\"userId\":\"c\"},{\"userId\":\"ab\"}]}"));
    CHECK(hash != hash_of("{\"users\":[]}"));
    /* The same eight-byte words, cut into ids in two ways. */
    CHECK(hash_of("{\"users\":[{\"userId\":\"12345678\"},{\"userId\":\"9\"},{\"userId\":\"abcdefghi\"}]}") !=
          hash_of("{\"users\":[{\"userId\":\"123456789\"},{\"userId\":\"abcdefgh\"},{\"userId\":\"i\"}]}"));
    CHECK(hash_of("{\"users\":[{\"userId\":\"12345678\"}]}") != hash_of("{\"users\":[{\"userId\":\"123456789\"}]}"));
}

static const struct test tests[] = {
    {"the hash is of the ids in their order", the_hash_is_of_the_ids_in_their_order},
};
SUITE(page, tests);
