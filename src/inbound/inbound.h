/* inbound: zones come in.  NOTIFY, SOA refresh, IXFR, AXFR and zone files; runs in the network side.
 *
 * What arrives is checked record by record and written to a spool file (zone/spool.h); `received`
 * hands it over, inbound_verdict brings back what the signing side said.  The rest of the program is
 * reached only through the hooks.  Nothing from the network is trusted. */
#ifndef INBOUND_INBOUND_H
#define INBOUND_INBOUND_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/loop.h"
#include "dns/packet.h"
#include "dns/peer.h"
#include "zone/spool.h"
#include "zone/store.h"

struct inbound;

enum source_status { SOURCE_PENDING_XFER, SOURCE_OK, SOURCE_FAILED_XFER, SOURCE_SOA_QUERY_FAILED };
const char *source_status_name(enum source_status s); /* "SOURCE_OK" */

struct inbound_hooks {
	/* A complete spool file; it belongs to the receiver, who removes it.  source: "" for a file. */
	void (*received)(void *arg, const uint8_t *apex, const char *source, uint32_t serial,
	    const char *path);
	/* A source's status was learnt (also when it is the same as before). */
	void (*status)(void *arg, const uint8_t *apex, const char *source, enum source_status status,
	    bool has_serial, uint32_t serial, const char *reason);
	/* A source confirmed that the version we have is current (for the SOA timers), or said of a new one for
	 * how long it lasts.  expires: when it runs out by what the source said (RFC 7314); 0: by its SOA. */
	void (*refreshed)(void *arg, const uint8_t *apex, int64_t now, int64_t expires);
	/* Past the source's SOA EXPIRE (true), or good again (false). */
	void (*expired)(void *arg, const uint8_t *apex, bool expired);
	void *arg;
};

struct inbound_zone {
	uint8_t apex[NAME_MAX_LEN];
	const struct peer *const *sources; /* in the order in which they are asked; borrowed */
	unsigned source_count;
	const char *input_file; /* NULL: none.  Read on retransfer, when it changes, and at start if it is not
				 * the file that the version in the store came from (input_mark) */
	int64_t retry;          /* seconds between tries after a failure (source_retry) */
	uint64_t size_max;      /* octets of a transfer, 0: no limit */
};

/* spool_dir must exist.  Files being received are named *.part there (those that a process which died
 * left are removed), files handed over *.spool (the receiver's; the master removes those that a
 * killed daemon left). */
struct inbound *inbound_new(struct loop *l, struct store *store, const char *spool_dir,
    const struct inbound_hooks *hooks);
void inbound_free(struct inbound *in);
/* The zones from now on; those already known keep their state (serials, timers, transfers).  Copies
 * the zones, borrows the peers until the next call has returned.  New zones are asked for at once. */
void inbound_configure(struct inbound *in, const struct inbound_zone *zones, unsigned count);

/* A NOTIFY request (opcode, QR and question checked).  key: what it was signed with, NULL: nothing.
 * Returns the RCODE for the answer: NOERROR, NOTAUTH (not a zone of ours), REFUSED. */
unsigned inbound_notify(struct inbound *in, const struct packet *p,
    const struct sockaddr_storage *from, const struct tsig_key *key);
/* What became of a spool.  OK: soa holds the accepted version's timers.  Else why: words; the
 * source's status becomes SOURCE_FAILED_XFER and it is tried again after retry (a round over all
 * sources goes on with the next one).  ERR_AGAIN: nobody judged it (the signing side died): it is
 * fetched again at once.  ERR_CONFLICT: a difference that does not fit the version
 * that the signing side has: the whole zone is fetched from the same source at once.  Until the verdict comes nothing more is fetched for this zone. */
void inbound_verdict(struct inbound *in, const uint8_t *apex, const char *source, int code,
    const char *why, uint32_t serial, const struct soa *soa);
/* What tells the input file, as it was when it was read last, from any other: its inode, size and times.  0: it
 * was not read. */
uint64_t inbound_file_mark(const struct inbound *in, const uint8_t *apex);
/* Transfer the whole zone again, even if the serial did not move. */
int inbound_retransfer(struct inbound *in, const uint8_t *apex);
/* How many zones are being asked for or fetched now: a leap of the virtual clock waits for 0.  What waits
 * for its verdict is the signing side's business, and may have to wait for an operator. */
unsigned inbound_busy(const struct inbound *in);

#endif
