/* The DS set that a zone's parent should have is handed over (R30), as policy parent.submit says:
 *
 *   command          the master runs the operator's command; what it took is kept in the store
 *   manual, update   the operator is told what there is to do
 *   cds              the zone says it itself (keys_fill_cds); the parent looks
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
#include "daemon/proto.h"
#include "daemon/signer/signer.h"
#include "parent/submit.h"

#define ASKED_AT_ONCE 32
#define RETRY_FIRST 60
#define RETRY_MOST 3600

struct zone_submit {
	struct signer *signer;
	struct signer_zone *zone; /* NULL: it is gone, and the answer of the command is awaited */
	bool is_loaded;
	struct submit_done done;
	/* what the command was asked for last, or is to be asked for */
	struct submit_list asked;
	bool is_retract;
	bool is_queued, is_running;
	struct zone_submit *next; /* in the queue */
	struct loop_event *again;
	int64_t pause; /* seconds; 0: the last call went well */
	char problem[REASON_MAX];
	char task[REASON_MAX]; /* the operator's; "" none */
};

static void start_some(struct signer *s);

/* What the store keeps */

static void load(struct zone_submit *b)
{
	const struct signer_zone *z = b->zone;
	const uint8_t *value;
	struct snapshot *sn;
	struct reader r;
	size_t len;

	if (b->is_loaded || snapshot_open(b->signer->store, &sn, NULL) != OK)
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
	int code = store_write_begin(b->signer->store, &w, &e);

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

/* By command */

static void queue_add(struct zone_submit *b)
{
	struct zone_submit **end = &b->signer->submit_queue;

	while (*end != NULL)
		end = &(*end)->next;
	b->next = NULL;
	b->is_queued = true;
	*end = b;
}

static void queue_drop(struct zone_submit *b)
{
	struct zone_submit **p = &b->signer->submit_queue;

	while (*p != NULL && *p != b)
		p = &(*p)->next;
	if (*p != NULL)
		*p = b->next;
	b->is_queued = false;
}

static void log_handed_over(const struct zone_submit *b, const struct record *r)
{
	char tags[120];

	if (r == NULL)
		return;
	submit_tags_text(&b->asked, r, tags, sizeof(tags));
	log_notice("zone %s: the command of policy %s has %s the DS of key %s", b->zone->name,
	    b->zone->sign_policy.name, b->is_retract ? "taken back" : "handed over", tags);
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
	log_handed_over(b, keys_record(b->signer->keys, b->zone->owner));
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
	struct signer *s = b->signer;

	b->is_running = false;
	s->submits_running--;
	if (b->zone == NULL) {
		free(b);
	} else {
		ok ? taken(b) : refused(b, why);
		signer_submit_look(b->zone); /* something else may be wanted by now */
	}
	start_some(s);
}

static void ask(struct zone_submit *b)
{
	struct signer_zone *z = b->zone;
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	const struct key_policy *p = &z->key_policy;
	struct submit_list wanted;
	struct buf records = {0}, set = {0}, body = {0};

	if (r == NULL)
		return; /* looked at again when its keys are there */
	submit_wanted(r, p, clock_calendar(), &wanted);
	submit_ds_text(&b->asked, r, z->apex, p->ds_ttl, &records);
	submit_dnskey_text(&b->asked, r, z->apex, p->ttl_dnskey, &records);
	submit_ds_text(&wanted, r, z->apex, p->ds_ttl, &set);
	buf_str(&body, z->sign_policy.name);
	buf_str(&body, z->name);
	buf_str(&body, b->is_retract ? "retract" : "submit");
	buf_lv16(&body, records.data, records.len);
	buf_lv16(&body, set.data, set.len);
	b->is_running = true;
	b->signer->submits_running++;
	signer_request(b->signer, PROTO_HOOK, &body, NULL, answered, b);
	buf_free(&records);
	buf_free(&set);
	buf_free(&body);
}

static void start_some(struct signer *s)
{
	while (s->submit_queue != NULL && s->submits_running < ASKED_AT_ONCE) {
		struct zone_submit *b = s->submit_queue;

		queue_drop(b);
		ask(b);
	}
}

/* What has failed waits for its time; what is news does not. */
static void command_look(struct zone_submit *b, const struct record *r, int64_t now)
{
	struct submit_todo todo;
	const struct submit_list *next;
	bool is_retract;

	if (b->is_running)
		return; /* looked at again when it has ended */
	submit_compare(r, &b->zone->key_policy, &b->done, now, &todo);
	is_retract = todo.add.count == 0;
	next = is_retract ? &todo.remove : &todo.add;
	if (next->count == 0) {
		loop_event_stop(b->again);
		if (b->is_queued)
			queue_drop(b);
		b->pause = 0;
		b->problem[0] = '\0';
		return;
	}
	if (is_retract != b->is_retract || !submit_list_equal(next, &b->asked)) {
		loop_event_stop(b->again);
		b->pause = 0;
	}
	b->asked = *next;
	b->is_retract = is_retract;
	if (loop_event_due(b->again) != 0 || b->is_queued)
		return;
	queue_add(b);
	start_some(b->signer);
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
		z->submit->signer = z->signer;
		z->submit->zone = z;
		z->submit->again = loop_event_new(z->signer->loop, again_due, z->submit);
	}
	return z->submit;
}

static void command_stop(struct zone_submit *b)
{
	loop_event_stop(b->again);
	if (b->is_queued)
		queue_drop(b);
	b->pause = 0;
	b->problem[0] = '\0';
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
	if (p->submit == SUBMIT_COMMAND) {
		b->task[0] = '\0';
		command_look(b, r, now);
		return;
	}
	command_stop(b);
	if (p->submit == SUBMIT_CDS)
		b->task[0] = '\0';
	else
		tell_operator(b, r, now);
}

bool signer_submit_again(struct signer_zone *z)
{
	const struct config_parent *p = parent_of(z);
	struct zone_submit *b = submit_of(z);

	if (p == NULL || p->submit != SUBMIT_COMMAND)
		return false;
	load(b);
	b->done.added.count = b->done.removed.count = 0;
	loop_event_stop(b->again);
	signer_submit_look(z);
	return b->is_running || b->is_queued;
}

void signer_submit_free(struct signer_zone *z)
{
	struct zone_submit *b = z->submit;

	if (b == NULL)
		return;
	z->submit = NULL;
	command_stop(b);
	loop_event_free(b->again);
	b->zone = NULL;
	if (!b->is_running)
		free(b);
}

bool signer_submit_is_busy(const struct signer *s)
{
	return s->submits_running > 0 || s->submit_queue != NULL;
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
	out->is_running = b->is_running || b->is_queued;
	out->next_try = loop_event_due(b->again);
	out->handed_over = p != NULL && p->submit == SUBMIT_COMMAND ? b->done.at : 0;
	for (unsigned i = 0; r != NULL && i < r->key_count; i++) {
		if (signer_zone_speaks(z) && submit_is_wanted(&r->keys[i], now))
			out->wanted[out->wanted_count++] = r->keys[i].tag;
	}
}
