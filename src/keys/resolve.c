/* resolve: what a zone is, judged by what the tokens were found to hold.  Runs in the signing side.
 *
 *   - the valid record with the highest sequence counts;
 *   - two records of that sequence with different digests, or another signer's above what we wrote:
 *     two writers, the zone is frozen;
 *   - a newer record that cannot be read, or one older than what was acted upon before: recovery;
 *   - keys without a record are never a new zone: recovery, unless the store's intent names them;
 *   - a record without keys: the zone is being destroyed, go on. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "keys/keys_internal.h"

struct choice { /* among a zone's records */
	struct zone_keys *zone;
	const struct found_record *best; /* valid, highest sequence */
	const struct record *rival;	 /* of another signer, where we have been the writer */
	const struct record *acted;	 /* the one that we acted upon last */
	bool is_unsure;			 /* ... is one of several */
	uint64_t used;			 /* the sequence acted upon last */
	uint32_t us;			 /* our mark */
	uint64_t highest;		 /* by label, readable or not */
	const char *unreadable;		 /* why the record of the highest sequence cannot be read */
	bool conflict;
};

static void consider(void *arg, unsigned token, const struct found_record *f)
{
	struct choice *c = arg;

	keys_add_label(c->zone, f->text, token);
	if (f->code != OK) {
		if (f->label.sequence > c->highest) {
			c->highest = f->label.sequence;
			c->unreadable = f->why;
		}
		return;
	}
	if (c->best == NULL || f->record.sequence > c->best->record.sequence) {
		c->best = f;
		c->conflict = false;
	} else if (f->record.sequence == c->best->record.sequence &&
		   memcmp(f->record.digest, c->best->record.digest, RECORD_DIGEST_LEN) != 0) {
		c->conflict = true;
	}
}

