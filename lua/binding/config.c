#include "value/error.h"

#include <stdio.h>
#include <string.h>

#include "binding.h"

/* Room for "poll.factor" and its like; a longer name is no field. */
enum { FIELD_NAME = 64 };

struct reader {
    lua_State *L;
    struct fs_lua_scratch *scratch;
};

static bool refuse(struct reader *reader, const char *field, const char *reason)
{
    reader->scratch->error = fs_error_new(FINSEG_ERROR_CONFIG, "config: %s: %s", field, reason);
    return false;
}

/* The member name of the key at -2 (value at -1), after `group` and a dot. False with an error when it is no name. */
static bool read_name(struct reader *reader, const char *group, char name[FIELD_NAME])
{
    lua_State *L = reader->L;
    size_t length = 0;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
    if (!key || strlen(key) != length || length == 0)
        return refuse(reader, *group ? group : "names", "must be text, without zero bytes");
    int written = snprintf(name, FIELD_NAME, "%s%s%s", group, *group ? "." : "", key);
    if (written < 0 || written >= FIELD_NAME)
        return refuse(reader, key, "there is no such field");
    return true;
}

static bool set_text(struct reader *reader, const char *name)
{
    struct fs_lua_scratch *scratch = reader->scratch;
    size_t length = 0;
    const char *text = lua_tolstring(reader->L, -1, &length);
    if (strlen(text) != length)
        return refuse(reader, name, "a zero byte in the text");
    return finseg_config_set_text(scratch->config, name, text, &scratch->error) == 0;
}

static bool set_value(struct reader *reader, const char *name)
{
    lua_State *L = reader->L;
    struct fs_lua_scratch *scratch = reader->scratch;
    int type = lua_type(L, -1);
    switch (type) {
    case LUA_TSTRING:
        return set_text(reader, name);
    case LUA_TNUMBER:
        return finseg_config_set_number(scratch->config, name, lua_tonumber(L, -1), &scratch->error) == 0;
    case LUA_TBOOLEAN:
        return finseg_config_set_flag(scratch->config, name, lua_toboolean(L, -1), &scratch->error) == 0;
    default: {
        char reason[64];
        snprintf(reason, sizeof reason, "text, a number or a boolean expected, got a %s", lua_typename(L, type));
        return refuse(reader, name, reason);
    }
    }
}

/* Adds the kind at the top of the stack. */
static bool add_kind(struct reader *reader, const char *name)
{
    lua_State *L = reader->L;
    struct fs_lua_scratch *scratch = reader->scratch;
    const char *kind = strchr(name, '.') + 1;
    if (lua_type(L, -1) != LUA_TTABLE)
        return refuse(reader, name, "a table expected, {path = ..., parameters = {...}}");
    fs_buffer_clear(&scratch->text);
    bool encoded = fs_lua_encode(L, lua_gettop(L), &scratch->text);
    if (!encoded)
        return refuse(reader, name, scratch->text.data);
    return finseg_config_add_kind(scratch->config, kind, scratch->text.data, &scratch->error) == 0;
}

/* Reads the table at the top of the stack, member by member. */
static bool read_group(struct reader *reader, const char *group, bool (*read)(struct reader *, const char *))
{
    lua_State *L = reader->L;
    char name[FIELD_NAME];
    int table = lua_gettop(L);
    if (lua_type(L, table) != LUA_TTABLE)
        return refuse(reader, group, "a table expected");
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (!read_name(reader, group, name) || !read(reader, name))
            return false;
        lua_pop(L, 1);
    }
    return true;
}

static bool read_field(struct reader *reader, const char *name)
{
    if (strcmp(name, "poll") == 0 || strcmp(name, "retry") == 0)
        return read_group(reader, name, set_value);
    if (strcmp(name, "kinds") == 0)
        return read_group(reader, name, add_kind);
    return set_value(reader, name);
}

bool fs_lua_read_config(lua_State *L, int index, bool from_environment, struct fs_lua_scratch *scratch)
{
    struct reader reader = {L, scratch};
    int top = lua_gettop(L);
    luaL_checkstack(L, 12, "reading the config");
    scratch->config = finseg_config_new();
    if (!scratch->config) {
        scratch->error = fs_error_out_of_memory();
        return false;
    }
    if (from_environment && finseg_config_read_environment(scratch->config, &scratch->error) != 0)
        return false;
    lua_pushvalue(L, index);
    bool ok = read_group(&reader, "", read_field);
    lua_settop(L, top);
    return ok;
}
