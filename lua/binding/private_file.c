#include <errno.h>
#include <fcntl.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"

enum { OWNER_ONLY = 0600, OWNER_ONLY_FOLDER = 0700 };

static int fail_with_errno(lua_State *L)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

int fs_lua_create_file(lua_State *L)
{
    const char *path = fs_lua_check_text(L, 1);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_ONLY);
    if (descriptor < 0)
        return fail_with_errno(L);
    close(descriptor);
    lua_pushboolean(L, true);
    return 1;
}

/* A file of Lua's io library begins with its FILE *, in both Luas. */
int fs_lua_close_on_exec(lua_State *L)
{
    FILE **file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    if (fcntl(fileno(*file), F_SETFD, FD_CLOEXEC) != 0)
        return fail_with_errno(L);
    lua_pushboolean(L, true);
    return 1;
}

/* 0 when the folder is there in the end. */
static int make_folder(const char *path)
{
    struct stat status;
    if (mkdir(path, OWNER_ONLY_FOLDER) == 0)
        return 0;
    if (errno != EEXIST || stat(path, &status) != 0)
        return -1;
    if (S_ISDIR(status.st_mode))
        return 0;
    errno = ENOTDIR;
    return -1;
}

int fs_lua_create_folder(lua_State *L)
{
    const char *path = fs_lua_check_text(L, 1);
    luaL_argcheck(L, *path, 1, "the name of a folder expected");
    struct fs_lua_scratch *scratch = fs_lua_new_scratch(L);
    fs_buffer_append_text(&scratch->text, path);
    if (scratch->text.failed)
        return luaL_error(L, "out of memory");
    for (char *slash = strchr(scratch->text.data + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_folder(scratch->text.data) != 0)
            return fail_with_errno(L);
        *slash = '/';
    }
    if (make_folder(scratch->text.data) != 0)
        return fail_with_errno(L);
    fs_lua_empty_scratch(scratch);
    lua_pushboolean(L, true);
    return 1;
}
