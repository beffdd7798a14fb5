/* version: one whole version of a zone out of the store, in the order in which it is sent: the SOA,
 * then everything else.  The version stands still while it is read, however long that takes.
 *
 * Runs in the network side; trusts the store. */
#include "outbound/parts.h"

#include <string.h>

int out_version_open(const struct out_zone *z, struct out_version *v, struct err *e)
{
	const uint8_t *packed;
	size_t len;
	int rc;

	memset(v, 0, sizeof(*v));
	rc = snapshot_open(z->out->store, &v->snapshot, e);
	if (rc != OK)
		return rc;
	rc = snapshot_head(v->snapshot, z->apex, &v->head);
	if (rc == ERR_MISSING)
		rc = err_set(e, rc, "it has not been signed yet");
	else if (rc != OK)
		rc = err_set(e, rc, "its head in the store cannot be read (%s)", err_name(rc));
	else if (v->head.generation == 0 || !v->head.has_out)
		rc = err_set(e, ERR_MISSING, "it has not been signed yet");
	else if (!v->head.published)
		rc = err_set(e, ERR_MISSING, "its signed version is held back: %s", v->head.hold);
	if (rc != OK)
		goto out;
	rc = snapshot_rrset(v->snapshot, &v->head, z->apex, RR_SOA, &packed, &len);
	if (rc == OK)
		rc = rrset_unpack(packed, len, &v->soa);
	if (rc != OK || v->soa.count != 1)
		rc = err_set(e, rc == OK ? ERR_FORMAT : rc, "its SOA is not in the store");
out:
	if (rc != OK)
		out_version_close(v);
	return rc;
}

int out_version_next(struct out_version *v, struct rrset *set, struct err *e)
{
	int rc;

	if (!v->has_soa) {
		v->has_soa = true;
		*set = v->soa;
		return OK;
	}
	if (!v->walking) {
		rc = walk_open(v->snapshot, &v->head, &v->walk, e);
		if (rc != OK)
			return rc;
		v->walking = true;
	}
	do {
		rc = walk_next(&v->walk);
	} while (rc == OK && v->walk.type == RR_SOA && !v->walk.is_nsec3);
	if (rc == OK)
		rc = rrset_unpack(v->walk.packed, v->walk.packed_len, set);
	if (rc != OK && rc != ERR_MISSING)
		err_set(e, rc, "the store cannot be read (%s)", err_name(rc));
	return rc;
}

void out_version_close(struct out_version *v)
{
	if (v->walking)
		walk_close(&v->walk);
	v->walking = false;
	snapshot_close(v->snapshot);
	v->snapshot = NULL;
}
