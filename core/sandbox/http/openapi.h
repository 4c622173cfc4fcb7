/* The description of the service, openapi.json, as the build put it into the program. */
#ifndef FINSEG_SANDBOX_OPENAPI_H
#define FINSEG_SANDBOX_OPENAPI_H

#include <stddef.h>

extern const unsigned char sb_openapi[];
extern const size_t sb_openapi_length;

#endif
