/* Faults that change what is answered. Those that change how it is sent are left to the sender: see wire.h. */
#ifndef FINSEG_SANDBOX_SPOIL_H
#define FINSEG_SANDBOX_SPOIL_H

#include "call.h"
#include "fault.h"

/* Answers with the fault's status, in the error body that the service has for it. */
void fs_spoil_instead(struct fs_call *call, const struct fs_fault *fault);
/* Spoils the body of an answer that is complete, or notes how to spoil its sending. */
void fs_spoil_body(struct fs_answer *answer, const struct fs_fault *fault);

#endif
