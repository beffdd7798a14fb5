/* tsig: transaction signatures (RFC 8945), for single messages and for streams of them.
 *
 * HMAC-SHA1, -SHA224, -SHA256, -SHA384, -SHA512; no HMAC-MD5.  Time is the real clock, handed in. */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "dns/name.h"
#include "dns/packet.h"

#define TSIG_FUDGE 300
#define TSIG_MAC_MAX 64
#define TSIG_ROOM 400 /* octets to leave free in a message for a TSIG record */

enum tsig_algorithm { TSIG_SHA1 = 1, TSIG_SHA224, TSIG_SHA256, TSIG_SHA384, TSIG_SHA512 };
int tsig_algorithm_parse(const char *text); /* "hmac-sha256"; 0 if not one of ours */
const char *tsig_algorithm_name(enum tsig_algorithm a); /* "hmac-sha256" */
size_t tsig_mac_len(enum tsig_algorithm a);

struct tsig_key {
	uint8_t name[NAME_MAX_LEN];
	enum tsig_algorithm algorithm;
	struct secret secret;
};

/* The state of one exchange: a query and its answer or its stream of answers. */
struct tsig_state {
	const struct tsig_key *key; /* borrowed */
	uint8_t mac[TSIG_MAC_MAX];  /* of the message before (query or last signed answer) */
	size_t mac_len;
	bool first;          /* the first answer is still to come: its variables are whole */
	unsigned unsigned_run; /* messages since the last signed one */
	struct buf pending;  /* unsigned messages to be covered by the next MAC */
	uint16_t error;      /* TSIG error of the last verification: 0, BADSIG, BADKEY, BADTIME */
	uint64_t peer_time;  /* "time signed" of the peer's last TSIG */
	uint16_t original_id;
	uint8_t peer_key[NAME_MAX_LEN];       /* key and algorithm as the peer's TSIG names them: */
	uint8_t peer_algorithm[NAME_MAX_LEN]; /* an error answer repeats them */
};
void tsig_state_init(struct tsig_state *s, const struct tsig_key *key);
void tsig_state_free(struct tsig_state *s);

/* Client: append a TSIG record to the query in b.  This and tsig_sign_answer write the counts
 * themselves; packet_end may be called before, after or not at all.  OK or ERR_CRYPTO. */
int tsig_sign_query(struct tsig_state *s, struct packet_builder *b, int64_t now);
/* Client: check an answer or the next message of a stream.  OK (signed and good, or unsigned in
 * the middle of a stream and at most 99 in a row); ERR_BADKEY/BADSIG/BADTIME with e; the error the
 * peer reports in its TSIG (e.g. the peer does not know the key) comes as the same codes.
 * last: no more messages follow, so this one must be signed. */
int tsig_verify_answer(struct tsig_state *s, const struct packet *p, bool last, int64_t now,
    struct err *e);
/* When a message says it was signed; not verified.  false: it has no TSIG that can be read. */
bool tsig_time(const struct packet *p, int64_t *out);
/* Server: which key does the query name, and does it hold?  lookup gives the key for a name and
 * algorithm or NULL.  s need not be initialised.  OK (s ready to sign the answers), or ERR_BADKEY/BADSIG/BADTIME/FORMAT: then
 * s->error is what tsig_sign_answer must put into an error answer (RFC 8945 5.2, unsigned for
 * BADKEY and BADSIG, signed for BADTIME).  ERR_MISSING: the query has no TSIG. */
typedef const struct tsig_key *tsig_lookup_fn(void *arg, const uint8_t *name, enum tsig_algorithm a);
int tsig_verify_query(struct tsig_state *s, const struct packet *p, tsig_lookup_fn *lookup,
    void *arg, int64_t now, struct err *e);
/* Server: append a TSIG record to the next answer (all of a stream are signed). */
int tsig_sign_answer(struct tsig_state *s, struct packet_builder *b, int64_t now);

#endif
