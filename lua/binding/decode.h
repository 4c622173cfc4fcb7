/*
 * JSON into Lua values, many objects that look alike: they have the same few names of members, mostly in the same
 * order. The names are kept as Lua strings, which a C function that reads such objects has on its stack, and the one
 * that came after a name the last time is tried first.
 */
#ifndef FINSEG_LUA_DECODE_H
#define FINSEG_LUA_DECODE_H

#include "binding.h"

enum {
    FS_LUA_NAMES = 24,
    FS_LUA_NAME_BYTES = 32 /* with the closing quote; longer ones are not remembered */
};

struct fs_lua_name {
    char bytes[FS_LUA_NAME_BYTES]; /* and its closing quote */
    unsigned char length;          /* without it */
    unsigned char next;            /* the place of the name that came after it, the last time */
    unsigned char first;           /* the place of the name that an object below it began with, the last time */
    unsigned char elements;        /* how long the last array, and the last object, below this name was */
    unsigned char members;
};

/* Zero-initialise before the first use. */
struct fs_lua_names {
    int count;
    int strings;                                 /* where the table of their strings is on the stack */
    int stack;                                   /* and where the strings themselves are, from the first one on */
    struct fs_lua_name places[FS_LUA_NAMES + 1]; /* the last one stands for all that are not remembered */
};

/*
 * Pushes the strings of the names that are known, with nils for those that are not. `strings` is the index of a table
 * that keeps them from one call to the next.
 */
void fs_lua_push_names(lua_State *L, struct fs_lua_names *names, int strings);
/*
 * Pushes the value of JSON text that has passed the scanner, after fs_lua_push_names() in the same C function. Bytes
 * may be looked at up to `limit`.
 */
void fs_lua_push_named_json(lua_State *L, finseg_slice text, const char *limit, struct fs_lua_names *names);

#endif
