/*
 * Module "finseg.store.hiredis": connections to a Redis, seen from outside as one descriptor. What finseg.store.redis
 * stands on, and a module of its own, so that finseg itself needs no hiredis.
 *
 * A set holds two connections, 1 and 2, a timer, and one descriptor for all, the same for the set's life. It sends,
 * reads what has come and hands it over, and has no opinion: handshakes, deadlines, what a reply answers and when to
 * connect again are Lua's. Nothing here waits, but for the name server when the host is a name.
 *
 * hiredis connects, formats and parses. Its layer with callbacks is not used: that frees connections inside of
 * callbacks, and asserts what a server sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../module.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/sigpipe.h"
#include "value/random.h"
#include "value/shortage.h"

static const char set_type[] = "finseg.store.hiredis";

enum { CONNECTIONS = 2 };
enum { READS_A_ROUND = 256 /* of 16 KiB each */ };
enum { LONGEST_REASON = 160 };

struct connection {
    redisContext *context; /* NULL: there is none */
    struct fs_watch *watch;
    struct fs_loop *loop;
    unsigned watched_for; /* FS_LOOP_READ, and FS_LOOP_WRITE while it has something to write */
    bool connecting;
    bool held;        /* commands wait in the buffer for flush() */
    bool established; /* and not yet told */
    bool failed;      /* not yet told; nothing is read or written any more */
    char reason[LONGEST_REASON];
};

struct set {
    struct fs_loop loop;
    struct fs_timer alarm;
    struct fs_random random;
    struct connection connections[CONNECTIONS];
    redisReply *reply; /* being turned into Lua's values, which may raise */
    pid_t process;
    bool open;
};

/* ---- a connection ---- */

static void disconnect(struct connection *connection)
{
    if (connection->watch)
        fs_loop_unwatch(connection->loop, connection->watch);
    if (connection->context)
        redisFree(connection->context);
    *connection = (struct connection){.loop = connection->loop};
}

static void fail(struct connection *connection, const char *reason)
{
    if (connection->failed)
        return;
    connection->failed = true;
    snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    if (connection->watch)
        fs_loop_unwatch(connection->loop, connection->watch);
    connection->watch = NULL;
}

static void watch_for(struct connection *connection, unsigned what)
{
    if (what == connection->watched_for)
        return;
    connection->watched_for = what;
    if (fs_loop_change(connection->loop, connection->watch, what) != 0)
        fail(connection, strerror(errno));
}

/* Sends what the socket takes. SIGPIPE is held back around it. */
static void transmit(struct connection *connection)
{
    int done = 0;
    if (redisBufferWrite(connection->context, &done) != REDIS_OK)
        fail(connection, connection->context->errstr);
    else
        watch_for(connection, done ? FS_LOOP_READ : FS_LOOP_READ | FS_LOOP_WRITE);
}

/* Reads what is there; the replies are taken by next(). */
static void receive(struct connection *connection)
{
    redisContext *context = connection->context;
    int waiting = 1;
    for (int i = 0; i < READS_A_ROUND && waiting > 0; i++) {
        if (redisBufferRead(context) != REDIS_OK) {
            fail(connection, context->errstr);
            return;
        }
        if (ioctl(context->fd, FIONREAD, &waiting) != 0)
            return;
    }
}

