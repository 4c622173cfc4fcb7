#include <string.h>

#include "binding.h"
#include "error.h"
#include "json.h"
#include "wide.h"

/*
 * The text has passed the scanner, so nothing is checked here: what begins as a string is one, and every bracket has
 * its counterpart.
 */
struct reader {
    lua_State *L;
    const char *at;
    const char *end;
    struct fs_lua_names *names; /* NULL: none are remembered */
};

/* ---- names of members ------------------------------------------------------------------------------------- */

/*
 * Members have the same few names in every user, and mostly in the same order. The names are kept as Lua strings, in
 * the upvalues of the C function that reads users, and the one that came after a name the last time is tried first.
 */
enum {
    NAMES = 24,
    NAME_BYTES = 32,      /* longer ones are not remembered */
    LARGEST_EXPECTED = 16 /* elements or members for which room is made in advance */
};

struct name {
    char bytes[NAME_BYTES];
    unsigned char length;
    unsigned char next;     /* the place of the name that came after it, the last time */
    unsigned char first;    /* the place of the name that an object below it began with, the last time */
    unsigned char elements; /* how long the last array, and the last object, below this name was */
    unsigned char members;
};

struct fs_lua_names {
    int count;
    struct name places[NAMES + 1]; /* the last one stands for all that are not remembered */
};

static struct name *name_at(struct reader *reader, int place)
{
    return reader->names ? &reader->names->places[place] : NULL;
}

/* Whether the name that begins at `at`, after its quote, is this one. */
static bool is_name(const struct reader *reader, const struct name *name)
{
    return (size_t)(reader->end - reader->at) > name->length && reader->at[name->length] == '"' &&
           memcmp(reader->at, name->bytes, name->length) == 0;
}

/* The place of the name that begins here; NAMES when it is not remembered, as are none that were written with
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
    return NAMES;
}

static int upvalue_of(int place)
{
    enum { FIRST_NAME = 2 };
    return lua_upvalueindex(FIRST_NAME + place);
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static void push_value(struct reader *reader, int place);

static void skip_white_space(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

static void push_escaped(lua_State *L, const char *start, size_t length)
{
    struct fs_json_value string = {.type = FS_JSON_STRING, .data = start - 1, .length = length + 2, .escaped = true};
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    fs_json_append_unescaped(&scratch->text, &string);
    if (scratch->text.failed)
        luaL_error(L, "memory is out");
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
#if FS_WIDE
        reader->at = fs_wide_skip_plain(reader->at, reader->end);
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
    size_t length = (size_t)(reader->at - start) - 1;
    if (names->count == NAMES || length > NAME_BYTES || memchr(start, '\\', length))
        return NAMES;
    int place = names->count++;
    struct name *name = &names->places[place];
    *name = (struct name){.length = (unsigned char)length, .next = NAMES, .first = NAMES};
    memcpy(name->bytes, start, length);
    lua_pushvalue(reader->L, -1);
    lua_replace(reader->L, upvalue_of(place));
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
        return NAMES;
    }
    int place = find_name(reader, *expected);
    if (place < NAMES) {
        reader->at += reader->names->places[place].length + 1;
        lua_pushvalue(reader->L, upvalue_of(place));
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
    struct name *name = name_at(reader, place);
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
    struct name *name = name_at(reader, place);
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

static void push_number(struct reader *reader)
{
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

static void push_text(lua_State *L, const char *text, size_t length, struct fs_lua_names *names)
{
    struct reader reader = {.L = L, .at = text, .end = text + length, .names = names};
    skip_white_space(&reader);
    push_value(&reader, NAMES);
}

void fs_lua_push_json(lua_State *L, const char *text, size_t length)
{
    push_text(L, text, length, NULL);
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
        push_text(L, name.data, name.length, NULL);
        push_text(L, value.data, value.length, NULL);
        lua_rawset(L, -3);
    }
}

/* ---- users ------------------------------------------------------------------------------------------------- */

/* Upvalues: struct fs_lua_names, then the names. (page, position) -> table */
static int read_user(lua_State *L)
{
    const finseg_page *page = fs_lua_check_page(L, 1);
    finseg_slice user = finseg_page_user(page, fs_lua_check_user(L, 2, page));
    push_text(L, user.data, user.length, lua_touserdata(L, lua_upvalueindex(1)));
    return 1;
}

int fs_lua_user_reader(lua_State *L)
{
    struct fs_lua_names *names = lua_newuserdata(L, sizeof *names);
    memset(names, 0, sizeof *names);
    luaL_checkstack(L, NAMES, "too many names");
    for (int i = 0; i < NAMES; i++)
        lua_pushnil(L);
    lua_pushcclosure(L, read_user, NAMES + 1);
    return 1;
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
