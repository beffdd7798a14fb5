/* A zone's policy: what of it concerns signing, and what it is against the TTLs that the zone
 * really has (R25).  Runs in the signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define DAY 86400
#define MONTH_AT_LEAST (28 * DAY)

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Signing by other keys is spread over half of what is left of the old key's time after its last
 * use, when the longest TTL, propagation and a day are taken off: the signatures of a big zone then
 * expire evenly, and its destinations are not flooded. */
static int64_t walk_time(const struct config_policy *p)
{
	const struct config_role *role = p->csk.origin.line > 0 ? &p->csk : &p->zsk;
	int64_t after = role->postpublish.months * MONTH_AT_LEAST + role->postpublish.seconds;
	int64_t left = after - p->max_ttl - p->propagation - DAY;

	return left > 0 ? left / 2 : 0;
}

void signer_policy_signing(const struct config_policy *p, struct sign_policy *to)
{
	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", p->name);
	to->denial = (enum denial_kind)p->denial;
	if (p->denial == DENIAL_NSEC3 && p->nsec3.opt_out)
		to->denial = DENIAL_NSEC3_OPT_OUT;
	to->nsec3.iterations = (uint16_t)p->nsec3.iterations;
	to->nsec3.salt_len = (uint8_t)(strlen(p->nsec3.salt) / 2);
	for (unsigned i = 0; i < to->nsec3.salt_len; i++)
		to->nsec3.salt[i] = (uint8_t)(hex_digit(p->nsec3.salt[2 * i]) << 4 |
					      hex_digit(p->nsec3.salt[2 * i + 1]));
	to->serial = (enum serial_policy)p->serial;
	to->verify = p->verify;
	to->validity = p->signatures.validity;
	to->refresh = p->signatures.refresh;
	to->jitter = p->signatures.jitter;
	to->inception_offset = p->signatures.inception_offset;
	to->walk_time = walk_time(p);
	to->journal_octets = (uint64_t)p->journal.size;
	to->journal_age = p->journal.age;
	to->ttl_dnskey = (uint32_t)p->ttl.dnskey;
	to->ttl_cds = (uint32_t)p->ttl.cds;
	to->max_ttl = (uint32_t)p->max_ttl;
	to->zonemd_generate = p->zonemd.generate;
	to->zonemd_verify = p->zonemd.verify;
}

struct policy_question signer_policy_question(
    const struct signer_zone *z, const struct config_policy *p, struct key_policy *keys)
{
	struct policy_question q = config_policy_question(p, keys);
	struct facts f = {0};

	if (!z->has_head || z->head.generation == 0)
		return q;
	q.knows_zone = true;
	q.ttl_zone = z->head.ttl_max;
	q.soa_expire = z->head.soa_in.expire;
	if (z->head.published) { /* what caches go by may be longer than what is served now */
		signer_zone_facts(z, &f);
		q.ttl_zone = f.ttl_zone > f.ttl_negative ? f.ttl_zone : f.ttl_negative;
		q.ttl_dnskey = f.ttl_dnskey;
		q.ttl_ds = f.ttl_ds;
	}
	return q;
}

unsigned signer_policy_check(const struct signer_zone *z, const struct config_policy *p,
    struct policy_finding out[POLICY_FINDINGS_MAX])
{
	struct key_policy keys;
	struct policy_question q = signer_policy_question(z, p, &keys);

	return policy_check(&q, out);
}

void signer_policy_look(struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	unsigned count = p == NULL ? 0 : signer_policy_check(z, p, findings);
	struct buf words = {0};

	for (unsigned i = 0; i < count; i++)
		if (findings[i].severity != POLICY_NOTE)
			buf_printf(&words, "%s\n", findings[i].text);
	buf_u8(&words, 0);
	if (z->doubts == NULL || strcmp(z->doubts, (const char *)words.data) != 0) {
		for (unsigned i = 0; i < count; i++)
			if (findings[i].severity != POLICY_NOTE)
				log_warning("zone %s: policy %s: %s; right would be: %s", z->name,
				    p->name, findings[i].text, findings[i].advice);
		free(z->doubts);
		z->doubts = mem_strdup((const char *)words.data);
	}
	buf_free(&words);
}