static void conclude_connect(struct connection *connection)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    if (getsockopt(connection->context->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    if (problem != 0) {
        fail(connection, strerror(problem));
        return;
    }
    connection->connecting = false;
    connection->established = true;
    transmit(connection);
}

static void on_ready(struct fs_watch *watch, unsigned what)
{
    struct connection *connection = watch->owner;
    if (connection->connecting) {
        if (what & (FS_LOOP_WRITE | FS_LOOP_FAILED))
            conclude_connect(connection);
        return;
    }
    if (what & (FS_LOOP_READ | FS_LOOP_FAILED))
        receive(connection);
    if (!connection->failed && (what & FS_LOOP_WRITE))
        transmit(connection);
}

/* ---- the set ---- */

static struct set *check_open(lua_State *L)
{
    struct set *set = luaL_checkudata(L, 1, set_type);
    if (!set->open)
        luaL_error(L, "finseg: the connections are closed");
    return set;
}

/* A child of fork() shares the descriptors with its parent: whatever it did would hit the parent's connections. */
static bool is_own(const struct set *set)
{
    return set->process == getpid();
}

static int answer_failure(lua_State *L, const char *reason)
{
    lua_pushnil(L);
    lua_pushstring(L, reason);
    return 2;
}

static struct connection *check_connection(lua_State *L, struct set *set)
{
    lua_Integer number = luaL_checkinteger(L, 2);
    luaL_argcheck(L, number >= 1 && number <= CONNECTIONS, 2, "1 or 2 expected");
    return &set->connections[number - 1];
}

static void ring(struct fs_timer *alarm)
{
    (void)alarm; /* it makes the descriptor readable; Lua looks at the clock */
}

/* nil, what `errno` says, and whether something ran out */
static int answer_errno(lua_State *L, int reason)
{
    const char *shortage = fs_shortage(reason);
    lua_pushnil(L);
    lua_pushstring(L, shortage ? shortage : strerror(reason));
    lua_pushboolean(L, shortage != NULL);
    return 3;
}

/* open() -> set | nil, reason, whether something ran out */
static int set_open(lua_State *L)
{
    struct set *set = lua_newuserdata(L, sizeof *set);
    *set = (struct set){.process = getpid(), .alarm = {.expired = ring}};
    luaL_getmetatable(L, set_type);
    lua_setmetatable(L, -2);
    if (fs_loop_open(&set->loop) != 0)
        return answer_errno(L, errno);
    set->open = true;
    if (!fs_loop_reserve_timers(&set->loop, 1))
        return answer_errno(L, ENOMEM);
    for (int i = 0; i < CONNECTIONS; i++)
        set->connections[i].loop = &set->loop;
    fs_random_seed(&set->random);
    return 1;
}

/* set:close(), and __gc: at once; again is harmless. */
static int set_close(lua_State *L)
{
    struct set *set = luaL_checkudata(L, 1, set_type);
    if (!set->open)
        return 0;
    set->open = false;
    /* First the event set, so that a child takes nothing out of the one it shares with its parent; and once more, for
     * what the connections have left in the loop. */
    fs_loop_close(&set->loop);
    for (int i = 0; i < CONNECTIONS; i++)
        disconnect(&set->connections[i]);
    fs_loop_close(&set->loop);
    freeReplyObject(set->reply);
    set->reply = NULL;
    return 0;
}

/* set:fd() -> the descriptor to watch for reading */
static int set_fd(lua_State *L)
{
    lua_pushinteger(L, check_open(L)->loop.epoll_fd);
    return 1;
}

/* set:is_own() -> false in a process that was forked from the one that made it */
static int set_is_own(lua_State *L)
{
    lua_pushboolean(L, is_own(check_open(L)));
    return 1;
}

/* set:random() -> a number in [0, 1), not for secrets */
static int set_random(lua_State *L)
{
    lua_pushnumber(L, fs_random_fraction(&check_open(L)->random));
    return 1;
}

static redisContext *begin_connect(const char *where, int port)
{
    redisContext *context = port > 0 ? redisConnectNonBlock(where, port) : redisConnectUnixNonBlock(where);
    if (!context || context->err)
        return context;
    fcntl(context->fd, F_SETFD, FD_CLOEXEC);
    if (port > 0)
        redisEnableKeepAlive(context);
    return context;
}

/* set:connect(number, address, port), or (number, path, 0), begins to connect anew -> true | nil, reason, whether
 * something ran out */
static int set_connect(lua_State *L)
{
    struct set *set = check_open(L);
    struct connection *connection = check_connection(L, set);
    const char *where = luaL_checkstring(L, 3);
    int port = (int)luaL_checkinteger(L, 4);
    if (!is_own(set))
        return answer_failure(L, strerror(EPERM));
    disconnect(connection);
    errno = 0;
    redisContext *context = connection->context = begin_connect(where, port);
    if (context && !context->err) {
        connection->connecting = true;
        connection->watched_for = FS_LOOP_READ | FS_LOOP_WRITE;
        connection->watch = fs_loop_watch(&set->loop, context->fd, connection->watched_for, on_ready, connection);
        if (connection->watch) {
            lua_pushboolean(L, true);
            return 1;
        }
    }
    int reason = context ? errno : ENOMEM;
    int count =
        !context || !context->err || fs_shortage(reason) ? answer_errno(L, reason) : answer_failure(L, context->errstr);
    disconnect(connection);
    return count;
}

/* set:disconnect(number), at once; again is harmless. */
static int set_disconnect(lua_State *L)
{
    struct set *set = check_open(L);
    struct connection *connection = check_connection(L, set);
    if (is_own(set))
        disconnect(connection);
    return 0;
}

/* set:is_alive(number) -> false when the other side has ended the connection, as far as is known here */
static int set_is_alive(lua_State *L)
{
    const struct connection *connection = check_connection(L, check_open(L));
    bool alive = connection->context && !connection->failed;
    if (alive && !connection->connecting) {
        char byte;
        ssize_t count = recv(connection->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        alive = count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
    }
    lua_pushboolean(L, alive);
    return 1;
}

/* Has the words of the list on top of the stack (texts with any bytes) written to the connection's buffer. */
static int append_command(lua_State *L, redisContext *context, int list)
{
    int count = (int)lua_rawlen(L, list);
    const char **words = lua_newuserdata(L, (size_t)count * sizeof *words + 1);
    size_t *lengths = lua_newuserdata(L, (size_t)count * sizeof *lengths + 1);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, list, i + 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, list, "list of texts expected");
        words[i] = lua_tolstring(L, -1, &lengths[i]);
        lua_pop(L, 1); /* the list keeps it */
    }
    return redisAppendCommandArgv(context, count, words, lengths);
}

