#include "decimal.h"

/* An exponent beyond it outweighs every text: none has that many digits. */
static const int64_t EXPONENT_LIMIT = INT64_C(1) << 56;

/* Digits that exponents may add to a sum. */
enum { MOST_ZEROS = 1000 };

/* ---- reading ---- */

static size_t count_digits(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - start);
}

static int64_t read_exponent(const char *digits, size_t length, bool negative)
{
    int64_t exponent = 0;
    for (size_t i = 0; i < length && exponent < EXPONENT_LIMIT; i++)
        exponent = exponent * 10 + (digits[i] - '0');
    return negative ? -exponent : exponent;
}

/* Leaves zeros at both ends out. */
static void measure(struct fs_decimal *number, int64_t exponent)
{
    while (number->first < number->end && fs_decimal_digit(number, number->first) == 0)
        number->first++;
    while (number->first < number->end && fs_decimal_digit(number, number->end - 1) == 0)
        number->end--;
    if (number->first == number->end)
        return;
    number->top = exponent + (int64_t)number->whole_length - 1 - (int64_t)number->first;
    number->low = exponent + (int64_t)number->whole_length - (int64_t)number->end;
}

bool fs_decimal_read(const char *text, size_t length, struct fs_decimal *number)
{
    const char *at = text;
    const char *end = text + length;
    int64_t exponent = 0;
    *number = (struct fs_decimal){.fraction = text};
    if (at < end && *at == '-') {
        number->negative = true;
        at++;
    }
    number->whole = at;
    number->whole_length = count_digits(at, end);
    if (number->whole_length == 0 || (number->whole_length > 1 && *at == '0'))
        return false;
    at += number->whole_length;
    number->end = number->whole_length;
    if (at < end && *at == '.') {
        at++;
        number->fraction = at;
        size_t fraction_length = count_digits(at, end);
        if (fraction_length == 0)
            return false;
        at += fraction_length;
        number->end += fraction_length;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool negative = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        size_t digits = count_digits(at, end);
        if (digits == 0)
            return false;
        exponent = read_exponent(at, digits, negative);
        at += digits;
    }
    measure(number, exponent);
    return at == end;
}

/* ---- comparing ---- */

static bool is_zero(const struct fs_decimal *number)
{
    return number->first == number->end;
}

static int compare_magnitudes(const struct fs_decimal *a, const struct fs_decimal *b)
{
    if (is_zero(a) || is_zero(b))
        return is_zero(b) - is_zero(a);
    if (a->top != b->top)
        return a->top < b->top ? -1 : 1;
    size_t i = a->first;
    size_t j = b->first;
    for (; i < a->end && j < b->end; i++, j++) {
        unsigned left = fs_decimal_digit(a, i);
        unsigned right = fs_decimal_digit(b, j);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (i < a->end) - (j < b->end); /* the last digit of what is longer is not zero */
}

int fs_decimal_compare(const struct fs_decimal *a, const struct fs_decimal *b)
{
    bool a_below = a->negative && !is_zero(a);
    bool b_below = b->negative && !is_zero(b);
    if (a_below != b_below)
        return a_below ? -1 : 1;
    return a_below ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* ---- adding ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The digit that stands for 10^place. */
static int digit_for(const struct fs_decimal *number, int64_t place)
{
    if (is_zero(number) || place > number->top || place < number->low)
        return 0;
    return (int)fs_decimal_digit(number, number->first + (size_t)(number->top - place));
}

/* Puts the digits of a + b, or of a - b, which must not be negative, for the powers of ten from `low` on. */
static void put_digits(const struct fs_decimal *a, const struct fs_decimal *b, bool subtract, int64_t low,
                       struct fs_buffer *digits, size_t count)
{
    int carry = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t place = low + (int64_t)i;
        int right = digit_for(b, place);
        int sum = digit_for(a, place) + (subtract ? -right : right) + carry;
        carry = sum < 0 ? -1 : sum / 10;
        fs_buffer_append_char(digits, (char)('0' + sum - 10 * carry));
    }
}

/* Appends digits, the one for 10^low first, as a number. */
static void append_number(const struct fs_buffer *digits, int64_t low, bool negative, struct fs_buffer *out)
{
    size_t units = (size_t)-low;
    size_t last = 0;
    size_t first = digits->length - 1;
    while (first > units && digits->data[first] == '0')
        first--;
    while (last < units && digits->data[last] == '0')
        last++;
    if (negative && !(first == units && last == units && digits->data[units] == '0'))
        fs_buffer_append_char(out, '-');
    for (size_t i = first + 1; i-- > last;) {
        fs_buffer_append_char(out, digits->data[i]);
        if (i == units && i > last)
            fs_buffer_append_char(out, '.');
    }
}

bool fs_decimal_add(const struct fs_decimal *a, const struct fs_decimal *b, struct fs_buffer *out)
{
    int64_t low = least(least(a->low, b->low), 0);
    int64_t high = greatest(greatest(a->top, b->top), 0) + 1; /* one more for the carry */
    size_t written = (a->end - a->first) + (b->end - b->first);
    if ((uint64_t)(high - low) > written + MOST_ZEROS)
        return false;
    bool subtract = a->negative != b->negative;
    if (subtract && compare_magnitudes(a, b) < 0) {
        const struct fs_decimal *smaller = a;
        a = b;
        b = smaller;
    }
    struct fs_buffer digits = {0};
    put_digits(a, b, subtract, low, &digits, (size_t)(high - low + 1));
    if (digits.failed)
        out->failed = true;
    else
        append_number(&digits, low, a->negative, out);
    fs_buffer_free(&digits);
    return true;
}

bool fs_decimal_subtract(const struct fs_decimal *a, const struct fs_decimal *b, struct fs_buffer *out)
{
    struct fs_decimal negated = *b;
    negated.negative = !b->negative;
    return fs_decimal_add(a, &negated, out);
}
