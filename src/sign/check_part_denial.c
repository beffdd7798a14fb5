/* The judge of changes looks at the chain round a name: NSEC (RFC 4035 section 2.3) or NSEC3 (RFC
 * 5155 section 7.1). */
#include "sign/check_part_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

/* Does the NSEC of the name lead there? */
static int check_leads(
    struct part *t, const struct part_name *from, const struct part_name *to, struct err *e)
{
	struct walk *w = &t->view;
	uint8_t key[NAME_KEY_MAX];
	struct rrset set;
	int rc = walk_seek(w, from->key, from->len);

	while (rc == OK && part_is_at(w, from->key, from->len) && w->type != RR_NSEC)
		rc = walk_next(w);
	if (rc != OK && rc != ERR_MISSING)
		return part_found(rc, &(bool){false}, e);
	if (rc != OK || !part_is_at(w, from->key, from->len))
		return part_fault(t, e, from->key, from->len, RR_NSEC, "it is missing");
	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.count != 1 ||
	    name_check(set.rdata + 2, set.rdata_len - 2) == 0)
		return part_fault(t, e, from->key, from->len, RR_NSEC, "it is malformed");
	if (name_key(set.rdata + 2, key) != to->len || memcmp(key, to->key, to->len) != 0)
		return part_fault(
		    t, e, from->key, from->len, RR_NSEC, "it does not lead to the next name");
	return OK;
}

/* What hides the name in hand. */
static const struct part_level *find_hiding(const struct part *t)
{
	unsigned i = 0;

	while (!t->levels[i].is.hides)
		i++;
	return &t->levels[i];
}

int part_check_nsec(struct part *t, const struct part_level *l, struct err *e)
{
	bool is_linked = l->is.has_data && !l->is.is_hidden, skip_below = l->is.hides;
	struct part_name before, behind, here = {.len = l->len};
	int rc = OK;

	memcpy(here.key, t->key, l->len);
	if (l->is.is_hidden) {
		before = here;
		before.len = here.len = find_hiding(t)->len;
		skip_below = true;
	} else {
		rc = part_name_before(t, here.key, here.len, &before, e);
	}
	if (rc == OK)
		rc = part_name_behind(t, here.key, here.len, skip_below, &behind, e);
	if (rc == OK && is_linked)
		rc = check_leads(t, &here, &behind, e);
	return rc == OK ? check_leads(t, &before, is_linked ? &here : &behind, e) : rc;
}

/* NSEC3 */

static int look_hash(struct walk *w, const uint8_t *hash, bool *found, struct err *e)
{
	int rc = part_found(walk_seek_nsec3(w, hash), found, e);

	*found = *found && memcmp(w->key, hash, NSEC3_HASH_LEN) == 0;
	return rc;
}

/* The hash behind, round the end, in the view. */
static int hash_behind(
    struct part *t, const uint8_t *hash, uint8_t out[NSEC3_HASH_LEN], struct err *e)
{
	static const uint8_t lowest[NSEC3_HASH_LEN];
	bool found;
	int rc = walk_seek_nsec3(&t->view, hash);

	if (rc == OK && memcmp(t->view.key, hash, NSEC3_HASH_LEN) == 0)
		rc = walk_next(&t->view);
	if (rc == ERR_MISSING)
		rc = walk_seek_nsec3(&t->view, lowest);
	rc = part_found(rc, &found, e);
	memcpy(out, found ? t->view.key : hash, NSEC3_HASH_LEN);
	return rc;
}

/* The NSEC3 before, round the end, must lead to `to`. */
static int check_hash_before(struct part *t, const uint8_t *hash, const uint8_t *to, struct err *e)
{
	struct check_nsec3 n;
	struct rrset set;
	bool found;
	int rc = walk_seek_nsec3_before(&t->view, hash);

	if (rc == ERR_MISSING)
		rc = walk_seek_nsec3_before(&t->view, NULL);
	rc = part_found(rc, &found, e);
	if (rc != OK)
		return rc;
	if (!found || rrset_unpack(t->view.packed, t->view.packed_len, &set) != OK)
		return check_fault(t->c, e, t->c->head.apex, RR_NSEC3, "one is missing or damaged");
	if (check_nsec3_parse(t->c, &set, &n) != NULL || memcmp(n.next, to, NSEC3_HASH_LEN) != 0)
		return check_fault(
		    t->c, e, set.owner, RR_NSEC3, "it does not lead to the next hash of the chain");
	return OK;
}

/* The chain is closed round the hash, whether it is there or not; the view stands on it if it is.
 */
static int check_closed(struct part *t, const uint8_t *hash, bool *found, struct rrset *set,
    uint8_t next[NSEC3_HASH_LEN], struct err *e)
{
	int rc = hash_behind(t, hash, next, e);

	if (rc == OK)
		rc = look_hash(&t->view, hash, found, e);
	if (rc == OK)
		rc = check_hash_before(t, hash, *found ? hash : next, e);
	if (rc == OK)
		rc = look_hash(&t->view, hash, found, e);
	if (rc == OK && *found && rrset_unpack(t->view.packed, t->view.packed_len, set) != OK)
		rc = check_fault(t->c, e, t->c->head.apex, RR_NSEC3, "a stored value is damaged");
	return rc;
}

static void note_hash(struct part *t, const uint8_t *hash)
{
	if (t->hash_count == t->hash_cap) {
		t->hash_cap = t->hash_cap == 0 ? 64 : t->hash_cap * 2;
		t->hashes = mem_grow(t->hashes, t->hash_cap, sizeof(t->hashes[0]));
	}
	memcpy(t->hashes[t->hash_count++], hash, NSEC3_HASH_LEN);
}

