/* record: the state record of one zone's keys, as octets in a token (a CKO_DATA object's value).
 * Pure: no token, no store.  The carrier is not mentioned in it, so that another may come.
 *
 *   header  magic "ITGR", u8 version, u8 flags (0), u16 header length, zone hash (8), u64 sequence,
 *           u32 writer, u64 time, u32 body length, digest (16)
 *   body    fields of u16 tag, u16 length, value: tags in record.c
 *
 * The digest is the first half of SHA-256 over header and body with the digest as zeros.  It finds
 * damage, not forgery.  Unknown fields are kept and written again. */
#ifndef KEYS_RECORD_H
#define KEYS_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"
#include "keys/keyset.h"
#include "keys/timeline.h"
#include "zone/store.h"

#define RECORD_VERSION 1
#define RECORD_HEADER_LEN 56
#define RECORD_DIGEST_LEN 16
#define RECORD_HASH_LEN 8
#define RECORD_PUB_MAX (DNSKEY_RDATA_MAX - 4)
#define RECORD_NOTE_SIZE 160
#define RECORD_MAX (32 * 1024) /* no honest record comes near */

struct record_key {
	uint8_t id[TOKEN_ID_LEN];
	enum key_role role;
	uint8_t algorithm;
	uint16_t flags, tag; /* of the DNSKEY */
	uint16_t pub_len;
	uint8_t pub[RECORD_PUB_MAX]; /* as in the DNSKEY */
	struct key_times times;
	char note[RECORD_NOTE_SIZE]; /* why it is compromised, and who says so */
	struct buf extra; /* fields of a newer program */
};

struct record_ttls { /* as the policy had them when the record was made; seconds */
	uint32_t dnskey, cds, max_ttl, propagation, ds;
};

struct record {
	uint8_t zone_hash[RECORD_HASH_LEN];
	uint64_t sequence;
	uint32_t writer;
	int64_t time;
	uint8_t digest[RECORD_DIGEST_LEN]; /* of this record: filled in by both directions */
	uint8_t previous[RECORD_DIGEST_LEN]; /* of the record before; zeros: the first */
	uint8_t zone[NAME_MAX_LEN];
	char policy[STORE_POLICY_MAX];
	struct record_ttls ttls;
	int64_t unsign; /* since when the zone is on its way to being unsigned; 0: it is not */
	unsigned key_count; /* 0: the zone was deleted, its keys go */
	struct record_key *keys; /* owned; at most KEYSET_MAX */
	struct buf extra;
};

/* Appends to out and sets r->digest. */
void record_encode(struct record *r, struct buf *out);
/* OK (free with record_free), ERR_FORMAT (damaged), ERR_REFUSED (of a newer version, words say so). */
int record_decode(const uint8_t *data, size_t len, struct record *out, struct err *e);
void record_free(struct record *r);
/* A deep copy. */
void record_copy(const struct record *from, struct record *to);
/* Room for one more; NULL when there are KEYSET_MAX. */
struct record_key *record_add_key(struct record *r);

#endif
