/* policy: dates that the schedule asks for.  Pure; runs in the signing side.
 *
 * The emergency timetables count from the time T at which the key was reported (R23, R24):
 *
 *            signs until                     in the DNSKEY set until
 *   KSK      T + 1 week                      T + 2 weeks
 *   ZSK      T + 2 days                      T + 4 days
 *   CSK      zone T + 2 days, set T + 1 week T + 2 weeks
 */
#include <string.h>
#include "dns/dnskey.h"
#include "keys/policy.h"

#define DAY 86400
#define RSA_BITS_DEFAULT 2048

const char *key_role_name(enum key_role r)
{
	return r == KEY_KSK ? "KSK" : r == KEY_ZSK ? "ZSK" : "CSK";
}

const struct key_role_policy *policy_role(const struct key_policy *p, enum key_role r)
{
	return r == KEY_KSK ? &p->ksk : r == KEY_ZSK ? &p->zsk : &p->csk;
}

unsigned policy_roles(const struct key_policy *p, enum key_role out[2])
{
	out[0] = p->csk.wanted ? KEY_CSK : KEY_KSK;
	out[1] = KEY_ZSK;
	return p->csk.wanted ? 1 : 2;
}

static bool is_rsa(uint8_t algorithm)
{
	return algorithm == ALG_RSASHA256 || algorithm == ALG_RSASHA512;
}

uint16_t policy_bits(const struct key_policy *p, enum key_role r)
{
	uint16_t bits = policy_role(p, r)->bits;

	if (!is_rsa(p->algorithm))
		return 0;
	return bits != 0 ? bits : RSA_BITS_DEFAULT;
}

/* RFC 3110 2: the exponent's length in one octet, or in two behind a zero. */
static unsigned rsa_bits(const struct record_key *k)
{
	unsigned exponent = k->pub[0], head = 1;

	if (exponent == 0) {
		exponent = (unsigned)k->pub[1] << 8 | k->pub[2];
		head = 3;
	}
	return k->pub_len > head + exponent ? (k->pub_len - head - exponent) * 8 : 0;
}

static bool is_wanted(const struct key_policy *p, enum key_role r)
{
	enum key_role roles[2];
	unsigned n = policy_roles(p, roles);

	return r == roles[0] || (n > 1 && r == roles[1]);
}

bool policy_fits(const struct key_policy *p, const struct record_key *k, const char *token)
{
	const struct key_role_policy *r = policy_role(p, k->role);

	if (!is_wanted(p, k->role) || k->algorithm != p->algorithm)
		return false;
	if (is_rsa(k->algorithm) && rsa_bits(k) != policy_bits(p, k->role))
		return false;
	return token == NULL || r->token[0] == '\0' || strcmp(token, r->token) == 0;
}

static bool is_forever(struct period p)
{
	return p.months == 0 && p.seconds == 0;
}

int64_t policy_retire_at(const struct key_policy *p, const struct record_key *k, bool fits)
{
	const struct key_role_policy *r = policy_role(p, k->role);
	int64_t reported = k->times.at[TIME_COMPROMISED];

	if (reported != 0)
		return reported + (k->role == KEY_ZSK ? 2 * DAY : 7 * DAY);
	if (k->times.at[TIME_ROLL] != 0)
		return k->times.at[TIME_ROLL];
	if (!fits)
		return 0;
	if (is_forever(r->active))
		return POLICY_NEVER;
	return period_add(k->times.at[TIME_ACTIVE], r->active);
}

int64_t policy_successor_at(const struct key_policy *p, const struct record_key *k, bool fits)
{
	int64_t retire = policy_retire_at(p, k, fits);

	if (k->times.at[TIME_COMPROMISED] != 0)
		return k->times.at[TIME_COMPROMISED];
	if (!fits || k->times.at[TIME_ROLL] != 0 || retire == POLICY_NEVER)
		return retire;
	return period_sub(retire, policy_role(p, k->role)->prepublish);
}

int64_t policy_zone_handover_at(const struct record_key *k)
{
	int64_t reported = k->times.at[TIME_COMPROMISED];

	return k->role == KEY_CSK && reported != 0 ? reported + 2 * DAY : POLICY_NEVER;
}

int64_t policy_remove_at(const struct key_policy *p, const struct record_key *k)
{
	int64_t reported = k->times.at[TIME_COMPROMISED], retired = k->times.at[TIME_RETIRED];

	if (reported == 0)
		return period_add(retired, policy_role(p, k->role)->postpublish);
	/* One that did nothing any more when it was reported: at once. */
	if (retired <= reported || k->times.at[TIME_ACTIVE] == 0)
		return reported;
	return reported + (k->role == KEY_ZSK ? 4 * DAY : 14 * DAY);
}

int64_t policy_destroy_at(const struct key_policy *p, const struct record_key *k)
{
	if (k->times.at[TIME_COMPROMISED] != 0)
		return k->times.at[TIME_REMOVED];
	return period_add(k->times.at[TIME_REMOVED], p->purge_after);
}
