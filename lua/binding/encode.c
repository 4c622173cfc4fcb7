#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "value/json.h"
#include "value/text.h"

/* Where in the outermost value the encoder stands; `name` is NULL for an element of an array. */
struct place {
    const struct place *outer;
    const char *name;
    size_t index;
    unsigned depth;
};

/* Below it, every whole double is written with all its digits. */
static const double whole_limit = 9007199254740992.0;

struct encoder {
    lua_State *L;
    struct fs_buffer *out;
};

static bool encode(struct encoder *encoder, int index, const struct place *place);

static void append_place(struct fs_buffer *out, const struct place *place)
{
    if (!place->outer)
        return;
    append_place(out, place->outer);
    if (!place->name)
        fs_buffer_printf(out, "[%zu]", place->index);
    else
        fs_buffer_printf(out, "%s%s", place->outer->outer ? "." : "", place->name);
}

/* Replaces what was written by the reason; answers false. */
static bool refuse(struct encoder *encoder, const struct place *place, const char *reason)
{
    struct fs_buffer *out = encoder->out;
    fs_buffer_clear(out);
    append_place(out, place);
    fs_buffer_printf(out, "%s%s", out->length > 0 ? ": " : "", reason);
    return false;
}

/* The shortest of three precisions that reads back the same, with a point for whatever the locale writes. */
static void append_float(struct fs_buffer *out, double number)
{
    char text[40];
    if (floor(number) == number && fabs(number) < whole_limit) {
        fs_buffer_printf(out, "%.0f", number);
        return;
    }
    static const int precisions[] = {14, 15, 17};
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++) {
        snprintf(text, sizeof text, "%.*g", precisions[i], number);
        if (strtod(text, NULL) == number)
            break;
    }
    const char *at = text;
    while (*at) {
        size_t plain = strspn(at, "0123456789+-e");
        fs_buffer_append(out, at, plain);
        at += plain;
        size_t point = strcspn(at, "0123456789+-e");
        if (point > 0)
            fs_buffer_append_char(out, '.');
        at += point;
    }
}

static bool encode_number(struct encoder *encoder, int index, const struct place *place)
{
    if (fs_lua_is_integer(encoder->L, index)) {
        fs_buffer_printf(encoder->out, "%lld", (long long)lua_tointeger(encoder->L, index));
        return true;
    }
    double number = lua_tonumber(encoder->L, index);
    if (!isfinite(number))
        return refuse(encoder, place, "a number that is infinite or not a number cannot be sent");
    append_float(encoder->out, number);
    return true;
}

static bool encode_string(struct encoder *encoder, int index, const struct place *place)
{
    size_t length = 0;
    const char *text = lua_tolstring(encoder->L, index, &length);
    if (!fs_text_is_utf8(text, length))
        return refuse(encoder, place, "text that is not valid UTF-8 cannot be sent");
    fs_json_append_string(encoder->out, text, length);
    return true;
}

static bool encode_array(struct encoder *encoder, int index, size_t count, const struct place *place)
{
    lua_State *L = encoder->L;
    fs_buffer_append_char(encoder->out, '[');
    for (size_t i = 1; i <= count; i++) {
        struct place element = {place, NULL, i, place->depth + 1};
        if (i > 1)
            fs_buffer_append_char(encoder->out, ',');
        lua_rawgeti(L, index, (int)i);
        if (!encode(encoder, lua_gettop(L), &element))
            return false;
        lua_pop(L, 1);
    }
    fs_buffer_append_char(encoder->out, ']');
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const finseg_slice *left = a;
    const finseg_slice *right = b;
    size_t common = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->data, right->data, common);
    if (order != 0)
        return order;
    return (left->length > right->length) - (left->length < right->length);
}

