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
#include "sign/zonemd.h"

#define HASH ZONEMD_SHA384

enum stage { STAGE_WAIT, STAGE_READ, STAGE_SIGN };

struct zonemd_out {
	enum stage stage;
	struct zonemd_rows rows[2];
	struct zonemd_reading read;
};

void zonemd_free(struct sign_run *r)
{
	struct zonemd_out *z = r->zonemd;

	if (z == NULL)
		return;
	zonemd_rows_close(&z->rows[0]);
	zonemd_rows_close(&z->rows[1]);
	free(z);
	r->zonemd = NULL;
}

bool zonemd_is_made(const struct sign_run *r)
{
	return r->job.policy.zonemd_generate && r->denial != DENIAL_NONE;
}

static void read_in_thread(struct work *w, struct verifier_scratch *scratch)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));

	(void)scratch;
	r->work_code =
	    zonemd_read(r->zonemd->rows, r->job.apex, HASH, &r->zonemd->read, &r->work_err);
}

static int open_ahead(struct sign_run *r, struct zonemd_rows *x)
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
		struct zonemd_rows *x = &r->zonemd->rows[i];

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
	    .digest = z->read.digest,
	    .digest_len = z->read.digest_len};
	struct rrset set = {
	    .owner = r->job.apex, .type = RR_ZONEMD, .ttl = z->read.ttl, .count = 1};

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
		zonemd_rows_close(&r->zonemd->rows[0]);
		zonemd_rows_close(&r->zonemd->rows[1]);
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
