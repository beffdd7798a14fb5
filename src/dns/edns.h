/* edns: what an OPT record holds (RFC 6891), and of its options EXPIRE (RFC 7314): for how many
 * seconds more a secondary may serve what it has. */
#ifndef DNS_EDNS_H
#define DNS_EDNS_H

#include <stdbool.h>
#include <stdint.h>
#include "dns/packet.h"

#define EDNS_OPTION_EXPIRE 9
/* Octets that the option takes in an answer, beside the OPT record itself. */
#define EDNS_EXPIRE_LEN 8

struct edns { /* of a message */
	bool is_there;
	uint8_t version;
	bool dnssec_ok;
	bool wants_expire; /* the option is there, with or without a value */
	bool has_expire;   /* it has one */
	uint32_t expire;   /* seconds */
};
/* Options that are malformed, or unknown, are as if they were not there. */
struct edns edns_read(const struct packet *p);

/* An OPT record with the option: empty in a question, with seconds in an answer; OK or ERR_LIMIT. */
int edns_add_expire(
    struct packet_builder *b, uint16_t size, bool dnssec_ok, const uint32_t *seconds);

#endif
