/* The judge's frame: what it is handed, what it adds up, and sign_check.  See check.h. */
#include "sign/check_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/sign.h"
#include "sign/zonemd.h"

int check_fault(
    const struct check *c, struct err *e, const uint8_t *owner, uint16_t type, const char *fmt, ...)
{
	char zone[NAME_TEXT_SIZE], name[NAME_TEXT_SIZE], text[RRTYPE_TEXT_SIZE] = "", why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	name_text(c->head.apex, zone);
	name_text(owner, name);
	if (type != 0)
		rrtype_text(type, text);
	return err_set(
	    e, ERR_VERIFY, "checking the signed zone %.100s: %.140s %s: %s", zone, name, text, why);
}

struct check *check_new(const struct zone_head *h, int64_t now, int64_t min_life)
{
	struct check *c = mem_alloc(sizeof(*c));

	c->head = *h;
	c->now = now;
	c->min_life = min_life;
	c->is_unsigned = h->denial == DENIAL_NONE;
	c->is_mixed = h->has_walk;
	c->apex_key_len = name_key(h->apex, c->apex_key);
	return c;
}

void check_use_head(struct check *c, const struct zone_head *h)
{
	c->head = *h;
}

void check_free(struct check *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->verifier_count; i++)
		verifier_free(c->verifiers[i]);
	if (c->scratch != NULL)
		verifier_scratch_free(c->scratch);
	buf_free(&c->message);
	buf_free(&c->value);
	buf_free(&c->nsec);
	free(c->sets);
	free(c->links);
	free(c);
}

static int add_verifier(struct check *c, const uint8_t *dnskey, size_t len, struct err *e)
{
	struct verifier *v;

	if (c->verifier_count == CHECK_DNSKEYS_MAX)
		return OK;
	v = verifier_new(dnskey, len, e);
	if (v == NULL)
		return ERR_CRYPTO;
	c->verifiers[c->verifier_count++] = v;
	return OK;
}

int check_use_crypto(struct check *c, const struct rrset *dnskeys, struct err *e)
{
	const uint8_t *p = dnskeys->rdata;
	int rc = OK;

	c->has_crypto = true;
	c->scratch = verifier_scratch_new();
	for (unsigned i = 0; rc == OK && i < dnskeys->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		rc = add_verifier(c, rdata, len, e);
	}
	return rc;
}

int check_use_crypto_of(struct check *c, const struct keyset *keys, struct err *e)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < keys->count; i++) {
		const struct keyset_key *k = &keys->keys[i];

		if (!k->in_set && (k->signs_set || k->signs_zone))
			rc = add_verifier(c, k->dnskey, k->dnskey_len, e);
	}
	return rc;
}

int check_item(struct check *c, const struct walk *w, struct err *e)
{
	int rc = OK;

	if (w->is_nsec3)
		return check_nsec3(c, w, e);
	if (!c->has_name || w->key_len != c->key_len || memcmp(w->key, c->key, w->key_len) != 0) {
		rc = check_name(c, e);
		check_begin(c, w->key, w->key_len);
	}
	return rc == OK ? check_rrset(c, w, e) : rc;
}

int check_names_end(struct check *c, struct err *e)
{
	int rc = check_name(c, e);

	if (rc != OK)
		return rc;
	if (!c->seen_apex)
		return check_fault(c, e, c->head.apex, 0, "there is nothing at the apex");
	if (c->head.denial == DENIAL_NSEC &&
	    (c->next_len != c->apex_key_len || memcmp(c->next, c->apex_key, c->next_len) != 0))
		return check_fault(c, e, c->head.apex, RR_NSEC,
		    "the last NSEC of the zone does not lead back to the apex");
	return OK;
}

static int check_sum(
    const struct check *c, const char *what, uint64_t found, uint64_t said, struct err *e)
{
	if (found == said)
		return OK;
	return check_fault(c, e, c->head.apex, 0, "it has %llu %s where %llu were written",
	    (unsigned long long)found, what, (unsigned long long)said);
}

int check_sums(const struct check *c, struct err *e)
{
	const struct zone_head *h = &c->head;
	int rc = check_sum(c, "RRsets", c->rrsets, h->rrsets, e);

	if (rc == OK)
		rc = check_sum(c, "records", c->records, h->records, e);
	if (rc == OK)
		rc = check_sum(c, "signatures", c->signatures, h->signatures, e);
	if (rc == OK)
		rc = check_sum(c, "records of the source", c->input_records, h->input_records, e);
	for (unsigned i = 0; rc == OK && i < h->key_count; i++)
		rc = check_sum(
		    c, "signatures of one key", c->key_signatures[i], h->keys[i].signatures, e);
	/* The index that the head goes by may be too early, and never too late. */
	if (rc == OK &&
	    (c->expiry_first < h->expiry_first || (h->expiry_first == 0) != (c->expiry_first == 0)))
		rc = check_fault(c, e, h->apex, 0,
		    "its first signature expires at %lld, and its head says %lld",
		    (long long)c->expiry_first, (long long)h->expiry_first);
	if (rc == OK && c->ttl_max > h->ttl_max)
		rc = check_fault(c, e, h->apex, 0,
		    "it has a TTL of %u, and its head knows of none longer than %u", c->ttl_max,
		    h->ttl_max);
	if (rc == OK && memcmp(c->input_digest, h->input_digest, sizeof(c->input_digest)) != 0)
		rc = check_fault(
		    c, e, h->apex, 0, "without its DNSSEC records it is not what the source sent");
	return rc;
}

