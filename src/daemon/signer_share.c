/* Zones that share the keys of their policy: what is kept of each (keys/share.h), and how they act
 * as one.  Runs in the signing side.
 *
 * The first zone of a group, in canonical order, is its leader: a look at the keys of any of them
 * is its look, with the facts of all joined.  What a zone became (admitted, left) is in the store
 * before it is acted upon, and only between steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer_life.h"

#define SHARE_FORMAT 1

/* The group */

static bool is_member(const struct signer_zone *m, const struct signer_zone *z)
{
	return m->share != NULL && !m->deleting && name_equal(m->owner, z->owner);
}

struct signer_zone *signer_share_leader(const struct signer_zone *z)
{
	const struct signer *s = z->signer;
	struct signer_zone *self = NULL;

	for (unsigned i = 0; i < s->zone_count; i++) {
		if (z->share != NULL && is_member(s->zones[i], z) && s->zones[i]->life != NULL)
			return s->zones[i];
		if (s->zones[i] == z)
			self = s->zones[i];
	}
	return self;
}

unsigned signer_share_count(const struct signer_zone *z)
{
	const struct signer *s = z->signer;
	unsigned n = 0;

	for (unsigned i = 0; z->share != NULL && i < s->zone_count; i++)
		n += is_member(s->zones[i], z);
	return n;
}

void signer_share_each(struct signer_zone *z, signer_share_fn *fn)
{
	const struct signer *s = z->signer;

	if (z->share == NULL) {
		fn(z);
		return;
	}
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (is_member(s->zones[i], z))
			fn(s->zones[i]);
	}
}

bool signer_share_is_out(const struct signer_zone *z)
{
	const struct signer *s = z->signer;

	for (unsigned i = 0; z->share != NULL && i < s->zone_count; i++) {
		const struct signer_zone *m = s->zones[i];

		if (is_member(m, z) && !(m->has_head && m->head.has_out))
			return false;
	}
	return true;
}

/* Kept in the store */

static void write_row(const struct signer_zone *z, struct buf *out)
{
	const struct share_zone *s = z->share;
	const int64_t all[] = {
	    s->known, s->cleared, s->admitted, s->seen, s->unsign, s->gone, s->left};

	buf_u8(out, SHARE_FORMAT);
	buf_lv16(out, z->owner, name_len(z->owner));
	for (size_t i = 0; i < MEM_COUNT(all); i++)
		buf_u64(out, (uint64_t)all[i]);
}

static int save(const struct signer_zone *z, struct err *e)
{
	struct store_write *w = NULL;
	struct buf value = {0};
	int code = store_write_begin(z->signer->store, &w, e);

	write_row(z, &value);
	if (code == OK)
		code =
		    store_write_meta(w, META_SHARE, z->key, z->key_len, value.data, value.len, e);
	if (code == OK)
		code = store_write_commit(w, e);
	else if (w != NULL)
		store_write_abort(w);
	buf_free(&value);
	return code;
}

int signer_share_remove(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_SHARE, z->key, z->key_len, NULL, 0, e);
}

static bool load(const struct signer_zone *z, struct snapshot *sn, uint8_t owner[NAME_MAX_LEN],
    struct share_zone *s)
{
	int64_t *const all[] = {
	    &s->known, &s->cleared, &s->admitted, &s->seen, &s->unsign, &s->gone, &s->left};
	const uint8_t *value, *name;
	struct reader r;
	size_t len;

	if (snapshot_meta(sn, META_SHARE, z->key, z->key_len, &value, &len) != OK)
		return false;
	r = reader_of(value, len);
	if (reader_u8(&r) != SHARE_FORMAT)
		return false;
	name = reader_lv16(&r, &len);
	if (r.failed || len > NAME_MAX_LEN || name_check(name, len) != len)
		return false;
	memset(owner, 0, NAME_MAX_LEN);
	memcpy(owner, name, len);
	for (size_t i = 0; i < MEM_COUNT(all); i++)
		*all[i] = (int64_t)reader_u64(&r);
	return !r.failed;
}

/* Whose keys a zone has does not change while it is signed with them: what the configuration says
 * then would break it. */
