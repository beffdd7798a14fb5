/* child: what is known of a monitored domain: what each address of its name servers has, since when, and
 * what is remembered of its keys.  Pure: it is handed answers and times, and persists through
 * watch_child_write.  Runs in the signing side.
 *
 * One look: watch_child_servers (who is there), watch_child_parent (the DS set of now), watch_child_note for
 * every address, watch_child_round; then watch_decide and watch_findings judge what there is. */
#ifndef WATCH_CHILD_H
#define WATCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "dns/dnskey.h"
#include "dns/name.h"
#include "parent/observe.h"
#include "watch/answer.h"

#define WATCH_NAME_MAX 64
#define WATCH_SERVERS_MAX 64
#define WATCH_KEYS_MAX 64  /* different keys at all addresses together */
#define WATCH_PAST_MAX 256 /* keys that are remembered */
#define WATCH_DS_MAX 16    /* of a set that the parent gets from us */
#define WATCH_DIGEST_LEN 32
#define WATCH_STORED_MAX (1 << 20) /* octets of a stored child */
#define WATCH_TTL_MAX (30 * 86400) /* a TTL beyond counts as this */

enum watch_mode { WATCH_BY_DNSKEY, WATCH_BY_CDS };

#define WATCH_THRESHOLDS_MAX 4
#define WATCH_DIGESTS_MAX 4
struct watch_policy { /* times in seconds */
	enum watch_mode mode;
	bool report_only;     /* we sign it: the key manager alone decides the DS (R41) */
	bool allow_delete;    /* CDS 0 0 0 00 (RFC 8078 4) */
	bool allow_bootstrap; /* the first DS, by RFC 9615 */
	int64_t hold_down;    /* so long what is new must stand unchanged */
	int64_t patience;     /* a longer pause in the answers: what was seen before counts no more */
	int64_t settle;       /* servers may differ, or be silent, so long without an error */
	int64_t deadline;     /* by then what was handed over is at the parent, or is handed over again */
	uint8_t digests[WATCH_DIGESTS_MAX]; /* of a new DS: 2, 4; 0 ends; none: SHA-256 */
	int64_t thresholds[WATCH_THRESHOLDS_MAX]; /* remaining lives of signatures, longest first; 0 ends */
};

/* A DS set of at most WATCH_DS_MAX records that we make, or PARENT_DS_MAX that we see. */
struct watch_ds {
	struct parent_ds list[PARENT_DS_MAX];
	unsigned count;
};
bool watch_ds_has(const struct watch_ds *set, const struct parent_ds *ds);
bool watch_ds_equal(const struct watch_ds *a, const struct watch_ds *b); /* in any order */
bool watch_ds_add(struct watch_ds *set, const struct parent_ds *ds); /* false: full; twice is fine */

struct watch_key { /* a DNSKEY that some address has, or a CDNSKEY */
	uint8_t rdata[DNSKEY_RDATA_MAX];
	uint16_t len, tag;
};
static inline uint16_t watch_key_flags(const struct watch_key *k)
{
	return load_u16(k->rdata);
}
static inline uint8_t watch_key_algorithm(const struct watch_key *k)
{
	return k->rdata[3];
}

enum watch_past_state {
	WATCH_NEW,     /* first seen after enrolment */
	WATCH_OLD,     /* there at enrolment */
	WATCH_TRUSTED, /* its DS is at the parent */
	WATCH_DROPPED, /* its DS was there */
	WATCH_REVOKED,
	WATCH_PAST_STATES
};
struct watch_past { /* whatever its flags: a key is known by algorithm and public key */
	uint8_t id[WATCH_DIGEST_LEN];
	enum watch_past_state state;
	int64_t since;
	uint16_t tag;
	uint8_t algorithm;
};

struct watch_sig { /* that holds; whether its time is now is another question */
	uint8_t key; /* index in the child's keys */
	int64_t inception, expiration;
};
struct watch_seen { /* a key in an address's DNSKEY set */
	uint8_t key;
	int64_t since;       /* in sets validated through the DS of their time, without a break; 0: not */
	int64_t signs_since; /* has signed the set since; 0: does not */
};
struct watch_part { /* one set at one address */
	enum watch_word word;
	bool is_there;
	bool has_rrsigs, is_capped; /* see proof.h */
	uint32_t ttl;
	uint8_t digest[WATCH_DIGEST_LEN]; /* of its records */
	struct watch_sig *sigs;
	unsigned sig_count;
};