static void transmit_quietly(struct connection *connection)
{
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    transmit(connection);
    fs_sigpipe_release(&held);
}

/* set:send(number, { word, ... }, hold), which leaves at once when the connection takes it, or with `hold` at flush()
 * -> true | nil, reason. A failure that comes of it is told by next(). */
static int set_send(lua_State *L)
{
    struct set *set = check_open(L);
    struct connection *connection = check_connection(L, set);
    luaL_checktype(L, 3, LUA_TTABLE);
    bool hold = lua_toboolean(L, 4);
    if (!is_own(set))
        return answer_failure(L, strerror(EPERM));
    if (!connection->context || connection->failed)
        return answer_failure(L, "there is no connection");
    if (append_command(L, connection->context, 3) != REDIS_OK)
        return answer_failure(L, connection->context->errstr);
    if (hold)
        connection->held = true;
    else if (!connection->connecting)
        transmit_quietly(connection);
    lua_pushboolean(L, true);
    return 1;
}

/* set:flush() */
static int set_flush(lua_State *L)
{
    struct set *set = check_open(L);
    for (int i = 0; i < CONNECTIONS && is_own(set); i++) {
        struct connection *connection = &set->connections[i];
        bool held = connection->held;
        connection->held = false;
        if (held && connection->context && !connection->failed && !connection->connecting)
            transmit_quietly(connection);
    }
    return 0;
}

/* set:step() does what is ready; next() tells of it -> true | nil, reason */
static int set_step(lua_State *L)
{
    struct set *set = check_open(L);
    if (!is_own(set))
        return answer_failure(L, strerror(EPERM));
    struct fs_sigpipe held;
    fs_sigpipe_hold(&held);
    int result = fs_loop_run(&set->loop);
    int problem = errno;
    fs_loop_expire(&set->loop, fs_clock_monotonic());
    fs_sigpipe_release(&held);
    if (result != 0)
        return answer_failure(L, strerror(problem));
    lua_pushboolean(L, true);
    return 1;
}

