#include <errno.h>
#include <limits.h>
#include <string.h>

#include "binding.h"
#include "value/error.h"

static const char client_type[] = "finseg.core.client";

/* The largest whole number that every Lua holds exactly: 2^53. */
static const uint64_t largest_whole = UINT64_C(1) << 53;

/* The place of the client in its userdata; NULL once closed. */
static finseg_client **check_place(lua_State *L)
{
    return luaL_checkudata(L, 1, client_type);
}

static finseg_client *check_open(lua_State *L)
{
    finseg_client *client = *check_place(L);
    if (!client)
        luaL_error(L, "finseg: the client is closed");
    return client;
}

int fs_lua_client(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    bool from_environment = lua_toboolean(L, 2);
    lua_settop(L, 1);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (!fs_lua_read_config(L, 1, from_environment, scratch))
        return fs_lua_fail(L, scratch);
    finseg_client **place = fs_lua_new_object(L, client_type, sizeof(finseg_client *));
    *place = finseg_client_new(scratch->config, &scratch->error);
    if (!*place && finseg_error_get_kind(scratch->error) == FINSEG_ERROR_RESOURCE) {
        /* Perhaps clients that nobody refers to any more hold the descriptors or the memory. */
        finseg_error_free(scratch->error);
        scratch->error = NULL;
        lua_gc(L, LUA_GCCOLLECT, 0);
        *place = finseg_client_new(scratch->config, &scratch->error);
    }
    if (!*place)
        return fs_lua_fail(L, scratch);
    fs_lua_empty_scratch(scratch);
    return 1;
}

/* client:close(), and __gc: closes at once; again is harmless. */
static int client_close(lua_State *L)
{
    finseg_client **place = check_place(L);
    finseg_client *client = *place;
    *place = NULL;
    finseg_client_free(client);
    return 0;
}

/* Answers a ticket to Lua, or nil and the scratch's error. */
static int give_ticket(lua_State *L, finseg_ticket ticket, struct fs_lua_scratch *scratch)
{
    if (ticket == 0)
        return fs_lua_fail(L, scratch);
    lua_pushnumber(L, (lua_Number)ticket);
    return 1;
}

/* client:start_create(kind, parameters as JSON text) -> ticket | nil, err */
static int client_start_create(lua_State *L)
{
    finseg_client *client = check_open(L);
    const char *kind = fs_lua_check_text(L, 2);
    const char *parameters = fs_lua_check_text(L, 3);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    return give_ticket(L, finseg_client_create(client, kind, parameters, &scratch->error), scratch);
}