int check_end(struct check *c, struct err *e)
{
	if (c->link_at != c->link_count)
		return check_fault(c, e, c->head.apex, RR_NSEC3,
		    "its NSEC3 chain has %llu records and needs %llu",
		    (unsigned long long)c->link_at, (unsigned long long)c->link_count);
	return check_sums(c, e);
}

/* The whole of a version through a check. */
static int check_walk(struct check *c, struct walk *w, struct err *e)
{
	bool in_names = true;
	int rc = OK;

	for (;;) {
		int more = walk_next(w);

		if (more != OK && more != ERR_MISSING)
			return err_set(e, more, "reading the signed zone: %s", err_name(more));
		if (in_names && (more == ERR_MISSING || w->is_nsec3)) {
			rc = check_names_end(c, e);
			check_sort(c);
			in_names = false;
		}
		if (rc == OK && more == ERR_MISSING)
			return check_end(c, e);
		if (rc == OK)
			rc = check_item(c, w, e);
		if (rc != OK)
			return rc;
	}
}

static int open_crypto(
    struct check *c, struct snapshot *sn, const struct zone_head *h, struct err *e)
{
	const uint8_t *packed;
	struct rrset set;
	size_t len;

	if (snapshot_rrset(sn, h, h->apex, RR_DNSKEY, &packed, &len) != OK ||
	    rrset_unpack(packed, len, &set) != OK)
		return check_fault(c, e, h->apex, RR_DNSKEY, "it is missing");
	return check_use_crypto(c, &set, e);
}

/* The digest that the version has of itself, if it has one. */
static int check_zonemd(struct check *c, struct snapshot *sn, struct err *e)
{
	const struct zone_head *h = &c->head;
	struct zonemd_rows rows[2] = {{0}, {.nsec3 = true}};
	struct zonemd_reading read;
	struct zonemd_fields f;
	const uint8_t *packed;
	struct rrset set;
	size_t len;
	int rc = snapshot_rrset(sn, h, h->apex, RR_ZONEMD, &packed, &len);

	if (rc != OK)
		return OK;
	if (rrset_unpack(packed, len, &set) != OK || set.count != 1 ||
	    zonemd_parse(set.rdata + 2, set.rdata_len - 2, &f) != OK)
		return check_fault(c, e, h->apex, RR_ZONEMD, "it is malformed");
	rc = OK;
	for (unsigned i = 0; rc == OK && i < 2; i++) {
		rc = walk_open(sn, h, &rows[i].walk, e);
		rows[i].is_open = rc == OK;
	}
	if (rc == OK)
		rc = zonemd_read(rows, h->apex, f.hash, &read, e);
	if (rc == OK &&
	    (read.digest_len != f.digest_len || memcmp(read.digest, f.digest, f.digest_len) != 0))
		rc = check_fault(c, e, h->apex, RR_ZONEMD, "it is not the digest of the zone");
	for (unsigned i = 0; i < 2; i++)
		zonemd_rows_close(&rows[i]);
	return rc;
}

static int check_stored(struct store *store, const uint8_t *apex, int64_t now, int64_t min_life,
    bool crypto, const struct keyset *keys, struct err *e)
{
	struct snapshot *sn = NULL;
	struct check *c = NULL;
	struct zone_head h;
	struct walk w;
	int rc = snapshot_open(store, &sn, e);

	if (rc != OK)
		return rc;
	rc = snapshot_head(sn, apex, &h);
	if (rc != OK || h.generation == 0) {
		char zone[NAME_TEXT_SIZE];

		name_text(apex, zone);
		rc = err_set(e, rc == OK ? ERR_MISSING : rc,
		    "checking the signed zone %.200s: there is no signed version of it", zone);
		goto out;
	}
	c = check_new(&h, now, min_life);
	rc = crypto && !c->is_unsigned ? open_crypto(c, sn, &h, e) : OK;
	if (rc == OK && keys != NULL)
		rc = check_use_keys(c, keys, e);
	if (rc == OK && keys != NULL)
		rc = check_use_crypto_of(c, keys, e);
	if (rc == OK)
		rc = walk_open(sn, &h, &w, e);
	if (rc != OK)
		goto out;
	rc = check_walk(c, &w, e);
	walk_close(&w);
	if (rc == OK && crypto)
		rc = check_zonemd(c, sn, e);
out:
	check_free(c);
	snapshot_close(sn);
	return rc;
}

int sign_check(struct store *store, const uint8_t *apex, int64_t now, int64_t min_life, bool crypto,
    struct err *e)
{
	return check_stored(store, apex, now, min_life, crypto, NULL, e);
}

int sign_check_keys(struct store *store, const uint8_t *apex, int64_t now, int64_t min_life,
    const struct keyset *keys, struct err *e)
{
	return check_stored(store, apex, now, min_life, true, keys, e);
}
