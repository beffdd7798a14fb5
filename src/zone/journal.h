/* journal: the signed differences between a zone's versions, for IXFR (RFC 1995).  A row leads from one
 * serial to the next; the head names the oldest, and the rows chain by serial from there to the current
 * version.  Both sides read it; change.c writes it. */
#ifndef ZONE_JOURNAL_H
#define ZONE_JOURNAL_H

#include "zone/store.h"

struct journal_limits {
	uint64_t octets; /* of all rows of a zone; a version whose row alone is larger empties it */
	int64_t age;	 /* seconds that a row is kept */
	int64_t now;	 /* calendar */
};

struct journal; /* a way from an older version to the snapshot's */
/* ERR_MISSING: it does not reach back to `serial` (or a row is damaged: that is logged).  Borrows sn. */
int journal_open(struct snapshot *sn, const struct zone_head *h, uint32_t serial,
    struct journal **out);
/* The same, and ERR_LIMIT when it has more than `most` records.  Nothing behind those is looked at, so
 * that whoever asks, with any serial, costs no more than what he could get. */
int journal_open_within(struct snapshot *sn, const struct zone_head *h, uint32_t serial,
    uint64_t most, struct journal **out);
void journal_close(struct journal *j); /* NULL is fine */
/* Records of the whole answer but for the SOA at its begin and end: removed and added ones, signatures and
 * the SOAs between them. */
uint64_t journal_records(const struct journal *j);

/* In the order in which an IXFR has them: per version the RRsets removed, the old SOA first, then those
 * added, the new SOA first.  Only the records (and signatures) that differ stand in them. */
struct journal_item {
	bool is_added;
	const uint8_t *packed; /* borrowed from the snapshot */
	size_t len;
};
int journal_next(struct journal *j, struct journal_item *out); /* ERR_MISSING: the end; ERR_FORMAT */
/* Versions that it holds of the zone, and the octets of their rows, are in the head. */

#endif
