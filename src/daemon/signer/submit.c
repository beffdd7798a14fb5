/* The DS set that a zone's parent should have is handed over (R30), as policy parent.submit says:
 * by us (signer/handover.h), what was taken being kept in the store; or by the zone itself, in its
 * CDS (keys_fill_cds); or by the operator, who is told what there is to do.
 *
 * Additions go first, and what is to be taken out follows when they were taken: the parent is never
 * asked to take out a DS before it has been given those that are wanted.  When a DS may go up or
 * down at all is not decided here but by the step of the keys (keys/roll.h).  Runs in the signing
 * side. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/handover.h"
#include "daemon/signer/signer.h"
#include "parent/submit.h"

#define RETRY_FIRST 60
#define RETRY_MOST 3600

struct zone_submit {
	struct signer_zone *zone;
	bool is_loaded;
	struct submit_done done;
	/* what was handed over last, or is to be handed over */
	struct submit_list asked;
	bool is_retract;
	struct handover *handover; /* under way; NULL */
	struct loop_event *again;
	int64_t pause; /* seconds; 0: the last one went well */
	char problem[REASON_MAX];
	char task[REASON_MAX]; /* the operator's; "" none */
};

/* What the store keeps */

static void load(struct zone_submit *b)
{
	const struct signer_zone *z = b->zone;
	const uint8_t *value;
	struct snapshot *sn;
	struct reader r;
	size_t len;

	if (b->is_loaded || snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	b->is_loaded = true;
	if (snapshot_meta(sn, META_SUBMIT, z->key, z->key_len, &value, &len) == OK) {
		r = reader_of(value, len);
		submit_read(&r, &b->done);
	}
	snapshot_close(sn);
}

/* What cannot be kept is handed over once more after a restart. */
static void save(const struct zone_submit *b)
{
	const struct signer_zone *z = b->zone;
	struct store_write *w = NULL;
	struct buf value = {0};
	struct err e = {0};
	int code = store_write_begin(z->signer->store, &w, &e);

	submit_write(&b->done, &value);
	if (code == OK)
		code =
		    store_write_meta(w, META_SUBMIT, z->key, z->key_len, value.data, value.len, &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code != OK)
		log_error("zone %s: it cannot be written down that its DS was handed over: %s",
		    z->name, e.text);
	buf_free(&value);
}

int signer_submit_remove(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_SUBMIT, z->key, z->key_len, NULL, 0, e);
}

/* What policy says */

static const struct config_parent *parent_of(const struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);

	return p == NULL ? NULL : &p->parent;
}

static const char *how_name(int submit)
{
	static const char *const names[] = {"manual", "update", "command", "cds"};

	return names[submit];
}

/* By hand */

__attribute__((format(printf, 3, 4))) static void add_text(
    char *out, size_t size, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	if (len < size)
		vsnprintf(out + len, size - len, fmt, ap);
	va_end(ap);
}

/* Tags of the keys whose DS is in this state: is waited for. */
static unsigned tags_in(
    const struct record *r, enum ds_state state, int64_t now, char *out, size_t size)
{
	unsigned n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];

		if (timeline_ds(&k->times, role_has_ds(k->role), now) == state)
			add_text(out, size, "%s%u", n++ == 0 ? "" : ", ", k->tag);
	}
	return n;
}

static void describe_task(
    const struct signer_zone *z, const struct record *r, int64_t now, char out[REASON_MAX])
{
	bool is_seen = z->parent != NULL;
	char tags[120];

	out[0] = '\0';
	if (tags_in(r, DS_SUBMITTED, now, tags, sizeof(tags)) > 0)
		add_text(out, REASON_MAX,
		    "have the parent add the DS of key %s (intaglio key export --ds -z %s)%s", tags,
		    z->name, is_seen ? "" : ", then say so with intaglio key ds-seen");
	if (tags_in(r, DS_RETRACTED, now, tags, sizeof(tags)) > 0)
		add_text(out, REASON_MAX, "%shave the parent take out the DS of key %s%s",
		    out[0] == '\0' ? "" : "; ", tags,
		    is_seen ? "" : ", then say so with intaglio key ds-gone");
}