static int by_sequence(const void *pa, const void *pb)
{
	struct record_label a = {0}, b = {0};

	labels_parse_record(((const struct zone_label *)pa)->text, &a);
	labels_parse_record(((const struct zone_label *)pb)->text, &b);
	return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

static void weigh(void *arg, unsigned token, const struct found_record *f)
{
	struct choice *c = arg;
	const struct record *r = &f->record;

	(void)token;
	if (f->code != OK)
		return;
	if (r->sequence == c->best->record.sequence && r->writer != c->us &&
	    (c->conflict || (c->used > 0 && r->sequence > c->used)))
		c->rival = r;
	if (r->sequence != c->used)
		return;
	if (c->acted == NULL || r->writer == c->us)
		c->acted = r;
	else if (c->acted->writer != c->us &&
		 memcmp(c->acted->digest, r->digest, sizeof(r->digest)) != 0)
		c->is_unsure = true;
}

/* Two of the highest sequence, or one above what we wrote last.  A store that never knew the zone
 * takes over what it finds (a rebuilt one, R27). */
static void find_rival(struct keys *k, struct choice *c)
{
	if (intent_sequence(k->store, c->zone->hash, &c->used, NULL) == OK &&
	    intent_writer(k->store, &c->us, NULL) == OK)
		inventory_each_record(k, c->zone->hash, weigh, c);
	if (c->conflict && c->rival == NULL)
		c->rival = &c->best->record;
}

static struct choice choose(struct keys *k, struct zone_keys *z)
{
	struct choice c = {.zone = z};

	z->label_count = 0;
	inventory_each_record(k, z->hash, consider, &c);
	if (z->label_count > 1)
		qsort(z->labels, z->label_count, sizeof(*z->labels), by_sequence);
	if (c.best != NULL)
		find_rival(k, &c);
	return c;
}

/* Is each of the record's keys in a token, and the same as in the record? */
static bool check_keys(struct keys *k, struct zone_keys *z)
{
	for (unsigned i = 0; i < z->record.key_count; i++) {
		const struct record_key *r = &z->record.keys[i];
		const struct found_key *f;

		if (!timeline_needs_key(&r->times))
			continue;
		if (!inventory_find_key(k, z->hash, r->id, &z->key_tokens[i], &f)) {
			if (inventory_is_whole(k))
				keys_set_status(z, KEYS_RECOVERY,
				    "its record names %s %u, which no token has: restore the token "
				    "from its back-up",
				    key_role_name(r->role), r->tag);
			else
				keys_set_status(z, KEYS_UNKNOWN,
				    "%s %u is in none of the tokens that answer",
				    key_role_name(r->role), r->tag);
			return false;
		}
		if (!f->has_private ||
		    (f->pub_len != 0 &&
			(f->pub_len != r->pub_len || memcmp(f->pub, r->pub, r->pub_len) != 0))) {
			keys_set_status(z, KEYS_RECOVERY, "%s %u in the token %s",
			    key_role_name(r->role), r->tag,
			    f->has_private ? "is not the key that the record describes"
					   : "has no private half");
			return false;
		}
	}
	return true;
}

void resolve_take_over(struct keys *k, struct zone_keys *z, const struct record *r)
{
	const struct found_key *f;

	record_free(&z->record);
	record_copy(r, &z->record);
	z->has_record = true;
	memcpy(z->apex, r->zone, sizeof(z->apex));
	z->has_apex = true;
	for (unsigned i = 0; i < r->key_count; i++)
		(void)inventory_find_key(k, z->hash, r->keys[i].id, &z->key_tokens[i], &f);
}

/* Was a later record acted upon before?  Then this one comes from a back-up. */
static bool is_older_than_used(struct keys *k, struct zone_keys *z)
{
	uint64_t used = 0, here = z->record.sequence;
	struct err e = {0};

	if (intent_sequence(k->store, z->hash, &used, &e) != OK) {
		keys_set_status(z, KEYS_UNKNOWN, "%.250s", e.text);
		return true;
	}
	if (here < used) {
		keys_set_status(z, KEYS_RECOVERY,
		    "record %llu is older than %llu, which was used before (a restored back-up?): "
		    "restore a newer one, or go on from this with `key accept-record --sequence "
		    "%llu`",
		    (unsigned long long)here, (unsigned long long)used, (unsigned long long)here);
		return true;
	}
	if (here > used && intent_found(k->store, z->hash, used, here, &e) != OK) {
		keys_set_status(
		    z, KEYS_UNKNOWN, "the sequence of its record cannot be noted: %.200s", e.text);
		return true;
	}
	return false;
}

static void resolve_record(struct keys *k, struct zone_keys *z, const struct choice *c)
{
	uint8_t hash[RECORD_HASH_LEN];
	bool was_good = z->status == KEYS_GOOD && memcmp(z->record.digest, c->best->record.digest,
						      sizeof(z->record.digest)) == 0;

	resolve_take_over(k, z, &c->best->record);
	keys_zone_hash(z->apex, hash);
	if (memcmp(hash, z->hash, sizeof(hash)) != 0)
		keys_set_status(z, KEYS_RECOVERY, "its record names another zone");
	else if (c->unreadable != NULL && c->highest > z->record.sequence)
		keys_set_status(z, KEYS_RECOVERY, "record %llu: %.200s",
		    (unsigned long long)c->highest, c->unreadable);
	else if (is_older_than_used(k, z))
		return;
	else if (z->record.key_count == 0 && z->record.unsign == 0) {
		z->is_doomed = true;
		keys_set_status(z, KEYS_UNKNOWN, "it is being destroyed");
	} else if (check_keys(k, z)) {
		z->awaits_proof = true;
		if (!was_good)
			keys_set_status(z, KEYS_UNKNOWN, "its keys have not proved themselves yet");
	}
}

/* What it signs on with: what this process knows, or what we acted upon before it was started. */
static void resolve_rival(struct keys *k, struct zone_keys *z, const struct choice *c)
{
	bool is_certain = c->acted != NULL && (c->acted->writer == c->us || !c->is_unsure);

	if (!z->has_record && is_certain) {
		resolve_take_over(k, z, c->acted);
		z->awaits_proof = check_keys(k, z);
	}
	rival_freeze(k, z, c->rival);
}

struct orphans {
	struct intent intent; /* no keys: there is none */
	unsigned all, known;  /* keys in the tokens; those of them that the intent names */
};

static void count_orphan(void *arg, unsigned token, const struct found_key *key)
{
	struct orphans *o = arg;

	(void)token;
	o->all++;
	o->known += intent_has_id(&o->intent, key->id);
}

/* Keys and no record. */
static void resolve_orphans(struct keys *k, struct zone_keys *z, const struct choice *c)
{
	struct orphans o = {0};
	struct err e = {0};

	if (intent_load(k->store, z->hash, &o.intent, &e) == OK) {
		memcpy(z->apex, o.intent.zone, sizeof(z->apex));
		z->has_apex = true;
	}
	inventory_each_key(k, z->hash, count_orphan, &o);
	if (c->unreadable != NULL)
		keys_set_status(z, KEYS_RECOVERY, "record %llu: %.200s",
		    (unsigned long long)c->highest, c->unreadable);
	else if (!inventory_is_whole(k))
		keys_set_status(
		    z, KEYS_UNKNOWN, "a token does not answer: its record may be there");
	else if (o.all == 0 && o.intent.key_count == 0)
		keys_set_status(z, KEYS_NONE, "it has no keys");
	else if (o.known == o.all && o.intent.key_count > 0)
		keys_set_status(z, KEYS_MAKING, "its keys are being made");
	else
		keys_set_status(z, KEYS_RECOVERY,
		    "the token has %u key%s of it and no state record: nothing is made anew; "
		    "restore "
		    "the token, or destroy them",
		    o.all, o.all == 1 ? "" : "s");
}

/* Does a token that it lives in not answer this time?  Then what was known of the zone holds. */
static bool is_out_of_sight(const struct keys *k, const struct zone_keys *z)
{
	bool away = false;

	for (unsigned i = 0; i < z->label_count; i++)
		away |= !k->tokens[z->labels[i].token].is_fresh;
	for (unsigned i = 0; i < z->record.key_count; i++)
		away |= !k->tokens[z->key_tokens[i]].is_fresh;
	return z->has_record && away;
}

static void resolve_zone(struct keys *k, struct zone_keys *z)
{
	struct choice c;

	if (z->is_busy || z->was_busy || is_out_of_sight(k, z))
		return;
	z->awaits_proof = z->is_doomed = false;
	c = choose(k, z);
	if (c.rival != NULL)
		resolve_rival(k, z, &c);
	else if (c.best != NULL)
		resolve_record(k, z, &c);
	else if (z->has_record)
		keys_set_status(z, KEYS_UNKNOWN, "its record was not found again");
	else
		resolve_orphans(k, z, &c);
	if (z->status == KEYS_RECOVERY) {
		char zone[NAME_TEXT_SIZE];

		keys_zone_text(z, zone);
		log_error("%.200s: %s", zone, z->why);
	}
}

void resolve_zones(struct keys *k)
{
	for (unsigned i = 0; i < k->token_count; i++) {
		for (size_t j = 0; j < k->tokens[i].key_count; j++)
			keys_find_or_add(k, k->tokens[i].keys[j].hash);
		for (size_t j = 0; j < k->tokens[i].record_count; j++)
			keys_find_or_add(k, k->tokens[i].records[j].label.zone_hash);
	}
	for (size_t i = 0; i < k->zone_count; i++)
		resolve_zone(k, k->zones[i]);
}