/* Pushes a userdata with the table's keys, sorted. The table itself keeps the texts alive. */
static finseg_slice *push_sorted_names(lua_State *L, int index, size_t count)
{
    finseg_slice *names = lua_newuserdata(L, count * sizeof *names + 1);
    size_t i = 0;
    lua_pushnil(L);
    while (i < count && lua_next(L, index)) {
        names[i].data = lua_tolstring(L, -2, &names[i].length);
        i++;
        lua_pop(L, 1);
    }
    if (i == count)
        lua_pop(L, 1);
    qsort(names, count, sizeof *names, compare_names);
    return names;
}

static bool encode_object(struct encoder *encoder, int index, size_t count, const struct place *place)
{
    lua_State *L = encoder->L;
    const finseg_slice *names = push_sorted_names(L, index, count);
    fs_buffer_append_char(encoder->out, '{');
    for (size_t i = 0; i < count; i++) {
        struct place member = {place, names[i].data, 0, place->depth + 1};
        if (!fs_text_is_utf8(names[i].data, names[i].length))
            return refuse(encoder, place, "a name that is not valid UTF-8 cannot be sent");
        if (i > 0)
            fs_buffer_append_char(encoder->out, ',');
        fs_json_append_string(encoder->out, names[i].data, names[i].length);
        fs_buffer_append_char(encoder->out, ':');
        lua_pushlstring(L, names[i].data, names[i].length);
        lua_rawget(L, index);
        if (!encode(encoder, lua_gettop(L), &member))
            return false;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    fs_buffer_append_char(encoder->out, '}');
    return true;
}

static bool encode_table(struct encoder *encoder, int index, const struct place *place)
{
    lua_State *L = encoder->L;
    if (place->depth >= FS_JSON_MAX_DEPTH)
        return refuse(encoder, place, "a table nested this deeply, or inside itself, cannot be sent");
    luaL_checkstack(L, 8, "a table is nested too deeply");
    size_t names = 0;
    size_t others = 0;
    size_t positions = 0;
    size_t length = lua_rawlen(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            names++;
        else
            others++;
        if (lua_type(L, -2) == LUA_TNUMBER) {
            double position = lua_tonumber(L, -2);
            positions += position >= 1 && position <= (double)length && floor(position) == position;
        }
        lua_pop(L, 1);
    }
    if (others == 0)
        return encode_object(encoder, index, names, place);
    if (names == 0 && positions == others && positions == length)
        return encode_array(encoder, index, length, place);
    return refuse(encoder, place, "a table must have either text keys or the positions 1 to n, without gaps");
}

static bool encode(struct encoder *encoder, int index, const struct place *place)
{
    lua_State *L = encoder->L;
    int type = lua_type(L, index);
    switch (type) {
    case LUA_TBOOLEAN:
        fs_buffer_append_text(encoder->out, lua_toboolean(L, index) ? "true" : "false");
        return true;
    case LUA_TNUMBER:
        return encode_number(encoder, index, place);
    case LUA_TSTRING:
        return encode_string(encoder, index, place);
    case LUA_TTABLE:
        return encode_table(encoder, index, place);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, index)) {
            fs_buffer_append_text(encoder->out, "null");
            return true;
        }
        return refuse(encoder, place, "a userdata cannot be sent");
    case LUA_TNIL:
        return refuse(encoder, place, "nil cannot be sent (finseg.null can)");
    default: {
        char reason[40];
        snprintf(reason, sizeof reason, "a %s cannot be sent", lua_typename(L, type));
        return refuse(encoder, place, reason);
    }
    }
}

bool fs_lua_encode(lua_State *L, int index, struct fs_buffer *out)
{
    struct encoder encoder = {L, out};
    struct place outermost = {0};
    int top = lua_gettop(L);
    bool ok = encode(&encoder, index, &outermost);
    lua_settop(L, top);
    if (out->failed)
        luaL_error(L, "out of memory");
    return ok;
}

int fs_lua_to_json(lua_State *L)
{
    luaL_checkany(L, 1);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    bool ok = fs_lua_encode(L, 1, &scratch->text);
    if (!ok)
        lua_pushnil(L);
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    return ok ? 1 : 2;
}
