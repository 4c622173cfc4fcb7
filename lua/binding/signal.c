#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "binding.h"
#include "value/error.h"

static const char signal_type[] = "finseg.core.signal";

struct signal {
    int fd; /* -1 once closed */
    pid_t process;
};

static struct signal *check_open(lua_State *L)
{
    struct signal *signal = luaL_checkudata(L, 1, signal_type);
    if (signal->fd < 0)
        luaL_error(L, "finseg: the signal is closed");
    return signal;
}

static int open_descriptor(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int fs_lua_signal(lua_State *L)
{
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    struct signal *signal = fs_lua_new_object(L, signal_type, sizeof *signal);
    signal->process = getpid();
    signal->fd = open_descriptor();
    if (signal->fd < 0) {
        /* Perhaps garbage holds the descriptors: clients that nobody has closed. */
        lua_gc(L, LUA_GCCOLLECT, 0);
        signal->fd = open_descriptor();
    }
    if (signal->fd >= 0)
        return 1;
    scratch->error = fs_error_system(FINSEG_ERROR_RESOURCE, "a wait", errno);
    return fs_lua_fail(L, scratch);
}

static int signal_close(lua_State *L)
{
    struct signal *signal = luaL_checkudata(L, 1, signal_type);
    if (signal->fd >= 0)
        close(signal->fd);
    signal->fd = -1;
    return 0;
}

static int signal_fd(lua_State *L)
{
    lua_pushinteger(L, check_open(L)->fd);
    return 1;
}

/* signal:raise() makes the descriptor readable. */
static int signal_raise(lua_State *L)
{
    eventfd_write(check_open(L)->fd, 1);
    return 0;
}

/* signal:clear() ends that. */
static int signal_clear(lua_State *L)
{
    eventfd_t count;
    eventfd_read(check_open(L)->fd, &count);
    return 0;
}

/* signal:is_own() -> false in a process that was forked from the one that made it: both see one descriptor. */
static int signal_is_own(lua_State *L)
{
    lua_pushboolean(L, check_open(L)->process == getpid());
    return 1;
}

void fs_lua_register_signal(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", signal_close}, {"fd", signal_fd},         {"raise", signal_raise},
        {"clear", signal_clear}, {"is_own", signal_is_own}, {NULL, NULL},
    };
    fs_lua_register_type(L, signal_type, methods, signal_close);
}
