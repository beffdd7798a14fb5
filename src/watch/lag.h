/* lag: how far a destination is behind what was published.  Pure.
 *
 * The last versions of a zone are kept in mind: then it can be said how many of them a server lacks
 * that shows an old serial, since when, and until when what it has is valid. */
#ifndef WATCH_LAG_H
#define WATCH_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define LAG_VERSIONS 16

struct lag_versions {
	struct lag_version {
		uint32_t serial;
		int64_t at;	 /* calendar: when it was published */
		int64_t expires; /* ... its first signature; 0: it is unsigned */
	} list[LAG_VERSIONS];	 /* the oldest first */
	unsigned count;
};
/* true: it is another one than the last; the same serial again changes nothing. */
bool lag_publish(struct lag_versions *v, uint32_t serial, int64_t at, int64_t expires);
void lag_write(const struct lag_versions *v, struct buf *out);
int lag_read(const void *data, size_t len, struct lag_versions *out); /* OK or ERR_FORMAT */

struct lag {
	bool is_behind;	   /* it has an older serial than the last; else the rest is 0 */
	uint32_t serials;  /* by so much less (RFC 1982) */
	unsigned versions; /* how many of ours it lacks; 0: more than are kept in mind */
	int64_t since;	   /* calendar: when the first of them was published; 0: likewise */
	int64_t expires;   /* calendar: what it has is valid until then; 0: not known */
};
struct lag lag_of(const struct lag_versions *v, uint32_t serial);
/* "2 versions behind since 2027-01-01T00:00:00Z"; "" if it is not. */
#define LAG_TEXT_SIZE 160
void lag_text(const struct lag *l, char out[LAG_TEXT_SIZE]);
/* What its signatures are for validators: expired; or, where it stays with an old version, until when they
 * are not; else "".  expires: of the SOA's signature as it was seen there, 0: it was not. */
void lag_finding(const struct lag *l, bool is_stuck, int64_t expires, int64_t now,
    char out[LAG_TEXT_SIZE]);

#endif