static void hash_key(
    const struct part *t, const uint8_t *key, size_t len, uint8_t out[NSEC3_HASH_LEN])
{
	uint8_t name[NAME_MAX_LEN];

	name_from_key(key, len, name);
	nsec3_hash(&t->c->head.nsec3, name, out);
}

int part_check_nsec3(
    struct part *t, const struct part_level *l, bool is_there, uint32_t bitmap, struct err *e)
{
	uint8_t hash[NSEC3_HASH_LEN], next[NSEC3_HASH_LEN];
	struct check_nsec3 wanted = {.next = next, .bitmap = bitmap};
	struct rrset set;
	bool found;
	int rc;

	hash_key(t, t->key, l->len, hash);
	note_hash(t, hash);
	rc = check_closed(t, hash, &found, &set, next, e);
	if (rc == OK && is_there && !found)
		rc = part_fault(t, e, t->key, l->len, RR_NSEC3, "it is missing");
	if (rc == OK && !is_there && found)
		rc = part_fault(t, e, t->key, l->len, RR_NSEC3,
		    l->is.is_hidden  ? "it stands at a name below a zone cut"
		    : l->is.has_data ? "it stands at an insecure delegation that is opted out"
				     : "it stands at a name that has nothing at it or below it");
	return rc == OK && found ? check_nsec3_record(t->c, &set, hash, &wanted, e) : rc;
}

/* With opt-out, finding a name that counts among many that do not may take long.  As long as none
 * of the changed ones has ceased to count, what was there before says it as well. */
static int is_asked(struct part *t, const struct part_level *l, bool *out, struct err *e)
{
	uint8_t hash[NSEC3_HASH_LEN];

	*out = l->counts_below && !l->is.is_hidden;
	if (l->counts_below || l->is.is_hidden)
		return OK;
	if (t->c->head.denial == DENIAL_NSEC3_OPT_OUT && !l->ceased_below && !l->was.has_data &&
	    !l->was.is_hidden) {
		hash_key(t, t->key, l->len, hash);
		return look_hash(&t->before, hash, out, e);
	}
	return part_counts_below(t, t->key, l->len, out, e);
}

int part_check_empty(struct part *t, const struct part_level *l, struct err *e)
{
	bool asked;
	int rc = is_asked(t, l, &asked, e);

	return rc == OK ? part_check_nsec3(t, l, asked, check_bitmap_hash(NULL, 0), e) : rc;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

/* A record that no changed name explains: it was signed anew, or leads elsewhere now. */
static int check_unasked(
    struct part *t, const uint8_t *hash, bool was_there, uint32_t bitmap, struct err *e)
{
	uint8_t next[NSEC3_HASH_LEN], owner[NAME_MAX_LEN];
	struct check_nsec3 wanted = {.next = next, .bitmap = bitmap};
	struct rrset set;
	bool found;
	int rc = check_closed(t, hash, &found, &set, next, e);

	if (rc != OK || (!found && !was_there))
		return rc;
	if (found && was_there)
		return check_nsec3_record(t->c, &set, hash, &wanted, e);
	if (nsec3_owner(hash, t->c->head.apex, owner) == 0)
		memcpy(owner, t->c->head.apex, sizeof(owner));
	return check_fault(t->c, e, owner, RR_NSEC3, "no change of a name explains that it %s",
	    found ? "came" : "went");
}

static int check_hash(struct part *t, const uint8_t *hash, struct err *e)
{
	struct check_nsec3 was = {0};
	struct rrset set;
	bool was_there, found;
	int rc = look_hash(&t->before, hash, &was_there, e);

	if (rc == OK && was_there) {
		rc = part_subtract(t, &t->before, false, e);
		if (rc == OK && rrset_unpack(t->before.packed, t->before.packed_len, &set) == OK)
			check_nsec3_parse(t->c, &set, &was);
	}
	if (rc == OK &&
	    bsearch(hash, t->hashes, t->hash_count, NSEC3_HASH_LEN, compare_hashes) == NULL)
		rc = check_unasked(t, hash, was_there, was.bitmap, e);
	if (rc == OK)
		rc = look_hash(&t->view, hash, &found, e);
	if (rc != OK || !found)
		return rc;
	if (rrset_unpack(t->view.packed, t->view.packed_len, &set) != OK)
		return check_fault(t->c, e, t->c->head.apex, RR_NSEC3, "a stored value is damaged");
	return check_nsec3_signed(t->c, &set, e);
}

int part_check_hashes(struct part *t, struct err *e)
{
	const struct check_part *p = t->p;
	int rc = OK;

	if (p->hash_count > 0 && !denial_is_nsec3(t->c->head.denial))
		return check_fault(t->c, e, t->c->head.apex, RR_NSEC3,
		    "it does not belong to NSEC or an unsigned zone");
	if (t->hash_count > 0)
		qsort(t->hashes, t->hash_count, NSEC3_HASH_LEN, compare_hashes);
	for (size_t i = 0; rc == OK && i < p->hash_count; i++) {
		if (i > 0 && compare_hashes(p->hashes[i - 1], p->hashes[i]) >= 0)
			return check_fault(t->c, e, t->c->head.apex, RR_NSEC3,
			    "those to be checked are out of order");
		rc = check_hash(t, p->hashes[i], e);
	}
	return rc;
}
