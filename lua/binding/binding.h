/*
 * The Lua binding, module "finseg.core": the C API of finseg.h as userdata, for the modules of lua/finseg. It holds
 * no policy.
 *
 * A Lua error leaves a C function by longjmp. So whatever is allocated in C belongs to a userdata before anything
 * that can raise runs: to an object of its own type, or to a scratch.
 */
#ifndef FINSEG_LUA_BINDING_H
#define FINSEG_LUA_BINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "finseg.h"
#include "module.h"
#include "value/buffer.h"

/* ---- stack.c: plain values on Lua's stack ------------------------------------------------------------------ */

void fs_lua_push_slice(lua_State *L, finseg_slice slice);
/* Sets a field of the table at the top; NULL leaves it nil. */
void fs_lua_set_text(lua_State *L, const char *field, const char *text);
/* Text without zero bytes, or an argument error. */
const char *fs_lua_check_text(lua_State *L, int argument);
/* A whole number from 0 to `maximum` (at most 2^53), or an argument error. */
uint64_t fs_lua_check_whole(lua_State *L, int argument, uint64_t maximum);

/* ---- scratch.c: what one call holds in C while Lua may raise ------------------------------------------------ */

struct fs_lua_scratch {
    finseg_error *error;
    finseg_config *config;
    finseg_outcome *outcome;
    struct fs_buffer text;
};

/* Before the two below are called. */
void fs_lua_register_scratch(lua_State *L);
/* Pushes an empty one. */
struct fs_lua_scratch *fs_lua_new_scratch(lua_State *L);
/* Frees what it holds at once, rather than when Lua collects it; it may be used again. */
void fs_lua_empty_scratch(struct fs_lua_scratch *scratch);

/* ---- external_memory.c: what objects hold in C, so that Lua collects them in time ---------------------------- */

/* Before the two below are called. */
void fs_lua_open_external_memory(lua_State *L);
/* Adds bytes to what an object holds, `*held`. When much has come together, collects what is garbage. */
void fs_lua_hold(lua_State *L, size_t *held, size_t bytes);
/* The object holds nothing any more. */
void fs_lua_release(lua_State *L, size_t *held);

/* ---- error.c --------------------------------------------------------------------------------------------- */

/* Pushes the table that Lua knows as `err`. */
void fs_lua_push_error(lua_State *L, const finseg_error *error);
/* Pushes nil and the scratch's error, which must be there; answers 2. */
int fs_lua_fail(lua_State *L, struct fs_lua_scratch *scratch);
void fs_lua_register_error(lua_State *L);
/* core.error(kind, message) -> err */
int fs_lua_error(lua_State *L);

/* ---- decode.c: JSON into Lua values ---------------------------------------------------------------------- */

/* Pushes the value of JSON text that has passed the scanner. */
void fs_lua_push_json(lua_State *L, const char *text, size_t length);
/* Pushes a JSON object that has passed the scanner as a table, without the member `except`. */
void fs_lua_push_members(lua_State *L, const char *text, size_t length, const char *except);
/* core.from_json(text) -> value | nil, err */
int fs_lua_from_json(lua_State *L);

/* ---- json_parts.c: JSON taken apart as text --------------------------------------------------------------- */

/* core.json_parts(text) -> the texts of a list's elements, or of an object's members as name, text, name, text, ... |
 * nil, problem */
int fs_lua_json_parts(lua_State *L);
/* core.json_without(text, name) -> the object without its members of that name, every other byte as it was | nil,
 * problem */
int fs_lua_json_without(lua_State *L);

/* ---- number.c -------------------------------------------------------------------------------------------- */

/* Pushes a JSON number as a Lua integer where that is exact, else as fs_lua_push_float() does. */
void fs_lua_push_number(lua_State *L, const char *text, size_t length, bool integer);
/* Pushes a JSON number as the nearest float; as text when it is beyond the floats' range. A character that cannot
 * belong to a number must follow `text`; here and above. */
void fs_lua_push_float(lua_State *L, const char *text, size_t length);

/* ---- decimal.c: JSON numbers as text, of any length, exact ------------------------------------------------- */

/* core.decimal_compare(a, b) -> below, equal to or above 0 as a is less than, equal to or greater than b */
int fs_lua_decimal_compare(lua_State *L);
/* core.decimal_add(a, b) -> a + b as plain decimal text | nothing when exponents would make that absurdly long */
int fs_lua_decimal_add(lua_State *L);
/* core.decimal_subtract(a, b) -> a - b in the same way */
int fs_lua_decimal_subtract(lua_State *L);

/* ---- encode.c: Lua values into JSON ---------------------------------------------------------------------- */

