/* The digest of the version that goes out (RFC 8976): when all else of it is signed and written, a
 * thread reads it, and the ZONEMD set is signed and comes last.  So each version costs a walk over
 * the zone.
 *
 *   wait for all signatures -> read (in the pool) -> sign -> write
 *
 * The planner has put a set without meaning into the apex, so that the bitmap shows the type; that
 * is not written (plan_comes_late).  What is read is the generation that was built, or what is
 * changed in place with the change laid over it. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonemd.h"

#define HASH ZONEMD_SHA384

struct rows { /* of the version: its RRsets, or its NSEC3s */
	struct snapshot *sn;
	struct walk walk;	   /* of a build; else its row is filled in by */
	struct change_walk *ahead; /* this one */
	bool is_open, nsec3;
	int rc; /* of the row that it stands on */
	struct rrset set;
	uint8_t key[NAME_KEY_MAX]; /* of its owner */
	size_t key_len;
};

enum stage { STAGE_WAIT, STAGE_READ, STAGE_SIGN };

struct zonemd_out {
	enum stage stage;
	struct rows rows[2];
	uint32_t ttl; /* of the SOA, and so of the ZONEMD (RFC 8976 section 2.1) */
	uint8_t digest[ZONEMD_DIGEST_MAX];
	size_t digest_len;
};

static void close_rows(struct rows *x)
{
	if (x->is_open)
		walk_close(&x->walk);
	x->is_open = false;
	change_walk_close(x->ahead);
	x->ahead = NULL;
	snapshot_close(x->sn);
	x->sn = NULL;
}

void zonemd_free(struct sign_run *r)
{
	struct zonemd_out *z = r->zonemd;

	if (z == NULL)
		return;
	close_rows(&z->rows[0]);
	close_rows(&z->rows[1]);
	free(z);
	r->zonemd = NULL;
}

bool zonemd_is_made(const struct sign_run *r)
{
	return r->job.policy.zonemd_generate && r->denial != DENIAL_NONE;
}

static int next_row(struct rows *x)
{
	static const uint8_t lowest[NSEC3_HASH_LEN];

	if (x->ahead != NULL)
		x->rc = change_walk_next(x->ahead, &x->walk);
	else if (x->nsec3 && !x->walk.is_nsec3)
		x->rc = walk_seek_nsec3(&x->walk, lowest);
	else
		x->rc = walk_next(&x->walk);
	if (x->rc == OK && x->walk.is_nsec3 != x->nsec3)
		x->rc = ERR_MISSING;
	if (x->rc == OK)
		x->rc = rrset_unpack(x->walk.packed, x->walk.packed_len, &x->set);
	if (x->rc == OK)
		x->key_len = name_key(x->set.owner, x->key);
	return x->rc == ERR_MISSING ? OK : x->rc;
}

static int compare_owners(const struct rows *a, const struct rows *b)
{
	int c = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	return c != 0 ? c : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

/* The owners of NSEC3s stand among the other names. */
static int read_version(struct sign_run *r, struct zonemd *digest)
{
	struct rows *rr = &r->zonemd->rows[0], *nsec3 = &r->zonemd->rows[1];
	int rc = next_row(rr);

	if (rc == OK)
		rc = next_row(nsec3);
	while (rc == OK && (rr->rc == OK || nsec3->rc == OK)) {
		struct rows *first = rr;

		if (rr->rc != OK || (nsec3->rc == OK && compare_owners(nsec3, rr) < 0))
			first = nsec3;
		if (first->set.type == RR_SOA)
			r->zonemd->ttl = first->set.ttl;
		zonemd_add(digest, &first->set);
		rc = next_row(first);
	}
	return rc;
}

static void read_in_thread(struct work *w, struct verifier_scratch *scratch)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));
	struct zonemd_out *z = r->zonemd;
	struct zonemd *digest = zonemd_new(r->job.apex, HASH);
	int rc = read_version(r, digest);

	(void)scratch;
	z->digest_len = zonemd_end(digest, z->digest);
	if (rc == OK && z->digest_len == 0)
		rc = ERR_LIMIT;
	r->work_code =
	    rc == OK ? OK : err_set(&r->work_err, rc, "reading the new version: %s", err_name(rc));
}

