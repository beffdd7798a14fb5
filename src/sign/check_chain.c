/* The judge looks at the NSEC3 chain (RFC 5155 section 7.1): while the names go by it notes which
 * hashes must be there and what their bitmaps must be; the records, in hash order, must be just
 * these, each leading to the next. */
#include "sign/check_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

static uint32_t bitmap_hash(const uint8_t *p, size_t len)
{
	uint32_t h = (uint32_t)len * 0x9e3779b1U;

	for (size_t i = 0; i < len; i++)
		h = (h << 5 | h >> 27) ^ (p[i] * 0x85ebca6bU + 1);
	return h;
}

static void add_link(struct check *c, const uint8_t *name, uint32_t bitmap)
{
	struct check_link *l;

	if (c->link_count == c->link_cap) {
		c->link_cap = c->link_cap == 0 ? 256 : c->link_cap + c->link_cap / 2;
		c->links = mem_grow(c->links, c->link_cap, sizeof(c->links[0]));
	}
	l = &c->links[c->link_count++];
	nsec3_hash(&c->head.nsec3, name, l->hash);
	l->bitmap = bitmap;
}

/* How much of the name in hand is also an ancestor of (or is) the last name of the chain. */
static size_t common_ancestor(const struct check *c)
{
	size_t end = c->apex_key_len;

	for (size_t i = 0; i < c->key_len && i < c->last_len && c->key[i] == c->last[i]; i++) {
		if (c->key[i] == 0 && i + 1 > end)
			end = i + 1;
	}
	return end;
}

int check_expect_nsec3(struct check *c, const uint16_t *types, size_t count)
{
	const uint8_t *above = name_parent(c->owner);
	size_t known = common_ancestor(c);
	uint8_t key[NAME_KEY_MAX];

	buf_reset(&c->value);
	nsec_bitmap(types, count, &c->value);
	if (c->value.failed)
		return ERR_LIMIT;
	add_link(c, c->owner, bitmap_hash(c->value.data, c->value.len));
	/* Names between this one and what is known have no data of their own. */
	for (; above != NULL && c->key_len > c->apex_key_len; above = name_parent(above)) {
		if (name_key(above, key) <= known)
			break;
		add_link(c, above, bitmap_hash(NULL, 0));
	}
	memcpy(c->last, c->key, c->key_len);
	c->last_len = c->key_len;
	return OK;
}

static int compare_links(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

void check_sort(struct check *c)
{
	if (c->link_count > 0)
		qsort(c->links, c->link_count, sizeof(c->links[0]), compare_links);
}

static const char *wrong_rdata(const struct check *c, const uint8_t *d, size_t len)
{
	const struct nsec3_params *p = &c->head.nsec3;
	const struct check_link *link = &c->links[c->link_at];
	size_t fixed = 5U + p->salt_len;
	uint8_t flags = c->head.denial == DENIAL_NSEC3_OPT_OUT ? 1 : 0;

	if (len < fixed + 1 + NSEC3_HASH_LEN)
		return "it is too short";
	if (d[0] != 1 || load_u16(d + 2) != p->iterations || d[4] != p->salt_len ||
	    memcmp(d + 5, p->salt, p->salt_len) != 0)
		return "its parameters are not those of the chain";
	if (d[1] != flags)
		return "its opt-out flag is wrong";
	d += fixed;
	len -= fixed + 1 + NSEC3_HASH_LEN;
	if (d[0] != NSEC3_HASH_LEN ||
	    memcmp(d + 1, c->links[(c->link_at + 1) % c->link_count].hash, NSEC3_HASH_LEN) != 0)
		return "it does not lead to the next hash of the chain";
	if (bitmap_hash(d + 1 + NSEC3_HASH_LEN, len) != link->bitmap)
		return "its type bitmap is not that of the types at the name";
	return NULL;
}

static int check_place(
    struct check *c, const struct walk *w, const struct rrset *set, struct err *e)
{
	uint8_t owner[NAME_MAX_LEN];
	const char *wrong;

	if (!denial_is_nsec3(c->head.denial))
		return check_fault(
		    c, e, set->owner, RR_NSEC3, "it does not belong to NSEC or an unsigned zone");
	if (c->link_at >= c->link_count || w->key_len != NSEC3_HASH_LEN ||
	    memcmp(w->key, c->links[c->link_at].hash, NSEC3_HASH_LEN) != 0)
		return check_fault(c, e, set->owner, RR_NSEC3,
		    "no name of the zone asks for it, or the one before it is missing");
	if (nsec3_owner(w->key, c->head.apex, owner) == 0 || !name_equal(owner, set->owner))
		return check_fault(c, e, set->owner, RR_NSEC3, "its owner is not its hash");
	if (set->count != 1 || set->ttl != c->denial_ttl)
		return check_fault(c, e, set->owner, RR_NSEC3,
		    "there are %u of TTL %u; there should be one of TTL %u (RFC 9077)", set->count,
		    set->ttl, c->denial_ttl);
	wrong = wrong_rdata(c, set->rdata + 2, set->rdata_len - 2);
	return wrong == NULL ? OK : check_fault(c, e, set->owner, RR_NSEC3, "%s", wrong);
}

int check_nsec3(struct check *c, const struct walk *w, struct err *e)
{
	struct check_set found = {.type = RR_NSEC3};
	struct rrset set;
	int rc;

	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.type != RR_NSEC3)
		return check_fault(c, e, c->head.apex, RR_NSEC3, "a stored value is damaged");
	rc = check_place(c, w, &set, e);
	if (rc == OK)
		rc = check_signatures(c, &set, &found, e);
	if (rc == OK)
		rc = check_signed(c, set.owner, &found, e);
	c->rrsets++;
	c->records += set.count;
	c->link_at++;
	return rc;
}
