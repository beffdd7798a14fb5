/* What must be so before any change of a DS set is thought of: see decide.h. */
#include "watch/decide_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "watch/trust.h"

const char *watch_verdict_name(enum watch_verdict v)
{
	static const char *const names[WATCH_VERDICTS] = {"nothing", "wait", "add", "remove"};

	return names[v];
}

const char *watch_cause_name(enum watch_cause c)
{
	static const char *const names[WATCH_CAUSES] = {[WATCH_CAUSE_SETTLED] = "settled",
	    [WATCH_CAUSE_REPORT_ONLY] = "report-only",
	    [WATCH_CAUSE_PARENT] = "parent-unknown",
	    [WATCH_CAUSE_UNASKED] = "server-unknown",
	    [WATCH_CAUSE_UNSIGNED] = "unsigned",
	    [WATCH_CAUSE_NOT_VALID] = "not-validated",
	    [WATCH_CAUSE_DISAGREE] = "servers-disagree",
	    [WATCH_CAUSE_HANDED_OVER] = "handed-over",
	    [WATCH_CAUSE_HOLD_DOWN] = "hold-down",
	    [WATCH_CAUSE_CACHES] = "caches",
	    [WATCH_CAUSE_NOT_SIGNING] = "new-key-not-signing",
	    [WATCH_CAUSE_NOT_NEW] = "key-not-new",
	    [WATCH_CAUSE_WOULD_BREAK] = "would-break",
	    [WATCH_CAUSE_WEAK] = "deprecated",
	    [WATCH_CAUSE_NOT_PROVED] = "cds-not-proved",
	    [WATCH_CAUSE_REPLAY] = "cds-not-newer",
	    [WATCH_CAUSE_MALFORMED] = "cds-malformed",
	    [WATCH_CAUSE_DELETE] = "delete-forbidden",
	    [WATCH_CAUSE_SIGNAL] = "signal",
	    [WATCH_CAUSE_LIMIT] = "limit",
	    [WATCH_CAUSE_NEW_KEY] = "new-key",
	    [WATCH_CAUSE_ROLLED] = "rolled",
	    [WATCH_CAUSE_WISH] = "cds",
	    [WATCH_CAUSE_BOOTSTRAP] = "bootstrap"};

	return names[c];
}

void decide_say(struct deciding *d, enum watch_verdict verdict, enum watch_cause cause,
    int64_t until, const char *fmt, ...)
{
	va_list args;

	d->out->verdict = verdict;
	d->out->cause = cause;
	d->out->until = until;
	va_start(args, fmt);
	vsnprintf(d->out->reason, sizeof(d->out->reason), fmt, args);
	va_end(args);
}

void decide_time(int64_t t, char out[32])
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 32, "%lld", (long long)t);
}

void decide_tags(const struct watch_ds *set, char out[TAGS_SIZE])
{
	size_t used = 0;

	snprintf(out, TAGS_SIZE, "none");
	for (unsigned i = 0; i < set->count; i++) {
		bool is_first = true;

		for (unsigned k = 0; k < i; k++)
			is_first = is_first && set->list[k].tag != set->list[i].tag;
		if (is_first && used < TAGS_SIZE - 8)
			used += (size_t)snprintf(out + used, TAGS_SIZE - used, "%s%u",
			    used > 0 ? ", " : "", set->list[i].tag);
	}
}

/* Sets */

struct watch_ds decide_without(const struct watch_ds *set, const struct watch_ds *less)
{
	struct watch_ds rest = {.count = 0};

	for (unsigned i = 0; i < set->count; i++) {
		if (!watch_ds_has(less, &set->list[i]))
			rest.list[rest.count++] = set->list[i];
	}
	return rest;
}

bool decide_is_valid(
    const struct deciding *d, const struct watch_ds *set, char why[WATCH_REASON_MAX])
{
	char words[WATCH_REASON_MAX] = "";

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];

		if (trust_validates_strictly(d->child, s, set, d->now, words))
			continue;
		snprintf(why, WATCH_REASON_MAX, "at %s %.90s", s->name, words);
		return false;
	}
	return true;
}

const uint8_t *decide_digests(const struct deciding *d)
{
	static const uint8_t usual[] = {2, 0};

	return d->policy->digests[0] != 0 ? d->policy->digests : usual;
}

bool decide_add_key(const struct deciding *d, const struct watch_key *k, const uint8_t *digests,
    struct watch_ds *set)
{
	bool is_any = false;

	for (unsigned i = 0; i < WATCH_DIGESTS_MAX && digests[i] != 0; i++) {
		struct parent_ds ds;

		if (!trust_is_digest(digests[i]))
			continue;
		if (parent_ds_of_key(d->child->apex, k->rdata, k->len, digests[i], &ds) != OK ||
		    !watch_ds_add(set, &ds))
			return false;
		is_any = true;
	}
	return is_any;
}

/* Is everything known that has to be? */

static bool knows_parent(struct deciding *d)
{
	struct err e = {0};

	if (d->outside->parent_doubt != NULL)
		err_set(&e, ERR_VERIFY, "the DS set at the parent cannot be believed: %s",
		    d->outside->parent_doubt);
	else if (watch_parent_set(d->outside->parent, d->outside->fresh, &d->today, &e) == OK)
		return true;
	decide_say(d, WATCH_WAIT, WATCH_CAUSE_PARENT, 0, "%.300s", e.text);
	return false;
}

