/* What CDS and CDNSKEY sets say (RFC 7344 3, RFC 8078 4): see child.h. */
#include <string.h>
#include "base/mem.h"
#include "watch/child_internal.h"

void child_set_digest(const struct watch_set *set, uint8_t out[WATCH_DIGEST_LEN])
{
	struct rrset rrset;

	memset(out, 0, WATCH_DIGEST_LEN);
	if (watch_set_open(set, &rrset))
		child_digest(rrset.rdata, rrset.rdata_len, out);
}

void child_wish_digest(
    const struct watch_set *cds, const struct watch_set *cdnskey, uint8_t out[WATCH_DIGEST_LEN])
{
	uint8_t both[2 * WATCH_DIGEST_LEN];

	child_set_digest(cds, both);
	child_set_digest(cdnskey, both + WATCH_DIGEST_LEN);
	child_digest(both, sizeof(both), out);
}

/* Octets of a digest of this type, 0: whatever it is. */
static size_t digest_octets(uint8_t digest_type)
{
	static const uint8_t octets[] = {[1] = 20, [2] = 32, [4] = 48};

	return digest_type < sizeof(octets) ? octets[digest_type] : 0;
}

static bool ds_read(const uint8_t *rdata, size_t len, struct parent_ds *out)
{
	size_t octets;

	if (len < 5 || len - 4 > PARENT_DIGEST_MAX)
		return false;
	*out = (struct parent_ds){.tag = load_u16(rdata),
	    .algorithm = rdata[2],
	    .digest_type = rdata[3],
	    .digest_len = (uint8_t)(len - 4)};
	memcpy(out->digest, rdata + 4, len - 4);
	octets = digest_octets(out->digest_type);
	return out->algorithm != 0 && (octets == 0 || octets == len - 4);
}

static enum watch_wish_form read_cds(const struct rrset *set, struct watch_wish *out)
{
	static const uint8_t delete[] = {0, 0, 0, 0, 0};
	const uint8_t *p = set->rdata;

	if (set->count == 1 && set->rdata_len == 2 + sizeof(delete) &&
	    memcmp(set->rdata + 2, delete, sizeof(delete)) == 0)
		return WATCH_WISH_DELETE;
	if (set->count > WATCH_DS_MAX)
		return WATCH_WISH_BROKEN;
	out->ds = mem_array(set->count, sizeof(*out->ds));
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		if (!ds_read(rdata, len, &out->ds[out->ds_count++]))
			return WATCH_WISH_BROKEN;
	}
	return WATCH_WISH_KEYS;
}

static enum watch_wish_form read_cdnskey(
    struct watch_child *c, const struct rrset *set, struct watch_wish *out, bool *has_room)
{
	static const uint8_t delete[] = {0, 0, 3, 0, 0};
	const uint8_t *p = set->rdata;

	if (set->count == 1 && set->rdata_len == 2 + sizeof(delete) &&
	    memcmp(set->rdata + 2, delete, sizeof(delete)) == 0)
		return WATCH_WISH_DELETE;
	if (set->count > WATCH_DS_MAX)
		return WATCH_WISH_BROKEN;
	out->keys = mem_array(set->count, sizeof(*out->keys));
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		int key;

		if (!proof_is_usable(rdata, len))
			return WATCH_WISH_BROKEN;
		key = child_intern(c, rdata, len);
		*has_room = *has_room && key >= 0;
		if (key >= 0)
			out->keys[out->key_count++] = (uint8_t)key;
	}
	return WATCH_WISH_KEYS;
}

bool child_wish_read(struct watch_child *c, const struct watch_set *cds,
    const struct watch_set *cdnskey, struct watch_wish *out)
{
	struct rrset set;
	bool has_room = true;

	if (watch_set_open(cds, &set))
		out->cds = read_cds(&set, out);
	if (watch_set_open(cdnskey, &set))
		out->cdnskey = read_cdnskey(c, &set, out, &has_room);
	child_wish_digest(cds, cdnskey, out->digest);
	return has_room;
}