enum watch_wish_form { WATCH_WISH_NONE, WATCH_WISH_KEYS, WATCH_WISH_DELETE, WATCH_WISH_BROKEN };
struct watch_wish { /* what the CDS and CDNSKEY sets of an address say */
	enum watch_wish_form cds, cdnskey;
	struct parent_ds *ds; /* of the CDS set */
	unsigned ds_count;
	uint8_t *keys; /* of the CDNSKEY set: indexes in the child's keys */
	unsigned key_count;
	uint8_t digest[WATCH_DIGEST_LEN]; /* of both */
	int64_t since;     /* the same and, where there are DS, signed by a key that has one; 0: not */
	int64_t inception; /* of the older one of the signatures that prove it; 0: not proved */
};

struct watch_server { /* an address */
	char name[WATCH_NAME_MAX]; /* "192.0.2.1" or "192.0.2.1@5300" */
	enum watch_word word;      /* the last look: of SOA and DNSKEY together */
	char reason[WATCH_REASON_MAX];
	int64_t since;    /* that word, without a break */
	int64_t asked;    /* last; 0: never */
	int64_t answered; /* last; 0: never */
	struct watch_part parts[WATCH_TYPES]; /* as they came last */
	uint32_t serial, soa_expire;
	bool has_serial;
	int64_t behind_since; /* it lacks a version that another had in the look before; 0: not */
	uint16_t nsec3_iterations;
	uint32_t ttl_max; /* the largest of a DNSKEY set ever seen here */
	struct watch_seen *seen;
	unsigned seen_count;
	struct watch_wish wish;
};

struct watch_order { /* what was handed over and is not at the parent yet */
	bool is_on, is_removal;
	bool is_wish; /* the child asked for it by CDS or CDNSKEY; false: we saw a key */
	int64_t at;
	struct watch_ds ds;
	uint8_t wish[WATCH_DIGEST_LEN];
	int64_t inception;
};
struct watch_roll { /* a roll-over that we began */
	bool is_on;
	int64_t began;
	struct watch_ds added, old;
};

struct watch_child { /* zeros, then watch_child_init */
	uint8_t apex[NAME_MAX_LEN];
	int64_t enrolled;
	bool has_baseline; /* the keys that were there at enrolment are known */
	bool is_full;      /* no more keys can be remembered: none is accepted */
	struct watch_key *keys;
	unsigned key_count;
	struct watch_past *past;
	unsigned past_count;
	struct watch_server *servers;
	unsigned server_count;
	struct watch_ds today; /* last known to be the same at all of the parent's servers */
	bool has_today;
	int64_t dnskey_differs, wish_differs; /* since; 0: all agree */
	uint32_t newest_serial; /* in the last look that had one */
	int64_t newest_serial_at; /* 0: none had */
	/* The newest CDS and CDNSKEY that were proved; the last acted on, whether or not all of that was seen
	 * done. */
	uint8_t newest[WATCH_DIGEST_LEN], acted[WATCH_DIGEST_LEN];
	int64_t newest_inception, acted_inception;
	bool acted_is_open;
	struct watch_ds goal; /* the set at the parent when that is done */
	struct watch_order order;
	struct watch_roll roll;
	uint8_t told[WATCH_DIGEST_LEN]; /* mark of the last decision that was recorded, see record.h */
};

void watch_child_init(struct watch_child *c, const uint8_t *apex, int64_t now);
void watch_child_free(struct watch_child *c);

/* These addresses and no others; what is known of those that stay is kept.  More than WATCH_SERVERS_MAX:
 * ERR_LIMIT. */
int watch_child_servers(struct watch_child *c, const char *const *names, unsigned count, struct err *e);
struct watch_server *watch_child_server(const struct watch_child *c, const char *name); /* or NULL */

/* The set that all of the parent's servers have; ERR_AGAIN with words when one cannot be asked (since
 * `fresh`) or they differ. */
int watch_parent_set(const struct parent_view *v, int64_t fresh, struct watch_ds *out, struct err *e);

/* What was seen at the parent.  Says what is over with that. */
enum watch_event {
	WATCH_EVENT_NONE,
	WATCH_EVENT_SEEN,     /* what was handed over is at the parent */
	WATCH_EVENT_ROLLED,   /* and with that a roll-over is completed */
	WATCH_EVENT_SECURED,  /* the first DS that we handed over is there */
	WATCH_EVENT_UNSECURED /* and the last is gone, as the child asked */
};
enum watch_event watch_child_parent(struct watch_child *c, const struct parent_view *v, int64_t fresh,
    int64_t now);
/* What an address answered. */
void watch_child_note(struct watch_child *c, const char *server, const struct watch_reply *r,
    const struct watch_policy *p, int64_t now);
/* All that were asked in this look were noted. */
void watch_child_round(struct watch_child *c, int64_t now);

/* What is kept over a restart: the whole child.  Malformed, or of another version: ERR_FORMAT, and c is as
 * it was. */
void watch_child_write(const struct watch_child *c, struct buf *out);
int watch_child_read(struct reader *r, struct watch_child *c);

#endif
