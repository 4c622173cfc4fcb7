#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "binding.h"

/* Longer waits are cut into pieces of this many seconds: the caller waits again. */
static const double longest_wait = 1e6;

/*
 * core.poll(descriptors, seconds) -> positions
 * Sleeps until one of the descriptors is readable, the time has passed (nil: none), or a signal came. Answers the
 * list of positions in `descriptors` that are readable.
 */
int fs_lua_poll(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    double seconds = luaL_optnumber(L, 2, longest_wait);
    if (!(seconds < longest_wait))
        seconds = longest_wait;
    if (seconds < 0)
        seconds = 0;
    struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};

    size_t count = lua_rawlen(L, 1);
    struct pollfd *set = lua_newuserdata(L, count * sizeof *set + 1);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (int)i + 1);
        set[i] = (struct pollfd){.fd = (int)luaL_checkinteger(L, -1), .events = POLLIN};
        lua_pop(L, 1);
    }
    int ready = ppoll(set, count, &time, NULL);
    if (ready < 0 && errno != EINTR)
        return luaL_error(L, "poll failed: %s", strerror(errno));
    lua_newtable(L);
    int found = 0;
    for (size_t i = 0; ready > 0 && i < count; i++) {
        if (set[i].revents) {
            lua_pushinteger(L, (lua_Integer)i + 1);
            lua_rawseti(L, -2, ++found);
        }
    }
    return 1;
}
