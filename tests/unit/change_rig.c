#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/check_part.h"
#include "tests/unit/change_rig.h"
#include "tests/unit/fake_token.h"
#include "zone/change.h"

/* Versions in memory */

static void add_row(void *arg, const struct walk *w, const struct rrset *set)
{
	struct version *v = arg;
	struct row *r = &v->rows[v->count++];

	assert_true(v->count < ROWS_MAX);
	memset(r, 0, sizeof(*r));
	r->is_nsec3 = w->is_nsec3;
	memcpy(r->key, w->key, w->key_len);
	r->key_len = w->key_len;
	rig_put_row(r, set);
}

void rig_put_row(struct row *r, const struct rrset *set)
{
	struct buf packed = {0};

	rrset_pack(set, &packed);
	buf_free(&r->packed);
	r->packed = packed;
	assert_int_equal(rrset_unpack(r->packed.data, r->packed.len, &r->set), OK);
}

static void forget(struct version *v)
{
	for (unsigned i = 0; i < v->count; i++)
		buf_free(&v->rows[i].packed);
	v->count = 0;
}

static void sum_row(struct zone_head *h, const struct rrset *set)
{
	const uint8_t *p = set->sigdata;

	h->rrsets++;
	h->records += set->count;
	h->signatures += set->sigs;
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		for (unsigned k = 0; k < h->key_count; k++)
			h->keys[k].signatures += h->keys[k].tag == sig.key_tag;
	}
}

void rig_sum(struct version *v)
{
	struct zone_head *h = &v->head;

	h->rrsets = h->records = h->signatures = 0;
	for (unsigned k = 0; k < h->key_count; k++)
		h->keys[k].signatures = 0;
	for (unsigned i = 0; i < v->count; i++) {
		if (!v->rows[i].is_gone)
			sum_row(h, &v->rows[i].set);
	}
}

static void sign_version(struct rig *r, const char *text, struct version *v)
{
	forget(v);
	signing_text(&r->s, text);
	r->s.job.force = true;
	if (signing_sign(&r->s) != OK)
		fail_msg("%s\n%s", r->s.result.err.text, text);
	v->head = r->s.result.head;
	signing_each(&r->s, add_row, v);
}

/* Finding rows */

struct row *rig_find(struct version *v, const char *owner, uint16_t type)
{
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];

	assert_int_equal(name_parse(owner, name), OK);
	nsec3_hash(&v->head.nsec3, name, hash);
	for (unsigned i = 0; i < v->count; i++) {
		struct row *r = &v->rows[i];

		if (r->set.type != type)
			continue;
		if (r->is_nsec3 ? memcmp(r->key, hash, sizeof(hash)) == 0
				: name_equal(name, r->set.owner))
			return r;
	}
	fail_msg("there is no %s %u", owner, type);
	return NULL;
}

/* The NSEC3 that leads to the name's hash. */
struct row *rig_nsec3_before(struct version *v, const char *owner)
{
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];
	struct row *last = NULL, *before = NULL;

	assert_int_equal(name_parse(owner, name), OK);
	nsec3_hash(&v->head.nsec3, name, hash);
	for (unsigned i = 0; i < v->count; i++) {
		struct row *r = &v->rows[i];

		if (!r->is_nsec3 || r->is_gone)
			continue;
		last = r;
		if (memcmp(r->key, hash, sizeof(hash)) < 0)
			before = r;
	}
	return before != NULL ? before : last;
}

/* The change: what differs but for its signatures. */

const struct row *rig_same(const struct version *v, const struct row *r)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct row *o = &v->rows[i];

		if (o->is_nsec3 == r->is_nsec3 && o->set.type == r->set.type &&
		    o->key_len == r->key_len && memcmp(o->key, r->key, r->key_len) == 0)
			return o;
	}
	return NULL;
}

static size_t bare_len(const struct row *r)
{
	return (size_t)(r->set.rdata + r->set.rdata_len - r->packed.data);
}

bool rig_has_changed(const struct row *r, const struct row *o)
{
	return o == NULL || bare_len(r) != bare_len(o) ||
	       (r->set.sigs == 0) != (o->set.sigs == 0) ||
	       memcmp(r->packed.data, o->packed.data, bare_len(r)) != 0;
}

static int compare_owners(const void *a, const void *b)
{
	const struct check_owner *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);

	return c != 0 ? c : (int)x->key_len - (int)y->key_len;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

