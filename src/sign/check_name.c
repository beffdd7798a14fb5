/* The judge looks at the RRsets of one name: what may be there, what must be signed and what must
 * not, and what its NSEC must say (RFC 4035 section 2, RFC 6672 section 2.4 for DNAME). */
#include "sign/check_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/digest.h"

static bool is_apex(const struct check *c)
{
	return c->key_len == c->apex_key_len;
}

static bool has_type(const struct check *c, uint16_t type)
{
	for (unsigned i = 0; i < c->set_count; i++) {
		if (c->sets[i].type == type)
			return true;
	}
	return false;
}

/* Adding up: what the source sent, what was written. */

static int add_input(struct check *c, const struct walk *w, const struct rrset *set)
{
	size_t len = (size_t)(set->rdata + set->rdata_len - w->packed);

	c->input_records += set->count;
	buf_reset(&c->value);
	buf_put(&c->value, w->packed, len);
	if (c->value.failed)
		return ERR_LIMIT;
	if (set->type == RR_SOA && set->count == 1)
		soa_set_serial(c->value.data + (len - set->rdata_len) + 2, set->rdata_len - 2,
		    c->head.serial_in);
	digest_add(c->input_digest, c->value.data, len);
	return OK;
}

static int note_soa(struct check *c, const struct rrset *set, struct err *e)
{
	struct soa soa;

	if (!is_apex(c) || set->count != 1 ||
	    soa_parse(set->rdata + 2, set->rdata_len - 2, &soa) != OK)
		return check_fault(
		    c, e, set->owner, RR_SOA, "it is no single sound SOA at the apex");
	if (soa.serial != c->head.serial_out)
		return check_fault(c, e, set->owner, RR_SOA, "its serial is %u and should be %u",
		    soa.serial, c->head.serial_out);
	c->denial_ttl = set->ttl < soa.minimum ? set->ttl : soa.minimum;
	return OK;
}

static int note_dnskeys(struct check *c, const struct rrset *set, struct err *e)
{
	const uint8_t *p = set->rdata;

	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		if (len < 4 || c->dnskey_count == CHECK_DNSKEYS_MAX)
			return check_fault(c, e, set->owner, RR_DNSKEY, "it is malformed");
		c->dnskeys[c->dnskey_count].tag = dnskey_tag(rdata, len);
		c->dnskeys[c->dnskey_count++].algorithm = rdata[3];
		c->algorithms |= 1U << (rdata[3] & 31);
	}
	return check_key_set(c, set, e);
}

static int note_nsec3param(const struct check *c, const struct rrset *set, struct err *e)
{
	const struct nsec3_params *p = &c->head.nsec3;
	const uint8_t *d = set->rdata + 2;

	if (!denial_is_nsec3(c->head.denial))
		return check_fault(
		    c, e, set->owner, set->type, "it does not belong to NSEC or an unsigned zone");
	if (set->count != 1 || set->rdata_len != 7U + p->salt_len || d[0] != 1 || d[1] != 0 ||
	    load_u16(d + 2) != p->iterations || d[4] != p->salt_len ||
	    memcmp(d + 5, p->salt, p->salt_len) != 0)
		return check_fault(
		    c, e, set->owner, set->type, "its parameters are not those of the chain");
	return OK;
}

static int note_nsec(struct check *c, const struct rrset *set, struct err *e)
{
	if (c->head.denial != DENIAL_NSEC)
		return check_fault(
		    c, e, set->owner, RR_NSEC, "it does not belong to NSEC3 or an unsigned zone");
	if (set->count != 1 || set->ttl != c->denial_ttl)
		return check_fault(c, e, set->owner, RR_NSEC,
		    "there are %u of TTL %u; there should be one of TTL %u (RFC 9077)", set->count,
		    set->ttl, c->denial_ttl);
	c->has_nsec = true;
	buf_reset(&c->nsec);
	buf_put(&c->nsec, set->rdata + 2, set->rdata_len - 2);
	return OK;
}

