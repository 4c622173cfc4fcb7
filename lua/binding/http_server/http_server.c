/*
 * Module "finseg.http_server": the HTTP server for callbacks below client:listen. It is a module of its own, so that
 * finseg itself needs no libmicrohttpd.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../module.h"
#include "server.h"
#include "socket.h"
#include "value/shortage.h"

static const char http_server_type[] = "finseg.http_server";

struct holder {
    struct fs_http_server *server; /* NULL once closed */
    pid_t process;
};

static struct holder *check_holder(lua_State *L)
{
    struct holder *holder = luaL_checkudata(L, 1, http_server_type);
    if (!holder->server)
        luaL_error(L, "finseg: the HTTP server is closed");
    return holder;
}

static struct fs_http_server *check_open(lua_State *L)
{
    struct holder *holder = check_holder(L);
    if (holder->process != getpid())
        luaL_error(L, "finseg: the HTTP server was made in another process");
    return holder->server;
}

/* server:close(), and __gc: closes at once; again is harmless. */
static int http_server_close(lua_State *L)
{
    struct holder *holder = luaL_checkudata(L, 1, http_server_type);
    fs_http_server_stop(holder->server);
    holder->server = NULL;
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------------------- */

static int fail(lua_State *L, int problem)
{
    const char *shortage = fs_shortage(problem);
    const char *name = shortage ? "resource" : "other";
    if (problem == EINVAL)
        name = "no_address";
    else if (problem == EADDRINUSE)
        name = "taken";
    else if (problem == EACCES)
        name = "denied";
    else if (problem == EADDRNOTAVAIL)
        name = "elsewhere";
    lua_pushnil(L);
    lua_pushstring(L, shortage ? shortage : strerror(problem));
    lua_pushstring(L, name);
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
static int start(struct holder *holder, int listener, const struct fs_http_server_config *config)
{
    holder->server = fs_http_server_start(listener, config);
    int problem = errno;
    if (holder->server)
        return 0;
    close(listener);
    return problem;
}

/*
 * open(host, port, path, largest_body, rate, patience) -> server, port | nil, reason, problem
 * The problems: "no_address" (what host is not), "taken" (the port is), "denied" (the port, to this user), "elsewhere" (the
 * address is not this machine's), "resource" (memory or file descriptors ran out), "other".
 */
static int http_server_open(lua_State *L)
{
    const char *host = luaL_checkstring(L, 1);
    uint16_t port = (uint16_t)luaL_checkinteger(L, 2);
    struct fs_http_server_config config = {
        .path = luaL_checkstring(L, 3),
        .largest_body = (uint64_t)luaL_checknumber(L, 4),
        .rate = luaL_checknumber(L, 5),
        .patience = luaL_checknumber(L, 6),
    };
    struct holder *holder = fs_lua_new_object(L, http_server_type, sizeof *holder);
    holder->process = getpid();
    int listener = listen_at(L, host, port);
    if (listener < 0)
        return fail(L, errno);
    lua_pushinteger(L, fs_socket_port(listener));
    int problem = start(holder, listener, &config);
    return problem == 0 ? 2 : fail(L, problem);
}

/* ---- working --------------------------------------------------------------------------------------------- */

static int http_server_fd(lua_State *L)
{
    lua_pushinteger(L, fs_http_server_fd(check_open(L)));
    return 1;
}

/* server:step() -> how many targets are kept */
static int http_server_step(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fs_http_server_step(check_open(L)));
    return 1;
}

/* server:next() -> the path of a callback | nil when none is kept */
static int http_server_next(lua_State *L)
{
    char target[FS_LONGEST_TARGET + 1];
    if (!fs_http_server_next(check_open(L), target))
        return 0;
    lua_pushstring(L, target);
    return 1;
}

/* server:next_timeout() -> seconds | nil when nothing is planned */
static int http_server_next_timeout(lua_State *L)
{
    double seconds = fs_http_server_next_timeout(check_open(L));
    if (seconds < 0)
        return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

static int http_server_connections(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fs_http_server_connections(check_open(L)));
    return 1;
}

/* server:refused() -> counts of refused requests, by reason; in a forked process up to the fork */
static int http_server_refused(lua_State *L)
{
    static const char *const names[FS_REFUSED_COUNT] = {
        [FS_REFUSED_PATH] = "path",
        [FS_REFUSED_METHOD] = "method",
        [FS_REFUSED_TOO_LARGE] = "too_large",
        [FS_REFUSED_RATE] = "rate",
    };
    const struct fs_http_server *server = check_holder(L)->server;
    lua_createtable(L, 0, FS_REFUSED_COUNT);
    for (int i = 0; i < FS_REFUSED_COUNT; i++) {
        lua_pushinteger(L, (lua_Integer)fs_http_server_refused(server, (enum fs_refused)i));
        lua_setfield(L, -2, names[i]);
    }
    return 1;
}

FS_LUA_MODULE int luaopen_finseg_http_server(lua_State *L);

int luaopen_finseg_http_server(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", http_server_close},
        {"fd", http_server_fd},
        {"step", http_server_step},
        {"next", http_server_next},
        {"next_timeout", http_server_next_timeout},
        {"connections", http_server_connections},
        {"refused", http_server_refused},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", http_server_open}, {NULL, NULL}};
    fs_lua_register_type(L, http_server_type, methods, http_server_close);
    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    return 1;
}
