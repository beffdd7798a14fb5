/* Zones that share the keys of their policy: what is kept of each (keys/share.h).  Runs in the
 * signing side; together they are a group, see signer/group.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/life.h"

#define SHARE_FORMAT 1

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

int signer_share_save(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	struct buf value = {0};
	int code;

	write_row(z, &value);
	code = store_write_meta(w, META_SHARE, z->key, z->key_len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

static int save(const struct signer_zone *z, struct err *e)
{
	struct store_write *w = NULL;
	int code = store_write_begin(z->signer->store, &w, e);

	if (code != OK)
		return code;
	code = signer_share_save(z, w, e);
	if (code == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
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
	signer_group_join(z);
	if (kept.known == 0)
		z->share->known = clock_calendar();
	z->share_is_new = kept.known == 0;
}

static int save_new(struct signer *s, struct store_write *w, struct err *e)
{
	int code = OK;

	for (unsigned i = 0; i < s->zone_count && code == OK; i++) {
		if (s->zones[i]->share_is_new)
			code = signer_share_save(s->zones[i], w, e);
	}
	return code;
}

void signer_share_configured(struct signer *s)
{
	struct store_write *w;
	struct err e = {0};
	bool is_any = false;
	int code;

	for (unsigned i = 0; i < s->zone_count; i++)
		is_any = is_any || s->zones[i]->share_is_new;
	if (!is_any)
		return;
	code = store_write_begin(s->store, &w, &e);
	if (code == OK) {
		code = save_new(s, w, &e);
		if (code == OK)
			code = store_write_commit(w, &e);
		else
			store_write_abort(w);
	}
	if (code != OK)
		log_error("which zones share keys cannot be saved: %s", e.text);
	for (unsigned i = 0; i < s->zone_count; i++)
		s->zones[i]->share_is_new = false;
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
	signer_group_leave(z);
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

void signer_share_laggards(
    const struct signer_zone *z, const struct roll_held *h, char *out, size_t size)
{
	unsigned count;
	struct signer_zone *const *members = signer_share_members(z, &count);
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		const struct signer_zone *m = members[i];
		struct share_input in;
		struct facts f;

		if (m->deleting || !input_of(m, &f, &in) || !share_lags(m->share, &in, h))
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
