#include "value/secret.h"

#include "binding.h"
#include "value/error.h"

/* secret_text() -> 32 hexadecimal digits that nobody can guess | nil, err */
int fs_lua_secret_text(lua_State *L)
{
    char text[FS_SECRET_TEXT];
    if (fs_secret_new(text)) {
        lua_pushstring(L, text);
        return 1;
    }
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    scratch->error = fs_error_new(FINSEG_ERROR_CONFIG, "the system's random numbers are not to be had (getrandom)");
    return fs_lua_fail(L, scratch);
}

/* same_secret(a, b) -> whether the texts are equal, in a time that tells their lengths at most */
int fs_lua_same_secret(lua_State *L)
{
    size_t a_length;
    size_t b_length;
    const char *a = luaL_checklstring(L, 1, &a_length);
    const char *b = luaL_checklstring(L, 2, &b_length);
    lua_pushboolean(L, fs_secret_equal(a, a_length, b, b_length));
    return 1;
}
