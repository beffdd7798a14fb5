/* tsig_record: the TSIG record and its MAC.  Private to this room. */
#ifndef DNS_TSIG_RECORD_H
#define DNS_TSIG_RECORD_H

#include "dns/tsig.h"

struct tsig_record { /* a view of the message, but for the names */
	uint8_t key[NAME_MAX_LEN];
	uint8_t algorithm[NAME_MAX_LEN];
	uint64_t time;
	uint16_t fudge;
	const uint8_t *mac;
	uint16_t mac_len;
	uint16_t original_id, error;
	const uint8_t *other;
	uint16_t other_len;
};

/* OK or ERR_FORMAT. */
int tsig_record_parse(const struct packet *p, struct tsig_record *out);
void tsig_record_append(struct packet_builder *b, const struct tsig_record *t);
/* The wire name of an algorithm, and back (0: not one of ours). */
const uint8_t *tsig_algorithm_wire(enum tsig_algorithm a);
enum tsig_algorithm tsig_algorithm_from_wire(const uint8_t *name);

/* MAC (RFC 8945 4.3) over: the MAC of the message before if s has one, the unsigned messages since
 * then, the message of `len` octets with the given ID and ARCOUNT, and the variables of t: all of
 * them, or, within a stream, its times only.  OK or ERR_CRYPTO. */
int tsig_mac(const struct tsig_state *s, const uint8_t *message, size_t len, uint16_t id,
    uint16_t arcount, const struct tsig_record *t, bool times_only, uint8_t out[TSIG_MAC_MAX]);

#endif
