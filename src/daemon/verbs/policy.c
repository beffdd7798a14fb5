/* The verbs that show policies: list, show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/verbs/internal.h"

static json_t *policy_json(const struct config_policy *p)
{
	char validity[40], refresh[40];

	period_text((struct period){0, p->signatures.validity}, validity);
	period_text((struct period){0, p->signatures.refresh}, refresh);
	return json_pack("{s:s,s:s,s:s,s:s?,s:s,s:s,s:b,s:b}", "name", p->name, "algorithm",
	    dnskey_algorithm_name((uint8_t)p->algorithm), "denial",
	    p->denial == DENIAL_NSEC ? "nsec"
	    : p->nsec3.opt_out	     ? "nsec3 opt-out"
				     : "nsec3",
	    "token", p->token, "validity", validity, "refresh", refresh, "verify", p->verify, "csk",
	    p->csk.origin.line > 0);
}

/* only: that one; NULL: all. */
static void list_policies(struct signer *s, struct ops_call *c, const struct config_policy *only)
{
	const struct config_policy *p = s->config->policies.items;
	json_t *list = json_array();

	for (unsigned i = 0; i < s->config->policies.count; i++) {
		if (only == NULL || only == &p[i])
			json_array_append_new(list, policy_json(&p[i]));
	}
	ops_list(c, json_pack("{s:o}", "policies", list), "policies",
	    "name:Name,algorithm:Algorithm,denial:Denial,token:Token,validity:Validity,refresh:"
	    "Refresh");
	ops_done(c);
}

static void verb_policy_list(void *arg, struct ops_call *c)
{
	list_policies(arg, c, NULL);
}

/* Zones whose policy is not the one that their own file gives them. */
static void show_set_policies(
    const struct signer *s, struct ops_call *c, const struct config_policy *only)
{
	const struct config_zone_policy *z = s->config->zone_policies.items;

	for (unsigned i = 0; i < s->config->zone_policies.count; i++)
		if (only == NULL || strcmp(only->name, z[i].policy) == 0)
			ops_text(c, "/* zone %s has policy %s by \"zone set-policy\" */\n",
			    z[i].name, z[i].policy);
}

static void verb_policy_show(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "policy");
	struct config_policy *p = name == NULL ? NULL : config_policy(s->config, name);
	struct conf_groups shown = s->config->policies;
	struct buf text = {0};

	if (name != NULL && p == NULL) {
		ops_fail(c, "there is no policy %s; \"intaglio policy list\" shows those there are",
		    name);
		return;
	}
	if (ops_flag(c, "json")) {
		list_policies(s, c, p);
		return;
	}
	if (p != NULL)
		shown = (struct conf_groups){p, 1, 1};
	conf_write_list("policies", &config_policy_table, &shown, CONF_FILE | CONF_WHOLE, &text);
	ops_text(c, "%.*s", (int)text.len, (const char *)text.data);
	buf_free(&text);
	show_set_policies(s, c, p);
	ops_done(c);
}

void verbs_policy_register(struct signer *s)
{
	ops_register(s->ops, "policy list", verb_policy_list, s);
	ops_register(s->ops, "policy show", verb_policy_show, s);
}
