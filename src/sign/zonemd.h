/* zonemd: the digest that a source's zone came with (RFC 8976).  Internal to the room; the one that goes out:
 * run.h, zonemd_out.c. */
#ifndef SIGN_ZONEMD_H
#define SIGN_ZONEMD_H

#include "base/err.h"
#include "zone/spool.h"

/* Does the zone in a full spool fit the digest that it carries at its apex?  OK also when it has none, or
 * none of a scheme and hash that we know; ERR_VERIFY.  Reads all of it: may be long, may run in a thread;
 * leaves the spool rewound. */
int zonemd_verify_spool(struct spool *spool, const uint8_t *apex, struct err *e);

#endif
