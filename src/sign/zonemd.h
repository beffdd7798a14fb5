/* zonemd: digests of whole zones (RFC 8976): the one that a source's zone came with, and that of a version.
 * Internal to the room; how a version gets one: zonemd_out.c. */
#ifndef SIGN_ZONEMD_H
#define SIGN_ZONEMD_H

#include "base/err.h"
#include "dns/zonemd.h"
#include "zone/change.h"
#include "zone/spool.h"

/* Does the zone in a full spool fit the digest that it carries at its apex?  OK also when it has none, or
 * none of a scheme and hash that we know; ERR_VERIFY.  Reads all of it: may be long, may run in a thread;
 * leaves the spool rewound. */
int zonemd_verify_spool(struct spool *spool, const uint8_t *apex, struct err *e);

/* A version that is read: its RRsets (nsec3 is false), or its NSEC3s. */
struct zonemd_rows {
	bool nsec3;
	struct snapshot *sn;	   /* closed with it; may be NULL */
	struct walk walk;	   /* over it, when is_open; else its row is filled in by */
	bool is_open;
	struct change_walk *ahead; /* this one */
	/* the row that it stands on */
	int rc;
	struct rrset set;
	uint8_t key[NAME_KEY_MAX]; /* of its owner */
	size_t key_len;
};
void zonemd_rows_close(struct zonemd_rows *x);

struct zonemd_reading {
	uint32_t ttl; /* of the SOA, and so of the ZONEMD (RFC 8976 section 2.1) */
	uint8_t digest[ZONEMD_DIGEST_MAX];
	size_t digest_len;
};
/* Its RRsets and its NSEC3s, opened.  May be long, may run in a thread. */
int zonemd_read(struct zonemd_rows rows[2], const uint8_t *apex, uint8_t hash,
    struct zonemd_reading *out, struct err *e);

#endif
