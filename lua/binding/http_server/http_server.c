/*
 * Module "finseg.http_server": the receiver of callbacks that finseg.listener stands on, and a module of its own,
 * so that finseg itself needs no libmicrohttpd.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../module.h"
#include "server.h"
#include "socket.h"
#include "value/shortage.h"

static const char receiver_type[] = "finseg.http_server";

struct holder {
    struct fs_receiver *receiver; /* NULL once closed */
    pid_t process;
};

static struct holder *check_holder(lua_State *L)
{
    struct holder *holder = luaL_checkudata(L, 1, receiver_type);
    if (!holder->receiver)
        luaL_error(L, "finseg: the listener is closed");
    return holder;
}

static struct fs_receiver *check_open(lua_State *L)
{
    struct holder *holder = check_holder(L);
    if (holder->process != getpid())
        luaL_error(L, "finseg: the listener was made in another process");
    return holder->receiver;
}

/* receiver:close(), and __gc: closes at once; again is harmless. */
static int receiver_close(lua_State *L)
{
    struct holder *holder = luaL_checkudata(L, 1, receiver_type);
    fs_receiver_stop(holder->receiver);
    holder->receiver = NULL;
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------------------- */

static int fail(lua_State *L, int problem)
{
    const char *shortage = fs_shortage(problem);
    const char *kind = shortage ? "resource" : "other";
    if (problem == EINVAL)
        kind = "no_address";
    else if (problem == EADDRINUSE)
        kind = "taken";
    else if (problem == EACCES)
        kind = "denied";
    else if (problem == EADDRNOTAVAIL)
        kind = "elsewhere";
    lua_pushnil(L);
    lua_pushstring(L, shortage ? shortage : strerror(problem));
    lua_pushstring(L, kind);
    return 3;
}

static int listen_at(lua_State *L, const char *host, uint16_t port)
{
    int listener = fs_socket_listen(host, port);
    if (listener >= 0 || !fs_shortage(errno))
        return listener;
    /* Perhaps garbage holds the descriptors: clients that nobody has closed. */
    lua_gc(L, LUA_GCCOLLECT, 0);
    return fs_socket_listen(host, port);
}

/* Takes the listening socket over, whatever comes of it. 0, or an errno. */
static int start(struct holder *holder, int listener, const struct fs_receiver_config *config)
{
    holder->receiver = fs_receiver_start(listener, config);
    int problem = errno;
    if (holder->receiver)
        return 0;
    close(listener);
    return problem;
}

/*
 * open(host, port, path, largest_body, rate, patience) -> receiver, port | nil, reason, kind of failure
 * The kinds: "no_address" (what host is not), "taken" (the port is), "denied" (the port, to this user), "elsewhere" (the
 * address is not this machine's), "resource" (memory or file descriptors ran out), "other".
 */
static int receiver_open(lua_State *L)
{
    const char *host = luaL_checkstring(L, 1);
    uint16_t port = (uint16_t)luaL_checkinteger(L, 2);
    struct fs_receiver_config config = {
        .path = luaL_checkstring(L, 3),
        .largest_body = (uint64_t)luaL_checknumber(L, 4),
        .rate = luaL_checknumber(L, 5),
        .patience = luaL_checknumber(L, 6),
    };
    struct holder *holder = fs_lua_new_object(L, receiver_type, sizeof *holder);
    holder->process = getpid();
    int listener = listen_at(L, host, port);
    if (listener < 0)
        return fail(L, errno);
    lua_pushinteger(L, fs_socket_port(listener));
    int problem = start(holder, listener, &config);
    return problem == 0 ? 2 : fail(L, problem);
}

/* ---- working --------------------------------------------------------------------------------------------- */

static int receiver_fd(lua_State *L)
{
    lua_pushinteger(L, fs_receiver_fd(check_open(L)));
    return 1;
}

/* receiver:step() -> how many targets are kept */
static int receiver_step(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fs_receiver_step(check_open(L)));
    return 1;
}

/* receiver:next() -> the path of a callback | nil when none is kept */
static int receiver_next(lua_State *L)
{
    char target[FS_LONGEST_TARGET + 1];
    if (!fs_receiver_next(check_open(L), target))
        return 0;
    lua_pushstring(L, target);
    return 1;
}

/* receiver:next_timeout() -> seconds | nil when nothing is planned */
static int receiver_next_timeout(lua_State *L)
{
    double seconds = fs_receiver_next_timeout(check_open(L));
    if (seconds < 0)
        return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

static int receiver_connections(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fs_receiver_connections(check_open(L)));
    return 1;
}

/* receiver:refused() -> counts of refused requests, by reason; in a forked process up to the fork */
static int receiver_refused(lua_State *L)
{
    static const char *const names[FS_REFUSALS] = {
        [FS_REFUSED_PATH] = "path",
        [FS_REFUSED_METHOD] = "method",
        [FS_REFUSED_TOO_LARGE] = "too_large",
        [FS_REFUSED_RATE] = "rate",
    };
    const struct fs_receiver *receiver = check_holder(L)->receiver;
    lua_createtable(L, 0, FS_REFUSALS);
    for (int i = 0; i < FS_REFUSALS; i++) {
        lua_pushinteger(L, (lua_Integer)fs_receiver_refused(receiver, (enum fs_refusal)i));
        lua_setfield(L, -2, names[i]);
    }
    return 1;
}

FS_LUA_MODULE int luaopen_finseg_http_server(lua_State *L);

int luaopen_finseg_http_server(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", receiver_close},
        {"fd", receiver_fd},
        {"step", receiver_step},
        {"next", receiver_next},
        {"next_timeout", receiver_next_timeout},
        {"connections", receiver_connections},
        {"refused", receiver_refused},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", receiver_open}, {NULL, NULL}};
    fs_lua_register_type(L, receiver_type, methods, receiver_close);
    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    return 1;
}