static void choose_owner(struct signer_zone *z, bool is_wanted, struct snapshot *sn,
    uint8_t owner[NAME_MAX_LEN], struct share_zone *kept)
{
	bool was_kept = load(z, sn, owner, kept);
	uint8_t wanted[NAME_MAX_LEN] = {0};

	if (is_wanted)
		share_owner(z->key_policy.name, wanted);
	else
		memcpy(wanted, z->apex, name_len(z->apex));
	if (was_kept && kept->left == 0 && !name_equal(owner, wanted)) {
		log_error(
		    "zone %s: it is signed with shared keys of another policy, and goes on with "
		    "them: unsign it before it gets policy %s",
		    z->name, z->key_policy.name);
		return;
	}
	if (was_kept && name_equal(owner, wanted))
		return;
	memset(kept, 0, sizeof(*kept));
	memcpy(owner, wanted, NAME_MAX_LEN);
}

void signer_share_configure(struct signer_zone *z, bool is_wanted, struct snapshot *sn)
{
	struct share_zone kept = {0};
	struct err e = {0};

	if (z->share != NULL)
		return; /* chosen */
	if (z->owner[0] != 0 && z->has_head) {
		if (is_wanted)
			log_error("zone %s: it is signed with keys of its own, and goes on with "
				  "them: unsign it before it shares those of policy %s",
			    z->name, z->key_policy.name);
		return;
	}
	choose_owner(z, is_wanted, sn, z->owner, &kept);
	if (!share_is_owner(z->owner))
		return;
	z->share = mem_alloc(sizeof(*z->share));
	*z->share = kept;
	if (kept.known != 0)
		return;
	z->share->known = clock_calendar();
	if (save(z, &e) != OK)
		log_error("zone %s: that it shares keys cannot be saved: %s", z->name, e.text);
}

void signer_share_settle(struct signer_zone *z)
{
	if (z->share == NULL || z->share->admitted != 0 ||
	    keys_record(z->signer->keys, z->apex) == NULL)
		return;
	log_error(
	    "zone %s: the token has keys of its own for it, and it goes on with them: unsign it "
	    "before it shares those of policy %s",
	    z->name, z->key_policy.name);
	free(z->share);
	z->share = NULL;
	memset(z->owner, 0, sizeof(z->owner));
	memcpy(z->owner, z->apex, name_len(z->apex));
}

/* What follows for a zone */

static bool input_of(const struct signer_zone *z, struct facts *f, struct share_input *in)
{
	*in = (struct share_input){.record = keys_record(z->signer->keys, z->owner),
	    .policy = &z->key_policy,
	    .facts = f,
	    .now = clock_calendar()};
	if (in->record == NULL)
		return false;
	signer_zone_facts(z, f);
	return true;
}

static const char *word_of(const struct share_zone *before, const struct share_zone *s)
{
	if (s->left != before->left)
		return "its DS are gone: it is published unsigned";
	if (s->admitted != before->admitted)
		return "it has caught up with the shared keys, and counts with them";
	if (s->cleared != before->cleared)
		return "no resolver trusts it yet: the shared keys do not wait for it";
	return "all its DS are at the parent";
}

static void advance_one(struct signer_zone *z)
{
	struct share_zone before = *z->share;
	struct share_input in;
	struct facts f;
	struct err e = {0};

	if (!input_of(z, &f, &in) || !share_advance(z->share, &in))
		return;
	if (save(z, &e) != OK) {
		log_error("zone %s: how it stands to the shared keys cannot be saved: %s", z->name,
		    e.text);
		*z->share = before;
		return;
	}
	log_notice("zone %s: %s", z->name, word_of(&before, z->share));
	life_look_at_set(z);
	signer_submit_look(z);
	signer_parent_look(z);
}

void signer_share_advance(struct signer_zone *leader)
{
	if (leader->share != NULL)
		signer_share_each(leader, advance_one);
}

int64_t signer_share_due(const struct signer_zone *leader)
{
	const struct signer *s = leader->signer;
	int64_t next = POLICY_NEVER;

	for (unsigned i = 0; leader->share != NULL && i < s->zone_count; i++) {
		struct share_input in;
		struct facts f;
		int64_t at;

		if (!is_member(s->zones[i], leader) || !input_of(s->zones[i], &f, &in))
			continue;
		at = share_next(s->zones[i]->share, &in);
		next = at < next ? at : next;
	}
	return next;
}

void signer_share_facts(const struct signer_zone *z, struct facts *out)
{
	const struct signer *s = z->signer;
	const struct record *r = keys_record(s->keys, z->owner);
	struct share_member *members = mem_array(s->zone_count + 1, sizeof(*members));
	struct facts *facts = mem_array(s->zone_count + 1, sizeof(*facts));
	unsigned n = 0;

	for (unsigned i = 0; i < s->zone_count; i++) {
		if (!is_member(s->zones[i], z))
			continue;
		signer_zone_facts(s->zones[i], &facts[n]);
		members[n] = (struct share_member){s->zones[i]->share, &facts[n]};
		n++;
	}
	share_join(members, n, r == NULL ? 0 : r->key_count, out);
	facts_apply_policy(out, &z->key_policy);
	free(members);
	free(facts);
}

