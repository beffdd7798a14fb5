/* The judge looks at one RRset of a name: may it be there, is it what it must be, what does it add
 * to the sums?  What the name as a whole must have is check_name.c's. */
#include "sign/check_state.h"

#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonemd.h"
#include "sign/digest.h"

int check_input(struct check *c, const uint8_t *packed, const struct rrset *set, uint32_t serial,
    check_digest_fn *digest)
{
	size_t len = (size_t)(set->rdata + set->rdata_len - packed);

	buf_reset(&c->value);
	buf_put(&c->value, packed, len);
	if (c->value.failed)
		return ERR_LIMIT;
	if (set->type == RR_SOA && set->count == 1)
		soa_set_serial(
		    c->value.data + (len - set->rdata_len) + 2, set->rdata_len - 2, serial);
	digest(c->input_digest, c->value.data, len);
	return OK;
}

static int note_soa(struct check *c, const struct rrset *set, struct err *e)
{
	struct soa soa;

	if (!check_is_apex(c) || set->count != 1 ||
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

/* Of another version, it would be wrong whatever its digest. */
static int note_zonemd(const struct check *c, const struct rrset *set, struct err *e)
{
	struct zonemd_fields f;

	if (set->count != 1 || zonemd_parse(set->rdata + 2, set->rdata_len - 2, &f) != OK ||
	    f.serial != c->head.serial_out)
		return check_fault(
		    c, e, set->owner, RR_ZONEMD, "it is not one of this version's serial");
	return OK;
}

static int note_special(struct check *c, const struct rrset *set, struct err *e)
{
	if (c->is_unsigned && rrtype_is_stripped(set->type, check_is_apex(c)))
		return check_fault(
		    c, e, set->owner, set->type, "it has no place in an unsigned zone");
	switch (set->type) {
	case RR_SOA:
		return note_soa(c, set, e);
	case RR_NSEC:
		return note_nsec(c, set, e);
	case RR_DNSKEY:
		return check_is_apex(c) ? note_dnskeys(c, set, e) : OK;
	case RR_CDS:
	case RR_CDNSKEY:
		return check_is_apex(c) ? check_key_set(c, set, e) : OK;
	case RR_NSEC3PARAM:
		return check_is_apex(c) ? note_nsec3param(c, set, e) : OK;
	case RR_ZONEMD:
		return check_is_apex(c) ? note_zonemd(c, set, e) : OK;
	case RR_NSEC3:
	case RR_RRSIG:
		return check_fault(c, e, set->owner, set->type, "it has no place here");
	default:
		return OK;
	}
}

void check_begin(struct check *c, const uint8_t *key, size_t len)
{
	c->has_name = true;
	c->has_nsec = false;
	c->set_count = 0;
	memcpy(c->key, key, len);
	c->key_len = len;
}

/* Does the RRset belong where it lies? */
static int check_owner(struct check *c, const struct rrset *set, struct err *e)
{
	uint8_t key[NAME_KEY_MAX];
	size_t len;

	if (c->set_count > 0)
		return name_equal(set->owner, c->owner) ? OK
							: check_fault(c, e, set->owner, set->type,
							      "it is stored under another name");
	len = name_key(set->owner, key);
	if (len != c->key_len || memcmp(key, c->key, len) != 0)
		return check_fault(c, e, set->owner, set->type, "it is stored under another name");
	if (!name_is_at_or_below(set->owner, c->head.apex))
		return check_fault(c, e, set->owner, set->type, "it is outside the zone");
	memcpy(c->owner, set->owner, name_len(set->owner));
	return OK;
}

void check_count(struct check *c, const struct rrset *set)
{
	c->rrsets++;
	c->records += set->count;
	c->ttl_max = set->ttl > c->ttl_max ? set->ttl : c->ttl_max;
}

int check_rrset(struct check *c, const struct walk *w, struct err *e)
{
	struct check_set *s;
	struct rrset set;
	int rc;

	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.type != w->type ||
	    set.count == 0)
		return check_fault(c, e, c->head.apex, w->type, "a stored value is damaged");
	rc = check_owner(c, &set, e);
	if (rc != OK)
		return rc;
	if (c->set_count == c->set_cap) {
		c->set_cap = c->set_cap == 0 ? 16 : c->set_cap * 2;
		c->sets = mem_grow(c->sets, c->set_cap, sizeof(c->sets[0]));
	}
	s = &c->sets[c->set_count++];
	memset(s, 0, sizeof(*s));
	s->type = set.type;
	check_count(c, &set);
	rc = note_special(c, &set, e);
	if (rc == OK)
		rc = check_signatures(c, &set, s, e);
	if (rc != OK || rrtype_is_stripped(set.type, check_is_apex(c)))
		return rc;
	c->input_records += set.count;
	rc = check_input(c, w->packed, &set, c->head.serial_in, digest_add);
	return rc == OK ? OK : err_set(e, rc, "checking the signed zone: out of memory");
}