static int open_ahead(struct sign_run *r, struct rows *x)
{
	int rc = snapshot_open(r->sign->store, &x->sn, &r->err);

	return rc != OK ? rc
			: change_walk_open(
			      r->amend->change, x->sn, &r->old_head, x->nsec3, &x->ahead, &r->err);
}

static int open_rows(struct sign_run *r)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < 2; i++) {
		struct rows *x = &r->zonemd->rows[i];

		x->nsec3 = i == 1;
		if (r->amend != NULL) {
			rc = open_ahead(r, x);
		} else {
			rc = build_walk(r->build, &x->sn, &x->walk, &r->err);
			x->is_open = rc == OK;
		}
	}
	return rc == OK ? OK : run_fail_in(r, rc, "reading the new version");
}

static int put_set(struct sign_run *r, const uint8_t *packed, size_t len)
{
	struct slab *s;
	int rc;

	if (r->amend == NULL) {
		s = slab_current(r, false);
		s->comes_late = true;
		return slab_fill(s, slab_add(s, r->apex_key, r->apex_key_len, RR_ZONEMD), packed,
		    len, r->zone_mask, NULL);
	}
	rc = view_node(r, r->apex_key, r->apex_key_len, &r->node); /* what the store has of it */
	if (rc != OK)
		return rc;
	return amend_put_set(r, amend_slab(r, false, 0), r->apex_key, r->apex_key_len, RR_ZONEMD,
	    packed, len, r->zone_mask, true);
}

/* The set as it goes out, and to the token. */
static int sign_digest(struct sign_run *r)
{
	struct zonemd_out *z = r->zonemd;
	struct zonemd_fields fields = {.serial = r->head.serial_out,
	    .scheme = ZONEMD_SIMPLE,
	    .hash = HASH,
	    .digest = z->digest,
	    .digest_len = z->digest_len};
	struct rrset set = {.owner = r->job.apex, .type = RR_ZONEMD, .ttl = z->ttl, .count = 1};

	buf_reset(&r->value);
	zonemd_rdata(&fields, &r->value);
	buf_reset(&r->rdata);
	buf_lv16(&r->rdata, r->value.data, r->value.len);
	set.rdata = r->rdata.data;
	set.rdata_len = r->rdata.len;
	buf_reset(&r->bitmap);
	rrset_pack(&set, &r->bitmap);
	if (r->value.failed || r->rdata.failed || r->bitmap.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	return put_set(r, r->bitmap.data, r->bitmap.len);
}

/* All that was planned is signed and written. */
static int settle(struct sign_run *r)
{
	int rc;

	slab_seal(r);
	rc = queue_pump(r);
	return rc != OK ? rc : r->first != NULL ? STEP_WAIT : STEP_DONE;
}

int zonemd_step(struct sign_run *r, uint64_t until)
{
	int rc = STEP_DONE;

	(void)until;
	if (!zonemd_is_made(r))
		return STEP_DONE;
	if (r->zonemd == NULL)
		r->zonemd = mem_alloc(sizeof(*r->zonemd));
	if (r->zonemd->stage == STAGE_WAIT) {
		rc = settle(r);
		if (rc == STEP_DONE && open_rows(r) != OK)
			return r->code;
		if (rc == STEP_DONE)
			r->zonemd->stage = STAGE_READ;
	}
	if (rc == STEP_DONE && r->zonemd->stage == STAGE_READ) {
		rc = run_in_pool(r, read_in_thread);
		if (rc != STEP_DONE)
			return rc;
		close_rows(&r->zonemd->rows[0]);
		close_rows(&r->zonemd->rows[1]);
		if (sign_digest(r) != OK)
			return r->code;
		r->zonemd->stage = STAGE_SIGN;
	}
	if (rc == STEP_DONE)
		rc = settle(r);
	if (rc == STEP_DONE)
		zonemd_free(r);
	return rc;
}
