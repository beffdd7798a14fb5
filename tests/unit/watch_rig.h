/* watch_rig: a child whose servers and parent are made up here, with real keys and signatures.  A test says
 * what each server has, and looks. */
#ifndef TESTS_WATCH_RIG_H
#define TESTS_WATCH_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dns/packet.h"
#include "watch/decide.h"
#include "watch/findings.h"
#include "watch/record.h"

#define RIG_T0 ((int64_t)1800000000)
#define RIG_HOUR 3600
#define RIG_DAY 86400
#define RIG_HOLD RIG_DAY
#define RIG_DS_TTL 7200
#define RIG_KEY_TTL 10800
#define RIG_SERVERS 3
#define RIG_KEYS 8

struct rig_key {
	void *pkey; /* EVP_PKEY */
	uint8_t rdata[DNSKEY_RDATA_MAX];
	uint16_t len, tag;
};
struct rig_key *rig_key(uint8_t algorithm, uint16_t flags); /* 257 or 256, and so on; freed by rig_free */
/* The same key with other flags. */
struct rig_key *rig_key_as(const struct rig_key *k, uint16_t flags);

struct rig_keys {
	struct rig_key *list[RIG_KEYS];
	unsigned count;
};
#define RIG_KEYS_OF(...) \
	((struct rig_keys){.list = {__VA_ARGS__}, \
	    .count = sizeof((struct rig_key *[]){__VA_ARGS__}) / sizeof(struct rig_key *)})

struct rig_sets { /* what a server has */
	struct rig_keys keys, signers;   /* the DNSKEY set, and who signs it */
	struct rig_keys zone_signers;    /* of the SOA */
	struct rig_keys cds, cdnskey, wish_signers; /* CDS are made with digest_type */
	uint8_t digest_type;
	bool wants_delete; /* in both forms, instead of the above */
	int64_t inception, expiration; /* of all signatures */
	int64_t wish_inception;        /* of those over CDS and CDNSKEY */
	uint32_t serial;
	uint16_t iterations;
	enum watch_word word; /* WATCH_ANSWERED, or how it fails */
	bool refuses_cds;
};

struct rig {
	int64_t now;
	int64_t delay; /* from the answers of a look to its end */
	struct watch_policy policy;
	struct watch_child child;
	struct rig_sets servers[RIG_SERVERS];
	unsigned server_count; /* 2 at first */
	struct watch_ds ds[2]; /* at the servers of the parent */
	struct parent_server parents[2];
	struct parent_view parent;
	const struct watch_signal *signals;
	unsigned signal_count;
	struct watch_decision decision; /* of the last look */
	enum watch_event event;
	struct watch_findings findings;
};

extern const uint8_t *rig_apex; /* child.example. */
const char *rig_server_name(unsigned i);

void rig_init(struct rig *r, enum watch_mode mode);
void rig_free(struct rig *r);
struct parent_ds rig_ds(const struct rig_key *k, uint8_t digest_type);
/* All servers have these keys, signed by `signers`, the zone signed by the last of the keys. */
void rig_serve(struct rig *r, struct rig_keys keys, struct rig_keys signers);
/* The whole DS set, digest type 2, at both servers of the parent. */
void rig_parent(struct rig *r, struct rig_keys keys);
/* One server's answer to one question; to be freed. */
void rig_answer(const struct rig *r, unsigned server, enum watch_type t, struct buf *out);
/* Asks everybody and decides. */
void rig_look(struct rig *r);
/* ... every hour, so often. */
void rig_look_for(struct rig *r, int64_t seconds);
/* What was decided is handed over, and the parent takes it at once. */
void rig_obey(struct rig *r);
/* Looks and obeys every hour. */
void rig_live_for(struct rig *r, int64_t seconds);
/* Through what is kept over a restart. */
void rig_restart(struct rig *r);
/* A set with signatures by these keys, packed as records of a message's answer section. */
void rig_put_set(struct packet_builder *b, const uint8_t *owner, uint16_t type, uint32_t ttl,
    const struct buf *items, unsigned count, const struct rig_keys *signers, int64_t inception,
    int64_t expiration);

void rig_assert(const struct rig *r, enum watch_verdict verdict, enum watch_cause cause);
/* The DS of these keys, and no others, are added or removed. */
void rig_assert_ds(const struct rig *r, struct rig_keys keys);
const struct watch_finding *rig_finding(const struct rig *r, enum watch_kind kind);

#endif