/* client:start_poll(job) -> ticket | nil, err */
static int client_start_poll(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_job *job = fs_lua_check_job(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    return give_ticket(L, finseg_client_poll(client, job, &scratch->error), scratch);
}

/* client:start_wait(job, seconds; negative: no deadline, expects_callback) -> ticket | nil, err */
static int client_start_wait(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_job *job = fs_lua_check_job(L, 2);
    double timeout = luaL_checknumber(L, 3);
    bool expects_callback = lua_toboolean(L, 4);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_ticket ticket = expects_callback ? finseg_client_wait_for_callback(client, job, timeout, &scratch->error)
                                            : finseg_client_wait(client, job, timeout, &scratch->error);
    return give_ticket(L, ticket, scratch);
}

/* client:called(ticket) -> whether that wait is under way, and asks at once */
static int client_called(lua_State *L)
{
    finseg_client *client = check_open(L);
    lua_pushboolean(L, finseg_client_called(client, fs_lua_check_whole(L, 2, largest_whole)));
    return 1;
}

/* client:expect_callback(ticket, expected) -> whether that wait is under way, and asks at the slow rate or not */
static int client_expect_callback(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_ticket ticket = fs_lua_check_whole(L, 2, largest_whole);
    lua_pushboolean(L, finseg_client_expect_callback(client, ticket, lua_toboolean(L, 3)));
    return 1;
}

/* client:start_fetch(job, number, size; 0: the configured one) -> ticket | nil, err */
static int client_start_fetch(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_job *job = fs_lua_check_job(L, 2);
    uint64_t number = fs_lua_check_whole(L, 3, largest_whole);
    uint64_t size = fs_lua_check_whole(L, 4, UINT32_MAX);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    return give_ticket(L, finseg_client_fetch(client, job, number, (uint32_t)size, &scratch->error), scratch);
}

/* client:cancel(ticket) -> whether it was under way */
static int client_cancel(lua_State *L)
{
    finseg_client *client = check_open(L);
    lua_pushboolean(L, finseg_client_cancel(client, fs_lua_check_whole(L, 2, largest_whole)));
    return 1;
}

static int client_cancel_all(lua_State *L)
{
    finseg_client_cancel_all(check_open(L));
    return 0;
}

static int check_descriptor(lua_State *L, int argument)
{
    return (int)fs_lua_check_whole(L, argument, INT_MAX);
}

/* client:watch(descriptor) -> true | nil, err */
static int client_watch(lua_State *L)
{
    finseg_client *client = check_open(L);
    int fd = check_descriptor(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    if (finseg_client_watch(client, fd, &scratch->error) != 0)
        return fs_lua_fail(L, scratch);
    lua_pushboolean(L, true);
    return 1;
}

static int client_unwatch(lua_State *L)
{
    finseg_client_unwatch(check_open(L), check_descriptor(L, 2));
    return 0;
}

/* client:alarm(descriptor, seconds; negative: none) */
static int client_alarm(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_client_alarm(client, check_descriptor(L, 2), luaL_checknumber(L, 3));
    return 0;
}

/* client:next_ready() -> descriptor | nil */
static int client_next_ready(lua_State *L)
{
    int fd = finseg_client_next_ready(check_open(L));
    if (fd < 0)
        return 0;
    lua_pushinteger(L, fd);
    return 1;
}

/* client:step() -> outcomes that wait for client:next() | nil, err */
static int client_step(lua_State *L)
{
    int count = finseg_client_step(check_open(L));
    if (count >= 0) {
        lua_pushinteger(L, count);
        return 1;
    }
    int problem = errno;
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    scratch->error =
        problem == EPERM
            ? fs_error_new(FINSEG_ERROR_INVALID, "the client was made in another process; make one in each process")
            : fs_error_new(FINSEG_ERROR_NETWORK, "the client cannot go on: %s", strerror(problem));
    return fs_lua_fail(L, scratch);
}

/* Pushes the job or the page of an outcome that succeeded. */
static void push_result(lua_State *L, finseg_outcome *outcome)
{
    finseg_job **job = fs_lua_new_job(L);
    *job = finseg_outcome_take_job(outcome);
    if (*job)
        return;
    lua_pop(L, 1);
    fs_lua_push_page(L, outcome);
}

/* client:next() -> ticket, true, job or page | ticket, false, err | nil when nothing has finished */
static int client_next(lua_State *L)
{
    finseg_client *client = check_open(L);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    scratch->outcome = finseg_client_next(client);
    if (!scratch->outcome)
        return 0;
    const finseg_error *error = finseg_outcome_error(scratch->outcome);
    lua_pushnumber(L, (lua_Number)finseg_outcome_ticket(scratch->outcome));
    lua_pushboolean(L, !error);
    if (error)
        fs_lua_push_error(L, error);
    else
        push_result(L, scratch->outcome);
    fs_lua_empty_scratch(scratch);
    return 3;
}

/* client:job(kind, job_id, created_at; 0: unknown) -> job | nil, err */
static int client_job(lua_State *L)
{
    finseg_client *client = check_open(L);
    const char *kind = fs_lua_check_text(L, 2);
    const char *job_id = fs_lua_check_text(L, 3);
    double created_at = luaL_checknumber(L, 4);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_job **job = fs_lua_new_job(L);
    *job = finseg_client_job(client, kind, job_id, created_at, &scratch->error);
    return *job ? 1 : fs_lua_fail(L, scratch);
}

/* client:canonical(kind, parameters as JSON text) -> JSON text, the same for equal requests | nil, err. Sends
 * nothing. */
static int client_canonical(lua_State *L)
{
    finseg_client *client = check_open(L);
    const char *name = fs_lua_check_text(L, 2);
    const char *parameters = fs_lua_check_text(L, 3);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    scratch->text.data = finseg_client_canonical(client, name, parameters, &scratch->error);
    if (!scratch->text.data)
        return fs_lua_fail(L, scratch);
    lua_pushstring(L, scratch->text.data);
    fs_lua_empty_scratch(scratch);
    return 1;
}

/* client:identity() -> whose jobs are made here: a table of base_url, client_id and username, nil where there is
 * none. No secrets. */
static int client_identity(lua_State *L)
{
    finseg_identity identity = finseg_client_identity(check_open(L));
    lua_createtable(L, 0, 3);
    fs_lua_set_text(L, "base_url", identity.base_url);
    fs_lua_set_text(L, "client_id", identity.client_id);
    fs_lua_set_text(L, "username", identity.username);
    return 1;
}

/* client:traverse(first page) -> traversal | nil, err */
static int client_traverse(lua_State *L)
{
    const finseg_client *client = check_open(L);
    const finseg_page *first = fs_lua_check_page(L, 2);
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    finseg_traversal **traversal = fs_lua_new_traversal(L);
    *traversal = finseg_client_traverse(client, first, &scratch->error);
    return *traversal ? 1 : fs_lua_fail(L, scratch);
}

/* client:recycle(page), which is gone from then on */
static int client_recycle(lua_State *L)
{
    finseg_client *client = check_open(L);
    finseg_client_recycle(client, fs_lua_take_page(L, 2));
    return 0;
}

/* client:first_page() -> number */
static int client_first_page(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)finseg_client_first_page(check_open(L)));
    return 1;
}

