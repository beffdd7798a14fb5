/* find: what a resolver's answers say about the servers of a zone: which zone a name is in, its name
 * servers, their addresses.  Pure.  The resolver is the operator's own and is believed; what it sends
 * is read as carefully as anything else from the network. */
#ifndef PARENT_FIND_H
#define PARENT_FIND_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/name.h"

#define FIND_NAMES_MAX 32
#define FIND_ADDRESSES_MAX 64
#define FIND_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */

struct find_names { /* zeros: none */
	uint8_t names[FIND_NAMES_MAX][NAME_MAX_LEN];
	unsigned count;
};
struct find_addresses { /* zeros: none */
	char list[FIND_ADDRESSES_MAX][FIND_ADDRESS_SIZE]; /* numeric, each once */
	unsigned count;
};

/* ERR_LIMIT with words: there are too many. */
int find_add_name(struct find_names *f, const uint8_t *name, struct err *e);
/* type A or AAAA; RDATA of another length is ERR_FORMAT. */
int find_add_address(struct find_addresses *f, uint16_t type, const uint8_t *rdata, size_t len,
    struct err *e);
void find_sort(struct find_addresses *f);

/* What follows reads an answer.  *ttl is lowered to the smallest TTL of what was used.
 * ERR_REFUSED, ERR_FORMAT or ERR_LIMIT with words: it is of no use. */

/* The zone that qname is in, from the answer to its SOA question; ERR_MISSING (no words): the answer
 * does not tell, a name further up may. */
int find_read_zone(const uint8_t *msg, size_t len, const uint8_t *qname, uint8_t zone[NAME_MAX_LEN],
    uint32_t *ttl, struct err *e);
int find_read_names(const uint8_t *msg, size_t len, const uint8_t *zone, struct find_names *out,
    uint32_t *ttl, struct err *e);
/* The names of a delegation to zone in a referral of one of its parent's servers (RFC 1034 4.3.2), added to
 * out; ERR_MISSING (no words): the answer is none. */
int find_read_referral(const uint8_t *msg, size_t len, const uint8_t *zone, struct find_names *out, struct err *e);
bool find_names_equal(const struct find_names *a, const struct find_names *b);
/* No address is fine, too.  Aliases were followed by the resolver. */
int find_read_addresses(const uint8_t *msg, size_t len, uint16_t qtype, struct find_addresses *out,
    uint32_t *ttl, struct err *e);

#endif