/*
 * Appends the value at `index` (positive) as canonical JSON: members sorted by the bytes of their names, the shortest
 * numbers that read back the same. False when it cannot be sent: `out` then holds the reason alone, "labels[2]: a
 * function cannot be sent".
 */
bool fs_lua_encode(lua_State *L, int index, struct fs_buffer *out);
/* core.to_json(value) -> text | nil, reason */
int fs_lua_to_json(lua_State *L);

/* ---- config.c -------------------------------------------------------------------------------------------- */

/* Makes scratch->config from the table at `index` (positive), after reading the environment when asked. False with
 * scratch->error. */
bool fs_lua_read_config(lua_State *L, int index, bool from_environment, struct fs_lua_scratch *scratch);

/* ---- kinds.c --------------------------------------------------------------------------------------------- */

/* core.kinds(fields) -> the list of segment kinds that a client with this config knows | nil, err */
int fs_lua_kinds(lua_State *L);

/* ---- client.c, job.c, page.c, users.c, amounts.c, aggregates.c, idset.c, traversal.c ------------------------- */

void fs_lua_register_client(lua_State *L);
/* core.client(fields, from_environment) -> client | nil, err */
int fs_lua_client(lua_State *L);

void fs_lua_register_job(lua_State *L);
/* Pushes a job to be filled in. */
finseg_job **fs_lua_new_job(lua_State *L);
finseg_job *fs_lua_check_job(lua_State *L, int argument);

/* Sets core.page in the module at the top. */
void fs_lua_register_page(lua_State *L);
/* Pushes the page of the outcome, which keeps nothing of it. */
void fs_lua_push_page(lua_State *L, finseg_outcome *outcome);
finseg_page *fs_lua_check_page(lua_State *L, int argument);
/* The page, which the caller owns; calls on it raise from then on. */
finseg_page *fs_lua_take_page(lua_State *L, int argument);
/* Argument: the position of a user, from 1; answers its index. */
size_t fs_lua_check_user(lua_State *L, int argument, const finseg_page *page);

/* Sets core.user_reader in the module at the top: for many users, since it remembers how they look. */
void fs_lua_register_user_reader(lua_State *L);
/* Sets core.amounts, or core.walk, in the module at the top: see amounts.c. */
void fs_lua_register_amounts(lua_State *L);

void fs_lua_register_aggregates(lua_State *L);
/* core.total() -> total */
int fs_lua_total(lua_State *L);
/* core.tally(minimum, maximum) -> tally | nil, err */
int fs_lua_tally(lua_State *L);
/* core.range() -> range */
int fs_lua_range(lua_State *L);
/* core.histogram(bounds) -> histogram | nil, err */
int fs_lua_histogram(lua_State *L);

void fs_lua_register_idset(lua_State *L);
/* core.idset() -> set | nil, err */
int fs_lua_idset(lua_State *L);
/* core.precedes(a, b) -> whether id a comes before id b, by their bytes. Lua's < goes by the host's locale. */
int fs_lua_precedes(lua_State *L);

void fs_lua_register_traversal(lua_State *L);
/* Pushes a traversal to be filled in. */
finseg_traversal **fs_lua_new_traversal(lua_State *L);

/* ---- signal.c ------------------------------------------------------------------------------------------- */

void fs_lua_register_signal(lua_State *L);
/* core.signal() -> a descriptor that Lua makes readable | nil, err */
int fs_lua_signal(lua_State *L);

/* ---- private_file.c: what Lua's io library cannot do: files and folders that are the user's alone ------------ */

/* core.create_file(path) -> true, an empty file of mode 0600 that was not there before | nil, reason */
int fs_lua_create_file(lua_State *L);
/* core.close_on_exec(file) -> true, processes that Lua starts do not inherit the open file of Lua's io library | nil,
 * reason */
int fs_lua_close_on_exec(lua_State *L);
/* core.create_folder(path) -> true, the folder is there, made with mode 0700 if need be, its parents too | nil,
 * reason */
int fs_lua_create_folder(lua_State *L);

/* ---- poll.c ---------------------------------------------------------------------------------------------- */

/* core.poll(descriptors, seconds) -> positions */
int fs_lua_poll(lua_State *L);

/* ---- clock.c --------------------------------------------------------------------------------------------- */

/* core.time() -> seconds since 1970, with their fraction */
int fs_lua_time(lua_State *L);
/* core.now() -> seconds of the monotonic clock */
int fs_lua_now(lua_State *L);

/* ---- secret.c -------------------------------------------------------------------------------------------- */

int fs_lua_secret_text(lua_State *L);
int fs_lua_same_secret(lua_State *L);

#endif
