/* text: making any octets safe to show: on a terminal, in a cell of a table, in JSON. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Append data as UTF-8 that shows what it holds and does nothing: octets that are not UTF-8, control
 * characters (C0, DEL, C1) and those that turn the direction of writing come as \DDD per octet
 * (RFC 1035 5.1).  lines: newlines and tabs are kept. */
void text_escape(struct buf *out, const void *data, size_t len, bool lines);
/* Characters (not octets) of UTF-8 text. */
size_t text_width(const char *s, size_t len);

#endif
