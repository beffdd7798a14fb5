/* zonefile: master files (RFC 1035 5) in and out, through ldns. */
#ifndef DNS_ZONEFILE_H
#define DNS_ZONEFILE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/rrset.h"

/* Called for each record, uncompressed and checked.  Not OK ends the reading with that code. */
typedef int zonefile_record_fn(void *arg, const uint8_t *owner, uint16_t type, uint16_t class,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e);
/* Reads $ORIGIN, $TTL and BIND's $GENERATE; $INCLUDE is an error that says so.
 * e names file and line. */
int zonefile_read(const char *path, const uint8_t *origin, zonefile_record_fn *fn, void *arg,
    struct err *e);
/* The same of records that are no zone: they need no TTL. */
int zonefile_read_loose(const char *path, const uint8_t *origin, zonefile_record_fn *fn, void *arg,
    struct err *e);

#endif