static void note_changed(struct rig *r, const struct version *v, const struct version *other)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct row *row = &v->rows[i];

		if (!rig_has_changed(row, rig_same(other, row)))
			continue;
		if (row->is_nsec3)
			memcpy(r->hashes[r->hash_count++], row->key, NSEC3_HASH_LEN);
		else
			r->owners[r->owner_count++] =
			    (struct check_owner){.key = row->key, .key_len = row->key_len};
	}
}

static void find_change(struct rig *r)
{
	size_t kept = 0;

	r->owner_count = r->hash_count = 0;
	note_changed(r, &r->was, &r->is);
	note_changed(r, &r->is, &r->was);
	qsort(r->owners, r->owner_count, sizeof(r->owners[0]), compare_owners);
	qsort(r->hashes, r->hash_count, NSEC3_HASH_LEN, compare_hashes);
	for (size_t i = 0; i < r->owner_count; i++) {
		if (kept == 0 || compare_owners(&r->owners[kept - 1], &r->owners[i]) != 0)
			r->owners[kept++] = r->owners[i];
	}
	r->owner_count = kept;
	kept = 0;
	for (size_t i = 0; i < r->hash_count; i++) {
		if (kept == 0 || compare_hashes(r->hashes[kept - 1], r->hashes[i]) != 0)
			memmove(r->hashes[kept++], r->hashes[i], NSEC3_HASH_LEN);
	}
	r->hash_count = kept;
}

/* In the store */

static void build_was(struct rig *r)
{
	struct version *v = &r->was;
	struct err e = {0};
	struct build *b = build_begin(r->store, v->count, &e);
	struct expiry_entry x = {.expiry = SIGNING_NOW + 1, /* it may be too early */
	    .first = v->rows[0].key,
	    .last = v->rows[0].key,
	    .first_len = v->rows[0].key_len,
	    .last_len = v->rows[0].key_len};

	for (unsigned i = 0; i < v->count; i++) {
		const struct row *row = &v->rows[i];
		int rc = row->is_nsec3
			     ? build_nsec3(b, row->key, row->packed.data, row->packed.len, &e)
			     : build_rrset(b, row->key, row->key_len, row->set.type,
				   row->packed.data, row->packed.len, &e);

		assert_int_equal(rc, OK);
	}
	assert_int_equal(build_expiry(b, &x, &e), OK);
	assert_int_equal(build_flip(b, &v->head, NULL, NULL, &e), OK);
}

static bool is_listed(const struct rig *r, const struct row *row)
{
	struct check_owner o = {.key = row->key, .key_len = row->key_len};

	return row->is_nsec3
		   ? bsearch(row->key, r->hashes, r->hash_count, NSEC3_HASH_LEN, compare_hashes) !=
			 NULL
		   : bsearch(&o, r->owners, r->owner_count, sizeof(o), compare_owners) != NULL;
}

static void change_row(struct change *c, const struct row *row, bool is_there)
{
	const uint8_t *packed = is_there ? row->packed.data : NULL;
	struct err e = {0};
	int rc = row->is_nsec3 ? change_nsec3(c, row->key, packed, row->packed.len, &e)
			       : change_rrset(c, row->key, row->key_len, row->set.type, packed,
				     row->packed.len, &e);

	assert_int_equal(rc, OK);
}

static void end_write(struct rig *r)
{
	snapshot_close(r->before);
	r->before = NULL;
	store_write_abort(r->write);
	r->write = NULL;
}

/* The version as it would be, read before it is made, is as it is then. */
static void compare_walks(struct rig *r, struct change_walk *ahead[2], const struct zone_head *h)
{
	struct walk w, row;
	struct err e;

	assert_int_equal(walk_open(store_write_view(r->write), h, &w, &e), OK);
	while (walk_next(&w) == OK) {
		assert_int_equal(change_walk_next(ahead[w.is_nsec3], &row), OK);
		assert_int_equal(row.is_nsec3, w.is_nsec3);
		assert_int_equal(row.type, w.type);
		assert_int_equal(row.key_len, w.key_len);
		assert_memory_equal(row.key, w.key, w.key_len);
		assert_int_equal(row.packed_len, w.packed_len);
		assert_memory_equal(row.packed, w.packed, w.packed_len);
	}
	walk_close(&w);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(change_walk_next(ahead[i], &row), ERR_MISSING);
		change_walk_close(ahead[i]);
	}
}