/* Not safe yet: whatever the policy does with it then (R30). */
static void describe_wait(const struct signer_zone *z, const struct record *r, char out[REASON_MAX])
{
	char until[TIME_TEXT_SIZE];
	unsigned count;
	const struct roll_held *held = keys_held(z->signer->keys, z->owner, &count);

	for (unsigned i = 0; i < count; i++) {
		if (held[i].step != ROLL_SUBMIT_DS || held[i].key >= r->key_count)
			continue;
		time_text(held[i].until, until);
		add_text(out, REASON_MAX,
		    "%sthe DS of key %u is not safe at the parent%s%s yet: %s",
		    out[0] == '\0' ? "" : "; ", r->keys[held[i].key].tag,
		    held[i].until == 0 ? "" : " before ", held[i].until == 0 ? "" : until,
		    held[i].why);
	}
}

/* Told when it is news. */
static void tell_operator(struct zone_submit *b, const struct record *r, int64_t now)
{
	char task[REASON_MAX];

	describe_task(b->zone, r, now, task);
	if (strcmp(task, b->task) == 0)
		return;
	memcpy(b->task, task, sizeof(task));
	if (task[0] != '\0')
		log_notice("zone %s: %s", b->zone->name, task);
}

/* By us */

/* Does the policy have it handed over by us? */
static bool is_ours(const struct config_parent *p)
{
	return p != NULL && (p->submit == SUBMIT_COMMAND || p->submit == SUBMIT_UPDATE);
}

static void log_handed_over(const struct zone_submit *b, const struct record *r)
{
	char tags[120];

	if (r == NULL)
		return;
	submit_tags_text(&b->asked, r, tags, sizeof(tags));
	log_notice("zone %s: the DS of key %s was %s", b->zone->name, tags,
	    b->is_retract ? "taken back" : "handed over");
}

static void taken(struct zone_submit *b)
{
	int64_t now = clock_calendar();

	if (b->is_retract)
		submit_note_removed(&b->done, &b->asked, now);
	else
		submit_note_added(&b->done, &b->asked, now);
	b->pause = 0;
	b->problem[0] = '\0';
	save(b);
	log_handed_over(b, keys_record(b->zone->signer->keys, b->zone->owner));
	signer_parent_look(b->zone);
}

static void refused(struct zone_submit *b, const char *why)
{
	char next[TIME_TEXT_SIZE];
	int64_t at;

	b->pause = b->pause == 0 ? RETRY_FIRST : b->pause * 2;
	if (b->pause > RETRY_MOST)
		b->pause = RETRY_MOST;
	at = clock_calendar() + b->pause;
	snprintf(b->problem, sizeof(b->problem), "the DS was not %s: %.300s",
	    b->is_retract ? "taken back" : "handed over", why);
	time_text(at, next);
	log_error("zone %s: %s; tried again at %s", b->zone->name, b->problem, next);
	loop_event_set(b->again, at);
}

static void answered(void *arg, bool ok, const char *why)
{
	struct zone_submit *b = arg;

	b->handover = NULL;
	ok ? taken(b) : refused(b, why);
	signer_submit_look(b->zone); /* something else may be wanted by now */
}

static void hand_over(struct zone_submit *b, const struct record *r, int64_t now)
{
	struct signer_zone *z = b->zone;
	const struct key_policy *p = &z->key_policy;
	struct handover_order o = {.apex = z->apex,
	    .parent = parent_of(z),
	    .policy = z->sign_policy.name,
	    .is_retract = b->is_retract,
	    .ttl = p->ds_ttl};
	struct submit_list wanted;

	submit_wanted(r, p, now, &wanted);
	submit_ds_text(&b->asked, r, z->apex, p->ds_ttl, &o.records);
	submit_dnskey_text(&b->asked, r, z->apex, p->ttl_dnskey, &o.records);
	submit_ds_text(&wanted, r, z->apex, p->ds_ttl, &o.wanted);
	o.ds_count = submit_ds(&b->asked, r, z->apex, o.ds);
	o.keep_count = submit_ds(&wanted, r, z->apex, o.keep);
	b->handover = handover_start(z->signer, &o, answered, b);
	buf_free(&o.records);
	buf_free(&o.wanted);
}

