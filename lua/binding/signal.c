#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "binding.h"
#include "value/error.h"

static const char signal_type[] = "finseg.core.signal";

enum { LONGEST_DELAY = 86400 /* seconds */ };

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
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
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

static void raise_after(struct signal *signal, struct timespec delay)
{
    timerfd_settime(signal->fd, 0, &(struct itimerspec){.it_value = delay}, NULL);
}

/* signal:raise() makes the descriptor readable. */
static int signal_raise(lua_State *L)
{
    raise_after(check_open(L), (struct timespec){.tv_nsec = 1});
    return 0;
}

/* signal:raise_in(seconds) does so after that time, up to a day, unless it is raised or cleared before. */
static int signal_raise_in(lua_State *L)
{
    struct signal *signal = check_open(L);
    double seconds = luaL_checknumber(L, 2);
    seconds = seconds > 0 ? seconds : 0;
    seconds = seconds < LONGEST_DELAY ? seconds : LONGEST_DELAY;
    struct timespec delay = {.tv_sec = (time_t)seconds};
    delay.tv_nsec = (long)((seconds - (double)delay.tv_sec) * 1e9) + 1; /* 0 would disarm it */
    if (delay.tv_nsec >= 1000000000)
        delay = (struct timespec){.tv_sec = delay.tv_sec + 1};
    raise_after(signal, delay);
    return 0;
}

/* signal:clear() makes the descriptor unreadable, and nothing is planned. */
static int signal_clear(lua_State *L)
{
    raise_after(check_open(L), (struct timespec){0});
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
        {"close", signal_close},
        {"fd", signal_fd},
        {"raise", signal_raise},
        {"raise_in", signal_raise_in},
        {"clear", signal_clear},
        {"is_own", signal_is_own},
        {NULL, NULL},
    };
    fs_lua_register_type(L, signal_type, methods, signal_close);
}