static bool knows_servers(struct deciding *d)
{
	if (d->child->server_count == 0)
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_UNASKED, 0,
		    "the domain's name servers are not known");
	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];
		bool is_stale = s->asked < d->outside->fresh || s->word == WATCH_UNASKED;

		if (s->word == WATCH_ANSWERED && !is_stale)
			continue;
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_UNASKED, 0,
		    "all servers must agree, and %s %s%s%s", s->name,
		    is_stale ? "was not asked since" : watch_word_text(s->word),
		    !is_stale && s->reason[0] != '\0' ? ": " : "", is_stale ? "" : s->reason);
		return false;
	}
	return d->child->server_count > 0;
}

static bool is_validated(struct deciding *d)
{
	char tags[TAGS_SIZE];

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];

		if (trust_validates(d->child, s, &d->today, d->now))
			continue;
		decide_tags(&d->today, tags);
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_NOT_VALID, 0,
		    "the DNSKEY set at %s is not signed by a key that has a DS (%s)", s->name,
		    tags);
		return false;
	}
	return true;
}

/* What was handed over is waited for, and handed over again when it is late. */
static bool is_under_way(struct deciding *d)
{
	const struct watch_order *o = &d->child->order;
	int64_t until = o->at + d->policy->deadline;
	char tags[TAGS_SIZE], at[32];

	if (!o->is_on || d->now >= until)
		return false;
	decide_tags(&o->ds, tags);
	decide_time(o->at, at);
	decide_say(d, WATCH_WAIT, WATCH_CAUSE_HANDED_OVER, until,
	    "the parent was told at %s to %s the DS of key %s, which is not seen done at all of "
	    "its servers",
	    at, o->is_removal ? "remove" : "add", tags);
	return true;
}

void watch_decide(const struct watch_child *c, const struct watch_policy *p,
    const struct watch_outside *o, int64_t now, struct watch_decision *out)
{
	struct deciding d = {.child = c, .policy = p, .outside = o, .now = now, .out = out};

	memset(out, 0, sizeof(*out));
	if (p->report_only) {
		decide_say(&d, WATCH_NOTHING, WATCH_CAUSE_REPORT_ONLY, 0,
		    "the zone is signed here: its key manager decides the DS, monitoring only "
		    "reports");
		return;
	}
	if (!knows_parent(&d) || !knows_servers(&d))
		return;
	if (is_under_way(&d))
		return;
	if (d.today.count == 0)
		decide_bootstrap(&d);
	else if (!is_validated(&d))
		return;
	else if (p->mode == WATCH_BY_CDS)
		decide_by_wish(&d);
	else
		decide_by_dnskey(&d);
}

/* Handed over */

/* The DS of those keys that sign now are the old ones, when a new one is added: a spare key, which
 * does not sign, is no part of the roll-over. */
static void begin_roll(struct watch_child *c, const struct watch_decision *d, int64_t now)
{
	if (!c->roll.is_on)
		c->roll = (struct watch_roll){.is_on = true, .began = now};
	for (unsigned i = 0; i < d->ds.count; i++)
		watch_ds_add(&c->roll.added, &d->ds.list[i]);
	for (unsigned i = 0; i < c->today.count; i++) {
		const struct parent_ds *ds = &c->today.list[i];

		if (watch_ds_has(&c->roll.added, ds))
			continue;
		for (unsigned k = 0; k < c->server_count; k++) {
			struct watch_ds one = {.list = {*ds}, .count = 1};

			if (trust_validates(c, &c->servers[k], &one, now))
				watch_ds_add(&c->roll.old, ds);
		}
	}
}

void watch_child_order(struct watch_child *c, const struct watch_decision *d, int64_t now)
{
	if (d->verdict != WATCH_ADD && d->verdict != WATCH_REMOVE)
		return;
	c->order = (struct watch_order){.is_on = true,
	    .is_removal = d->verdict == WATCH_REMOVE,
	    .is_wish = d->is_wish,
	    .at = now,
	    .ds = d->ds};
	if (d->is_wish) {
		memcpy(c->acted, d->wish, sizeof(c->acted));
		if (d->inception > c->acted_inception) /* a bootstrap has none */
			c->acted_inception = d->inception;
		c->acted_is_open = true;
		c->goal = d->goal;
	} else if (d->verdict == WATCH_ADD) {
		begin_roll(c, d, now);
	}
}

void watch_child_order_failed(struct watch_child *c)
{
	c->order.is_on = false;
}

/* Presentation form */

static void text_line(const uint8_t *apex, uint32_t ttl, const char *type, uint16_t rrtype,
    const uint8_t *rdata, size_t len, struct buf *out)
{
	char name[NAME_TEXT_SIZE];

	name_text(apex, name);
	buf_printf(out, "%s\t%u\tIN\t%s\t", name, (unsigned)ttl, type);
	rdata_text(rrtype, rdata, (uint16_t)len, out);
	buf_put(out, "\n", 1);
}

void watch_ds_text(const uint8_t *apex, const struct watch_ds *set, uint32_t ttl, struct buf *out)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct parent_ds *ds = &set->list[i];
		uint8_t rdata[4 + PARENT_DIGEST_MAX];

		store_u16(rdata, ds->tag);
		rdata[2] = ds->algorithm;
		rdata[3] = ds->digest_type;
		memcpy(rdata + 4, ds->digest, ds->digest_len);
		text_line(apex, ttl, "DS", RR_DS, rdata, 4u + ds->digest_len, out);
	}
}

void watch_dnskey_text(
    const struct watch_child *c, const struct watch_ds *set, uint32_t ttl, struct buf *out)
{
	for (unsigned i = 0; i < c->key_count; i++) {
		const struct watch_key *k = &c->keys[i];

		if (trust_has_ds(c, set, k))
			text_line(c->apex, ttl, "DNSKEY", RR_DNSKEY, k->rdata, k->len, out);
	}
}
