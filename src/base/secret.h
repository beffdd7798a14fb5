/* secret: memory for PINs and TSIG secrets: locked, left out of core dumps, wiped when freed. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct secret {
	uint8_t *data; /* a zero octet follows data[len - 1] */
	size_t len;
};

void secret_set(struct secret *s, const void *data, size_t len); /* copies; frees what was there */
void secret_free(struct secret *s);
/* First line of a file, without its newline. */
int secret_read_file(struct secret *s, const char *path, struct err *e);
int secret_from_base64(struct secret *s, const char *text, struct err *e);
void secret_wipe(void *p, size_t len);

#endif
