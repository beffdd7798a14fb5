/* What follows from what the parent's servers have: may the zone be published, may it go (R70,
 * R71)? Runs in the signing side. */
#include <stdio.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/parent.h"

/* Which DS are ours */

struct our_ds {
	const uint8_t *apex;
	struct parent_ds list[KEYSET_MAX * 3];
	unsigned count;
};

static void add_ours(void *arg, const struct key_info *i)
{
	static const uint8_t digests[] = {1, 2, 4};
	struct our_ds *o = arg;

	for (size_t d = 0; d < MEM_COUNT(digests); d++) {
		if (i->key->role != KEY_ZSK && o->count < MEM_COUNT(o->list) &&
		    parent_ds_of_key(o->apex, i->key->dnskey, i->key->dnskey_len, digests[d],
			&o->list[o->count]) == OK)
			o->count++;
	}
}

struct parent_fact parent_foreign(const struct zone_parent *p, int64_t now)
{
	struct signer_zone *z = p->zone;
	struct our_ds ours = {.apex = z->apex};

	keys_each(z->signer->keys, z->owner, verbs_policy_of, z->signer, now, add_ours, &ours);
	return parent_fact_foreign(&p->view, ours.list, ours.count, now - parent_patience(p));
}

/* What follows */

bool signer_parent_frees(const struct signer_zone *z)
{
	int64_t now = clock_calendar();
	struct parent_fact fact;

	if (z->parent == NULL)
		return false;
	fact = parent_foreign(z->parent, now);
	return fact.word == PARENT_GONE && now - fact.since >= parent_ttl(z->parent);
}

static void not_asked_text(const struct zone_parent *p, char *why, size_t size)
{
	for (unsigned i = 0; i < p->view.count; i++) {
		const struct parent_server *s = &p->view.servers[i];

		if (s->has_answered)
			continue;
		snprintf(why, size, "it is not known whether its parent has a DS: server %s: %s",
		    s->name, s->reason[0] == '\0' ? "not asked yet" : s->reason);
		return;
	}
	snprintf(why, size, "its parent's servers were not asked lately");
}

bool signer_parent_doubts(const struct signer_zone *z, char *why, size_t size)
{
	const struct parent_view *v = signer_parent_view(z);

	for (unsigned i = 0; v != NULL && i < v->count; i++) {
		const struct parent_server *s = &v->servers[i];

		if (s->has_answered || s->reason[0] == '\0')
			continue;
		snprintf(why, size, "server %s: %s", s->name, s->reason);
		return true;
	}
	return false;
}

bool signer_parent_bars(const struct signer_zone *z, char why[STORE_REASON_MAX])
{
	const struct zone_parent *p = z->parent;
	int64_t now = clock_calendar();
	struct parent_fact fact;
	char until[TIME_TEXT_SIZE];

	if (p == NULL)
		return false;
	fact = parent_foreign(p, now);
	if (fact.word == PARENT_UNKNOWN) {
		not_asked_text(p, why, STORE_REASON_MAX);
		return true;
	}
	if (fact.word != PARENT_GONE) {
		snprintf(why, STORE_REASON_MAX,
		    "its parent has a DS that belongs to none of our keys: publishing our version would break the zone; have that DS taken out, or use --replace-dnssec");
		return true;
	}
	/* Where no DS was ever seen there is none in caches that we could have known of. */
	if (parent_ttl_max(&p->view) == 0 || now - fact.since >= parent_ttl(p))
		return false;
	time_text(fact.since + parent_ttl(p), until);
	snprintf(why, STORE_REASON_MAX, "caches may have a DS of somebody else until %s", until);
	return true;
}

int signer_parent_may_leave(const struct signer_zone *z, char why[REASON_MAX])
{
	const struct zone_parent *p = z->parent;
	bool was_published = z->has_head && z->head.published;
	int64_t now = clock_calendar(), until;
	struct parent_fact fact;
	char text[TIME_TEXT_SIZE];

	if (p == NULL)
		return ERR_MISSING;
	fact = parent_fact_foreign(&p->view, NULL, 0, now - parent_patience(p));
	until = fact.since + parent_ttl(p);
	if (fact.word == PARENT_UNKNOWN) {
		not_asked_text(p, why, REASON_MAX);
		return ERR_REFUSED;
	}
	if (fact.word != PARENT_GONE) {
		snprintf(why, REASON_MAX, "its parent has a DS for it");
		return ERR_REFUSED;
	}
	if (was_published && until > now) {
		time_text(until, text);
		snprintf(why, REASON_MAX,
		    "its parent has no DS for it, and caches may have one until %s", text);
		return ERR_REFUSED;
	}
	return OK;
}
