/* The verbs that change zones: add, delete, import; and waiting for what they began. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/destinations.h"
#include "daemon/verbs/internal.h"

struct signer_zone *verbs_zone(struct signer *s, struct ops_call *c)
{
	const char *name = ops_option(c, "zone");
	struct signer_zone *z = name == NULL ? NULL : signer_zone_by_name(s, name);

	if (name == NULL)
		ops_fail(c, "say which zone: -z ZONE");
	else if (z == NULL)
		ops_fail(
		    c, "there is no zone %s; \"intaglio zone list\" shows those there are", name);
	return z;
}

const char *verbs_zone_text(const struct signer_zone *z, char out[NAME_TEXT_SIZE])
{
	size_t len = strlen(z->name);

	memcpy(out, z->name, len + 1);
	if (len > 1)
		out[len - 1] = '\0';
	return out;
}

/* Waiting for a zone */

struct waiter {
	struct waiter *next;
	struct ops_call *call;
	enum waiter_for what;
};

void verbs_wait(struct signer_zone *z, struct ops_call *c, enum waiter_for what)
{
	struct waiter *w = mem_alloc(sizeof(*w));

	w->call = c;
	w->what = what;
	w->next = z->waiters;
	z->waiters = w;
}

/* Take out the first waiter for that, whichever of them it is. */
static struct ops_call *next_waiter(struct signer_zone *z, int what)
{
	for (struct waiter **p = &z->waiters; *p != NULL; p = &(*p)->next) {
		struct waiter *w = *p;
		struct ops_call *c = w->call;

		if (what >= 0 && (int)w->what != what)
			continue;
		*p = w->next;
		free(w);
		return c;
	}
	return NULL;
}

static void tell_key(void *arg, const struct key_info *i)
{
	ops_text(arg, "%s %u (%s) is %s, in token %s\n", key_role_name(i->key->role), i->key->tag,
	    dnskey_algorithm_name(i->key->algorithm), key_state_name(i->state), i->key->token);
}

void verbs_zone_progress(struct signer_zone *z, const char *phase, uint64_t done, uint64_t total)
{
	struct ops_call *c;

	if (strcmp(phase, "keys") == 0) {
		while ((c = next_waiter(z, WAIT_KEYS)) != NULL) {
			keys_each(z->signer->keys, z->owner, verbs_policy_of, z->signer,
			    clock_calendar(), tell_key, c);
			ops_done(c);
		}
		return;
	}
	for (struct waiter *w = z->waiters; w != NULL; w = w->next) {
		char what[NAME_TEXT_SIZE + 40];

		snprintf(what, sizeof(what), "%s %s", phase, z->name);
		ops_progress(w->call, what, done, total);
	}
}

void verbs_zone_signed(struct signer_zone *z, const struct sign_result *r)
{
	struct ops_call *c;
	char name[NAME_TEXT_SIZE];

	while ((c = next_waiter(z, WAIT_SIGNED)) != NULL) {
		ops_text(c, "%s: serial %u, %llu signatures made, %llu kept, %.1f s\n",
		    verbs_zone_text(z, name), r->head.serial_out, (unsigned long long)r->signed_now,
		    (unsigned long long)r->kept, (double)r->elapsed_ms / 1000);
		if (!r->head.published)
			ops_warn(c, "it is not published: %s", r->head.hold);
		ops_done(c);
	}
}

void verbs_zone_stuck(struct signer_zone *z)
{
	struct ops_call *c;
	char name[NAME_TEXT_SIZE];

	while ((c = next_waiter(z, -1)) != NULL)
		ops_fail(
		    c, "%s: %s; it is tried again by itself", verbs_zone_text(z, name), z->problem);
}

/* zone add */

struct adding {
	struct signer *signer;
	struct ops_call *call;
	char name[NAME_TEXT_SIZE];
};

static void added(void *arg, bool ok, const char *why)
{
	struct adding *a = arg;
	struct signer_zone *z = signer_zone_by_name(a->signer, a->name);

	if (!ok)
		ops_fail(a->call, "zone %s was not added: %s", a->name, why);
	else if (z == NULL)
		ops_fail(
		    a->call, "zone %s is in the configuration, but was not taken over", a->name);
	else {
		ops_text(a->call, "zone %s added\n", a->name);
		verbs_wait(z, a->call, WAIT_KEYS);
		if (keys_zone_status(a->signer->keys, z->owner, (char[256]){0}) == KEYS_GOOD)
			verbs_zone_progress(z, "keys", 1, 1);
		else
			signer_zone_step(z);
	}
	free(a);
}

