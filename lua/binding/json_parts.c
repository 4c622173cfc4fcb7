#include "binding.h"
#include "value/json.h"

/* JSON taken apart as text: what is handed on keeps the bytes that came, numbers with all their digits above all. */

static int refuse(lua_State *L, const struct fs_json *json)
{
    lua_pushnil(L);
    lua_pushstring(L, json->problem ? json->problem : "an object or a list expected");
    return 2;
}

/* Pushes the name of a member. */
static void push_name(lua_State *L, const struct fs_json_value *key)
{
    if (!key->escaped) {
        lua_pushlstring(L, key->data + 1, key->length - 2);
        return;
    }
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    fs_json_append_unescaped(&scratch->text, key);
    if (scratch->text.failed)
        luaL_error(L, "out of memory");
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    lua_remove(L, -2);
}

/* Puts the next value into the list at the top. */
static void append_value(lua_State *L, struct fs_json *json, int *count)
{
    struct fs_json_value value;
    if (!fs_json_skip(json, &value))
        return;
    lua_pushlstring(L, value.data, value.length);
    lua_rawseti(L, -2, ++*count);
}

int fs_lua_json_parts(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    struct fs_json json;
    struct fs_json_value key;
    enum fs_json_type type;
    bool first = true;
    int count = 0;
    fs_json_begin(&json, text, length);
    if (!fs_json_peek(&json, &type) || (type != FS_JSON_OBJECT && type != FS_JSON_ARRAY))
        return refuse(L, &json);
    lua_newtable(L);
    fs_json_enter(&json);
    if (type == FS_JSON_ARRAY) {
        while (fs_json_next_element(&json, &first))
            append_value(L, &json, &count);
    } else {
        while (fs_json_next_member(&json, &first, &key)) {
            push_name(L, &key);
            lua_rawseti(L, -2, ++count);
            append_value(L, &json, &count);
        }
    }
    return !json.problem && fs_json_finish(&json) ? 1 : refuse(L, &json);
}

/* Appends the object but for its members of that name. What stays keeps the bytes between its members, too. */
static void append_without(struct fs_buffer *out, struct fs_json *json, const char *name)
{
    struct fs_json_value key;
    struct fs_json_value value;
    bool first = true;
    bool any_kept = false;
    const char *from = json->start; /* what was not appended yet; NULL: from the next member on */
    const char *end = json->start;  /* of the last member that is kept */
    fs_json_enter(json);
    while (fs_json_next_member(json, &first, &key) && fs_json_skip(json, &value)) {
        const char *value_end = value.data + value.length;
        if (!fs_json_string_is(&key, name)) {
            from = from ? from : key.data;
            any_kept = true;
            end = value_end;
        } else if (any_kept) {
            fs_buffer_append(out, from, (size_t)(end - from));
            from = end = value_end;
        } else {
            if (from)
                fs_buffer_append_char(out, '{');
            from = NULL;
        }
    }
    if (!from)
        fs_buffer_append_char(out, '}');
    else
        fs_buffer_append(out, from, (size_t)(json->end - from));
}

int fs_lua_json_without(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *name = fs_lua_check_text(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct fs_json json;
    enum fs_json_type type;
    fs_json_begin(&json, text, length);
    if (!fs_json_peek(&json, &type) || type != FS_JSON_OBJECT)
        return refuse(L, &json);
    append_without(&scratch->text, &json, name);
    if (scratch->text.failed)
        return luaL_error(L, "out of memory");
    if (json.problem)
        return refuse(L, &json);
    lua_pushlstring(L, scratch->text.data, scratch->text.length);
    fs_lua_empty_scratch(scratch);
    return 1;
}
