/* Sends an answer through libmicrohttpd, as it should be or as a fault has it. */
#ifndef FINSEG_SANDBOX_SEND_H
#define FINSEG_SANDBOX_SEND_H

#include <microhttpd.h>
#include <stdbool.h>

#include "hold.h"
#include "message.h"

/* What the connection's owner must do besides. */
enum sb_send_order {
    SB_SEND_NOTHING,
    SB_SEND_CLOSE_AFTER, /* close the connection when the answer is sent, without having said so */
    SB_SEND_KEEP_SILENT  /* the connection is held; when the handler is called again, close it */
};

/* Takes the answer's body. MHD_NO closes the connection without an answer. */
enum MHD_Result sb_send_answer(struct sb_holds *holds, struct MHD_Connection *connection, struct sb_answer *answer,
                               enum sb_send_order *order);

#endif
