/* Sends an answer through libmicrohttpd, as it should be or spoilt by a fault. */
#ifndef FINSEG_SANDBOX_WIRE_H
#define FINSEG_SANDBOX_WIRE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "hold.h"
#include "service.h"

/* What the connection's owner must do besides. */
enum sb_wire_order {
    SB_WIRE_NOTHING,
    SB_WIRE_CLOSE_AFTER, /* close the connection when the answer is sent, without having said so */
    SB_WIRE_KEEP_SILENT  /* the connection is held; when the handler is called again, close it */
};

/* Takes the answer's body. MHD_NO closes the connection without an answer. */
enum MHD_Result sb_wire_send(struct sb_pacer *pacer, struct MHD_Connection *connection, struct sb_answer *answer,
                             enum sb_wire_order *order);

#endif
