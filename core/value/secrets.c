#include "secrets.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "error.h"
#include "secret.h"
#include "text.h"

enum { MARK = 3, SHORTEST_ANYWHERE = 4, SHORTEST_BEGINNING = 8, PARTS = 4 };

/* Bytes: what is shorter is more likely a word, as in /callback.html, than a token. */
enum { SHORTEST_TOKEN = 16 };

struct part {
    char *text;
    size_t length;
};

/* One secret with those of its parts that are secret by themselves. */
struct fs_secret_entry {
    struct part parts[PARTS];
    size_t part_count;
    LIST_ENTRY(fs_secret_entry) link;
};

/* ---- spellings ---- */

enum { LONGEST_HTML = 10 }; /* as &#x10FFFF; */

enum spelling { RAW, PERCENT, FORM, JSON, HTML, SPELLINGS };

static const char escapes[] = "%+\\&";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number that begins at `at`, moved behind its digits; a number too large for Unicode, or none, is -1. */
static long read_number(const char **at, const char *end, int base, size_t most_digits)
{
    long number = -1;
    for (size_t i = 0; i < most_digits && *at < end; i++, ++*at) {
        int digit = hex_digit(**at);
        if (digit < 0 || digit >= base)
            break;
        number = (number < 0 ? 0 : number * base) + digit;
        if (number > 0x10FFFF)
            return -1;
    }
    return number;
}

/* The code of \uXXXX, or of two such that are a surrogate pair; -1 when it is none. Moves `at` behind it. */
static long read_json_code(const char **at, const char *end)
{
    const char *next = *at + 2;
    long code = read_number(&next, end, 16, 4);
    if (next != *at + 6)
        return -1;
    if (code >= 0xD800 && code <= 0xDBFF && end - next >= 6 && next[0] == '\\' && next[1] == 'u') {
        const char *after = next + 2;
        long low = read_number(&after, end, 16, 4);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            next = after;
        }
    }
    *at = next;
    return code;
}

static long read_json(const char **at, const char *end)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (end - *at < 2 || **at != '\\')
        return -1;
    if ((*at)[1] == 'u')
        return read_json_code(at, end);
    const char *letter = (*at)[1] ? strchr(letters, (*at)[1]) : NULL;
    if (!letter)
        return -1;
    *at += 2;
    return meant[letter - letters];
}

static long read_html(const char **at, const char *end)
{
    static const struct {
        const char *name;
        char meant;
    } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    if (**at != '&')
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i].name);
        if ((size_t)(end - *at) >= length && memcmp(*at, names[i].name, length) == 0) {
            *at += length;
            return names[i].meant;
        }
    }
    if (end - *at < 4 || (*at)[1] != '#')
        return -1;
    bool hexadecimal = (*at)[2] == 'x' || (*at)[2] == 'X';
    const char *next = *at + 2 + hexadecimal;
    long code = read_number(&next, end, hexadecimal ? 16 : 10, 8);
    if (code < 0 || next == end || *next != ';')
        return -1;
    *at = next + 1;
    return code;
}

/* The bytes that the text at `at` stands for in a spelling; moves `at` behind them. */
static size_t read_bytes(enum spelling spelling, const char **at, const char *end, char bytes[4])
{
    long code = -1;
    if (spelling == JSON)
        code = read_json(at, end);
    else if (spelling == HTML)
        code = read_html(at, end);
    if (code >= 0)
        return fs_text_put_utf8((unsigned)code, bytes);
    bytes[0] = **at;
    if (spelling == FORM && **at == '+')
        bytes[0] = ' ';
    if ((spelling == PERCENT || spelling == FORM) && **at == '%' && end - *at >= 3) {
        int high = hex_digit((*at)[1]);
        int low = hex_digit((*at)[2]);
        if (high >= 0 && low >= 0) {
            bytes[0] = (char)(high << 4 | low);
            *at += 2;
        }
    }
    ++*at;
    return 1;
}