static void apply(struct rig *r)
{
	struct change_walk *ahead[2];
	struct journal_limits limits = {.octets = 1 << 20, .age = 86400, .now = SIGNING_NOW};
	struct zone_head h = r->is.head;
	struct err e = {0};
	struct change *c = change_new(r->store);

	for (unsigned i = 0; i < r->was.count; i++) {
		const struct row *row = &r->was.rows[i];

		if (is_listed(r, row) && rig_same(&r->is, row) == NULL)
			change_row(c, row, false);
	}
	for (unsigned i = 0; i < r->is.count; i++) {
		const struct row *row = &r->is.rows[i];

		if (is_listed(r, row) || rig_has_changed(row, rig_same(&r->was, row)))
			change_row(c, row, !row->is_gone);
	}
	end_write(r);
	assert_int_equal(snapshot_open(r->store, &r->before, &e), OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    change_walk_open(c, r->before, &r->was.head, i == 1, &ahead[i], &e), OK);
	assert_int_equal(store_write_begin(r->store, &r->write, &e), OK);
	if (change_apply(c, r->write, &r->was.head, &h, &limits, &e) != OK)
		fail_msg("%s", e.text);
	compare_walks(r, ahead, &h);
	change_free(c);
	r->is.head.generation = h.generation;
	r->is.head.expiry_first = h.expiry_first;
}

int rig_judge(struct rig *r, struct err *e)
{
	struct check_part p = {.was = &r->was.head,
	    .is = &r->is.head,
	    .keys = &r->s.job.keys,
	    .now = SIGNING_NOW,
	    .min_life = r->s.job.policy.refresh,
	    .owners = r->owners,
	    .owner_count = r->owner_count,
	    .hashes = (const uint8_t(*)[NSEC3_HASH_LEN])r->hashes,
	    .hash_count = r->hash_count};
	int rc;

	apply(r);
	p.before = r->before;
	p.view = store_write_view(r->write);
	memset(e, 0, sizeof(*e));
	rc = check_part(&p, e);
	end_write(r);
	return rc;
}

void rig_begin(struct rig *r, enum denial_kind denial, const char *zone)
{
	r->s.job.policy.denial = denial;
	sign_version(r, zone, &r->was);
	build_was(r);
}

void rig_change(struct rig *r, const char *zone)
{
	struct err e;

	sign_version(r, zone, &r->is);
	find_change(r);
	if (rig_judge(r, &e) != OK)
		fail_msg("%s\n%s", e.text, zone);
}

/* The rows that did not change have their old signatures still. */
void rig_keep(struct rig *r)
{
	struct snapshot *sn;
	struct rrset set;
	struct err e;
	struct walk w;

	apply(r);
	assert_int_equal(store_write_commit(r->write, &e), OK);
	r->write = NULL;
	end_write(r);
	forget(&r->was);
	assert_int_equal(snapshot_open(r->store, &sn, &e), OK);
	assert_int_equal(snapshot_head(sn, r->s.job.apex, &r->was.head), OK);
	assert_int_equal(walk_open(sn, &r->was.head, &w, &e), OK);
	while (walk_next(&w) == OK) {
		assert_int_equal(rrset_unpack(w.packed, w.packed_len, &set), OK);
		add_row(&r->was, &w, &set);
	}
	walk_close(&w);
	snapshot_close(sn);
}

void rig_refused(struct rig *r, const char *words)
{
	struct err e;

	if (rig_judge(r, &e) != ERR_VERIFY)
		fail_msg("not refused: %s", words);
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

int rig_setup(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));
	struct err e = {0};

	signing_open(&r->s, "example.");
	r->s.token = fake_token_new(r->s.loop, "soft");
	r->s.job.keys.count = 2;
	fake_token_key(r->s.token, ALG_ECDSAP256SHA256, KEY_KSK, &r->s.job.keys.keys[0]);
	fake_token_key(r->s.token, ALG_ECDSAP256SHA256, KEY_ZSK, &r->s.job.keys.keys[1]);
	snprintf(r->dir, sizeof(r->dir), "/tmp/itg-change-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->store = store_open(r->dir, true, (uint64_t)1 << 30, &e);
	assert_non_null(r->store);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	struct rig *r = *state;
	char path[128];

	end_write(r);
	store_close(r->store);
	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, files[i]);
		unlink(path);
	}
	rmdir(r->dir);
	sign_free(r->s.sign);
	r->s.sign = NULL;
	fake_token_free(r->s.token);
	signing_close(&r->s);
	forget(&r->was);
	forget(&r->is);
	free(r);
	return 0;
}
