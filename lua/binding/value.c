#include <string.h>

#include "binding.h"
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
    const char *limit;   /* bytes may be looked at, at once, up to here: not before `end` */
    struct names *names; /* NULL: none are remembered */
};

/* ---- names of members ------------------------------------------------------------------------------------- */

/*
 * Members have the same few names in every user, and mostly in the same order. The names are kept as Lua strings, which
 * the C function that reads users has on its stack, and the one that came after a name the last time is tried first.
 */
enum {
    NAMES = 24,
    NAME_BYTES = 32,      /* with the closing quote; longer ones are not remembered */
    LARGEST_EXPECTED = 16 /* elements or members for which room is made in advance */
};

struct name {
    char bytes[NAME_BYTES]; /* and its closing quote */
    unsigned char length;   /* without it */
    unsigned char next;     /* the place of the name that came after it, the last time */
    unsigned char first;    /* the place of the name that an object below it began with, the last time */
    unsigned char elements; /* how long the last array, and the last object, below this name was */
    unsigned char members;
};

struct names {
    int count;
    int strings;                   /* where the table of their strings is on the stack */
    int stack;                     /* and where the strings themselves are, from the first one on */
    struct name places[NAMES + 1]; /* the last one stands for all that are not remembered */
};

static struct name *name_at(struct reader *reader, int place)
{
    return reader->names ? &reader->names->places[place] : NULL;
}

/* Whether the name that begins at `at`, after its quote, is this one. */
static bool is_name(const struct reader *reader, const struct name *name)
{
    const size_t quoted = name->length + 1U;
#if FS_WIDE
    if (quoted <= FS_WIDE_BYTES && reader->limit - reader->at >= FS_WIDE_BYTES)
        return fs_wide_equal(reader->at, name->bytes, (1U << quoted) - 1);
#endif
    return (size_t)(reader->end - reader->at) >= quoted && memcmp(reader->at, name->bytes, quoted) == 0;
}

/* The place of the name that begins here; NAMES when it is not remembered, as are none that were written with
 * escapes. */
static int find_name(const struct reader *reader, int expected)
{
    const struct names *names = reader->names;
    if (expected < names->count && is_name(reader, &names->places[expected]))
        return expected;
    for (int place = 0; place < names->count; place++) {
        if (is_name(reader, &names->places[place]))
            return place;
    }
    return NAMES;
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
    struct names *names = reader->names;
    size_t quoted = (size_t)(reader->at - start);
    if (names->count == NAMES || quoted > NAME_BYTES || memchr(start, '\\', quoted))
        return NAMES;
    int place = names->count++;
    struct name *name = &names->places[place];
    *name = (struct name){.length = (unsigned char)(quoted - 1), .next = NAMES, .first = NAMES};
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
        return NAMES;
    }
    int place = find_name(reader, *expected);
    if (place < NAMES) {
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
    struct names *names = reader->names;
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

/* The usual number, in one look; false, and nothing done, for any other, and for a zero, which may have a sign. */
static bool push_usual_number(struct reader *reader)
{
#if FS_WIDE
    int64_t units = 0;
    if (reader->limit - reader->at < FS_WIDE_AMOUNT_REACH)
        return false;
    size_t length = fs_wide_amount(reader->at, &units);
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
    push_value(&reader, NAMES);
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

/* ---- users ------------------------------------------------------------------------------------------------- */

static const char reader_type[] = "finseg.core.user_reader";

/* Kept with it: a table of the names' strings. */
struct user_reader {
    size_t next; /* the position of the user to read next */
    struct names names;
};

/* Puts on the stack the strings of the names that are known, with nils for those that are not. */
static void push_names(lua_State *L, struct names *names, int strings)
{
    luaL_checkstack(L, NAMES + LUA_MINSTACK, "too many names");
    names->strings = strings;
    names->stack = lua_gettop(L) + 1;
    for (int place = 0; place < names->count; place++)
        lua_rawgeti(L, strings, place + 1);
    lua_settop(L, names->stack + NAMES - 1);
}

static void push_user(lua_State *L, const finseg_page *page, size_t index, struct names *names)
{
    const finseg_slice page_text = finseg_page_text(page);
    const finseg_slice user = finseg_page_user(page, index);
    struct reader reader = {.L = L,
                            .at = user.data,
                            .end = user.data + user.length,
                            .limit = page_text.data + page_text.length,
                            .names = names};
    push_value(&reader, NAMES);
}

/*
 * reader:fill(page, users) -> count
 * Puts the next users of the page, as tables, into `users`, from 1 on; 0 at its end, and then begins with the next page.
 * Some at a time, so that Lua, and LuaJIT's compiler above all, seldom has to leave its own code; none is passed over
 * when it raises.
 */
static int fill_users(lua_State *L)
{
    enum { READER = 1, PAGE, USERS, STRINGS, AT_ONCE = 32 };
    struct user_reader *reader = luaL_checkudata(L, READER, reader_type);
    const finseg_page *page = fs_lua_check_page(L, PAGE);
    luaL_checktype(L, USERS, LUA_TTABLE);
    lua_settop(L, USERS);
    fs_lua_push_kept(L, READER);
    push_names(L, &reader->names, STRINGS);
    int count = 0;
    for (; count < AT_ONCE && reader->next + (size_t)count < finseg_page_user_count(page); count++) {
        push_user(L, page, reader->next + (size_t)count, &reader->names);
        lua_rawseti(L, USERS, count + 1);
    }
    reader->next = count > 0 ? reader->next + (size_t)count : 0;
    lua_pushinteger(L, count);
    return 1;
}

/* core.user_reader() -> reader */
static int new_user_reader(lua_State *L)
{
    fs_lua_new_object(L, reader_type, sizeof(struct user_reader));
    lua_createtable(L, NAMES, 0);
    fs_lua_keep(L, -2);
    return 1;
}

void fs_lua_register_user_reader(lua_State *L)
{
    static const luaL_Reg methods[] = {{"fill", fill_users}, {NULL, NULL}};
    fs_lua_register_type(L, reader_type, methods, NULL);
    lua_pushcfunction(L, new_user_reader);
    lua_setfield(L, -2, "user_reader");
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
