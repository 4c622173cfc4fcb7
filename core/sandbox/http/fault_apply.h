/* Faults that change what is answered. Those that change how it is sent are left to the sender: see send.h. */
#ifndef FINSEG_SANDBOX_FAULT_APPLY_H
#define FINSEG_SANDBOX_FAULT_APPLY_H

#include "call.h"
#include "fault.h"
#include "message.h"

/* Answers with the fault's status, in the error body that the service has for it. */
void sb_fault_answer_instead(struct sb_call *call, const struct sb_fault *fault);
/* Changes the body of a complete answer, or notes in the answer what its sender must do wrong. */
void sb_fault_apply_to_body(struct sb_answer *answer, const struct sb_fault *fault);

#endif