static void take_names(
    struct arena *a, const struct ops_call *c, const char *option, struct conf_names *out)
{
	unsigned n = ops_option_count(c, option);
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));

	for (unsigned i = 0; i < n; i++)
		list[i] = ops_option_at(c, option, i);
	out->list = list;
	out->count = n;
}

/* The entry as it will stand in conf.d. */
static void zone_entry(const struct ops_call *c, struct buf *out)
{
	struct arena *a = arena_new();
	struct conf_groups one = {0};
	struct config_zone *z = conf_groups_add(&config_zone_table, a, &one);

	z->name = ops_option(c, "zone");
	if (ops_option(c, "policy") != NULL)
		z->policy = ops_option(c, "policy");
	take_names(a, c, "source", &z->sources);
	take_names(a, c, "destination", &z->destinations);
	z->input_file = ops_option(c, "input-file");
	z->output_file = ops_option(c, "output-file");
	z->contact = ops_option(c, "contact");
	z->replace_dnssec = ops_flag(c, "replace-dnssec");
	conf_write_list("zones", &config_zone_table, &one, CONF_FILE, out);
	arena_free(a);
}

static void verb_zone_add(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "zone"), *policy = ops_option(c, "policy");
	char what[NAME_TEXT_SIZE + 40];
	uint8_t apex[NAME_MAX_LEN];
	struct buf text = {0};
	struct adding *a;

	if (name == NULL || name_parse(name, apex) != OK) {
		ops_fail(c, "%s is not a domain name", name == NULL ? "nothing" : name);
		return;
	}
	if (signer_zone_by_apex(s, apex) != NULL) {
		ops_fail(c, "zone %s exists already", name);
		return;
	}
	snprintf(what, sizeof(what), "zone %s was not added", name);
	if (verbs_policy_refuses(s, c, what, policy == NULL ? "default" : policy))
		return;
	a = mem_alloc(sizeof(*a));
	a->signer = s;
	a->call = c;
	snprintf(a->name, sizeof(a->name), "%s", name);
	zone_entry(c, &text);
	signer_request(s, PROTO_CONF_ADD, NULL, &text, added, a);
	buf_free(&text);
}

/* zone import */

static void imported(void *arg, bool ok, const char *why)
{
	struct adding *a = arg;

	if (ok) {
		ops_text(a->call, "the zones were added\n");
		ops_done(a->call);
	} else {
		ops_fail(a->call, "none of the zones was added: %s", why);
	}
	free(a);
}

static void verb_zone_import(void *arg, struct ops_call *c)
{
	const char *entries = ops_argument(c, 0);
	struct buf text = {0};
	struct adding *a;

	if (entries == NULL) {
		ops_fail(c, "say which file holds the zones");
		return;
	}
	if (verbs_import_refused(arg, c, entries))
		return;
	a = mem_alloc(sizeof(*a));
	a->signer = arg;
	a->call = c;
	buf_put(&text, entries, strlen(entries));
	signer_request(arg, PROTO_CONF_ADD, NULL, &text, imported, a);
	buf_free(&text);
}

/* zone delete */

static void keys_gone(void *arg, int code, const char *why)
{
	struct adding *a = arg;
	struct signer_zone *z = signer_zone_by_name(a->signer, a->name);
	struct buf body = {0};

	if (code != OK)
		ops_warn(a->call, "its keys could not all be destroyed: %s", why);
	if (z != NULL)
		signer_zone_drop(z);
	buf_str(&body, a->name);
	channel_send(a->signer->master, PROTO_FORGET, &body, -1);
	buf_free(&body);
	log_notice("zone %s: deleted by %s", a->name, ops_requester(a->call));
	ops_text(a->call, "zone %s deleted\n", a->name);
	ops_done(a->call);
	free(a);
}

static void destroy_keys(void *arg)
{
	struct adding *a = arg;
	struct signer_zone *z = signer_zone_by_name(a->signer, a->name);
	bool keep = ops_flag(a->call, "force");

	if (z->share != NULL) {
		ops_text(a->call, "the keys of its policy stay in the token\n");
		keys_gone(a, OK, "");
		return;
	}
	if (keep)
		ops_text(a->call, "its keys and their record stay in the token\n");
	keys_zone_delete(a->signer->keys, z->owner, !keep, keys_gone, a);
}

