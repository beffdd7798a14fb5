/* A policy of the configuration as the rooms want it.  Pure; runs in every process that has the
 * configuration. */
#include <stdio.h>
#include <string.h>
#include "daemon/config/config.h"
#include "keys/share.h"

#define DEADLINE_USUAL 86400
#define DAY 86400

static void take_role(struct key_role_policy *to, const struct config_role *from, bool wanted)
{
	to->wanted = wanted;
	to->bits = (uint16_t)from->bits;
	snprintf(to->token, sizeof(to->token), "%s", from->token == NULL ? "" : from->token);
	to->prepublish = from->prepublish;
	to->active = from->active;
	to->postpublish = from->postpublish;
}

/* Digest types of DS records (RFC 4509, RFC 6605). */
static void take_digests(struct key_policy *to, const struct conf_names *names)
{
	for (unsigned i = 0; i < names->count && i < POLICY_DIGESTS_MAX; i++)
		to->digests[i] = strcmp(names->list[i], "SHA384") == 0 ? 4 : 2;
}

void config_key_policy(const struct config_policy *p, struct key_policy *out)
{
	bool csk = p->csk.origin.line > 0;

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", p->name);
	out->algorithm = (uint8_t)p->algorithm;
	take_role(&out->ksk, &p->ksk, !csk);
	take_role(&out->zsk, &p->zsk, !csk);
	take_role(&out->csk, &p->csk, csk);
	out->ttl_dnskey = (uint32_t)p->ttl.dnskey;
	out->ttl_cds = (uint32_t)p->ttl.cds;
	out->max_ttl = (uint32_t)p->max_ttl;
	out->propagation = (uint32_t)p->propagation;
	out->ds_ttl = (uint32_t)p->parent.ds_ttl;
	out->ds_propagation = (uint32_t)p->parent.propagation;
	/* What was asked of a parent may happen until then: never at once. */
	out->ds_deadline = (uint32_t)(p->parent.deadline > 0 ? p->parent.deadline : DEADLINE_USUAL);
	out->extractable = out->require_backup = p->require_backup;
	out->publish_cds = p->publish_cds;
	take_digests(out, &p->digests);
	out->emergency_validity = (uint32_t)p->emergency_validity;
	out->purge_after.seconds = p->purge_after;
}

struct policy_question config_policy_question(
    const struct config_policy *p, struct key_policy *keys)
{
	config_key_policy(p, keys);
	return (struct policy_question){
	    .policy = keys, .validity = p->signatures.validity, .refresh = p->signatures.refresh};
}

unsigned config_runway(const struct config_policy *p, int64_t out[CONFIG_RUNWAY_MAX])
{
	static const int64_t usual[] = {7 * DAY, 3 * DAY, DAY};
	struct period period;
	unsigned count = 0;

	if (p->runway.count == 0) {
		memcpy(out, usual, sizeof(usual));
		return sizeof(usual) / sizeof(usual[0]);
	}
	for (unsigned i = 0; i < p->runway.count && count < CONFIG_RUNWAY_MAX; i++) {
		if (period_parse(p->runway.list[i], &period) == OK)
			out[count++] = period_seconds(period);
	}
	return count;
}

const struct config_policy *config_policy_twin(
    const struct config *c, const struct config_policy *p)
{
	const struct config_policy *all = c->policies.items;
	uint8_t owner[NAME_MAX_LEN], other[NAME_MAX_LEN];

	if (!p->shared_keys || strlen(p->name) >= STORE_POLICY_MAX)
		return NULL;
	share_owner(p->name, owner);
	for (unsigned i = 0; i < c->policies.count; i++) {
		const struct config_policy *q = &all[i];

		if (q == p || q->name == NULL || !q->shared_keys ||
		    strlen(q->name) >= STORE_POLICY_MAX)
			continue;
		share_owner(q->name, other);
		if (name_equal(owner, other))
			return q;
	}
	return NULL;
}

bool config_is_owner(const char *name)
{
	uint8_t wire[NAME_MAX_LEN];

	return name != NULL && name_parse(name, wire) == OK && share_is_owner(wire);
}
