/* anchors: trust anchors: the keys that an operator knows to be right, from a file with DS or DNSKEY
 * records in zone file format. */
#ifndef DNS_ANCHORS_H
#define DNS_ANCHORS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/rrset.h"

#define ANCHORS_MAX 64

/* Each name's anchors are one DS set, that of a DNSKEY made with SHA-256: what is asked of a key is the
 * same either way. */
struct anchors { /* zeros: none */
	struct buf sets[ANCHORS_MAX]; /* packed */
	unsigned count;
};

/* Replaces what is in out.  The file must have one at the least; errors name file and line. */
int anchors_read(const char *path, struct anchors *out, struct err *e);
void anchors_free(struct anchors *a);
/* The DS set of that very name; false: it has no anchor. */
bool anchors_find(const struct anchors *a, const uint8_t *name, struct rrset *out);

#endif
