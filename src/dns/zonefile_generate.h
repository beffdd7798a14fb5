/* zonefile_generate: BIND's $GENERATE, which writes many records as one.  Private to this room. */
#ifndef DNS_ZONEFILE_GENERATE_H
#define DNS_ZONEFILE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

#define GENERATE_MOST 1048576 /* records of one directive */

struct generate_range {
	int64_t start, stop, step;
};

/* "start-stop" or "start-stop/step", not negative and at most 2147483647. */
bool generate_range_parse(const char *text, struct generate_range *out);
/* Append text with a zero: $ is the number, ${offset,width,base} the same in another shape, $$ and
 * \$ a dollar sign.  false: not of that form, or beyond 32 bits. */
bool generate_substitute(const char *text, int64_t number, struct buf *out);

#endif