static bool is_in_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether the text ends within the escape that begins at `at`, or between the halves of a surrogate pair. */
static bool is_cut_escape(enum spelling spelling, const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    if (spelling == PERCENT || spelling == FORM)
        return *at == '%' && (left == 1 || (left == 2 && hex_digit(at[1]) >= 0));
    if (spelling == JSON) {
        if (*at != '\\' || (left > 1 && at[1] != 'u'))
            return false;
        if (left < 6)
            return true;
        long code = read_json_code(&at, end);
        return left < 12 && code >= 0xD800 && code <= 0xDBFF;
    }
    if (spelling != HTML || *at != '&' || left >= LONGEST_HTML)
        return false;
    while (++at < end && (is_in_word(*at) || *at == '#'))
        continue;
    return at == end;
}

/* ---- finding ---- */

/* The length of the secret, or of its beginning, that the text at `at` spells; 0 when it is none. */
static size_t spelled_length(enum spelling spelling, const struct part *part, const char *at, const char *end)
{
    const char *next = at;
    size_t found = 0;
    while (found < part->length) {
        char bytes[4];
        if (next == end || is_cut_escape(spelling, next, end))
            return found >= SHORTEST_BEGINNING ? (size_t)(end - at) : 0;
        size_t count = read_bytes(spelling, &next, end, bytes);
        if (count > part->length - found || memcmp(part->text + found, bytes, count) != 0)
            return 0;
        found += count;
    }
    return (size_t)(next - at);
}

/* The length of the longest secret that begins at `at`; 0 when none does. */
static size_t find_longest(const struct fs_secrets *secrets, const char *text, const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    if (!secrets->first[first] || (!strchr(escapes, first) && end - at > 1 && !secrets->second[(unsigned char)at[1]]))
        return 0;
    size_t longest = 0;
    const struct fs_secret_entry *entry;
    LIST_FOREACH(entry, &secrets->entries, link)
    {
        for (size_t i = 0; i < entry->part_count; i++) {
            const struct part *part = &entry->parts[i];
            for (enum spelling spelling = RAW; spelling < SPELLINGS; spelling++) {
                size_t length = spelled_length(spelling, part, at, end);
                bool amid_word = (at > text && is_in_word(at[-1])) || (at + length < end && is_in_word(at[length]));
                if (length > longest && (part->length >= SHORTEST_ANYWHERE || !amid_word))
                    longest = length;
            }
        }
    }
    return longest;
}

size_t fs_secrets_redact(const struct fs_secrets *secrets, char *text, size_t length)
{
    if (!secrets || LIST_EMPTY(&secrets->entries))
        return length;
    const char *end = text + length;
    const char *at = text;
    char *out = text;
    while (at < end) {
        size_t found = find_longest(secrets, text, at, end);
        if (found == 0) {
            *out++ = *at++;
            continue;
        }
        const char *begin = at;
        const char *stop = at + found;
        /* Another one may begin inside, and reach further. */
        while (++at < stop) {
            found = find_longest(secrets, text, at, end);
            if (at + found > stop)
                stop = at + found;
        }
        size_t mark = stop - begin < MARK ? (size_t)(stop - begin) : MARK;
        memset(out, '*', mark);
        out += mark;
    }
    if (out < end)
        *out = '\0';
    return (size_t)(out - text);
}

void fs_secrets_redact_text(const struct fs_secrets *secrets, char *text)
{
    if (text)
        fs_secrets_redact(secrets, text, strlen(text));
}

void fs_secrets_redact_error(const struct fs_secrets *secrets, finseg_error *error)
{
    if (fs_error_is_shared(error))
        return;
    fs_secrets_redact_text(secrets, error->message);
    fs_secrets_redact_text(secrets, error->code);
    fs_secrets_redact_text(secrets, error->request_id);
}

/* ---- knowing ---- */

static void free_entry(struct fs_secret_entry *entry)
{
    for (size_t i = 0; entry && i < entry->part_count; i++)
        fs_secret_free(entry->parts[i].text);
    free(entry);
}

