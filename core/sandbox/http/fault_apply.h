/* Faults that change what is answered. Those that change how it is sent are left to the sender: see wire.h. */
#ifndef FINSEG_SANDBOX_FAULT_APPLY_H
#define FINSEG_SANDBOX_FAULT_APPLY_H

#include "call.h"
#include "fault.h"

/* Answers with the fault's status, in the error body that the service has for it. */
void sb_fault_answer_instead(struct sb_call *call, const struct sb_fault *fault);
/* Spoils the body of an answer that is complete, or notes how to spoil its sending. */
void sb_fault_apply_to_body(struct sb_answer *answer, const struct sb_fault *fault);

#endif
