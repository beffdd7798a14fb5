/* A source for the tests of inbound: answers SOA, AXFR and IXFR on loopback, in the very loop that is tested,
 * and misbehaves as it is told.  And a bench: one room with its hooks recorded. */
#ifndef TESTS_INBOUND_FAKE_H
#define TESTS_INBOUND_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/loop.h"
#include "dns/peer.h"
#include "inbound/inbound.h"
#include "inbound/internal.h"

enum fake_soa { FAKE_SOA_OK, FAKE_SOA_SILENT, FAKE_SOA_TC, FAKE_SOA_NO_AA, FAKE_SOA_OTHER_ID };
enum fake_axfr {
	FAKE_AXFR_OK, FAKE_AXFR_CUT, FAKE_AXFR_SILENT, FAKE_AXFR_ENDLESS, FAKE_AXFR_WRONG_LAST,
	FAKE_AXFR_SLOW_CLOSE
};
enum fake_tsig { FAKE_TSIG_OK, FAKE_TSIG_NONE, FAKE_TSIG_BAD_MAC, FAKE_TSIG_OLD };

struct fake {
	struct peer peer;
	const struct tsig_key *key;
	struct loop *loop;
	int udp, tcp;
	struct loop_watch *watch_udp, *watch_tcp;
	struct fake_connection *connections;
	/* how it behaves */
	uint32_t serial;
	unsigned rcode_soa, rcode_axfr, rcode_ixfr;
	/* The records of the answer to an IXFR, each one word: s1 the SOA with serial 1, h1 an A of the host h1,
	 * n NS, k DNSKEY, d NSEC at the apex, x a record of another zone, b an SOA below the apex; | begins the
	 * next message, u leaves the present one unsigned, ! ends the connection.  NULL: as to an AXFR. */
	const char *ixfr;
	enum fake_soa soa;
	enum fake_axfr axfr;
	enum fake_tsig tsig;
	bool has_expire, no_edns; /* it gives EXPIRE; it answers EDNS with FORMERR */
	uint32_t expire;
	/* what it saw */
	unsigned soa_udp, soa_tcp, transfers, ixfrs;
	uint32_t ixfr_from; /* the serial in the last IXFR query */
};

/* host: "127.0.0.1"; any free port, the same for UDP and TCP. */
void fake_start(struct fake *f, struct loop *l, const char *name, const char *host,
    const struct tsig_key *key);
void fake_stop(struct fake *f);

struct seen { /* what the hooks were told of one source */
	char source[PEER_NAME_MAX];
	enum source_status status;
	bool has_serial;
	uint32_t serial;
	char reason[500];
	unsigned count, oks;
};

#define assert_says(text, words) \
	do { \
		if (strstr(text, words) == NULL) \
			fail_msg("\"%s\" does not say \"%s\"", text, words); \
	} while (0)

#define BENCH_SOURCES 2
struct bench {
	struct loop *loop;
	struct inbound *in;
	char dir[64], file[128];
	struct tsig_key key, other_key;
	struct fake fakes[BENCH_SOURCES];
	const struct peer *peers[BENCH_SOURCES];
	uint8_t apex[NAME_MAX_LEN];
	struct seen seen[BENCH_SOURCES + 1]; /* by source; the last: the file */
	unsigned received, refreshed, expired;
	/* Of the last spool, and of a difference the serial it starts from and its records as "+" or "-" and the
	 * word of a script ("+h1", else the type), sorted as the reader sorts. */
	enum spool_kind received_kind;
	uint32_t received_since;
	char received_steps[300];
	bool is_expired;
	int64_t expires; /* as the last `refreshed` said */
	char received_from[PEER_NAME_MAX], path[256];
	uint32_t received_serial;
	uint64_t size_max; /* for bench_configure */
	bool hold_verdict; /* else every spool is accepted at once */
	int verdict;
	struct soa soa;
	struct loop_timer *tick;
	bool ticked;
};

/* The calendar is virtual and stands still; zone example., sources src1 (127.0.0.1) and src2
 * (127.0.0.2) with one TSIG key.  Not configured yet. */
int bench_setup(void **state);
int bench_teardown(void **state);
void bench_configure(struct bench *b, unsigned sources, const char *input_file);
/* The store has version `serial` of the zone, last confirmed at `refreshed`. */
void bench_store(struct bench *b, uint32_t serial, int64_t refreshed);
void bench_verdict(struct bench *b);
/* Run until it is true, at most 10 s. */
#define bench_until(b, condition) \
	do { \
		uint64_t end_ = clock_mono_ms() + 10000; \
		while (!(condition) && clock_mono_ms() < end_) \
			bench_turn(b); \
		if (!(condition)) \
			fail_msg("did not come true: %s", #condition); \
	} while (0)
void bench_turn(struct bench *b);
void bench_idle(struct bench *b, uint64_t ms); /* let that much time pass */
void bench_leap(struct bench *b, int64_t calendar);
/* A NOTIFY for the zone from that source's address (another port), as the dispatcher hands it in. */
unsigned bench_notify(struct bench *b, const struct fake *from, const struct tsig_key *key);
unsigned bench_notify_from(struct bench *b, const char *zone, const char *host,
    const struct tsig_key *key);

#endif
