#include <string.h>

#include "binding.h"
#include "decode.h"
#include "value/error.h"
#include "value/json.h"
#include "value/simd.h"

/*
 * The text has passed the scanner, so nothing is checked here: what begins as a string is one, and every bracket has
 * its counterpart.
 */
struct reader {
    lua_State *L;
    const char *at;
    const char *end;
    const char *limit;          /* bytes may be looked at, at once, up to here: not before `end` */
    struct fs_lua_names *names; /* NULL: none are remembered */
};

/* ---- names of members ------------------------------------------------------------------------------------- */

/* Elements or members for which room is made in advance. */
enum { LARGEST_EXPECTED = 16 };

static struct fs_lua_name *name_at(struct reader *reader, int place)
{
    return reader->names ? &reader->names->places[place] : NULL;
}

/* Whether the name that begins at `at`, after its quote, is this one. */
static bool is_name(const struct reader *reader, const struct fs_lua_name *name)
{
    const size_t quoted = name->length + 1U;
#if FS_SIMD
    if (quoted <= FS_SIMD_BYTES && reader->limit - reader->at >= FS_SIMD_BYTES)
        return fs_simd_equal(reader->at, name->bytes, (1U << quoted) - 1);
#endif
    return (size_t)(reader->end - reader->at) >= quoted && memcmp(reader->at, name->bytes, quoted) == 0;
}

/* The place of the name that begins here; FS_LUA_NAMES when it is not remembered, as are none that were written with
 * escapes. */
static int find_name(const struct reader *reader, int expected)
{
    const struct fs_lua_names *names = reader->names;
    if (expected < names->count && is_name(reader, &names->places[expected]))
        return expected;
    for (int place = 0; place < names->count; place++) {
        if (is_name(reader, &names->places[place]))
            return place;
    }
    return FS_LUA_NAMES;
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static void push_value(struct reader *reader, int place);

static void skip_white_space(struct reader *reader)
{
    if ((unsigned char)*reader->at > ' ')
        return;
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

static void push_escaped(lua_State *L, const char *start, size_t length)
{
    struct fs_json_value string = {.type = FS_JSON_STRING, .data = start - 1, .length = length + 2, .escaped = true};
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    fs_json_append_unescaped(&scratch->text, &string);
    if (scratch->text.failed)
        luaL_error(L, "out of memory");
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    lua_remove(L, -2);
}

/* From after the opening quote to after the closing one. */
static void push_string(struct reader *reader)
{
    const char *start = reader->at;
    bool escaped = false;
    for (;;) {
#if FS_SIMD
        reader->at = fs_simd_skip_plain(reader->at, reader->end);
#endif
        char c = *reader->at++;
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            reader->at++;
        }
    }
    size_t length = (size_t)(reader->at - start) - 1;
    if (escaped)
        push_escaped(reader->L, start, length);
    else
        lua_pushlstring(reader->L, start, length);
}

/* Remembers the string at the top, which began at `start`; answers its place. */
static int remember_name(struct reader *reader, const char *start)
{
    struct fs_lua_names *names = reader->names;
    size_t quoted = (size_t)(reader->at - start);
    if (names->count == FS_LUA_NAMES || quoted > FS_LUA_NAME_BYTES || memchr(start, '\\', quoted))
        return FS_LUA_NAMES;
    int place = names->count++;
    struct fs_lua_name *name = &names->places[place];
    *name = (struct fs_lua_name){.length = (unsigned char)(quoted - 1), .next = FS_LUA_NAMES, .first = FS_LUA_NAMES};
    memcpy(name->bytes, start, quoted);
    lua_pushvalue(reader->L, -1);
    lua_rawseti(reader->L, names->strings, place + 1);
    lua_pushvalue(reader->L, -1);
    lua_replace(reader->L, names->stack + place);
    return place;
}

/*
 * Pushes the name of a member; answers its place among those that are remembered. `*expected` is the place to look
 * first, and is told of the place where it was.
 */
static int push_name(struct reader *reader, unsigned char *expected)
{
    reader->at++;
    if (!reader->names || !expected) {
        push_string(reader);
        return FS_LUA_NAMES;
    }
    int place = find_name(reader, *expected);
    if (place < FS_LUA_NAMES) {
        reader->at += reader->names->places[place].length + 1;
        lua_pushvalue(reader->L, reader->names->stack + place);
    } else {
        const char *start = reader->at;
        push_string(reader);
        place = remember_name(reader, start);
    }
    *expected = (unsigned char)place;
    return place;
}

static unsigned char expected_size(int size)
{
    return (unsigned char)(size < LARGEST_EXPECTED ? size : LARGEST_EXPECTED);
}

/* To the next element or member, or to the closing bracket. */
static void skip_separator(struct reader *reader)
{
    skip_white_space(reader);
    reader->at += *reader->at == ',';
    skip_white_space(reader);
}

static void push_array(struct reader *reader, int place)
{
    lua_State *L = reader->L;
    struct fs_lua_name *name = name_at(reader, place);
    int count = 0;
    reader->at++;
    skip_white_space(reader);
    lua_createtable(L, name && *reader->at != ']' ? name->elements : 0, 0);
    while (*reader->at != ']') {
        push_value(reader, place);
        lua_rawseti(L, -2, ++count);
        skip_separator(reader);
    }
    reader->at++;
    if (name)
        name->elements = expected_size(count);
}

static void push_object(struct reader *reader, int place)
{
    lua_State *L = reader->L;
    struct fs_lua_names *names = reader->names;
    struct fs_lua_name *name = name_at(reader, place);
    unsigned char *expected = name ? &name->first : NULL;
    int count = 0;
    lua_createtable(L, 0, name ? name->members : 2);
    reader->at++;
    skip_white_space(reader);
    while (*reader->at != '}') {
        int member = push_name(reader, expected);
        expected = names ? &names->places[member].next : NULL;
        skip_white_space(reader);
        reader->at++;
        skip_white_space(reader);
        push_value(reader, member);
        lua_rawset(L, -3);
        count++;
        skip_separator(reader);
    }
    reader->at++;
    if (name)
        name->members = expected_size(count);
}

/* The usual number, in one look; false, and nothing done, for any other, and for a zero, which may have a sign. */
static bool push_usual_number(struct reader *reader)
{
#if FS_SIMD
    int64_t units = 0;
    if (reader->limit - reader->at < FS_SIMD_AMOUNT_REACH)
        return false;
    size_t length = fs_simd_amount(reader->at, &units);
    if (length == 0 || units == 0)
        return false;
#if FS_LUA_HAS_INTEGERS
    if (!memchr(reader->at, '.', length))
        lua_pushinteger(reader->L, units / 10000);
    else
#endif
        lua_pushnumber(reader->L, (lua_Number)units / 10000.0);
    reader->at += length;
    return true;
#else
    (void)reader;
    return false;
#endif
}

static void push_number(struct reader *reader)
{
    if (push_usual_number(reader))
        return;
    const char *start = reader->at;
    bool integer = true;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (c == '.' || c == 'e' || c == 'E')
            integer = false;
        else if ((c < '0' || c > '9') && c != '-' && c != '+')
            break;
    }
    fs_lua_push_number(reader->L, start, (size_t)(reader->at - start), integer);
}