static int client_fd(lua_State *L)
{
    lua_pushinteger(L, finseg_client_fd(check_open(L)));
    return 1;
}

static int client_pending(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)finseg_client_pending(check_open(L)));
    return 1;
}

static int client_transfers(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)finseg_client_transfers(check_open(L)));
    return 1;
}

/* client:next_timeout() -> seconds until step has something to do by the clock | nil */
static int client_next_timeout(lua_State *L)
{
    double seconds = finseg_client_next_timeout(check_open(L));
    if (seconds < 0)
        return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

/* client:next_event() -> event table | nil */
static int client_next_event(lua_State *L)
{
    const finseg_event *event = finseg_client_next_event(check_open(L));
    if (!event)
        return 0;
    lua_createtable(L, 0, 8);
    fs_lua_set_text(L, "name", event->name);
    fs_lua_set_text(L, "method", event->method);
    fs_lua_set_text(L, "url", event->url);
    fs_lua_set_text(L, "request_id", event->request_id);
    fs_lua_set_text(L, "message", event->message);
    lua_pushnumber(L, event->time);
    lua_setfield(L, -2, "time");
    if (event->status > 0) {
        lua_pushinteger(L, event->status);
        lua_setfield(L, -2, "status");
    }
    lua_pushnumber(L, event->seconds);
    lua_setfield(L, -2, "seconds");
    return 1;
}

void fs_lua_register_client(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"close", client_close},
        {"start_create", client_start_create},
        {"start_poll", client_start_poll},
        {"start_wait", client_start_wait},
        {"called", client_called},
        {"expect_callback", client_expect_callback},
        {"start_fetch", client_start_fetch},
        {"cancel", client_cancel},
        {"cancel_all", client_cancel_all},
        {"watch", client_watch},
        {"unwatch", client_unwatch},
        {"alarm", client_alarm},
        {"next_ready", client_next_ready},
        {"step", client_step},
        {"next", client_next},
        {"job", client_job},
        {"canonical", client_canonical},
        {"identity", client_identity},
        {"traverse", client_traverse},
        {"recycle", client_recycle},
        {"first_page", client_first_page},
        {"fd", client_fd},
        {"pending", client_pending},
        {"transfers", client_transfers},
        {"next_timeout", client_next_timeout},
        {"next_event", client_next_event},
        {NULL, NULL},
    };
    fs_lua_register_type(L, client_type, methods, client_close);
}