static int note_special(struct check *c, const struct rrset *set, struct err *e)
{
	if (c->is_unsigned && rrtype_is_stripped(set->type, is_apex(c)))
		return check_fault(
		    c, e, set->owner, set->type, "it has no place in an unsigned zone");
	switch (set->type) {
	case RR_SOA:
		return note_soa(c, set, e);
	case RR_NSEC:
		return note_nsec(c, set, e);
	case RR_DNSKEY:
		return is_apex(c) ? note_dnskeys(c, set, e) : OK;
	case RR_CDS:
	case RR_CDNSKEY:
		return is_apex(c) ? check_key_set(c, set, e) : OK;
	case RR_NSEC3PARAM:
		return is_apex(c) ? note_nsec3param(c, set, e) : OK;
	case RR_NSEC3:
	case RR_RRSIG:
		return check_fault(c, e, set->owner, set->type, "it has no place here");
	default:
		return OK;
	}
}

static int begin_name(struct check *c, const struct walk *w, const struct rrset *set, struct err *e)
{
	uint8_t key[NAME_KEY_MAX];
	size_t len = name_key(set->owner, key);
	int rc = check_name(c, e);

	if (rc != OK)
		return rc;
	if (len != w->key_len || memcmp(key, w->key, len) != 0)
		return check_fault(c, e, set->owner, set->type, "it is stored under another name");
	if (!name_is_at_or_below(set->owner, c->head.apex))
		return check_fault(c, e, set->owner, set->type, "it is outside the zone");
	c->has_name = true;
	c->has_nsec = false;
	c->set_count = 0;
	memcpy(c->key, key, len);
	c->key_len = len;
	memcpy(c->owner, set->owner, name_len(set->owner));
	return OK;
}

int check_rrset(struct check *c, const struct walk *w, struct err *e)
{
	struct check_set *s;
	struct rrset set;
	int rc = OK;

	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.type != w->type ||
	    set.count == 0)
		return check_fault(c, e, c->head.apex, w->type, "a stored value is damaged");
	if (!c->has_name || w->key_len != c->key_len || memcmp(w->key, c->key, w->key_len) != 0)
		rc = begin_name(c, w, &set, e);
	if (rc != OK)
		return rc;
	if (c->set_count == c->set_cap) {
		c->set_cap = c->set_cap == 0 ? 16 : c->set_cap * 2;
		c->sets = mem_grow(c->sets, c->set_cap, sizeof(c->sets[0]));
	}
	s = &c->sets[c->set_count++];
	memset(s, 0, sizeof(*s));
	s->type = set.type;
	c->rrsets++;
	c->records += set.count;
	rc = note_special(c, &set, e);
	if (rc == OK)
		rc = check_signatures(c, &set, s, e);
	if (rc == OK && !rrtype_is_stripped(set.type, is_apex(c)) && add_input(c, w, &set) != OK)
		rc = err_set(e, ERR_LIMIT, "checking the signed zone: out of memory");
	return rc;
}

/* All of the name is there: judge it. */

static int check_apex(struct check *c, struct err *e)
{
	static const uint16_t needed[] = {RR_SOA, RR_NS, RR_DNSKEY};

	c->seen_apex = true;
	for (size_t i = 0; i < MEM_COUNT(needed); i++) {
		if (!has_type(c, needed[i]) && !(c->is_unsigned && needed[i] == RR_DNSKEY))
			return check_fault(c, e, c->owner, needed[i], "it is missing at the apex");
	}
	if (denial_is_nsec3(c->head.denial) && !has_type(c, RR_NSEC3PARAM))
		return check_fault(c, e, c->owner, RR_NSEC3PARAM, "it is missing at the apex");
	return check_key_sets_end(c, e);
}

