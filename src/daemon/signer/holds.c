/* Steps of a zone's keys that policy asks for and that are not safe yet.  Most are a matter of
 * waiting for caches; one that lasts longer than it should is worth the operator's attention, once.
 * Runs in the signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/life.h"

static bool is_same(
    const struct signer_hold *h, const struct roll_held *held, const struct record_key *key)
{
	return h->step == held->step && h->tag == key->tag && strcmp(h->rule, held->rule) == 0;
}

/* Is it the parent's turn? */
static bool is_about_ds(const struct roll_held *h)
{
	static const char *const rules[] = {"K1", "K2", "K3", "A (remove)", "U"};

	for (size_t i = 0; i < MEM_COUNT(rules); i++) {
		if (strcmp(h->rule, rules[i]) == 0)
			return true;
	}
	return false;
}

/* When it is late: after the time that was said first, or where none was, after the time that such
 * things take. */
static int64_t late_at(const struct zone_life *l, const struct roll_held *held,
    const struct signer_hold *old, int64_t now)
{
	const struct key_policy *p = &l->zone->key_policy;

	if (held->until != 0 && (old == NULL || old->until == 0))
		return held->until + 1;
	if (old != NULL)
		return old->late_at;
	return now + (is_about_ds(held) ? p->ds_deadline : p->propagation) + 1;
}

static void explain(
    const struct zone_life *l, const struct roll_held *held, struct signer_hold *out)
{
	const struct signer_zone *z = l->zone;
	char laggards[160];

	snprintf(out->why, sizeof(out->why), "%s", held->why);
	if (z->share != NULL) {
		signer_share_laggards(z, held, laggards, sizeof(laggards));
		if (laggards[0] != '\0')
			snprintf(out->why, sizeof(out->why), "%s: %s", held->why, laggards);
		return;
	}
	if (held->until != 0 || held->rule[0] == '\0')
		return;
	if (is_about_ds(held)) {
		if (signer_parent_view(z) == NULL)
			snprintf(out->why, sizeof(out->why),
			    "%s; no server of the parent is named in the policy: say `key ds-seen` "
			    "or `key ds-gone` when it is so",
			    held->why);
		else if (signer_parent_doubts(z, laggards, sizeof(laggards)))
			snprintf(out->why, sizeof(out->why), "%s; %s", held->why, laggards);
		return;
	}
	signer_observe_laggards(z, laggards, sizeof(laggards));
	if (laggards[0] != '\0')
		snprintf(out->why, sizeof(out->why), "%s: %s", held->why, laggards);
}

static void tell(const struct zone_life *l, const struct signer_hold *h)
{
	char until[TIME_TEXT_SIZE] = "";

	if (h->until != 0)
		time_text(h->until, until);
	if (h->is_late)
		log_warning("zone %s: %s of %s %u is held back longer than it should%s%s: %s",
		    l->zone->name, roll_step_name(h->step), key_role_name(h->role), h->tag,
		    h->rule[0] == '\0' ? "" : ", rule ", h->rule, h->why);
	else
		log_notice("zone %s: %s of %s %u waits%s%s%s%s: %s", l->zone->name,
		    roll_step_name(h->step), key_role_name(h->role), h->tag,
		    h->until == 0 ? "" : " until ", until, h->rule[0] == '\0' ? "" : ", rule ",
		    h->rule, h->why);
}

static const struct signer_hold *find_old(
    const struct zone_life *l, const struct roll_held *held, const struct record_key *key)
{
	for (unsigned i = 0; i < l->hold_count; i++) {
		if (is_same(&l->holds[i], held, key))
			return &l->holds[i];
	}
	return NULL;
}

/* What is new, or late now, is logged; the rest was. */
static void note_one(struct zone_life *l, const struct roll_held *held,
    const struct record_key *key, int64_t now, struct signer_hold *out)
{
	const struct signer_hold *old = find_old(l, held, key);

	*out = (struct signer_hold){.step = held->step,
	    .role = key->role,
	    .tag = key->tag,
	    .rule = held->rule,
	    .since = old == NULL ? now : old->since,
	    .until = held->until,
	    .late_at = late_at(l, held, old, now)};
	out->is_late = now >= out->late_at;
	explain(l, held, out);
	if (old == NULL || (out->is_late && !old->is_late))
		tell(l, out);
}

int64_t life_holds_note(struct zone_life *l, int64_t now)
{
	const struct signer_zone *z = l->zone;
	const struct record *r = keys_record(z->signer->keys, z->owner);
	int64_t next = POLICY_NEVER;
	struct signer_hold *holds;
	unsigned count = 0, kept = 0;
	const struct roll_held *held = keys_held(z->signer->keys, z->owner, &count);

	if (r == NULL || count == 0) {
		free(l->holds);
		l->holds = NULL;
		l->hold_count = 0;
		return POLICY_NEVER;
	}
	holds = mem_array(count, sizeof(*holds));
	for (unsigned i = 0; i < count; i++) {
		if (held[i].key >= r->key_count)
			continue;
		note_one(l, &held[i], &r->keys[held[i].key], now, &holds[kept]);
		if (!holds[kept].is_late && holds[kept].late_at < next)
			next = holds[kept].late_at;
		kept++;
	}
	free(l->holds);
	l->holds = holds;
	l->hold_count = kept;
	return next;
}

const struct signer_hold *signer_life_holds(const struct signer_zone *z, unsigned *count)
{
	if (z->share != NULL)
		z = signer_share_leader(z);
	*count = z->life == NULL ? 0 : z->life->hold_count;
	return z->life == NULL ? NULL : z->life->holds;
}