/* Puts the entry among the others; frees it and answers NULL when one of its parts could not be copied. */
static struct fs_secret_entry *enter(struct fs_secrets *secrets, struct fs_secret_entry *entry)
{
    for (size_t i = 0; entry && i < entry->part_count; i++) {
        if (!entry->parts[i].text) {
            free_entry(entry);
            return NULL;
        }
    }
    if (!entry)
        return NULL;
    for (const char *escape = escapes; *escape; escape++)
        secrets->first[(unsigned char)*escape] = secrets->second[(unsigned char)*escape] = true;
    for (size_t i = 0; i < entry->part_count; i++) {
        const struct part *part = &entry->parts[i];
        secrets->first[(unsigned char)part->text[0]] = true;
        if (part->length > 1)
            secrets->second[(unsigned char)part->text[1]] = true;
        else
            memset(secrets->second, true, sizeof secrets->second);
    }
    LIST_INSERT_HEAD(&secrets->entries, entry, link);
    return entry;
}

static void add_part(struct fs_secret_entry *entry, char *text)
{
    if (text && !*text)
        free(text);
    else
        entry->parts[entry->part_count++] = (struct part){text, text ? strlen(text) : 0};
}

struct fs_secret_entry *fs_secrets_add(struct fs_secrets *secrets, const char *text)
{
    struct fs_secret_entry *entry = calloc(1, sizeof *entry);
    if (entry)
        add_part(entry, fs_text_copy(text, strlen(text)));
    return enter(secrets, entry);
}

static char *percent_decoded(const char *text, size_t length)
{
    struct fs_buffer decoded = {0};
    fs_buffer_reserve(&decoded, length);
    for (const char *at = text; at < text + length;) {
        char bytes[4];
        fs_buffer_append(&decoded, bytes, read_bytes(PERCENT, &at, text + length, bytes));
    }
    return fs_buffer_take(&decoded);
}

static char *base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct fs_buffer encoded = {0};
    size_t length = text ? strlen(text) : 0;
    fs_buffer_reserve(&encoded, (length + 2) / 3 * 4);
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t three = (uint32_t)(unsigned char)text[i] << 16 |
                         (left > 1 ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)(unsigned char)text[i + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                        left > 2 ? digits[three & 63] : '='};
        fs_buffer_append(&encoded, four, sizeof four);
    }
    return fs_buffer_take(&encoded);
}

static void add_credentials(struct fs_secret_entry *entry, const char *authority)
{
    const char *at = NULL;
    for (const char *c = authority; c < authority + strcspn(authority, "/?#"); c++) {
        if (*c == '@')
            at = c;
    }
    const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (!colon)
        return;
    char *pair = percent_decoded(authority, (size_t)(at - authority));
    add_part(entry, percent_decoded(colon + 1, (size_t)(at - colon) - 1));
    add_part(entry, pair ? base64(pair) : NULL);
    fs_secret_free(pair);
}

struct fs_secret_entry *fs_secrets_add_url(struct fs_secrets *secrets, const char *url)
{
    struct fs_secret_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    add_part(entry, fs_text_copy(url, strlen(url)));
    const char *scheme = strstr(url, "://");
    const char *authority = scheme ? scheme + 3 : url;
    add_credentials(entry, authority);
    const char *segment = strrchr(authority, '/');
    const char *dot = segment ? strchr(segment, '.') : NULL;
    if (dot && strlen(dot + 1) >= SHORTEST_TOKEN)
        add_part(entry, fs_text_copy(dot + 1, strlen(dot + 1)));
    return enter(secrets, entry);
}

void fs_secrets_retire(struct fs_secrets *secrets, struct fs_secret_entry *entry)
{
    if (!entry)
        return;
    struct fs_secret_entry **oldest = &secrets->retired[secrets->next_retired];
    if (*oldest)
        LIST_REMOVE(*oldest, link);
    free_entry(*oldest);
    *oldest = entry;
    secrets->next_retired = (secrets->next_retired + 1) % FS_SECRETS_RETIRED;
}

void fs_secrets_free(struct fs_secrets *secrets)
{
    struct fs_secret_entry *entry = LIST_FIRST(&secrets->entries);
    while (entry) {
        struct fs_secret_entry *next = LIST_NEXT(entry, link);
        free_entry(entry);
        entry = next;
    }
    *secrets = (struct fs_secrets){0};
}
