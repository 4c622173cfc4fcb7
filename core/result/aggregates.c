#include "aggregate.h"

#include <inttypes.h>

#include "page_index.h"
#include "value/buffer.h"
#include "value/error.h"
#include "value/json.h"
#include "value/money.h"

/* ---- amounts that cannot be used -------------------------------------------------------------------------- */

static size_t user_of_amount(const finseg_page *page, size_t amount)
{
    size_t users = finseg_page_user_count(page);
    for (size_t user = 0; user < users; user++) {
        size_t first;
        size_t count = finseg_page_user_amounts(page, user, &first);
        if (amount < first + count)
            return user;
    }
    return users;
}

enum { SHOWN = 60 }; /* of a number's text, which may be of any length */

static const char *dots_after(size_t length)
{
    return length > SHOWN ? "..." : "";
}

static finseg_error *describe_unfit(const finseg_page *page, size_t index, const char *done)
{
    finseg_slice id = finseg_page_user_id(page, user_of_amount(page, index));
    finseg_slice text = finseg_page_amount_text(page, index);
    struct fs_buffer quoted_id = {0};
    fs_json_append_string(&quoted_id, id.data, id.length);
    finseg_error *error =
        fs_error_new(FINSEG_ERROR_INVALID,
                     "the amount %.*s%s of user %s cannot be %s exactly: more than four decimals, or too large",
                     (int)(text.length > SHOWN ? SHOWN : text.length), text.data, dots_after(text.length),
                     quoted_id.data ? quoted_id.data : "", done);
    fs_buffer_free(&quoted_id);
    return error;
}

finseg_error *fs_page_check_amounts(const finseg_page *page, const char *done)
{
    if (page->amount_count == 0 && page->user_count > 0)
        return fs_error_new(FINSEG_ERROR_INVALID, "the users of this result carry no amounts that could be %s", done);
    for (size_t i = 0; i < page->amount_count; i++) {
        if (!page->amounts[i].fits)
            return describe_unfit(page, i, done);
    }
    return NULL;
}

/* ---- aggregates ------------------------------------------------------------------------------------------- */

int finseg_page_count(const finseg_page *page, int64_t minimum, int64_t maximum, uint64_t *count, finseg_error **error)
{
    finseg_error *problem = fs_page_check_amounts(page, "counted");
    if (problem)
        return fs_error_give(error, problem);
    uint64_t found = 0;
    for (size_t i = 0; i < page->amount_count; i++) {
        int64_t amount = page->amounts[i].scaled;
        found += (uint64_t)((amount >= minimum) & (amount <= maximum));
    }
    *count += found;
    return 0;
}

int finseg_page_range(const finseg_page *page, finseg_range *range, finseg_error **error)
{
    finseg_error *problem = fs_page_check_amounts(page, "compared");
    if (problem)
        return fs_error_give(error, problem);
    if (range->count == 0)
        *range = (finseg_range){.minimum = INT64_MAX, .maximum = INT64_MIN};
    for (size_t i = 0; i < page->amount_count; i++) {
        int64_t amount = page->amounts[i].scaled;
        range->minimum = amount < range->minimum ? amount : range->minimum;
        range->maximum = amount > range->maximum ? amount : range->maximum;
    }
    range->count += page->amount_count;
    return 0;
}

static finseg_error *check_bounds(const int64_t *bounds, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (bounds[i] <= bounds[i - 1]) {
            char text[FS_MONEY_TEXT];
            fs_money_format(bounds[i], text);
            return fs_error_new(FINSEG_ERROR_INVALID, "the bounds of a histogram must rise: %s does not", text);
        }
    }
    return NULL;
}

/* How many of the bounds lie at or below the amount. */
static size_t class_of(int64_t amount, const int64_t *bounds, size_t count)
{
    size_t first = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (bounds[first + half] <= amount) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

int finseg_page_histogram(const finseg_page *page, const int64_t *bounds, size_t bound_count, uint64_t *counts,
                          finseg_error **error)
{
    finseg_error *problem = check_bounds(bounds, bound_count);
    if (!problem)
        problem = fs_page_check_amounts(page, "counted");
    if (problem)
        return fs_error_give(error, problem);
    for (size_t i = 0; i < page->amount_count; i++)
        counts[class_of(page->amounts[i].scaled, bounds, bound_count)]++;
    return 0;
}

/* ---- amounts as text -------------------------------------------------------------------------------------- */

_Static_assert((int)FINSEG_AMOUNT_TEXT >= (int)FS_MONEY_TEXT, "the public size holds every amount");

int finseg_amount_parse(const char *text, size_t length, int64_t *amount, finseg_error **error)
{
    static const char *const problems[] = {[FS_MONEY_MALFORMED] = "is no decimal number",
                                           [FS_MONEY_TOO_FINE] = "has more than four decimals",
                                           [FS_MONEY_TOO_LARGE] = "is too large"};
    enum fs_money_verdict verdict = fs_money_parse(text, length, amount);
    if (verdict == FS_MONEY_OK)
        return 0;
    struct fs_buffer quoted = {0};
    fs_json_append_string(&quoted, text, length < SHOWN ? length : SHOWN);
    finseg_error *problem = fs_error_new(FINSEG_ERROR_INVALID, "the amount %s%s %s", quoted.data ? quoted.data : "",
                                         dots_after(length), problems[verdict]);
    fs_buffer_free(&quoted);
    return fs_error_give(error, problem);
}

void finseg_amount_text(int64_t amount, char *text)
{
    fs_money_format(amount, text);
}
