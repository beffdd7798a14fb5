/* The judge looks at all that a name has: what must be signed and what must not, and what its NSEC
 * or NSEC3 must say (RFC 4035 section 2, RFC 6672 section 2.4 for DNAME). */
#include "sign/check_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

static bool has_type(const struct check *c, uint16_t type)
{
	for (unsigned i = 0; i < c->set_count; i++) {
		if (c->sets[i].type == type)
			return true;
	}
	return false;
}

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

static bool is_insecure(const struct check *c, bool is_delegation)
{
	return is_delegation && !has_type(c, RR_DS);
}

/* The type bitmap of the name's NSEC or NSEC3, into c->value. */
static int make_bitmap(struct check *c, bool is_delegation, struct err *e)
{
	uint16_t *types = mem_array(c->set_count + 2, sizeof(types[0]));
	size_t count = own_types(c, is_delegation, types);

	if (c->head.denial == DENIAL_NSEC)
		types[count++] = RR_NSEC;
	if (c->head.denial == DENIAL_NSEC || !is_insecure(c, is_delegation))
		types[count++] = RR_RRSIG;
	qsort(types, count, sizeof(types[0]), compare_types);
	buf_reset(&c->value);
	nsec_bitmap(types, count, &c->value);
	free(types);
	return c->value.failed ? err_set(e, ERR_LIMIT, "checking the signed zone: out of memory")
			       : OK;
}

/* The name's NSEC, but for where it leads: that is left in c->next. */
static int check_nsec(struct check *c, bool is_delegation, struct err *e)
{
	size_t next_len = c->has_nsec ? name_check(c->nsec.data, c->nsec.len) : 0;
	int rc;

	if (!c->has_nsec)
		return check_fault(c, e, c->owner, RR_NSEC, "it is missing");
	if (next_len == 0)
		return check_fault(c, e, c->owner, RR_NSEC, "it is malformed");
	c->has_next = true;
	c->next_len = name_key(c->nsec.data, c->next);
	rc = make_bitmap(c, is_delegation, e);
	if (rc != OK)
		return rc;
	if (c->value.len != c->nsec.len - next_len ||
	    memcmp(c->value.data, c->nsec.data + next_len, c->value.len) != 0)
		return check_fault(c, e, c->owner, RR_NSEC,
		    "its type bitmap is not that of the types at the name");
	return OK;
}

bool check_is_cut(const struct check *c)
{
	return (!check_is_apex(c) && has_type(c, RR_NS)) || has_type(c, RR_DNAME);
}

int check_name_at(struct check *c, bool is_hidden, struct check_denial *out, struct err *e)
{
	bool is_delegation = !is_hidden && !check_is_apex(c) && has_type(c, RR_NS);
	int rc = check_is_apex(c) ? check_apex(c, e) : OK;

	out->has_nsec3 = false;
	if (rc == OK)
		rc = check_signing(c, is_hidden, is_delegation, e);
	if (rc == OK && is_hidden && c->has_nsec)
		rc = check_fault(c, e, c->owner, RR_NSEC, "it stands at a name below a zone cut");
	if (rc != OK || is_hidden || c->is_unsigned)
		return rc;
	if (c->head.denial == DENIAL_NSEC)
		return check_nsec(c, is_delegation, e);
	/* RFC 5155 section 7.1 */
	if (c->head.denial == DENIAL_NSEC3_OPT_OUT && is_insecure(c, is_delegation))
		return OK;
	rc = make_bitmap(c, is_delegation, e);
	out->has_nsec3 = rc == OK;
	out->bitmap = check_bitmap_hash(c->value.data, c->value.len);
	return rc;
}

/* In a walk over the whole zone: what is below a delegation or a DNAME is hidden until the walk
 * leaves it, and the NSEC of each name leads to the next. */
int check_name(struct check *c, struct err *e)
{
	bool is_hidden =
	    c->has_cut && c->key_len > c->cut_len && memcmp(c->key, c->cut, c->cut_len) == 0;
	struct check_denial denial;
	int rc;

	if (!c->has_name)
		return OK;
	if (!is_hidden) {
		c->has_cut = check_is_cut(c);
		c->cut_len = c->key_len;
		memcpy(c->cut, c->key, c->key_len);
	}
	if (!is_hidden && c->has_next &&
	    (c->next_len != c->key_len || memcmp(c->next, c->key, c->key_len) != 0))
		return check_fault(c, e, c->owner, RR_NSEC,
		    "the NSEC of the name before leads elsewhere and not here");
	rc = check_name_at(c, is_hidden, &denial, e);
	if (rc == OK && denial.has_nsec3)
		check_expect_nsec3(c, denial.bitmap);
	return rc;
}
