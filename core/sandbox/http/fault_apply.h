/* Faults that change what is answered. Those that change how it is sent are left to the sender: see wire.h. */
#ifndef FINSEG_SANDBOX_SPOIL_H
#define FINSEG_SANDBOX_SPOIL_H

#include "call.h"
#include "fault.h"

/* Answers with the fault's status, in the error body that the service has for it. */
void sb_spoil_instead(struct sb_call *call, const struct sb_fault *fault);
/* Spoils the body of an answer that is complete, or notes how to spoil its sending. */
void sb_spoil_body(struct sb_answer *answer, const struct sb_fault *fault);

#endif
