/*
 * What objects hold in C, the collectors of Lua do not see. They would let such objects pile up: Lua 5.4's generational
 * mode, in which its stand-alone interpreter runs, looks at objects that have become old only when Lua's own memory has
 * doubled. A step of the collector for each object would not help there, and elsewhere costs more than reading a page.
 */
#include "binding.h"

struct tally {
    size_t held;
    size_t limit; /* held beyond this, the collector is to look for objects that nobody needs any more */
};

/* So much is no reason yet. */
static const size_t least_growth = (size_t)8 << 20;

/* Its address is the tally's key in the registry. */
static const char key = 0;

static struct tally *find_tally(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct tally *tally = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return tally;
}

void fs_lua_open_external_memory(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&key);
    struct tally *tally = lua_newuserdata(L, sizeof *tally);
    *tally = (struct tally){.limit = least_growth};
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* By as much again, or by half of what Lua has: a whole collection then costs little for each byte that came. */
static size_t growth(lua_State *L, size_t held)
{
    size_t half_of_lua = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 / 2;
    size_t larger = held > half_of_lua ? held : half_of_lua;
    return larger > least_growth ? larger : least_growth;
}

void fs_lua_hold(lua_State *L, size_t *held, size_t bytes)
{
    struct tally *tally = find_tally(L);
    *held += bytes;
    tally->held += bytes;
    if (tally->held <= tally->limit)
        return;
    lua_gc(L, LUA_GCCOLLECT, 0);
    tally->limit = tally->held + growth(L, tally->held);
}

void fs_lua_release(lua_State *L, size_t *held)
{
    find_tally(L)->held -= *held;
    *held = 0;
}
