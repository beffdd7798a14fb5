/* The judge of changes looks names up: what a name is in a version, what hides it, and which names
 * of the chain of NSEC are its neighbours. */
#include "sign/check_part_state.h"

#include <string.h>
#include "dns/rrtype.h"

int part_look(const struct part *t, struct walk *w, const uint8_t *key, size_t len,
    const struct part_place *above, struct part_place *out, struct err *e)
{
	bool has_ns = false, has_ds = false, has_dname = false, is_delegation;
	int rc = walk_seek(w, key, len);

	*out =
	    (struct part_place){.is_hidden = above != NULL && (above->is_hidden || above->hides)};
	for (; rc == OK && part_is_at(w, key, len); rc = walk_next(w)) {
		out->has_data = true;
		has_ns = has_ns || w->type == RR_NS;
		has_ds = has_ds || w->type == RR_DS;
		has_dname = has_dname || w->type == RR_DNAME;
	}
	is_delegation = has_ns && len > t->c->apex_key_len;
	out->hides = !out->is_hidden && (is_delegation || has_dname);
	out->counts = out->has_data && !out->is_hidden &&
		      !(is_delegation && !has_ds && t->c->head.denial == DENIAL_NSEC3_OPT_OUT);
	return part_found(rc, &(bool){false}, e);
}

int part_leave(const struct part *t, struct walk *w, const uint8_t *key, size_t len, bool *found,
    struct err *e)
{
	uint8_t behind[NAME_KEY_MAX];

	*found = false;
	if (len == t->c->apex_key_len)
		return OK;
	/* The last octet ends a label; all names below have it, too, and no other name. */
	memcpy(behind, key, len);
	behind[len - 1] = 1;
	return part_found(walk_seek(w, behind, len), found, e);
}

int part_find_cut(const struct part *t, struct walk *w, const uint8_t *key, size_t len, bool *found,
    size_t *cut, struct err *e)
{
	uint8_t name[NAME_KEY_MAX];
	struct part_place place = {0};
	int rc = OK;

	memcpy(name, key, len); /* key may be w's */
	*found = false;
	for (size_t l = t->c->apex_key_len; rc == OK && !place.hides && l < len; l++) {
		if (l > t->c->apex_key_len && name[l - 1] != 0)
			continue;
		rc = part_look(t, w, name, l, NULL, &place, e);
		*cut = l;
	}
	*found = rc == OK && place.hides;
	return rc;
}

static void take(const struct walk *w, struct part_name *out)
{
	memcpy(out->key, w->key, w->key_len);
	out->len = w->key_len;
}

int part_name_before(
    struct part *t, const uint8_t *key, size_t len, struct part_name *out, struct err *e)
{
	size_t cut;
	bool found;
	int rc = ERR_MISSING;

	if (len > t->c->apex_key_len)
		rc = walk_seek_before(&t->view, key, len);
	if (rc == ERR_MISSING)
		rc = walk_seek_before(&t->view, NULL, 0);
	rc = part_found(rc, &found, e);
	if (rc != OK)
		return rc;
	if (!found)
		return check_fault(t->c, e, t->c->head.apex, 0, "there is nothing in it");
	take(&t->view, out);
	rc = part_find_cut(t, &t->view, out->key, out->len, &found, &cut, e);
	if (rc == OK && found)
		out->len = cut;
	return rc;
}

int part_name_behind(struct part *t, const uint8_t *key, size_t len, bool skip_below,
    struct part_name *out, struct err *e)
{
	struct walk *w = &t->view;
	bool found;
	int rc;

	if (skip_below) {
		rc = part_leave(t, w, key, len, &found, e);
	} else {
		rc = walk_seek(w, key, len);
		while (rc == OK && part_is_at(w, key, len))
			rc = walk_next(w);
		rc = part_found(rc, &found, e);
	}
	if (rc == OK && found && !w->is_nsec3) {
		take(w, out);
	} else {
		memcpy(out->key, t->c->apex_key, t->c->apex_key_len);
		out->len = t->c->apex_key_len;
	}
	return rc;
}

/* The first name found is hidden by none between: that would come first.  With opt-out it may be
 * one of many insecure delegations in a row. */
int part_counts_below(struct part *t, const uint8_t *key, size_t len, bool *out, struct err *e)
{
	struct part_place place;
	bool found;
	int rc = part_found(walk_seek(&t->scan, key, len), &found, e);

	*out = false;
	while (rc == OK && found && part_is_below(&t->scan, key, len)) {
		struct part_name name;

		take(&t->scan, &name);
		rc = part_look(t, &t->view, name.key, name.len, NULL, &place, e);
		if (rc == OK && place.counts) {
			*out = true;
			return OK;
		}
		if (rc == OK)
			rc = part_leave(t, &t->scan, name.key, name.len, &found, e);
	}
	return rc;
}
