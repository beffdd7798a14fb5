/* The verbs that show what keys and tokens are: key export, repository list. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/verbs/internal.h"
#include "dns/dnskey.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "parent/submit.h"

struct listing {
	struct signer *signer;
	struct ops_call *call;
	unsigned shown;
};

/* key export */

static void print_record(
    struct listing *l, const struct signer_zone *z, uint16_t type, const struct buf *rdata)
{
	struct buf text = {0};
	char name[RRTYPE_TEXT_SIZE];

	rrtype_text(type, name);
	rdata_text(type, rdata->data, (uint16_t)rdata->len, &text);
	ops_text(l->call, "%s\t%u\tIN\t%s\t%.*s\n", z->name,
	    type == RR_DS ? z->key_policy.ds_ttl : z->key_policy.ttl_dnskey, name, (int)text.len,
	    (const char *)text.data);
	buf_free(&text);
	l->shown++;
}

static void export_ds(struct listing *l, const struct signer_zone *z, const struct keyset_key *k)
{
	const struct config_policy *p = config_policy(l->signer->config, z->sign_policy.name);

	for (unsigned i = 0; p != NULL && i < p->digests.count; i++) {
		struct buf ds = {0};
		uint8_t digest = strcmp(p->digests.list[i], "SHA384") == 0 ? 4 : 2;

		if (dnskey_ds(z->apex, k->dnskey, k->dnskey_len, digest, &ds) == OK)
			print_record(l, z, RR_DS, &ds);
		buf_free(&ds);
	}
}

static bool is_named(const struct ops_call *c)
{
	return ops_option(c, "key-type") != NULL || ops_option(c, "key-tag") != NULL ||
	       ops_option(c, "cka-id") != NULL;
}

/* Does the parent have a DS of the zone to keep, or to take? */
static bool has_wanted_ds(const struct signer_zone *z)
{
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);

	for (unsigned i = 0; r != NULL && i < r->key_count; i++) {
		if (submit_is_wanted(&r->keys[i], clock_calendar()))
			return true;
	}
	return false;
}

/* Belongs the DS to the set at the parent now?  Before there is any: the one to come, and a
 * warning. */
static bool is_for_parent(struct listing *l, const struct signer_zone *z, const struct key_info *i)
{
	bool is_wanted = i->ds == DS_SUBMITTED || i->ds == DS_SEEN;
	bool is_next = i->ds == DS_UNSUBMITTED && i->state >= KEY_PUBLISHED &&
		       i->state < KEY_RETIRED && !has_wanted_ds(z);

	if (!is_wanted && !is_next && !is_named(l->call))
		return false;
	if (!is_wanted)
		ops_warn(l->call,
		    "the DS of key %u is not for the parent now (it is %s); \"intaglio zone status\" says "
		    "what is waited for",
		    i->key->tag, ds_state_name(i->ds));
	return true;
}

static void export_key(void *arg, struct signer_zone *z, const struct key_info *i)
{
	struct listing *l = arg;
	struct buf rdata = {0};

	if (z == NULL || !verbs_means_key(l->call, i->key) || i->state == KEY_REMOVED ||
	    (i->key->role == KEY_ZSK && ops_option(l->call, "key-type") == NULL))
		return;
	if (ops_flag(l->call, "ds")) {
		if (i->key->role != KEY_ZSK && is_for_parent(l, z, i))
			export_ds(l, z, i->key);
		return;
	}
	buf_put(&rdata, i->key->dnskey, i->key->dnskey_len);
	print_record(l, z, RR_DNSKEY, &rdata);
	buf_free(&rdata);
}

static void verb_key_export(void *arg, struct ops_call *c)
{
	struct listing l = {arg, c, 0};
	struct signer_zone *z = NULL;

	if (ops_option(c, "zone") != NULL && (z = verbs_zone(arg, c)) == NULL)
		return;
	verbs_keys_each(l.signer, z, export_key, &l);
	if (l.shown == 0 && ops_flag(c, "ds") && !is_named(c))
		ops_fail(c,
		    "the parent should have no DS of it now; \"intaglio key list\" shows its keys");
	else if (l.shown == 0)
		ops_fail(c, "there is no such key; \"intaglio key list\" shows those there are");
	else
		ops_done(c);
}

/* repository list */

static void verb_repository_list(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *only = ops_option(c, "repository");
	json_t *list = json_array();

	for (unsigned i = 0; i < s->token_count; i++) {
		const struct signer_token *t = s->tokens[i];
		const struct config_token *conf = config_token(s->config, t->name);
		char why[256] = "";
		bool up = token_is_up(t->token, why);

		if (only != NULL && strcmp(only, t->name) != 0)
			continue;
		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:I,s:f}", "name", t->name,
			      "module", conf == NULL ? "" : conf->module, "label",
			      conf == NULL ? "" : conf->label, "state", up ? "up" : "down",
			      "reason", why, "workers", conf == NULL ? 0 : (int)conf->workers,
			      "sessions", conf == NULL ? 0 : (int)conf->sessions, "signatures",
			      (json_int_t)token_sign_count(t->token), "signatures_per_second",
			      token_sign_rate(t->token)));
	}
	ops_list(c, json_pack("{s:o}", "repositories", list), "repositories",
	    "name:Name,label:Label,state:State,workers:Workers,sessions:Sessions,signatures:"
	    "Signatures,"
	    "reason:Reason,module:Module");
	ops_done(c);
}

void verbs_key_register(struct signer *s)
{
	ops_register(s->ops, "key list", verb_key_list, s);
	ops_register(s->ops, "key export", verb_key_export, s);
	ops_register(s->ops, "repository list", verb_repository_list, s);
}
