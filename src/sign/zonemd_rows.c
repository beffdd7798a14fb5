/* The rows of a version as its digest wants them (RFC 8976 section 3.3.3): in canonical order, the
 * NSEC3s among the other names.  Runs in threads of the signing side. */
#include "sign/zonemd.h"

#include <string.h>
#include "dns/rrtype.h"

void zonemd_rows_close(struct zonemd_rows *x)
{
	if (x->is_open)
		walk_close(&x->walk);
	x->is_open = false;
	change_walk_close(x->ahead);
	x->ahead = NULL;
	snapshot_close(x->sn);
	x->sn = NULL;
}

static int next_row(struct zonemd_rows *x)
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

static int compare_owners(const struct zonemd_rows *a, const struct zonemd_rows *b)
{
	int c = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	return c != 0 ? c : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int read_rows(struct zonemd_rows rows[2], struct zonemd *digest, struct zonemd_reading *out)
{
	struct zonemd_rows *rr = &rows[0], *nsec3 = &rows[1];
	int rc = next_row(rr);

	if (rc == OK)
		rc = next_row(nsec3);
	while (rc == OK && (rr->rc == OK || nsec3->rc == OK)) {
		struct zonemd_rows *first = rr;

		if (rr->rc != OK || (nsec3->rc == OK && compare_owners(nsec3, rr) < 0))
			first = nsec3;
		if (first->set.type == RR_SOA)
			out->ttl = first->set.ttl;
		zonemd_add(digest, &first->set);
		rc = next_row(first);
	}
	return rc;
}

int zonemd_read(struct zonemd_rows rows[2], const uint8_t *apex, uint8_t hash,
    struct zonemd_reading *out, struct err *e)
{
	struct zonemd *digest = zonemd_new(apex, hash);
	int rc;

	if (digest == NULL)
		return err_set(e, ERR_ARGUMENT, "a digest of hash %u is not known here", hash);
	rc = read_rows(rows, digest, out);
	out->digest_len = zonemd_end(digest, out->digest);
	if (rc == OK && out->digest_len == 0)
		rc = ERR_LIMIT;
	return rc == OK ? OK : err_set(e, rc, "reading the signed zone: %s", err_name(rc));
}
