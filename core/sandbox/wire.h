/* Sends an answer through libmicrohttpd, as it should be or spoilt by a fault. */
#ifndef FINSEG_SANDBOX_WIRE_H
#define FINSEG_SANDBOX_WIRE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "pacer.h"
#include "service.h"

/* What the connection's owner must do besides. */
enum fs_wire_order {
    FS_WIRE_NOTHING,
    FS_WIRE_CLOSE_AFTER, /* close the connection when the answer is sent, without having said so */
    FS_WIRE_KEEP_SILENT  /* the connection is held; when the handler is called again, close it */
};

/* Takes the answer's body. MHD_NO closes the connection without an answer. */
enum MHD_Result fs_wire_send(struct fs_pacer *pacer, struct MHD_Connection *connection, struct fs_answer *answer,
                             enum fs_wire_order *order);

#endif