static int check_signing(const struct check *c, bool is_hidden, bool is_delegation, struct err *e)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < c->set_count; i++) {
		const struct check_set *s = &c->sets[i];
		bool parents = s->type == RR_DS || s->type == RR_NSEC;

		if (is_hidden || c->is_unsigned || (is_delegation && !parents)) {
			if (s->sigs > 0)
				rc = check_fault(c, e, c->owner, s->type,
				    c->is_unsigned
					? "it is signed, and the zone is unsigned"
					: "it is signed, and is not this zone's to sign");
		} else {
			rc = check_signed(c, c->owner, s, e);
		}
	}
	return rc;
}

/* The types that the denial record of this name must show, without RRSIG and NSEC. */
static size_t own_types(const struct check *c, bool is_delegation, uint16_t *types)
{
	size_t count = 0;

	for (unsigned i = 0; i < c->set_count; i++) {
		uint16_t type = c->sets[i].type;

		if (type != RR_NSEC && (!is_delegation || type == RR_NS || type == RR_DS))
			types[count++] = type;
	}
	return count;
}

static int compare_types(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int check_nsec(struct check *c, uint16_t *types, size_t count, struct err *e)
{
	size_t next_len = c->has_nsec ? name_check(c->nsec.data, c->nsec.len) : 0;

	if (!c->has_nsec)
		return check_fault(c, e, c->owner, RR_NSEC, "it is missing");
	if (c->has_next && (c->next_len != c->key_len || memcmp(c->next, c->key, c->key_len) != 0))
		return check_fault(c, e, c->owner, RR_NSEC,
		    "the NSEC of the name before leads elsewhere and not here");
	if (next_len == 0)
		return check_fault(c, e, c->owner, RR_NSEC, "it is malformed");
	c->has_next = true;
	c->next_len = name_key(c->nsec.data, c->next);
	types[count++] = RR_RRSIG;
	types[count++] = RR_NSEC;
	qsort(types, count, sizeof(types[0]), compare_types);
	buf_reset(&c->value);
	nsec_bitmap(types, count, &c->value);
	if (c->value.len != c->nsec.len - next_len ||
	    memcmp(c->value.data, c->nsec.data + next_len, c->value.len) != 0)
		return check_fault(c, e, c->owner, RR_NSEC,
		    "its type bitmap is not that of the types at the name");
	return OK;
}

static int check_denial(struct check *c, bool is_delegation, struct err *e)
{
	uint16_t *types = mem_array(c->set_count + 2, sizeof(types[0]));
	size_t count = own_types(c, is_delegation, types);
	bool is_insecure = is_delegation && !has_type(c, RR_DS);
	int rc = OK;

	if (c->head.denial == DENIAL_NSEC) {
		rc = check_nsec(c, types, count, e);
	} else if (!is_insecure || c->head.denial != DENIAL_NSEC3_OPT_OUT) {
		if (!is_insecure)
			types[count++] = RR_RRSIG;
		qsort(types, count, sizeof(types[0]), compare_types);
		rc = check_expect_nsec3(c, types, count);
		if (rc != OK)
			err_set(e, rc, "checking the signed zone: out of memory");
	}
	free(types);
	return rc;
}

int check_name(struct check *c, struct err *e)
{
	bool is_hidden =
	    c->has_cut && c->key_len > c->cut_len && memcmp(c->key, c->cut, c->cut_len) == 0;
	bool is_delegation = !is_hidden && !is_apex(c) && has_type(c, RR_NS);
	int rc = OK;

	if (!c->has_name)
		return OK;
	if (!is_hidden) {
		c->has_cut = is_delegation || has_type(c, RR_DNAME);
		c->cut_len = c->key_len;
		memcpy(c->cut, c->key, c->key_len);
	}
	if (is_apex(c))
		rc = check_apex(c, e);
	if (rc == OK)
		rc = check_signing(c, is_hidden, is_delegation, e);
	if (rc == OK && is_hidden && c->has_nsec)
		rc = check_fault(c, e, c->owner, RR_NSEC, "it stands at a name below a zone cut");
	if (rc == OK && !is_hidden && !c->is_unsigned)
		rc = check_denial(c, is_delegation, e);
	return rc;
}
