/* A zone's policy against the TTLs that it really has (R25).  Runs in the signing side. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer.h"

struct policy_question signer_policy_question(
    const struct signer_zone *z, const struct config_policy *p, struct key_policy *keys)
{
	struct policy_question q = config_policy_question(p, keys);
	struct facts f = {0};

	if (!z->has_head || z->head.generation == 0)
		return q;
	q.knows_zone = true;
	q.ttl_zone = z->head.ttl_max;
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
