/* outbound_rig: outbound on loopback in the test's own process, with a store that the test writes, and
 * clients that are plain sockets.  127.0.0.1 is a destination with a TSIG key, 127.0.0.3 one without,
 * 127.0.0.2 is a stranger. */
#ifndef TESTS_OUTBOUND_RIG_H
#define TESTS_OUTBOUND_RIG_H

#include <netinet/in.h>
#include "outbound/parts.h"
#include "zone/change.h"

#define RIG_KEYED "127.0.0.1"
#define RIG_STRANGER "127.0.0.2"
#define RIG_PLAIN "127.0.0.3"
#define RIG_STATUS_MAX 64
#define RIG_WAIT_MS 5000

struct rig_status {
	char destination[PEER_NAME_MAX];
	enum destination_status status;
	bool has_serial;
	uint32_t serial;
	enum destination_signatures signatures;
	int64_t expires;
	char reason[DESTINATION_REASON_MAX];
};

struct rig {
	char dir[200];
	struct store *store;
	struct loop *loop;
	struct outbound *out;
	uint16_t port; /* of outbound, UDP and TCP */
	uint8_t apex[NAME_MAX_LEN];
	struct tsig_key key;   /* of the keyed destination */
	struct tsig_key other; /* configured, but no destination's */
	struct peer keyed, plain;
	const struct peer *peers[2];
	struct outbound_zone conf;
	struct rig_status statuses[RIG_STATUS_MAX];
	unsigned status_count;
	unsigned notify_calls;
	unsigned notify_rcode; /* what the hook says */
	const struct tsig_key *notify_key;
};

/* Outbound serves "example." (not written yet) with short limits. */
void rig_open(struct rig *r);
void rig_close(struct rig *r);
/* What a test cannot go on without. */
void rig_die(const char *what);
void rig_check(int rc, const struct err *e);
struct sockaddr_in rig_address(const char *ip, uint16_t port);
void rig_pump(struct rig *r); /* what is ready, and wait a millisecond */
/* A zone with that serial: apex, names of `names` hosts with a TXT record of `size` octets each, all
 * signed with something, and as many NSEC3 records. */
void rig_write_zone(struct rig *r, const char *apex, uint32_t serial, unsigned names, unsigned size,
    bool published);
/* Its head as if its signatures, and its source's version, ended then (0: not). */
void rig_set_ends(struct rig *r, int64_t expiry_first, int64_t refreshed, int64_t source_expires);
/* The next version of "example.", made in place: between begin and end RRsets are put (signed with something)
 * or, with count 0, removed.  rdata: count x (u16 length, RDATA). */
struct rig_change {
	struct rig *rig;
	struct zone_head from;
	struct change *change;
	uint64_t octets_max; /* of the journal */
};
void rig_change_begin(struct rig_change *c, struct rig *r);
void rig_change_rrset(struct rig_change *c, const char *owner, uint16_t type, uint32_t ttl,
    const struct buf *rdata, uint16_t count);
void rig_change_nsec3(struct rig_change *c, unsigned n, uint8_t types); /* NSEC3 number n; 0: it goes */
void rig_change_end(struct rig_change *c, uint32_t serial);
const struct rig_status *rig_last(const struct rig *r, const char *destination);

struct rig_query {
	const char *zone;
	uint16_t type;
	const char *from;          /* NULL: RIG_KEYED */
	const struct tsig_key *key; /* NULL: unsigned */
	int64_t time_off;          /* seconds the client's clock is wrong */
	uint32_t ixfr_serial;      /* for IXFR; 0: no authority section */
	uint16_t flags;            /* opcode included */
	bool edns;
	bool expire; /* EDNS with the EXPIRE option */
};
void rig_build(const struct rig_query *q, struct packet_builder *b, struct tsig_state *t);

struct rig_answer {
	uint8_t msg[65535];
	size_t len;
	struct packet packet;
};
bool rig_udp_raw(struct rig *r, const char *from, const void *msg, size_t len, struct rig_answer *a);
/* Asks over UDP or a TCP connection of its own: false if nothing came. */
bool rig_ask(struct rig *r, const struct rig_query *q, bool tcp, struct rig_answer *a,
    struct tsig_state *t);
int rig_connect(struct rig *r, const char *from);
void rig_send(struct rig *r, int fd, const void *msg, size_t len); /* with a length prefix */
bool rig_receive(struct rig *r, int fd, struct rig_answer *a);
bool rig_is_closed(struct rig *r, int fd); /* by the other end, soon */
/* Receive a whole transfer and compare it with the store: the number of messages, or 0 with words on
 * stderr. */
unsigned rig_receive_zone(struct rig *r, int fd, uint32_t serial, struct tsig_state *t);
/* A secondary's copy of a zone. */
struct rig_record;
struct rig_copy {
	struct rig_record **records;
	unsigned count;
	uint32_t serial; /* 0: none yet */
};
enum rig_got { RIG_GOT_TROUBLE, RIG_GOT_SOA, RIG_GOT_AXFR, RIG_GOT_IXFR };
/* Ask (IXFR: from the copy's version) and apply what comes; what is wrong goes to stderr. */
enum rig_got rig_copy_fetch(struct rig *r, struct rig_copy *c, const struct rig_query *ask,
    bool tcp, unsigned *messages);
bool rig_copy_equal(struct rig_copy *a, struct rig_copy *b);
void rig_copy_clear(struct rig_copy *c);
/* The error in the TSIG record of an answer; -1: it has none. */
int rig_tsig_error(const struct rig_answer *a);

#endif
