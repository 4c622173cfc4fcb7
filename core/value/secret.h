/* A secret text: making one that nobody can guess, comparing, and forgetting. Pure but for the kernel's generator. */
#ifndef FINSEG_SECRET_H
#define FINSEG_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a secret of 128 bits in hexadecimal, with its final zero. */
enum { FS_SECRET_TEXT = 33 };

/* From the kernel's generator; false when it gives none. */
bool fs_secret_new(char text[FS_SECRET_TEXT]);
/* Takes a time that depends on the lengths alone. */
bool fs_secret_equal(const char *a, size_t a_length, const char *b, size_t b_length);
/* Overwrites the text with zeros before freeing it. NULL is allowed. */
void fs_secret_free(char *text);

#endif