/* `place` is that of the name that the value stands below. */
static void push_value(struct reader *reader, int place)
{
    lua_State *L = reader->L;
    switch (*reader->at) {
    case '{':
        luaL_checkstack(L, 6, "JSON is nested too deeply");
        push_object(reader, place);
        break;
    case '[':
        luaL_checkstack(L, 6, "JSON is nested too deeply");
        push_array(reader, place);
        break;
    case '"':
        reader->at++;
        push_string(reader);
        break;
    case 't':
        reader->at += strlen("true");
        lua_pushboolean(L, 1);
        break;
    case 'f':
        reader->at += strlen("false");
        lua_pushboolean(L, 0);
        break;
    case 'n':
        reader->at += strlen("null");
        lua_pushlightuserdata(L, NULL);
        break;
    default:
        push_number(reader);
    }
}

void fs_lua_push_json(lua_State *L, const char *text, size_t length)
{
    struct reader reader = {.L = L, .at = text, .end = text + length, .limit = text + length};
    skip_white_space(&reader);
    push_value(&reader, FS_LUA_NAMES);
}

void fs_lua_push_names(lua_State *L, struct fs_lua_names *names, int strings)
{
    luaL_checkstack(L, FS_LUA_NAMES + LUA_MINSTACK, "too many names");
    names->strings = strings;
    names->stack = lua_gettop(L) + 1;
    for (int place = 0; place < names->count; place++)
        lua_rawgeti(L, strings, place + 1);
    lua_settop(L, names->stack + FS_LUA_NAMES - 1);
}

void fs_lua_push_named_json(lua_State *L, finseg_slice text, const char *limit, struct fs_lua_names *names)
{
    struct reader reader = {.L = L, .at = text.data, .end = text.data + text.length, .limit = limit, .names = names};
    push_value(&reader, FS_LUA_NAMES);
}

void fs_lua_push_members(lua_State *L, const char *text, size_t length, const char *except)
{
    struct fs_json json;
    struct fs_json_value name;
    struct fs_json_value value;
    enum fs_json_type type;
    bool first = true;
    lua_newtable(L);
    fs_json_begin(&json, text, length);
    if (!fs_json_peek(&json, &type) || type != FS_JSON_OBJECT)
        return;
    fs_json_enter(&json);
    while (fs_json_next_member(&json, &first, &name) && fs_json_skip(&json, &value)) {
        if (fs_json_string_is(&name, except))
            continue;
        fs_lua_push_json(L, name.data, name.length);
        fs_lua_push_json(L, value.data, value.length);
        lua_rawset(L, -3);
    }
}

int fs_lua_from_json(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *problem = NULL;
    size_t position = 0;
    if (!fs_json_check(text, length, &problem, &position)) {
        struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
        scratch->error = fs_error_new(FINSEG_ERROR_PROTOCOL, "no JSON: %s, at byte %zu", problem, position);
        return fs_lua_fail(L, scratch);
    }
    fs_lua_push_json(L, text, length);
    return 1;
}
