/* What the files of the judge share: see check.h. */
#ifndef SIGN_CHECK_STATE_H
#define SIGN_CHECK_STATE_H

#include "dns/dnskey.h"
#include "sign/check.h"
#include "sign/digest.h"

#define CHECK_DNSKEYS_MAX 64

struct check_set { /* an RRset of the name in hand */
	uint16_t type;
	uint8_t sigs;
	uint32_t algorithms;     /* bit n: signed with algorithm n */
	bool by_published;       /* one signature's key is in the DNSKEY set */
	uint32_t signers;        /* bit n: signed by the head's key n */
	uint16_t tags[STORE_HEAD_KEYS];
};

struct check_link { /* a name that must have an NSEC3 */
	uint8_t hash[NSEC3_HASH_LEN];
	uint32_t bitmap; /* a hash of its bitmap */
};

struct check {
	struct zone_head head;
	int64_t now, min_life;
	uint8_t apex_key[NAME_KEY_MAX];
	size_t apex_key_len;
	bool is_unsigned; /* it must have nothing of DNSSEC */
	/* the keys */
	const struct keyset *keyset; /* NULL: not known */
	uint32_t set_signers, zone_signers; /* bits as above: who must sign the key sets, and the rest */
	bool is_mixed; /* it is being signed anew: the rest may be signed by other keys of the head */
	bool has_crypto;
	struct verifier *verifiers[CHECK_DNSKEYS_MAX];
	unsigned verifier_count;
	struct verifier_scratch *scratch;
	struct buf message;
	struct {
		uint16_t tag;
		uint8_t algorithm;
	} dnskeys[CHECK_DNSKEYS_MAX];
	unsigned dnskey_count;
	uint32_t algorithms; /* of the DNSKEY set */
	/* sums */
	uint8_t input_digest[DIGEST_LEN];
	struct buf value;
	uint64_t rrsets, records, signatures, input_records, key_signatures[STORE_HEAD_KEYS];
	int64_t expiry_first;
	uint32_t ttl_max, denial_ttl;
	/* the name in hand */
	bool has_name, seen_apex;
	uint8_t key[NAME_KEY_MAX], owner[NAME_MAX_LEN];
	size_t key_len;
	struct check_set *sets;
	unsigned set_count, set_cap;
	bool has_nsec;
	struct buf nsec; /* RDATA */
	/* the delegation or DNAME above */
	bool has_cut;
	uint8_t cut[NAME_KEY_MAX];
	size_t cut_len;
	/* NSEC: where the last one points */
	bool has_next;
	uint8_t next[NAME_KEY_MAX];
	size_t next_len;
	/* NSEC3: what must be there */
	struct check_link *links;
	size_t link_count, link_cap, link_at;
	uint8_t last[NAME_KEY_MAX];
	size_t last_len;
};

int check_fault(const struct check *c, struct err *e, const uint8_t *owner, uint16_t type,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static inline bool check_is_apex(const struct check *c)
{
	return c->key_len == c->apex_key_len;
}

/* check_set.c: the RRsets of one name: begun, then one by one. */
void check_begin(struct check *c, const uint8_t *key, size_t len);
int check_rrset(struct check *c, const struct walk *w, struct err *e);
void check_count(struct check *c, const struct rrset *set);
/* Into (or out of) the digest of the input goes this RRset, a SOA with its source's serial. */
typedef void check_digest_fn(uint8_t sum[DIGEST_LEN], const uint8_t *packed, size_t len);
int check_input(struct check *c, const uint8_t *packed, const struct rrset *set, uint32_t serial,
    check_digest_fn *digest);

/* check_name.c: all sets of the name in hand are there. */
struct check_denial { /* must it have an NSEC3, and one with which bitmap? */
	bool has_nsec3;
	uint32_t bitmap; /* check_bitmap_hash of it */
};
int check_name_at(struct check *c, bool is_hidden, struct check_denial *out, struct err *e);
bool check_is_cut(const struct check *c); /* if it is not hidden: does it hide what is below it? */
int check_name(struct check *c, struct err *e); /* in a walk over the whole zone */

/* Is it one of the sets that the key-signing keys sign? */
bool check_is_key_set(const struct check *c, const uint8_t *owner, uint16_t type);

/* check_keys.c: is a set of the apex as the key set has it? */
int check_key_set(const struct check *c, const struct rrset *set, struct err *e);
/* All sets of the apex are there. */
int check_key_sets_end(const struct check *c, struct err *e);

/* check_sig.c: the signatures of one RRset; fills what it found into out. */
int check_signatures(struct check *c, const struct rrset *set, struct check_set *out, struct err *e);
/* Is a set that must be signed signed well enough? */
int check_signed(const struct check *c, const uint8_t *owner, const struct check_set *s,
    struct err *e);

/* check_chain.c */
uint32_t check_bitmap_hash(const uint8_t *bitmap, size_t len);
struct check_nsec3 { /* what an NSEC3 says, but for what all of the chain say */
	const uint8_t *next;
	uint32_t bitmap;
};
/* NULL, or what is wrong. */
const char *check_nsec3_parse(
    const struct check *c, const struct rrset *set, struct check_nsec3 *out);
int check_nsec3_record(const struct check *c, const struct rrset *set, const uint8_t *hash,
    const struct check_nsec3 *wanted, struct err *e);
int check_nsec3_signed(struct check *c, const struct rrset *set, struct err *e);
/* In a walk over the whole zone: the name in hand must have one; then one by one. */
void check_expect_nsec3(struct check *c, uint32_t bitmap);
int check_nsec3(struct check *c, const struct walk *w, struct err *e);

/* check.c: is what was added up what the head says? */
int check_sums(const struct check *c, struct err *e);

#endif
