/* The judge looks at the NSEC3 chain (RFC 5155 section 7.1): while the names go by it notes which
 * hashes must be there and what their bitmaps must be; the records, in hash order, must be just
 * these, each leading to the next. */
#include "sign/check_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

uint32_t check_bitmap_hash(const uint8_t *p, size_t len)
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

void check_expect_nsec3(struct check *c, uint32_t bitmap)
{
	const uint8_t *above = name_parent(c->owner);
	size_t known = common_ancestor(c);
	uint8_t key[NAME_KEY_MAX];

	add_link(c, c->owner, bitmap);
	/* Names between this one and what is known have no data of their own. */
	for (; above != NULL && c->key_len > c->apex_key_len; above = name_parent(above)) {
		if (name_key(above, key) <= known)
			break;
		add_link(c, above, check_bitmap_hash(NULL, 0));
	}
	memcpy(c->last, c->key, c->key_len);
	c->last_len = c->key_len;
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

const char *check_nsec3_parse(
    const struct check *c, const struct rrset *set, struct check_nsec3 *out)
{
	const struct nsec3_params *p = &c->head.nsec3;
	const uint8_t *d = set->rdata + 2;
	size_t fixed = 5U + p->salt_len, len = set->count == 1 ? set->rdata_len - 2 : 0;
	uint8_t flags = c->head.denial == DENIAL_NSEC3_OPT_OUT ? NSEC3_FLAG_OPT_OUT : 0;

	if (len < fixed + 1 + NSEC3_HASH_LEN)
		return "it is too short, or not one record";
	if (d[0] != 1 || load_u16(d + 2) != p->iterations || d[4] != p->salt_len ||
	    memcmp(d + 5, p->salt, p->salt_len) != 0)
		return "its parameters are not those of the chain";
	if (d[1] != flags)
		return "its opt-out flag is wrong";
	if (d[fixed] != NSEC3_HASH_LEN)
		return "its next hash is malformed";
	out->next = d + fixed + 1;
	out->bitmap =
	    check_bitmap_hash(out->next + NSEC3_HASH_LEN, len - fixed - 1 - NSEC3_HASH_LEN);
	return NULL;
}

int check_nsec3_record(const struct check *c, const struct rrset *set, const uint8_t *hash,
    const struct check_nsec3 *wanted, struct err *e)
{
	uint8_t owner[NAME_MAX_LEN];
	struct check_nsec3 found;
	const char *wrong = check_nsec3_parse(c, set, &found);

	if (nsec3_owner(hash, c->head.apex, owner) == 0 || !name_equal(owner, set->owner))
		wrong = "its owner is not its hash";
	else if (wrong == NULL && memcmp(found.next, wanted->next, NSEC3_HASH_LEN) != 0)
		wrong = "it does not lead to the next hash of the chain";
	else if (wrong == NULL && found.bitmap != wanted->bitmap)
		wrong = "its type bitmap is not that of the types at the name";
	if (wrong != NULL)
		return check_fault(c, e, set->owner, RR_NSEC3, "%s", wrong);
	if (set->ttl != c->denial_ttl)
		return check_fault(c, e, set->owner, RR_NSEC3,
		    "its TTL is %u and should be %u (RFC 9077)", set->ttl, c->denial_ttl);
	return OK;
}

int check_nsec3_signed(struct check *c, const struct rrset *set, struct err *e)
{
	struct check_set found = {.type = RR_NSEC3};
	int rc = check_signatures(c, set, &found, e);

	check_count(c, set);
	return rc == OK ? check_signed(c, set->owner, &found, e) : rc;
}

static int check_link(
    const struct check *c, const struct walk *w, const struct rrset *set, struct err *e)
{
	const struct check_link *l;
	struct check_nsec3 wanted;

	if (!denial_is_nsec3(c->head.denial))
		return check_fault(
		    c, e, set->owner, RR_NSEC3, "it does not belong to NSEC or an unsigned zone");
	l = c->link_at < c->link_count ? &c->links[c->link_at] : NULL;
	if (l == NULL || w->key_len != NSEC3_HASH_LEN ||
	    memcmp(w->key, l->hash, NSEC3_HASH_LEN) != 0)
		return check_fault(c, e, set->owner, RR_NSEC3,
		    "no name of the zone asks for it, or the one before it is missing");
	wanted.next = c->links[(c->link_at + 1) % c->link_count].hash;
	wanted.bitmap = l->bitmap;
	return check_nsec3_record(c, set, l->hash, &wanted, e);
}

int check_nsec3(struct check *c, const struct walk *w, struct err *e)
{
	struct rrset set;
	int rc;

	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.type != RR_NSEC3)
		return check_fault(c, e, c->head.apex, RR_NSEC3, "a stored value is damaged");
	rc = check_link(c, w, &set, e);
	if (rc == OK)
		rc = check_nsec3_signed(c, &set, e);
	c->link_at++;
	return rc;
}