/* set:plan(moment or nil, at_once) makes the descriptor readable at that moment (seconds of finseg.core.now), and at
 * once when asked to. */
static int set_plan(lua_State *L)
{
    struct set *set = check_open(L);
    bool at_once = lua_toboolean(L, 3);
    if (!is_own(set))
        return 0;
    if (lua_isnoneornil(L, 2))
        fs_loop_clear_timer(&set->loop, &set->alarm);
    else
        fs_loop_set_timer(&set->loop, &set->alarm, luaL_checknumber(L, 2));
    bool failed = false;
    for (int i = 0; i < CONNECTIONS; i++)
        failed = failed || set->connections[i].failed;
    fs_loop_arm(&set->loop, at_once || failed);
    return 0;
}

/* ---- what has come ---- */

/* Pushes a reply: text, a number, false for nil, a list of those. Its depth is bounded by hiredis' reader. */
static void push_reply(lua_State *L, const redisReply *reply)
{
    luaL_checkstack(L, 4, "a reply that is too deep");
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        lua_pushnumber(L, (lua_Number)reply->integer);
        break;
    case REDIS_REPLY_NIL:
        lua_pushboolean(L, false);
        break;
    case REDIS_REPLY_ARRAY:
        lua_createtable(L, (int)reply->elements, 0);
        for (size_t i = 0; i < reply->elements; i++) {
            push_reply(L, reply->element[i]);
            lua_rawseti(L, -2, (int)i + 1);
        }
        break;
    default:
        lua_pushlstring(L, reply->str, reply->len);
    }
}

static int tell(lua_State *L, int number, const char *what)
{
    lua_pushinteger(L, number);
    lua_pushstring(L, what);
    return 2;
}

static int tell_reply(lua_State *L, struct set *set, int number)
{
    tell(L, number, set->reply->type == REDIS_REPLY_ERROR ? "refusal" : "reply");
    push_reply(L, set->reply);
    freeReplyObject(set->reply);
    set->reply = NULL;
    return 3;
}

static int next_of(lua_State *L, struct set *set, int number)
{
    struct connection *connection = &set->connections[number - 1];
    if (!connection->context)
        return 0;
    if (connection->established) {
        connection->established = false;
        return tell(L, number, "connected");
    }
    void *reply = NULL;
    if (redisGetReplyFromReader(connection->context, &reply) != REDIS_OK)
        fail(connection, connection->context->errstr);
    set->reply = reply;
    if (set->reply)
        return tell_reply(L, set, number);
    if (!connection->failed)
        return 0;
    tell(L, number, "gone");
    lua_pushstring(L, connection->reason);
    disconnect(connection);
    return 3;
}

/* set:next() -> number, "connected" | number, "reply", value | number, "refusal", text of an error | number, "gone",
 * reason: the connection is no more | nil when nothing is left to tell. In the order in which each connection saw it. */
static int set_next(lua_State *L)
{
    struct set *set = check_open(L);
    if (!is_own(set))
        return 0;
    freeReplyObject(set->reply);
    set->reply = NULL;
    for (int number = 1; number <= CONNECTIONS; number++) {
        int count = next_of(L, set, number);
        if (count > 0)
            return count;
    }
    return 0;
}

FS_LUA_MODULE int luaopen_finseg_store_hiredis(lua_State *L);

int luaopen_finseg_store_hiredis(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", set_close},   {"fd", set_fd},           {"is_own", set_is_own},
        {"random", set_random}, {"connect", set_connect}, {"disconnect", set_disconnect},
        {"send", set_send},     {"step", set_step},       {"is_alive", set_is_alive},
        {"flush", set_flush},   {"plan", set_plan},       {"next", set_next},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", set_open}, {NULL, NULL}};
    fs_lua_register_type(L, set_type, methods, set_close);
    lua_newtable(L);
    fs_lua_set_functions(L, functions);
    return 1;
}
