#include <math.h>

#include "finseg.h"
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

/*
 * NULL when every amount of the page fits the scale and there are amounts at all (or no users); else an error of kind
 * invalid that says which one cannot be `done` exactly: "summed", "counted", "compared".
 */
static finseg_error *check_amounts(const finseg_page *page, const char *done)
{
    if (page->amount_count == 0 && page->user_count > 0)
        return fs_error_new(FINSEG_ERROR_INVALID, "the users of this result carry no amounts that could be %s", done);
    for (size_t i = 0; i < page->amount_count; i++) {
        if (!page->amounts[i].fits)
            return describe_unfit(page, i, done);
    }
    return NULL;
}

/* ---- the sum ---------------------------------------------------------------------------------------------- */

__extension__ typedef __int128 sum_type;
__extension__ typedef unsigned __int128 magnitude_type;

int finseg_page_sum(const finseg_page *page, finseg_total *total, finseg_error **error)
{
    finseg_error *problem = check_amounts(page, "summed");
    if (problem)
        return fs_error_give(error, problem);
    sum_type sum = (sum_type)((magnitude_type)(uint64_t)total->high << 64 | total->low);
    for (size_t i = 0; i < page->amount_count; i++)
        sum += page->amounts[i].scaled;
    total->high = (int64_t)(sum >> 64);
    total->low = (uint64_t)sum;
    total->count += page->amount_count;
    return 0;
}

/* Without the sign. */
static magnitude_type magnitude_of(const finseg_total *total)
{
    magnitude_type bits = (magnitude_type)(uint64_t)total->high << 64 | total->low;
    return total->high < 0 ? 0 - bits : bits;
}

void finseg_total_text(const finseg_total *total, char *text)
{
    enum { DECIMALS = 4, LEAST_DECIMALS = 2 };
    magnitude_type left = magnitude_of(total);
    char reversed[FINSEG_TOTAL_TEXT];
    size_t count = 0;
    for (int place = 0; place <= DECIMALS || left > 0; place++) {
        char digit = (char)('0' + (int)(left % 10));
        bool needless = count == 0 && digit == '0' && place < DECIMALS - LEAST_DECIMALS;
        left /= 10;
        if (place == DECIMALS)
            reversed[count++] = '.';
        if (!needless)
            reversed[count++] = digit;
    }
    if (total->high < 0)
        reversed[count++] = '-';
    for (size_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = '\0';
}

static int leading_zeros(magnitude_type magnitude)
{
    uint64_t high = (uint64_t)(magnitude >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)magnitude);
}

double finseg_total_number(const finseg_total *total)
{
    magnitude_type magnitude = magnitude_of(total);
    if (magnitude == 0)
        return 0;
    /* With all 128 bits filled, the quotient has more of them than a double can hold, and its lowest may stand for the
     * remainder: the one conversion then rounds correctly. */
    int shift = leading_zeros(magnitude);
    magnitude <<= shift;
    magnitude_type quotient = magnitude / FS_MONEY_SCALE | (magnitude % FS_MONEY_SCALE != 0);
    double number = ldexp((double)quotient, -shift);
    return total->high < 0 ? -number : number;
}

/* ---- count, range, histogram ------------------------------------------------------------------------------ */

int finseg_page_count(const finseg_page *page, int64_t minimum, int64_t maximum, uint64_t *count, finseg_error **error)
{
    finseg_error *problem = check_amounts(page, "counted");
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
    finseg_error *problem = check_amounts(page, "compared");
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
        problem = check_amounts(page, "counted");
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
