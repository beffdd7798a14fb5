/* What follows from a look at a watched domain: see signer/monitor.h.  Runs in the signing side.
 *
 * A change of the DS set is written down as intended, in one write with the record of the decision,
 * before it is handed over; whatever is not known to have been taken is decided anew, and handed
 * over again: that is idempotent.  What is told is kept in the same write as the state that it
 * tells of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/handover.h"
#include "daemon/signer/monitor.h"

#define PATIENCE_MORE 600 /* over two intervals, for servers that answer late */
#define SETTLE_MOST 3600
#define NEXT_LEAST 1
#define NEXT_AWAITED 60 /* while something is to appear at the parent */
#define NEXT_NOT_WHOLE 300
#define REFUSED_FIRST 60
#define REFUSED_DOUBLINGS 8

const char *monitor_status_name(enum monitor_status s)
{
	static const char *const names[] = {
	    "unknown", "ok", "insecure", "rollover", "warning", "error"};

	return names[s];
}

/* Settings */

static int compare_thresholds(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

void monitor_policy(const struct monitor *m, struct watch_policy *out)
{
	const struct config_monitored *c = monitor_settings(m);
	struct period p;
	unsigned n = 0;

	*out =
	    (struct watch_policy){.mode = c->mode == MONITOR_CDS ? WATCH_BY_CDS : WATCH_BY_DNSKEY,
		.report_only = c->mode == MONITOR_REPORT || monitor_zone(m) != NULL,
		.allow_delete = c->allow_delete,
		.allow_bootstrap = c->bootstrap,
		.hold_down = c->hold_down,
		.patience = 2 * c->interval + PATIENCE_MORE,
		.settle = c->interval < SETTLE_MOST ? c->interval : SETTLE_MOST,
		.deadline = c->parent.deadline};
	for (unsigned i = 0; i < c->digests.count && i < WATCH_DIGESTS_MAX; i++)
		out->digests[i] = strcmp(c->digests.list[i], "SHA384") == 0 ? 4 : 2;
	for (unsigned i = 0; i < c->thresholds.count && n < WATCH_THRESHOLDS_MAX; i++) {
		if (period_parse(c->thresholds.list[i], &p) == OK)
			out->thresholds[n++] = p.seconds;
	}
	qsort(out->thresholds, n, sizeof(*out->thresholds), compare_thresholds);
}

/* Handing over */

static const struct config_parent *parent_of(const struct monitor *m)
{
	return &monitor_settings(m)->parent;
}

static bool is_by_hand(const struct monitor *m)
{
	return parent_of(m)->submit == SUBMIT_MANUAL;
}

void monitor_task(const struct monitor *m, const struct monitor_state *st, char *out, size_t size)
{
	const struct watch_order *o = &st->child.order;
	char tags[WATCH_TAGS_MAX];

	out[0] = '\0';
	if (!o->is_on || !is_by_hand(m))
		return;
	monitor_ds_text(&o->ds, tags, sizeof(tags));
	snprintf(out, size, "have the parent %s DS %s of %s", o->is_removal ? "take out" : "add",
	    tags, m->name);
}

static int64_t pause_after_refusal(const struct monitor *m)
{
	int64_t interval = monitor_settings(m)->interval, wait = (int64_t)REFUSED_FIRST;

	wait <<= m->refusals < REFUSED_DOUBLINGS ? m->refusals : REFUSED_DOUBLINGS;
	return wait < interval ? wait : interval;
}

static int64_t pause_after_taken(const struct monitor *m)
{
	int64_t interval = monitor_settings(m)->interval;

	return interval < NEXT_AWAITED ? interval : NEXT_AWAITED;
}

/* Kept or not, it goes on: what is not known to be taken is handed over again. */
static void keep_result(struct monitor *m, bool ok, const char *why)
{
	struct monitor_state st;
	struct store_write *w = NULL;
	struct err e = {0};
	int code = store_write_begin(m->signer->store, &w, &e);
	int loaded = monitor_state_load(m, &st);

	if (code == OK && loaded != OK)
		code = err_set(&e, loaded, "the store cannot be read: %s", err_name(loaded));
	st.is_handed_over = ok;
	if (!ok)
		watch_child_order_failed(&st.child);
	if (code == OK)
		code = monitor_history_add(m, ok ? "handed over" : "refused", why, w, &e);
	if (code == OK)
		code = monitor_save_in(m, &st, w, &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code == OK)
		monitor_saved(m);
	else
		log_error("%s: what became of its DS cannot be kept: %s", m->label, e.text);
	monitor_state_free(&st);
}

static void handed_over(void *arg, bool ok, const char *why)
{
	struct monitor *m = arg;
	int64_t now = clock_calendar();

	m->handover = NULL;
	if (ok)
		log_notice("%s: the parent took the change of its DS set", m->label);
	else
		log_error("%s: the change of its DS set was not taken: %s", m->label, why);
	keep_result(m, ok, ok ? "the parent took it" : why);
	m->refusals = ok ? 0 : m->refusals + 1;
	monitor_look_later(m, now + (ok ? pause_after_taken(m) : pause_after_refusal(m)));
}

static void hand_over(
    struct monitor *m, const struct monitor_state *st, const struct watch_decision *d)
{
	const struct config_parent *p = parent_of(m);
	struct handover_order o = {.apex = m->apex,
	    .parent = p,
	    .is_retract = d->verdict == WATCH_REMOVE,
	    .ds_count = d->ds.count,
	    .keep_count = d->wanted.count,
	    .ttl = (uint32_t)p->ds_ttl};

	memcpy(o.ds, d->ds.list, d->ds.count * sizeof(*o.ds));
	memcpy(o.keep, d->wanted.list, d->wanted.count * sizeof(*o.keep));
	watch_ds_text(m->apex, &d->ds, o.ttl, &o.records);
	watch_dnskey_text(&st->child, &d->ds, o.ttl, &o.records);
	watch_ds_text(m->apex, &d->wanted, o.ttl, &o.wanted);
	m->handover = handover_start(m->signer, &o, handed_over, m);
	buf_free(&o.records);
	buf_free(&o.wanted);
	if (m->handover == NULL)
		keep_result(m, true, "it is for the operator to do");
}

void monitor_handover_cancel(struct monitor *m)
{
	if (m->handover != NULL)
		handover_cancel(m->handover);
	m->handover = NULL;
}

/* Judging */

static enum monitor_status status_of(
    const struct monitor_state *st, const struct watch_findings *found)
{
	const struct watch_child *c = &st->child;

	if (watch_findings_count(found, WATCH_ERROR) > 0)
		return MONITOR_ERROR;
	if (!c->has_today || c->server_count == 0)
		return MONITOR_UNKNOWN;
	if (watch_findings_count(found, WATCH_EXPIRY) > 0)
		return MONITOR_WARNING;
	if (c->order.is_on || c->roll.is_on)
		return MONITOR_ROLLOVER;
	return c->today.count == 0 ? MONITOR_INSECURE : MONITOR_OK;
}

static void log_changes(
    const struct monitor *m, const struct watch_findings *was, const struct watch_findings *is)
{
	char text[WATCH_DETAIL_MAX + 100];

	for (unsigned i = 0; i < is->count; i++) {
		if (watch_kind_severity(is->list[i].kind) == WATCH_REMARK ||
		    watch_findings_find(was, &is->list[i]) != NULL)
			continue;
		watch_finding_text(&is->list[i], text, sizeof(text));
		log_warning("%s: %s", m->label, text);
	}
	for (unsigned i = 0; i < was->count; i++) {
		if (watch_kind_severity(was->list[i].kind) == WATCH_REMARK ||
		    watch_findings_find(is, &was->list[i]) != NULL)
			continue;
		watch_finding_text(&was->list[i], text, sizeof(text));
		log_notice("%s: over: %s", m->label, text);
	}
}

struct judged {
	const struct monitor_said *said;
	struct watch_decision decision;
	struct watch_findings found;
	bool is_acting;
	int64_t now;
};

static int keep_in(struct monitor *m, struct monitor_state *st, struct judged *j,
    struct store_write *w, struct err *e)
{
	int code = monitor_tell_event(m, st, j->said->event, j->now, w, e);

	if (code == OK)
		code = monitor_tell_findings(m, st, &j->found, WATCH_ERROR, j->now, w, e);
	if (code == OK)
		code = monitor_tell_findings(m, st, &j->found, WATCH_EXPIRY, j->now, w, e);
	if (code == OK && (j->is_acting || watch_record_is_news(&st->child, &j->decision)))
		code = monitor_history_record(m, st, &j->decision, w, e);
	if (code == OK && j->is_acting) {
		watch_child_order(&st->child, &j->decision, j->now);
		st->is_handed_over = is_by_hand(m);
	}
	log_changes(m, &st->findings, &j->found);
	watch_findings_free(&st->findings);
	st->findings = j->found;
	memset(&j->found, 0, sizeof(j->found));
	return code == OK ? monitor_save_in(m, st, w, e) : code;
}

/* Is there more to be kept than that it was looked at? */
static bool is_news(const struct monitor *m, const struct monitor_state *st, const struct judged *j)
{
	if (j->said->event != WATCH_EVENT_NONE || j->is_acting ||
	    watch_record_is_news(&st->child, &j->decision) || j->found.count != st->findings.count)
		return true;
	for (unsigned i = 0; i < j->found.count; i++) {
		const struct watch_finding *f = &j->found.list[i];

		if (watch_findings_find(&st->findings, f) == NULL ||
		    monitor_reminder(f->since, j->now) != monitor_reminder(f->since, m->looked))
			return true;
	}
	return false;
}

/* false: nothing is kept, and nothing may be done. */
static bool keep(struct monitor *m, struct monitor_state *st, struct judged *j)
{
	struct store_write *w = NULL;
	struct err e = {0};
	int code;

	if (!is_news(m, st, j)) {
		watch_findings_free(&st->findings);
		st->findings = j->found;
		memset(&j->found, 0, sizeof(j->found));
		monitor_save_later(m, st);
		return true;
	}
	code = store_write_begin(m->signer->store, &w, &e);
	if (code == OK)
		code = keep_in(m, st, j, w, &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code == OK)
		monitor_saved(m);
	else
		log_error("%s: what was seen of it cannot be kept: %s", m->label, e.text);
	return code == OK;
}

static int64_t next_look(
    const struct monitor *m, const struct monitor_state *st, const struct judged *j)
{
	int64_t interval = monitor_settings(m)->interval, tenth = interval / 10;
	uint64_t mix = ((uint64_t)j->now + m->key_len) * UINT64_C(0x9e3779b97f4a7c15);
	int64_t next;

	for (size_t i = 0; i < m->key_len; i++)
		mix = (mix ^ m->key[i]) * UINT64_C(0x100000001b3);
	next = j->now + interval - tenth + (int64_t)((mix >> 16) % (uint64_t)(2 * tenth + 1));
	if (!j->said->is_whole && monitor_zone(m) == NULL && next > j->now + NEXT_NOT_WHOLE)
		next = j->now + NEXT_NOT_WHOLE;
	if (st->child.order.is_on && next > j->now + NEXT_AWAITED + interval / 4)
		next = j->now + NEXT_AWAITED + interval / 4;
	if (j->decision.until > j->now && j->decision.until < next)
		next = j->decision.until;
	return next > j->now + NEXT_LEAST ? next : j->now + NEXT_LEAST;
}

static void decide(struct monitor *m, struct monitor_state *st, struct judged *j)
{
	struct watch_policy policy;
	struct watch_outside outside = {.parent = j->said->parent,
	    .fresh = j->said->fresh,
	    .parent_doubt = j->said->is_whole ? j->said->parent_doubt : st->problem,
	    .signals = j->said->signals,
	    .signal_count = j->said->signal_count};
	const struct watch_decision *d = &j->decision;

	if (st->child.order.is_on && !st->is_handed_over)
		watch_child_order_failed(&st->child); /* we died meanwhile */
	monitor_policy(m, &policy);
	watch_decide(&st->child, &policy, &outside, j->now, &j->decision);
	watch_findings_of(&st->child, &policy, &outside, &st->findings, j->now, &j->found);
	j->is_acting = d->verdict == WATCH_ADD || d->verdict == WATCH_REMOVE;
	st->verdict = d->verdict;
	st->cause = d->cause;
	st->until = d->until;
	memcpy(st->reason, d->reason, sizeof(st->reason));
}

int64_t monitor_judge(struct monitor *m, struct monitor_state *st, const struct monitor_said *said)
{
	struct judged j = {.said = said, .now = clock_calendar()};
	enum monitor_status status;
	char task[REASON_MAX];
	bool is_kept;
	int64_t next;

	decide(m, st, &j);
	status = status_of(st, &j.found);
	if (j.is_acting && status != MONITOR_ERROR)
		status = MONITOR_ROLLOVER;
	if (status != st->status || st->looked == 0)
		st->since = j.now;
	st->status = status;
	st->looked = j.now;
	is_kept = keep(m, st, &j);
	next = is_kept ? next_look(m, st, &j) : j.now + NEXT_NOT_WHOLE;
	watch_findings_free(&j.found);
	if (is_kept)
		m->looked = j.now;
	if (!is_kept || !j.is_acting)
		return next;
	log_notice("%s: %s", m->label, j.decision.reason);
	monitor_task(m, st, task, sizeof(task));
	if (is_by_hand(m))
		log_notice("%s: %s", m->label, task);
	else
		hand_over(m, st, &j.decision);
	return next;
}
