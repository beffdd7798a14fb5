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

/* check_name.c */
int check_rrset(struct check *c, const struct walk *w, struct err *e);
int check_name(struct check *c, struct err *e); /* all sets of the name in hand are there */

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
int check_expect_nsec3(struct check *c, const uint16_t *types, size_t count);
int check_nsec3(struct check *c, const struct walk *w, struct err *e);

#endif
