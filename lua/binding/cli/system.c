/*
 * Module "finseg.cli.system": what a program at a terminal asks the system for and Lua's own libraries do not offer.
 * The command line uses it and nothing else does.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERMISSIONS = 07777, OTHERS = 077 };

/* is_terminal(descriptor) -> boolean */
static int is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* columns(descriptor) -> the width of the terminal in characters | nil when it does not say */
static int columns(lua_State *L)
{
    struct winsize size;
    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

/* is_private(path) -> whether the file is the user's and nobody else may read or write it | nil, reason */
static int is_private(lua_State *L)
{
    struct stat status;
    if (stat(luaL_checkstring(L, 1), &status) != 0) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(errno));
        return 2;
    }
    /* Root may read any file; one that belongs to somebody else is refused all the same. */
    lua_pushboolean(L, status.st_uid == geteuid() && (status.st_mode & PERMISSIONS & OTHERS) == 0);
    return 1;
}

/* execute(program, words) -> nil, reason; when all is well the process becomes the program (looked for on PATH) and
 * nothing returns */
static int execute(lua_State *L)
{
    const char *program = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t count = 0;
    for (;; count++) {
        lua_rawgeti(L, 2, (int)count + 1);
        bool last = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (last)
            break;
    }
    luaL_checkstack(L, (int)count + 2, "too many words");
    const char **words = lua_newuserdata(L, (count + 2) * sizeof *words);
    words[0] = program;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (int)i + 1);
        words[i + 1] = luaL_checkstring(L, -1); /* stays on the stack, so that the text stays */
    }
    words[count + 1] = NULL;
    execvp(program, (char *const *)words);
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

__attribute__((visibility("default"))) int luaopen_finseg_cli_system(lua_State *L);

int luaopen_finseg_cli_system(lua_State *L)
{
    static const struct {
        const char *name;
        lua_CFunction function;
    } functions[] = {
        {"is_terminal", is_terminal}, {"columns", columns}, {"is_private", is_private}, {"execute", execute}};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushcfunction(L, functions[i].function);
        lua_setfield(L, -2, functions[i].name);
    }
    return 1;
}
