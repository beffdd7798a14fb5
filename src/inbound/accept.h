/* accept: what every record must pass, from wherever it came, before it goes into a spool file.
 *
 * Here is checked what one record shows; what only all records of a name show (a CNAME beside other
 * data) is seen by the reader of the spool, who has them in order. */
#ifndef INBOUND_ACCEPT_H
#define INBOUND_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/name.h"
#include "zone/spool.h"

/* A spool keeps names whole and sort keys beside them: so many times longer than what comes over the
 * wire may it be, where compression packs a zone well. */
#define ACCEPT_UNPACKED 16

#define ACCEPT_SOA_MAX (2 * NAME_MAX_LEN + 20)

struct accept {
	const uint8_t *apex; /* borrowed */
	struct spool_writer *spool;
	bool has_soa, has_ns;
	uint32_t serial;
	uint16_t soa_len;
	uint8_t soa[ACCEPT_SOA_MAX]; /* RDATA, canonical */
};

/* path must not exist yet; limit: octets on the wire, so ACCEPT_UNPACKED times that in the spool. */
int accept_begin(struct accept *a, const uint8_t *apex, const char *path, uint64_t limit,
    struct err *e);
/* Add a record (rdata uncompressed and checked).  ERR_FORMAT: the zone is broken, e says where. */
int accept_record(struct accept *a, const uint8_t *owner, uint16_t type, uint16_t class,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e);
/* A difference: the SOA of the version that it leads to, before its steps. */
int accept_soa(struct accept *a, const uint8_t *rdata, uint16_t rdlen, struct err *e);
/* Add a step of a difference.  What the signer makes itself is left out; a DNSKEY at the apex can only be
 * judged with all others there (R70): ERR_REFUSED. */
int accept_change(struct accept *a, enum spool_step step, const uint8_t *owner, uint16_t type,
    uint16_t class, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e);
/* Is this the RDATA of the SOA that came first?  Case does not matter: compression can change it. */
bool accept_is_same_soa(const struct accept *a, const uint8_t *rdata, size_t len);
/* All records are there.  Ends `a`; on an error the file is gone. */
int accept_finish(struct accept *a, struct err *e);
int accept_finish_difference(struct accept *a, uint32_t from, struct err *e);
void accept_abandon(struct accept *a); /* removes the file; twice is fine */

/* "zone broken: www.example. MX: ..." */
int accept_broken(struct err *e, const uint8_t *owner, uint16_t type, const char *what);

#endif
