/* A client and the scripted server that it talks to: what the suites of the client share. */
#ifndef FINSEG_SPEC_STAGE_H
#define FINSEG_SPEC_STAGE_H

#include "finseg.h"
#include "scripted_server.h"

#define TOKEN_ANSWER "{\"access_token\":\"token-one\",\"token_type\":\"bearer\",\"expires_in\":3600}"
#define PAGE_ANSWER                                                                                                    \
    "{\"totalElements\":1,\"users\":[{\"userId\":\"u1\",\"accounts\":[{\"accountId\":\"a\",\"amount\":12.50}]}]}"
#define NOT_READY "{\"errors\":[{\"message\":\"not ready\",\"code\":\"ENTITY_NOT_FOUND\",\"type\":\"BUSINESS\"}]}"
#define POST_TOKEN "POST /api/v2/oauth/token "
#define POST_SEGMENT "POST /api/v1/segments/"
#define GET_RESULT "GET /api/v1/segments/"

/* A server with its script, and a client of it with short pauses. */
struct stage {
    struct scripted_server *server;
    finseg_config *config;
    finseg_client *client;
    char *texts[16]; /* answers to free */
    size_t text_count;
};

/* An answer with a JSON body; the stage frees it. */
const char *json(struct stage *stage, const char *status, const char *headers, const char *body);
/* A config with credentials and short pauses; no server yet. */
void prepare(struct stage *stage);
void set_text(struct stage *stage, const char *field, const char *value);
void set_number(struct stage *stage, const char *field, double value);
/* The same with an access token, so that there is no token endpoint to script, and no pauses after failures. */
void prepare_with_token(struct stage *stage);
/* Starts the server and makes the client. */
void open_stage(struct stage *stage, const struct scripted_answer *answers, size_t count);
#define OPEN(stage, answers) open_stage((stage), (answers), sizeof(answers) / sizeof *(answers))
/* May be called before close_stage(). */
void stop_server(struct stage *stage);
void close_stage(struct stage *stage);
/* Each of these starts an operation and awaits its outcome. */
finseg_outcome *create(struct stage *stage);
finseg_outcome *wait_for(struct stage *stage, finseg_job *waited, double timeout);
finseg_outcome *poll_once(struct stage *stage, finseg_job *polled);
/* The caller frees it. */
finseg_job *job(struct stage *stage, const char *id, double created_at);
/* Frees the outcome and answers its error. */
finseg_error *error_of(finseg_outcome *outcome);
/* Checks that the outcome is a page of one user, and frees it. */
void check_page(finseg_outcome *outcome);
/* Checks that the last request that began so contains `part`. */
void check_request(struct stage *stage, const char *match, const char *part);

#endif
