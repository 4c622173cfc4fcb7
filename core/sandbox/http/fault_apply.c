#include "fault_apply.h"

#include <stdio.h>
#include <time.h>

static const char proxy_page[] = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
                                 "<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n";
static const char garbage[] = "%PDF-1.7 \xff\xfe{\"users\": [\x01 'single', NaN,, ]] \xc3( \x80";

/* Where a status has the errors[] body: its code and what it says. */
static const struct {
    unsigned status;
    const char *code;
    const char *message;
} errors[] = {
    {404, SB_CODE_NOT_READY, "the job is not ready yet"},
    {423, SB_CODE_LOCKED, "the job is locked"},
    {429, SB_CODE_TOO_MANY_REQUESTS, "there were too many requests"},
    {500, SB_CODE_UNEXPECTED_ERROR, "the service failed"},
    {503, SB_CODE_SERVICE_UNAVAILABLE, "the service is being maintained"},
};

static void refuse(struct sb_call *call, unsigned status)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].status == status)
            sb_call_refuse_with(call, status, errors[i].code, errors[i].message);
    }
}

/* A second from now, in either of HTTP's forms. */
static void ask_to_wait(struct sb_answer *answer, bool as_date)
{
    time_t later = time(NULL) + 1;
    struct tm utc = {0};
    if (as_date && gmtime_r(&later, &utc))
        strftime(answer->retry_after, sizeof answer->retry_after, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    else
        snprintf(answer->retry_after, sizeof answer->retry_after, "1");
}

static void refuse_client(struct sb_call *call, unsigned status)
{
    bool known = status == 403;
    call->answer->authenticate = known ? "Bearer error=\"insufficient_scope\"" : "Bearer error=\"invalid_token\"";
    if (call->route == SB_ROUTE_TOKEN)
        sb_call_refuse_authentication(call, status, known ? "unauthorized_client" : "invalid_client",
                                      "the client is refused");
    else
        sb_call_refuse_authentication(call, status, known ? "insufficient_scope" : "invalid_token",
                                      "the access token is refused");
}

void sb_fault_answer_instead(struct sb_call *call, const struct sb_fault *fault)
{
    if (fault->effect == SB_FAULT_BAD_GATEWAY) {
        call->answer->status = fault->status;
        call->answer->content_type = "text/html";
        fs_buffer_append_text(&call->answer->body, proxy_page);
    } else if (fault->status == 401 || fault->status == 403) {
        refuse_client(call, fault->status);
    } else if (fault->status == 400 && call->route == SB_ROUTE_RETRIEVE) {
        sb_call_refuse_with(call, 400, SB_CODE_ENTITY_NOT_FOUND, "there is no such job");
    } else if (fault->status == 400) {
        sb_call_refuse_with(call, 400, SB_CODE_BAD_REQUEST, "the request is refused");
    } else {
        refuse(call, fault->status);
    }
    if (fault->effect == SB_FAULT_ASK_LATER || fault->effect == SB_FAULT_ASK_AT_DATE)
        ask_to_wait(call->answer, fault->effect == SB_FAULT_ASK_AT_DATE);
}

void sb_fault_apply_to_body(struct sb_answer *answer, const struct sb_fault *fault)
{
    struct fs_buffer *body = &answer->body;
    switch (fault->effect) {
    case SB_FAULT_TRUNCATE:
        body->length /= 2;
        break;
    case SB_FAULT_GARBAGE:
        fs_buffer_clear(body);
        fs_buffer_append(body, garbage, sizeof garbage - 1);
        break;
    default:
        answer->send_fault = fault->effect;
    }
}
