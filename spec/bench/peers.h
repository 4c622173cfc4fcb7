/* The same page read by others. Each has an object that keeps its memory from page to page, as ours does. */
#ifndef FINSEG_BENCH_PEERS_H
#define FINSEG_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A user in columns: where the id is, and where the amounts begin. */
struct peer_user {
    const char *id;
    uint32_t id_length;
    uint32_t first_amount;
};

/* An amount at scale 10^-4, and its account. */
struct peer_amount {
    int64_t amount;
    const char *account;
    uint32_t account_length;
};

struct peer_columns {
    struct peer_user *users;
    struct peer_amount *amounts;
    size_t user_count;
    size_t amount_count;
};

enum { PEER_PADDING = 64 };

void *peer_simdjson_new(void);
void peer_simdjson_free(void *peer);
/*
 * Each reads `text` into columns that have room for all of it. `text` has PEER_PADDING readable bytes behind its end.
 */
bool peer_simdjson_read(void *peer, const char *text, size_t length, struct peer_columns *columns);
bool peer_simdjson_read_raw(void *peer, const char *text, size_t length, struct peer_columns *columns);
bool peer_cjson_read(const char *text, size_t length, struct peer_columns *columns);
/* Which of its kernels simdjson has chosen. */
const char *peer_simdjson_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
