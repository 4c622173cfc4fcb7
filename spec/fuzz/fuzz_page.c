/*
 * Any bytes as a result page: what is accepted is strict JSON, every slice lies where it should, a user cut out and
 * read alone is the same user, and the sum is what its amounts add up to.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "finseg.h"
#include "result/page_index.h"
#include "value/buffer.h"
#include "value/json.h"
#include "value/money.h"
#include "value/text.h"

__extension__ typedef __int128 wide;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_same(finseg_slice a, finseg_slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static bool is_inside(finseg_slice part, finseg_slice whole)
{
    return part.data >= whole.data && part.length <= whole.length &&
           (size_t)(part.data - whole.data) <= whole.length - part.length;
}

static void check_id(finseg_slice id)
{
    require(id.length <= FS_PAGE_MAX_ID);
    require(fs_text_is_utf8(id.length ? id.data : "", id.length)); /* touches every byte */
    require(id.length == 0 || !memchr(id.data, '\0', id.length));
}

static void check_amount(const finseg_page *page, finseg_slice user, size_t index, wide *sum, bool *all_fit)
{
    int64_t amount = 0;
    int64_t parsed = 0;
    finseg_slice text = finseg_page_amount_text(page, index);
    require(is_inside(text, user));
    enum fs_money_verdict verdict = fs_money_parse(text.data, text.length, &parsed);
    require(verdict != FS_MONEY_MALFORMED);
    bool fits = finseg_page_amount(page, index, &amount);
    require(fits == (verdict == FS_MONEY_OK) && (!fits || amount == parsed));
    check_id(finseg_page_amount_account(page, index));
    *sum += amount;
    *all_fit = *all_fit && fits;
}

static void check_user_alone(const finseg_page *page, size_t index, size_t first, size_t count)
{
    finseg_slice user = finseg_page_user(page, index);
    struct fs_buffer text = {0};
    fs_buffer_append_text(&text, "{\"users\":[");
    fs_buffer_append(&text, user.data, user.length);
    fs_buffer_append_text(&text, "]}");
    finseg_page *alone = finseg_page_parse(text.data, text.length, NULL);
    require(alone && finseg_page_user_count(alone) == 1 && finseg_page_amount_count(alone) == count);
    require(is_same(finseg_page_user(alone, 0), user));
    require(is_same(finseg_page_user_id(alone, 0), finseg_page_user_id(page, index)));
    for (size_t i = 0; i < count; i++) {
        require(is_same(finseg_page_amount_text(alone, i), finseg_page_amount_text(page, first + i)));
        require(is_same(finseg_page_amount_account(alone, i), finseg_page_amount_account(page, first + i)));
    }
    finseg_page_free(alone);
    fs_buffer_free(&text);
}

static void check_sum(const finseg_page *page, wide sum, bool all_fit)
{
    finseg_total total = {0};
    size_t count = finseg_page_amount_count(page);
    bool expected = all_fit && (count > 0 || finseg_page_user_count(page) == 0);
    finseg_error *error = NULL;
    require((finseg_page_sum(page, &total, &error) == 0) == expected);
    require((error == NULL) == expected);
    finseg_error_free(error);
    if (expected)
        require(total.count == count && total.low == (uint64_t)sum && total.high == (int64_t)(sum >> 64));
}

static void check_page(const finseg_page *page)
{
    finseg_slice text = finseg_page_text(page);
    finseg_slice users = finseg_page_users_text(page);
    size_t next_amount = 0;
    wide sum = 0;
    bool all_fit = true;
    require(fs_json_check(text.data, text.length, NULL, NULL));
    require(is_inside(users, text) && fs_json_check(users.data, users.length, NULL, NULL));
    require(finseg_page_total_elements(page) >= -1);
    for (size_t i = 0; i < finseg_page_user_count(page); i++) {
        size_t first;
        size_t count = finseg_page_user_amounts(page, i, &first);
        finseg_slice user = finseg_page_user(page, i);
        require(first == next_amount);
        next_amount += count;
        require(is_inside(user, users) && user.data[0] == '{' && user.data[user.length - 1] == '}');
        require(finseg_page_user_id(page, i).length > 0);
        check_id(finseg_page_user_id(page, i));
        for (size_t a = first; a < next_amount; a++)
            check_amount(page, user, a, &sum, &all_fit);
        check_user_alone(page, i, first, count);
    }
    require(next_amount == finseg_page_amount_count(page));
    check_sum(page, sum, all_fit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    finseg_error *error = NULL;
    finseg_page *page = finseg_page_parse((const char *)data, size, &error);
    require((page == NULL) == (error != NULL));
    if (page)
        check_page(page);
    else
        require(fs_text_is_utf8(finseg_error_message(error), strlen(finseg_error_message(error))));
    finseg_page_free(page);
    finseg_error_free(error);
    return 0;
}