void signer_share_laggards(
    const struct signer_zone *z, const struct roll_held *h, char *out, size_t size)
{
	const struct signer *s = z->signer;
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; z->share != NULL && i < s->zone_count; i++) {
		const struct signer_zone *m = s->zones[i];
		struct share_input in;
		struct facts f;

		if (!is_member(m, z) || !input_of(m, &f, &in) || !share_lags(m->share, &in, h))
			continue;
		if (at + strlen(m->name) + 8 > size) {
			snprintf(out + at, size - at, " ...");
			return;
		}
		at += (size_t)snprintf(
		    out + at, size - at, "%szone %s", at == 0 ? "" : ", ", m->name);
	}
}

bool signer_share_waits(const struct signer_zone *z, char why[REASON_MAX])
{
	struct share_input in;
	struct facts f;
	struct verdict v;
	char until[TIME_TEXT_SIZE];

	if (z->share == NULL || share_speaks(z->share) || !input_of(z, &f, &in))
		return false;
	v = share_admission(&in);
	time_text(v.until, until);
	snprintf(why, REASON_MAX, "its DS is not safe at the parent%s%s yet: %s",
	    v.until == 0 ? "" : " before ", v.until == 0 ? "" : until,
	    v.is_safe ? "the next look finds it so" : v.why);
	return true;
}

int signer_share_unsign(struct signer_zone *z, bool is_wanted, struct err *e)
{
	struct share_zone before = *z->share;
	int code;

	if (is_wanted == (before.unsign != 0))
		return err_set(e, ERR_REFUSED, "%s",
		    is_wanted ? "it is on its way already" : "it is not being unsigned");
	if (is_wanted)
		z->share->unsign = clock_calendar();
	else
		share_resume(z->share, clock_calendar());
	code = save(z, e);
	if (code != OK) {
		*z->share = before;
		return code;
	}
	life_look_at_set(z);
	signer_submit_look(z);
	signer_life_look(z);
	return OK;
}

int signer_share_gone(struct signer_zone *z, struct err *e)
{
	struct share_zone before = *z->share;
	int code;

	z->share->gone = clock_calendar();
	code = save(z, e);
	if (code != OK)
		*z->share = before;
	signer_life_look(z);
	return code;
}

/* As if the keys were its own */

const struct record *signer_zone_record(const struct signer_zone *z, struct zone_record *v)
{
	const struct record *r = keys_record(z->signer->keys, z->owner);

	if (r == NULL || z->share == NULL)
		return r;
	share_view(r, z->share, v->keys, &v->record);
	memset(v->record.zone, 0, sizeof(v->record.zone));
	memcpy(v->record.zone, z->apex, name_len(z->apex));
	return &v->record;
}

bool signer_zone_speaks(const struct signer_zone *z)
{
	return z->share == NULL || share_speaks(z->share);
}

int signer_zone_keyset(const struct signer_zone *z, int64_t now, struct keyset *out, struct err *e)
{
	struct keys *k = z->signer->keys;
	struct zone_record v;
	int code = keys_keyset(k, z->owner, now, out, e);

	if (code != OK)
		return code;
	if (z->share != NULL)
		out->unsign = z->share->unsign != 0;
	if (z->share != NULL && z->share->left != 0)
		*out = (struct keyset){.unsign = true};
	else
		keys_fill_cds_of(
		    signer_zone_record(z, &v), &z->key_policy, signer_zone_speaks(z), now, out);
	return OK;
}

bool signer_zone_ds_may_exist(const struct signer_zone *z, char why[256])
{
	struct zone_record v;
	const struct record *r;

	if (z->share == NULL || keys_record(z->signer->keys, z->owner) == NULL)
		return keys_ds_may_exist(z->signer->keys, z->owner, why);
	r = signer_zone_record(z, &v);
	why[0] = '\0';
	for (unsigned i = 0; z->share->left == 0 && i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];
		enum ds_state ds = timeline_ds(&k->times, role_has_ds(k->role), INT64_MAX);

		if (ds == DS_NONE || ds == DS_UNSUBMITTED || ds == DS_GONE)
			continue;
		snprintf(why, 256, "the DS of %s %u is %s", key_role_name(k->role), k->tag,
		    ds_state_name(ds));
		return true;
	}
	return false;
}