static void delete_zone(struct adding *a, struct signer_zone *z)
{
	struct store_write *w = NULL;
	struct err e = {0};
	int code;

	z->deleting = true;
	if (z->run != NULL)
		sign_cancel(z->run);
	signer_beside_cancel(z);
	code = store_write_begin(a->signer->store, &w, &e);
	if (code == OK) {
		code = store_write_remove(w, z->apex, &e);
		if (code == OK)
			code = signer_life_forget(z, w, &e);
		if (code == OK)
			code = signer_destinations_forget(z, w, &e);
		if (code == OK)
			code = signer_statuses_forget(z, w, &e);
		if (code == OK)
			code = signer_share_remove(z, w, &e);
		if (code == OK)
			code = signer_submit_remove(z, w, &e);
		if (code == OK)
			code = signer_alert_remove(z, w, &e);
		if (code == OK)
			code = signer_cds_remove(z, w, &e);
		if (code == OK)
			code = signer_notices_forget(a->signer, w, z->apex, &e);
		if (code == OK)
			code = store_write_commit(w, &e);
		else
			store_write_abort(w);
	}
	if (code != OK) {
		z->deleting = false;
		ops_fail_err(a->call, &e);
		free(a);
		return;
	}
	signer_life_when_idle(z, destroy_keys, a); /* a step that is under way ends first */
}

static void removed(void *arg, bool ok, const char *why)
{
	struct adding *a = arg;
	struct signer_zone *z = signer_zone_by_name(a->signer, a->name);

	if (ok && z != NULL) {
		delete_zone(a, z);
		return;
	}
	ops_fail(a->call, "zone %s was not deleted: %s", a->name, ok ? "it is gone already" : why);
	free(a);
}

/* R71: a zone whose DS may be at the parent must not vanish.  Where the parent can be asked, what
 * was seen there decides. */
static bool may_delete(struct signer_zone *z, struct ops_call *c)
{
	char why[REASON_MAX] = "", name[NAME_TEXT_SIZE];
	int code;

	if (ops_flag(c, "force"))
		return true;
	code = signer_parent_may_leave(z, why);
	if (code == ERR_REFUSED)
		ops_fail(c,
		    "zone %s was not deleted: %s; unsign it first, or use --force, which leaves "
		    "its keys in the token",
		    verbs_zone_text(z, name), why);
	if (code != ERR_MISSING)
		return code == OK;
	if (signer_zone_ds_may_exist(z, why)) {
		ops_fail(c,
		    "zone %s was not deleted: %s; unsign it first, or use --force, which leaves "
		    "its "
		    "keys in the token",
		    verbs_zone_text(z, name), why);
		return false;
	}
	if (z->has_head && z->head.published) {
		ops_fail(c,
		    "zone %s was not deleted: it has been published, and nobody here knows "
		    "whether its DS is at the parent; take the DS out there, wait for its TTL, and "
		    "use "
		    "--force, which leaves its keys in the token",
		    verbs_zone_text(z, name));
		return false;
	}
	return true;
}

static void remove_zone(struct adding *a)
{
	struct signer_zone *z = signer_zone_by_name(a->signer, a->name);
	struct buf body = {0};

	if (z == NULL) {
		removed(a, true, "");
	} else if (z->orphan) { /* no file has it any more */
		delete_zone(a, z);
	} else {
		buf_str(&body, "zones");
		buf_str(&body, a->name);
		signer_request(a->signer, PROTO_CONF_REMOVE, &body, NULL, removed, a);
		buf_free(&body);
	}
}

static void stays_monitored(void *arg, bool ok, const char *why)
{
	struct adding *a = arg;

	if (!ok)
		ops_warn(a->call, "it will not be watched any more: %s", why);
	remove_zone(a);
}

/* That it goes on being watched (R40) is written down before it is gone. */
static void verb_zone_delete(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z = verbs_zone(s, c);
	struct buf entry = {0};
	struct err e = {0};
	struct adding *a;
	int code;

	if (z == NULL || !may_delete(z, c))
		return;
	a = mem_alloc(sizeof(*a));
	a->signer = s;
	a->call = c;
	verbs_zone_text(z, a->name);
	code = verbs_monitor_stays(z, &entry, &e);
	if (code == OK)
		signer_request(s, PROTO_CONF_ADD, NULL, &entry, stays_monitored, a);
	else if (code == ERR_EXISTS)
		remove_zone(a);
	else
		stays_monitored(a, false, e.text);
	buf_free(&entry);
}

void verbs_zone_register(struct signer *s)
{
	ops_register(s->ops, "zone add", verb_zone_add, s);
	ops_register(s->ops, "zone import", verb_zone_import, s);
	ops_register(s->ops, "zone delete", verb_zone_delete, s);
	ops_register(s->ops, "zone sign", verb_zone_sign, s);
	ops_register(s->ops, "zone retransfer", verb_zone_retransfer, s);
	ops_register(s->ops, "zone list", verb_zone_list, s);
	ops_register(s->ops, "zone status", verb_zone_status, s);
	ops_register(s->ops, "zone history", verb_zone_history, s);
	ops_register(s->ops, "zone diagnose", verb_zone_diagnose, s);
	ops_register(s->ops, "zone export", verb_zone_export, s);
}
