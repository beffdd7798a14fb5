/* Signatures of others: see validate.h.  Runs on the signing side; what it is given comes from the
 * network. */
#include "dns/validate.h"

#include <string.h>
#include "base/period.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"

#define KEY_PROTOCOL 3 /* RFC 4034 2.1.2 */

enum fault { /* the further a signature got, the more its fault says */
	FAULT_NONE,
	FAULT_UNSIGNED,
	FAULT_BROKEN,
	FAULT_FOREIGN,
	FAULT_KEY,
	FAULT_TIME,
	FAULT_WRONG,
	FAULT_TRIES
};

struct check { /* of one set */
	const struct rrset *set;
	const uint8_t *zone;
	int64_t now;
	unsigned tries; /* so far */
	struct verifier_scratch *scratch;
	struct buf message;
	enum fault fault;
	struct err why;
	struct validated result;
};

static struct check check_of(const struct rrset *set, const uint8_t *zone, int64_t now)
{
	struct check c = {.set = set, .zone = zone, .now = now};

	c.scratch = verifier_scratch_new();
	return c;
}

static void check_free(struct check *c)
{
	verifier_scratch_free(c->scratch);
	buf_free(&c->message);
}

/* Where the words of a fault go: nowhere when a better one is known. */
static struct err *words(struct check *c, enum fault fault)
{
	if (fault < c->fault)
		return NULL;
	c->fault = fault;
	return &c->why;
}

/* Seconds from now to a time of 32 bits (RFC 4034 3.1.5, RFC 1982). */
static int64_t seconds_to(const struct check *c, uint32_t time)
{
	return (int32_t)(time - (uint32_t)c->now);
}

static bool is_in_time(struct check *c, const struct rrsig *sig)
{
	char at[TIME_TEXT_SIZE];

	if (seconds_to(c, sig->inception) > 0) {
		time_text(c->now + seconds_to(c, sig->inception), at);
		err_set(words(c, FAULT_TIME), ERR_VERIFY,
		    "its signature by key %u begins only at %s", sig->key_tag, at);
		return false;
	}
	if (seconds_to(c, sig->expiration) < 0) {
		time_text(c->now + seconds_to(c, sig->expiration), at);
		err_set(words(c, FAULT_TIME), ERR_VERIFY, "its signature by key %u expired at %s",
		    sig->key_tag, at);
		return false;
	}
	return true;
}

static unsigned labels_of(const uint8_t *owner)
{
	return name_labels(owner) - name_is_wildcard(owner);
}

/* RFC 4035 5.3.1, as far as it needs no key. */
static bool is_usable(struct check *c, const struct rrsig *sig)
{
	char signer[NAME_TEXT_SIZE], zone[NAME_TEXT_SIZE];

	if (!name_equal(sig->signer, c->zone)) {
		name_text(sig->signer, signer);
		name_text(c->zone, zone);
		err_set(words(c, FAULT_FOREIGN), ERR_VERIFY,
		    "it is signed by the zone %.120s and not by %.120s", signer, zone);
		return false;
	}
	if (sig->covered != c->set->type || sig->labels > labels_of(c->set->owner)) {
		err_set(words(c, FAULT_BROKEN), ERR_VERIFY, "its signature is of another name");
		return false;
	}
	return is_in_time(c, sig);
}

/* What was signed: the owner is a wildcard when it has more labels than the signature says
 * (RFC 4035 5.3.2). */
static void make_message(struct check *c, const uint8_t *rdata, const struct rrsig *sig)
{
	uint8_t prefix[RRSIG_SIGNER_AT + NAME_MAX_LEN], wildcard[NAME_MAX_LEN] = {1, '*'};
	struct rrset set = *c->set;
	const uint8_t *rest = set.owner;

	memcpy(prefix, rdata, sig->prefix_len);
	name_lower(prefix + RRSIG_SIGNER_AT);
	if (sig->labels < labels_of(set.owner)) {
		for (unsigned i = name_labels(rest); i > sig->labels; i--)
			rest = name_parent(rest);
		memcpy(wildcard + 2, rest, name_len(rest));
		set.owner = wildcard;
	}
	buf_reset(&c->message);
	rrsig_message(&set, prefix, sig->prefix_len, &c->message);
}