static void pause_end(struct zone_submit *b)
{
	loop_event_stop(b->again);
	b->pause = 0;
	b->problem[0] = '\0';
}

/* What has failed waits for its time; what is news does not. */
static void todo_look(struct zone_submit *b, const struct record *r, int64_t now)
{
	struct submit_todo todo;
	const struct submit_list *next;
	bool is_retract;

	if (b->handover != NULL)
		return; /* looked at again when it has ended */
	submit_compare(r, &b->zone->key_policy, &b->done, now, &todo);
	is_retract = todo.add.count == 0;
	next = is_retract ? &todo.remove : &todo.add;
	if (next->count == 0) {
		pause_end(b);
		return;
	}
	if (is_retract != b->is_retract || !submit_list_equal(next, &b->asked)) {
		loop_event_stop(b->again);
		b->pause = 0;
	}
	b->asked = *next;
	b->is_retract = is_retract;
	if (loop_event_due(b->again) == 0)
		hand_over(b, r, now);
}

/* A zone's own */

static void again_due(void *arg, int64_t due)
{
	struct zone_submit *b = arg;

	(void)due;
	signer_submit_look(b->zone);
}

static struct zone_submit *submit_of(struct signer_zone *z)
{
	if (z->submit == NULL) {
		z->submit = mem_alloc(sizeof(*z->submit));
		z->submit->zone = z;
		z->submit->again = loop_event_new(z->signer->loop, again_due, z->submit);
	}
	return z->submit;
}

void signer_submit_look(struct signer_zone *z)
{
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	const struct config_parent *p = parent_of(z);
	int64_t now = clock_calendar();
	struct zone_submit *b;

	if (!signer_zone_speaks(z) || r == NULL || p == NULL || z->deleting)
		return;
	b = submit_of(z);
	load(b);
	if (!b->is_loaded)
		return;
	submit_forget(&b->done, r);
	if (is_ours(p)) {
		b->task[0] = '\0';
		todo_look(b, r, now);
		return;
	}
	handover_cancel(b->handover);
	b->handover = NULL;
	pause_end(b);
	if (p->submit == SUBMIT_CDS)
		b->task[0] = '\0';
	else
		tell_operator(b, r, now);
}

bool signer_submit_again(struct signer_zone *z)
{
	const struct config_parent *p = parent_of(z);
	struct zone_submit *b = submit_of(z);

	if (!is_ours(p))
		return false;
	load(b);
	b->done.added.count = b->done.removed.count = 0;
	loop_event_stop(b->again);
	signer_submit_look(z);
	return b->handover != NULL;
}

void signer_submit_free(struct signer_zone *z)
{
	struct zone_submit *b = z->submit;

	if (b == NULL)
		return;
	z->submit = NULL;
	handover_cancel(b->handover);
	loop_event_free(b->again);
	free(b);
}

void signer_submit_view(struct signer_zone *z, struct submit_view *out)
{
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	const struct config_parent *p = parent_of(z);
	int64_t now = clock_calendar();
	const struct zone_submit *b = submit_of(z);

	memset(out, 0, sizeof(*out));
	out->how = p == NULL ? "" : how_name(p->submit);
	out->problem = b->problem;
	snprintf(out->task, sizeof(out->task), "%s", b->task);
	if (r != NULL && !signer_share_waits(z, out->task))
		describe_wait(z, r, out->task);
	out->is_running = b->handover != NULL;
	out->next_try = loop_event_due(b->again);
	out->handed_over = is_ours(p) ? b->done.at : 0;
	for (unsigned i = 0; r != NULL && i < r->key_count; i++) {
		if (signer_zone_speaks(z) && submit_is_wanted(&r->keys[i], now))
			out->wanted[out->wanted_count++] = r->keys[i].tag;
	}
}
