/* The users of a page as Lua tables. */
#include "binding.h"
#include "decode.h"

static const char reader_type[] = "finseg.core.user_reader";

/* Kept with it: a table of the names' strings. */
struct user_reader {
    size_t next; /* the position of the user to read next */
    struct fs_lua_names names;
};

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
    fs_lua_push_names(L, &reader->names, STRINGS);
    const finseg_slice text = finseg_page_text(page);
    int count = 0;
    for (; count < AT_ONCE && reader->next + (size_t)count < finseg_page_user_count(page); count++) {
        finseg_slice user = finseg_page_user(page, reader->next + (size_t)count);
        fs_lua_push_named_json(L, user, text.data + text.length, &reader->names);
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
    lua_createtable(L, FS_LUA_NAMES, 0);
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