/* With a large RSA exponent one check would cost as much as a thousand. */
static bool is_affordable(const uint8_t *key, uint16_t len)
{
	if (len > DNSKEY_RDATA_MAX)
		return false;
	return (key[3] != ALG_RSASHA256 && key[3] != ALG_RSASHA512) || (key[4] > 0 && key[4] <= 5);
}

/* May it verify zone data (RFC 4034 2.1.1, RFC 5011 2.1), and does the signature mean it? */
static bool is_key_of(const uint8_t *key, uint16_t len, const struct rrsig *sig)
{
	return len > 4 && is_affordable(key, len) && (load_u16(key) & DNSKEY_FLAG_ZONE) &&
	       !(load_u16(key) & DNSKEY_FLAG_REVOKE) && key[2] == KEY_PROTOCOL &&
	       key[3] == sig->algorithm && dnskey_tag(key, len) == sig->key_tag;
}

static bool holds(struct check *c, const uint8_t *key, uint16_t len, const uint8_t *rdata,
    const struct rrsig *sig)
{
	struct verifier *v;
	int code;

	if (c->tries == VALIDATE_TRIES_MAX) {
		err_set(words(c, FAULT_TRIES), ERR_VERIFY,
		    "none of %d of its signatures holds, and more are not tried",
		    VALIDATE_TRIES_MAX);
		return false;
	}
	c->tries++;
	v = verifier_new(key, len, words(c, FAULT_KEY));
	if (v == NULL)
		return false;
	make_message(c, rdata, sig);
	code = c->message.failed ? ERR_LIMIT
				 : verifier_check(v, c->scratch, c->message.data, c->message.len,
				       sig->signature, sig->signature_len);
	verifier_free(v);
	if (code != OK) {
		err_set(words(c, FAULT_WRONG), ERR_VERIFY, "its signature by key %u does not hold",
		    sig->key_tag);
		return false;
	}
	c->result = (struct validated){.until = c->now + seconds_to(c, sig->expiration),
	    .labels = sig->labels,
	    .is_expanded = sig->labels < labels_of(c->set->owner)};
	return true;
}

/* One of the keys has made that signature, and it holds. */
static bool is_made_by(
    struct check *c, const struct rrset *keys, const uint8_t *rdata, uint16_t len)
{
	struct rrsig sig;
	const uint8_t *p = keys->rdata;
	uint16_t key_len;
	bool has_key = false;

	if (rrsig_parse(rdata, len, &sig) != OK) {
		err_set(words(c, FAULT_BROKEN), ERR_VERIFY, "its signature is malformed");
		return false;
	}
	if (!is_usable(c, &sig))
		return false;
	for (unsigned i = 0; i < keys->count; i++) {
		const uint8_t *key = rrset_next(&p, &key_len);

		if (!is_key_of(key, key_len, &sig))
			continue;
		has_key = true;
		if (holds(c, key, key_len, rdata, &sig))
			return true;
	}
	if (!has_key)
		err_set(words(c, FAULT_KEY), ERR_VERIFY,
		    "it is signed by key %u, which is not among those that count", sig.key_tag);
	return false;
}

static bool is_signed(struct check *c, const struct rrset *keys)
{
	const uint8_t *p = c->set->sigdata;
	uint16_t len;

	if (c->set->sigs == 0)
		err_set(words(c, FAULT_UNSIGNED), ERR_VERIFY, "it is not signed");
	for (unsigned i = 0; i < c->set->sigs && c->fault != FAULT_TRIES; i++) {
		const uint8_t *rdata = rrset_next(&p, &len);

		if (is_made_by(c, keys, rdata, len))
			return true;
	}
	return false;
}

