/* expire: for how long a secondary may serve what it gets when it hears nothing more of us (RFC
 * 7314).  Pure.
 *
 * A secondary that has lost its primary serves on for the SOA's EXPIRE, which knows nothing of
 * signatures.  So the answer is lowered to what is left of the first of them: then no secondary
 * that is cut off serves one that has expired.  Once that has happened nothing is said any more,
 * since the version is served on, loudly, by us too (R11). */
#include "outbound/parts.h"

static int64_t sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

bool out_expire(const struct out_life *life, int64_t now, uint32_t *seconds)
{
	int64_t end = sooner(life->source_expires, life->signatures_expire);

	if (end != 0 && end <= now)
		return false;
	*seconds = life->soa_expire;
	if (end != 0 && end - now < *seconds)
		*seconds = (uint32_t)(end - now);
	return true;
}

/* The source's version runs out with its SOA's EXPIRE, or when the source said. */
struct out_life out_life_of(
    const struct out_zone *z, const struct zone_head *h, uint32_t soa_expire)
{
	struct out_life life = {.soa_expire = soa_expire, .signatures_expire = h->expiry_first};

	if (z->ends_with_source && h->refreshed != 0)
		life.source_expires = h->source_expires != 0
					  ? h->source_expires
					  : h->refreshed + (int64_t)h->soa_in.expire;
	return life;
}
