/*
 * Module "finseg.cli.system": what a program at a terminal asks the system for and Lua's own libraries do not offer.
 * The command line uses it and nothing else does.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../module.h"

enum { OWNER = 0700, OTHERS = 077 };

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
    lua_pushboolean(L, status.st_uid == geteuid() && (status.st_mode & OTHERS) == 0);
    return 1;
}

/* make_private(path) -> true, nobody but the user may read or write it now | false when there is no such file | nil,
 * reason */
static int make_private(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat status;
    bool found = stat(path, &status) == 0;
    if (!found && (errno == ENOENT || errno == ENOTDIR)) {
        lua_pushboolean(L, false);
        return 1;
    }
    bool open_to_others = found && (status.st_mode & OTHERS) != 0;
    if (!found || (open_to_others && chmod(path, status.st_mode & OWNER) != 0)) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(errno));
        return 2;
    }
    lua_pushboolean(L, true);
    return 1;
}

/* ---- Ctrl-C ---- */

/* Seconds for which Lua may go on before the process is ended without it. */
enum { GRACE = 1, INTERRUPTED = 130 };

/* Signals belong to the process, and so does this. */
static volatile sig_atomic_t interrupts;
static lua_State *interrupted_state;

static void end_process(void)
{
    static const char line[] = "\nfinseg: stopped at once; jobs that were made live on at the service: the same "
                               "command goes on with them, and "
                               "finseg jobs lists them\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written;
    _exit(INTERRUPTED);
}

/* As lua and luajit raise it themselves. */
static void raise_interrupt(lua_State *L, lua_Debug *where)
{
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}

static void on_interrupt(int number)
{
    (void)number;
    int error = errno;
    if (interrupts > 0)
        end_process();
    interrupts = 1;
    lua_sethook(interrupted_state, raise_interrupt, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    alarm(GRACE);
    errno = error;
}

static void on_alarm(int number)
{
    (void)number;
    end_process();
}

/*
 * catch_interrupts(): from now on Ctrl-C raises an error "interrupted!" in the calling thread of Lua, as soon as it
 * runs Lua. Unless interrupt_obeyed() is called within a second, since one call of a C function takes long, or at a
 * second Ctrl-C, the process ends at once with status 130 and a line on stderr.
 */
static int catch_interrupts(lua_State *L)
{
    struct sigaction action = {.sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    interrupted_state = L;
    interrupts = 0;
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
    return 0;
}

/* raise_if_interrupted(): raises that error when Ctrl-C came; for the other coroutines, which the thread's hook does not
 * see in Lua 5.4. */
static int raise_if_interrupted(lua_State *L)
{
    if (interrupts > 0)
        raise_interrupt(L, NULL);
    return 0;
}

/* interrupt_obeyed(): the error has arrived where the program ends by itself. */
static int interrupt_obeyed(lua_State *L)
{
    (void)L;
    alarm(0);
    return 0;
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

FS_LUA_MODULE int luaopen_finseg_cli_system(lua_State *L);

int luaopen_finseg_cli_system(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"is_terminal", is_terminal},
        {"columns", columns},
        {"is_private", is_private},
        {"make_private", make_private},
        {"catch_interrupts", catch_interrupts},
        {"raise_if_interrupted", raise_if_interrupted},
        {"interrupt_obeyed", interrupt_obeyed},
        {"execute", execute},
        {NULL, NULL},
    };
    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    return 1;
}