int validate_rrset(const struct rrset *set, const uint8_t *zone, const struct rrset *keys,
    int64_t now, struct validated *out, struct err *e)
{
	struct check c;
	int code = OK;

	if (!name_is_at_or_below(set->owner, zone))
		return err_set(e, ERR_VERIFY, "it is not in the zone");
	c = check_of(set, zone, now);
	if (is_signed(&c, keys))
		*out = c.result;
	else
		code = err_set(e, ERR_VERIFY, "%s", c.why.text);
	check_free(&c);
	return code;
}

/* By DS */

struct ds {
	const uint8_t *rdata;
	uint16_t len;
	bool is_known; /* its algorithm and its digest */
	bool is_sha1;
};

static struct ds ds_next(const uint8_t **p)
{
	struct ds ds;
	uint8_t type;

	ds.rdata = rrset_next(p, &ds.len);
	type = ds.len < 5 ? 0 : ds.rdata[3];
	ds.is_sha1 = type == 1;
	ds.is_known =
	    (type == 1 || type == 2 || type == 4) && dnskey_algorithm_name(ds.rdata[2]) != NULL;
	return ds;
}

/* How many can be used; is one of them better than SHA-1? */
static unsigned count_known(const struct rrset *set, bool *has_better)
{
	const uint8_t *p = set->rdata;
	unsigned known = 0;

	*has_better = false;
	for (unsigned i = 0; i < set->count; i++) {
		struct ds ds = ds_next(&p);

		known += ds.is_known;
		*has_better = *has_better || (ds.is_known && !ds.is_sha1);
	}
	return known;
}

bool validate_knows_ds(const struct rrset *ds)
{
	bool has_better;

	return count_known(ds, &has_better) > 0;
}

static bool is_digest_of(
    const struct ds *ds, const uint8_t *owner, const uint8_t *key, uint16_t len)
{
	struct buf made = {0};
	bool is_equal = dnskey_ds(owner, key, len, ds->rdata[3], &made) == OK && !made.failed &&
			made.len == ds->len && memcmp(made.data, ds->rdata, made.len) == 0;

	buf_free(&made);
	return is_equal;
}

/* A key that the DS means has signed the set. */
static bool is_signed_under(struct check *c, const struct ds *ds, unsigned *digests)
{
	const uint8_t *p = c->set->rdata;
	struct rrset one = *c->set;
	uint16_t len;

	one.count = 1;
	for (unsigned i = 0; i < c->set->count; i++) {
		const uint8_t *item = p, *key = rrset_next(&p, &len);

		if (len <= 4 || key[3] != ds->rdata[2] ||
		    dnskey_tag(key, len) != load_u16(ds->rdata) ||
		    (*digests)++ >= VALIDATE_DIGESTS_MAX ||
		    !is_digest_of(ds, c->set->owner, key, len))
			continue;
		one.rdata = item;
		one.rdata_len = 2u + len;
		if (is_signed(c, &one))
			return true;
	}
	return false;
}

enum validity validate_keys(const struct rrset *keys, const struct rrset *set, int64_t now,
    struct validated *out, struct err *e)
{
	struct check c;
	const uint8_t *p = set->rdata;
	unsigned digests = 0;
	bool is_valid = false, has_better;

	if (count_known(set, &has_better) == 0) {
		err_set(e, ERR_MISSING,
		    "its DS are all of algorithms or digests that are not known here");
		return VALIDITY_INSECURE;
	}
	c = check_of(keys, keys->owner, now);
	err_set(&c.why, ERR_VERIFY, "no DNSKEY is the one of a DS");
	for (unsigned i = 0; i < set->count && !is_valid; i++) {
		struct ds ds = ds_next(&p);

		/* RFC 4509 3: a SHA-1 beside a better one does not count. */
		if (ds.is_known && !(ds.is_sha1 && has_better))
			is_valid = is_signed_under(&c, &ds, &digests);
	}
	if (is_valid)
		*out = c.result;
	else
		err_set(e, ERR_VERIFY, "%s", c.why.text);
	check_free(&c);
	return is_valid ? VALIDITY_SECURE : VALIDITY_BOGUS;
}
