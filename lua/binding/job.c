#include "binding.h"

static const char job_type[] = "finseg.core.job";

finseg_job **fs_lua_new_job(lua_State *L)
{
    return fs_lua_new_object(L, job_type, sizeof(finseg_job *));
}

finseg_job *fs_lua_check_job(lua_State *L, int argument)
{
    finseg_job **place = luaL_checkudata(L, argument, job_type);
    luaL_argcheck(L, *place, argument, "the job is gone");
    return *place;
}

static int collect_job(lua_State *L)
{
    finseg_job **place = luaL_checkudata(L, 1, job_type);
    finseg_job_free(*place);
    *place = NULL;
    return 0;
}

static int job_id(lua_State *L)
{
    lua_pushstring(L, finseg_job_id(fs_lua_check_job(L, 1)));
    return 1;
}

static int job_kind(lua_State *L)
{
    lua_pushstring(L, finseg_job_kind(fs_lua_check_job(L, 1)));
    return 1;
}

static int job_state(lua_State *L)
{
    lua_pushstring(L, finseg_job_state(fs_lua_check_job(L, 1)));
    return 1;
}

/* job:created_at() -> seconds since 1970 | nil */
static int job_created_at(lua_State *L)
{
    double created_at = finseg_job_created_at(fs_lua_check_job(L, 1));
    if (created_at <= 0)
        return 0;
    lua_pushnumber(L, created_at);
    return 1;
}

void fs_lua_register_job(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"id", job_id}, {"kind", job_kind}, {"state", job_state}, {"created_at", job_created_at}, {NULL, NULL},
    };
    fs_lua_register_type(L, job_type, methods, collect_job);
}
