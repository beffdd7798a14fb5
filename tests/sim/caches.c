/* caches: the model of all resolvers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/caches.h"

static void forget_expired(struct caches *c, unsigned kind, int64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->count[kind]; i++) {
		const struct caches_value *v = &c->values[kind][i];

		if (v->until == INT64_MAX || v->until + v->ttl > now)
			c->values[kind][kept++] = *v;
	}
	c->count[kind] = kept;
}

void caches_serve(struct caches *c, unsigned kind, unsigned server, uint64_t keys, uint64_t signers,
    uint32_t ttl, int64_t now)
{
	struct caches_value *v;

	for (unsigned i = 0; i < c->count[kind]; i++) {
		v = &c->values[kind][i];
		if (v->server != server || v->until != INT64_MAX)
			continue;
		if (v->keys == keys && v->signers == signers && v->ttl == ttl)
			return;
		v->until = now;
	}
	forget_expired(c, kind, now);
	c->is_changed = true;
	if (c->count[kind] == CACHES_VALUES_MAX)
		abort(); /* the model is too small for its world */
	c->values[kind][c->count[kind]++] =
	    (struct caches_value){server, keys, signers, ttl, INT64_MAX};
}

/* Distinct values only: servers mostly agree. */
static unsigned distinct(
    const struct caches *c, unsigned kind, const struct caches_value *out[CACHES_VALUES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->count[kind]; i++) {
		const struct caches_value *v = &c->values[kind][i];
		unsigned j = 0;

		while (j < n && (out[j]->keys != v->keys || out[j]->signers != v->signers))
			j++;
		if (j == n)
			out[n++] = v;
	}
	return n;
}

static const char *chain_fault(const struct caches *c, uint64_t ds, const struct caches_value *set)
{
	if ((ds & set->keys & set->signers) == 0)
		return "lenient: no key with a DS has signed the DNSKEY set";
	if ((ds & ~set->keys) != 0)
		return "tidy: a DS without its DNSKEY";
	for (unsigned a = 0; a < CACHES_ALGORITHMS; a++) {
		uint64_t in_ds = ds & c->algorithms[a], in_set = set->keys & c->algorithms[a];

		if (in_ds != 0 && (in_ds & set->keys & set->signers) == 0)
			return "strict: an algorithm in the DS set has not signed the DNSKEY set";
		if (in_set != 0 && (in_set & set->signers) == 0)
			return "strict: an algorithm in the DNSKEY set has not signed it";
	}
	return NULL;
}

static const char *data_fault(
    const struct caches *c, uint64_t ds, const struct caches_value *set, uint64_t signers)
{
	uint64_t usable = signers & set->keys;

	if (usable == 0)
		return "lenient: no signature over the data by a key of the DNSKEY set";
	for (unsigned a = 0; a < CACHES_ALGORITHMS; a++) {
		if ((usable & c->algorithms[a]) != 0)
			continue;
		if ((set->keys & c->algorithms[a]) != 0)
			return "strict: an algorithm in the DNSKEY set has not signed the data";
		if ((ds & c->algorithms[a]) != 0)
			return "strict: an algorithm in the DS set has not signed the data";
	}
	return NULL;
}

static bool report(
    const char *fault, uint64_t ds, const struct caches_value *set, uint64_t data, char why[200])
{
	if (fault == NULL)
		return true;
	snprintf(why, 200, "%s (DS %llx, DNSKEY %llx signed by %llx, data signed by %llx)", fault,
	    (unsigned long long)ds, (unsigned long long)set->keys, (unsigned long long)set->signers,
	    (unsigned long long)data);
	return false;
}

static bool check_data(struct caches *c, uint64_t ds, const struct caches_value *set, char why[200])
{
	const struct caches_value *data[CACHES_VALUES_MAX];

	for (unsigned kind = CACHES_DATA; kind < CACHES_KINDS; kind++) {
		unsigned n = distinct(c, kind, data);

		c->combinations += n;
		for (unsigned i = 0; i < n; i++)
			if (!report(
				data_fault(c, ds, set, data[i]->keys), ds, set, data[i]->keys, why))
				return false;
	}
	return true;
}

bool caches_check(struct caches *c, int64_t now, char why[200])
{
	const struct caches_value *ds[CACHES_VALUES_MAX], *sets[CACHES_VALUES_MAX];
	unsigned ds_count, set_count;

	if (!c->is_changed)
		return true; /* what expires makes nothing worse */
	c->is_changed = false;
	for (unsigned kind = 0; kind < CACHES_KINDS; kind++)
		forget_expired(c, kind, now);
	ds_count = distinct(c, CACHES_DS, ds);
	set_count = distinct(c, CACHES_DNSKEY, sets);
	for (unsigned i = 0; i < ds_count; i++) {
		if (ds[i]->keys == 0)
			continue; /* insecure: anything is good */
		for (unsigned j = 0; j < set_count; j++)
			if (!report(chain_fault(c, ds[i]->keys, sets[j]), ds[i]->keys, sets[j], 0,
				why) ||
			    !check_data(c, ds[i]->keys, sets[j], why))
				return false;
	}
	return true;
}
