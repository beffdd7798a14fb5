/* outbound: signed zones go out.  Listens, answers SOA, AXFR and IXFR, sends NOTIFY, writes zone files;
 * runs in the network side and reads the store.  Nobody gets anything but REFUSED who is not a destination
 * of the zone, by address and TSIG key. */
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/loop.h"
#include "dns/packet.h"
#include "dns/peer.h"
#include "zone/store.h"

struct outbound;

enum destination_status { DESTINATION_PENDING_XFER, DESTINATION_OK, DESTINATION_FAILED_XFER };
const char *destination_status_name(enum destination_status s);

/* What it was seen to serve beside the SOA.  OTHER: the serial is ours, and the signature is not. */
enum destination_signatures { SIGNATURES_UNKNOWN, SIGNATURES_THERE, SIGNATURES_NONE, SIGNATURES_OTHER };

#define DESTINATION_REASON_MAX 400

struct destination_news {
	enum destination_status status;
	bool has_serial;
	uint32_t serial;
	enum destination_signatures signatures;
	int64_t expires; /* calendar: the SOA's signature, as it is served there; 0: not known */
	const char *reason; /* what kind of failure it is stands before its first colon */
};

struct outbound_hooks {
	/* A destination's status was learnt: it acknowledged, fetched, was asked for its SOA, or did not
	 * react. */
	void (*status)(void *arg, const uint8_t *apex, const char *destination,
	    const struct destination_news *news);
	/* A NOTIFY came in (TSIG, if any, has been verified; key NULL: unsigned): the answer's RCODE. */
	unsigned (*notify)(void *arg, const struct packet *p, const struct sockaddr_storage *from,
	    const struct tsig_key *key);
	/* The key of that name among all that are configured, NULL if there is none. */
	tsig_lookup_fn *tsig_lookup;
	void *arg;
};

struct outbound_zone {
	uint8_t apex[NAME_MAX_LEN];
	const struct peer *const *destinations; /* borrowed */
	unsigned destination_count;
	const char *output_file; /* NULL: none */
	bool ends_with_source;   /* past its source's EXPIRE it is not answered any more (outbound_suspend) */
};

struct outbound *outbound_new(struct loop *l, struct store *store,
    const struct outbound_hooks *hooks);
void outbound_free(struct outbound *out);
/* Serve on these sockets, bound by the master: UDP, and listening TCP.  Takes them. */
void outbound_listen(struct outbound *out, int udp_fd, int tcp_fd);
/* As inbound_configure. */
void outbound_configure(struct outbound *out, const struct outbound_zone *zones, unsigned count);
/* A new version of the zone is in the store: NOTIFY, output file, ask what destinations have.  At start
 * every published zone gets this once. */
void outbound_version(struct outbound *out, const uint8_t *apex);
/* How many destinations and output files are being brought to the newest version now. */
unsigned outbound_busy(const struct outbound *out);
/* Stop answering for the zone with data (SERVFAIL): its source is past EXPIRE and policy says stop. */
void outbound_suspend(struct outbound *out, const uint8_t *apex, bool suspended);

#endif
