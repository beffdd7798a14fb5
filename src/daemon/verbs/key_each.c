/* Keys, one after the other, for the verbs that list them. */
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"

const struct key_policy *verbs_policy_of(void *arg, const uint8_t *apex)
{
	const struct signer *s = arg;
	const struct signer_zone *z = signer_zone_by_apex(arg, apex);

	if (z == NULL && share_is_owner(apex))
		z = signer_group_any(s, apex);
	return z == NULL ? NULL : &z->key_policy;
}

struct each_key {
	struct signer *signer;
	struct signer_zone *zone; /* NULL: by the key's owner */
	struct zone_record view;
	const struct record *record;
	verbs_key_fn *fn;
	void *arg;
};

/* Shared keys come with each of their zones; without any they stand for themselves. */
static void take_any(void *arg, const struct key_info *i)
{
	const struct each_key *e = arg;
	struct signer_zone *z = signer_zone_by_apex(e->signer, i->apex);

	if (!share_is_owner(i->apex) || signer_group_any(e->signer, i->apex) == NULL)
		e->fn(e->arg, z, i);
}

static void take_of_zone(void *arg, const struct key_info *i)
{
	const struct each_key *e = arg;
	struct key_info own = *i;

	for (unsigned n = 0; e->record != NULL && n < e->record->key_count; n++) {
		const struct record_key *k = &e->record->keys[n];

		if (memcmp(k->id, i->key->id, TOKEN_ID_LEN) == 0)
			own.ds = timeline_ds(&k->times, role_has_ds(k->role), clock_calendar());
	}
	e->fn(e->arg, e->zone, &own);
}

static void each_of_zone(struct each_key *e, struct signer_zone *z)
{
	e->zone = z;
	e->record = signer_zone_record(z, &e->view);
	keys_each(e->signer->keys, z->owner, verbs_policy_of, e->signer, clock_calendar(),
	    take_of_zone, e);
}

void verbs_keys_each(struct signer *s, struct signer_zone *z, verbs_key_fn *fn, void *arg)
{
	struct each_key e = {.signer = s, .fn = fn, .arg = arg};

	if (z != NULL) {
		each_of_zone(&e, z);
		return;
	}
	keys_each(s->keys, NULL, verbs_policy_of, s, clock_calendar(), take_any, &e);
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->share != NULL)
			each_of_zone(&e, s->zones[i]);
	}
}
