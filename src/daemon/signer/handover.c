/* Changes of DS sets on their way to a parent: see handover.h.  A bounded number is under way at a
 * time, and one for each domain: a command that was called off runs to its end, and what comes
 * after it must not be overtaken by it.  The others wait in line.  Runs in the signing side. */
#include "daemon/signer/handover.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/signer.h"
#include "daemon/signer/update.h"

#define AT_ONCE 32

struct handover {
	struct handover *next; /* in line, or among those under way */
	struct signer *signer;
	struct handover_order order;   /* what it points to is ours: */
	struct config_parent settings; /* those of it that are needed, since a reload may come */
	uint8_t apex[NAME_MAX_LEN];
	bool is_running;
	struct update_job *update; /* NULL: its command runs */
	bool is_cancelled;	   /* the answer of the command is awaited */
	handover_done_fn *done;
	void *arg;
};

static void start_some(struct signer *s);

static void take_out(struct handover **list, struct handover *h)
{
	while (*list != h)
		list = &(*list)->next;
	*list = h->next;
}

static struct handover *handover_new(struct signer *s, const struct handover_order *o)
{
	struct handover *h = mem_alloc(sizeof(*h));

	h->signer = s;
	h->order = *o;
	memcpy(h->apex, o->apex, name_len(o->apex));
	h->order.apex = h->apex;
	h->settings.submit = o->parent->submit;
	h->settings.primary = mem_strdup(o->parent->primary);
	h->settings.zone = mem_strdup(o->parent->zone);
	h->order.parent = &h->settings;
	h->order.policy = mem_strdup(o->policy);
	h->order.records = h->order.wanted = (struct buf){0};
	buf_put(&h->order.records, o->records.data, o->records.len);
	buf_put(&h->order.wanted, o->wanted.data, o->wanted.len);
	return h;
}

static void handover_free(struct handover *h)
{
	free((char *)(uintptr_t)h->settings.primary);
	free((char *)(uintptr_t)h->settings.zone);
	free((char *)(uintptr_t)h->order.policy);
	buf_free(&h->order.records);
	buf_free(&h->order.wanted);
	free(h);
}

/* It is in nobody's way any more. */
static void finish(struct handover *h)
{
	struct signer *s = h->signer;

	take_out(&s->handovers_running, h);
	handover_free(h);
	start_some(s);
}

static void answered(void *arg, bool ok, const char *why)
{
	struct handover *h = arg;

	h->update = NULL;
	if (!h->is_cancelled)
		h->done(h->arg, ok, why);
	finish(h);
}

static void ask_command(struct handover *h)
{
	const struct handover_order *o = &h->order;
	char name[NAME_TEXT_SIZE];
	struct buf body = {0};

	name_text(h->apex, name);
	buf_str(&body, o->policy);
	buf_str(&body, name);
	buf_str(&body, o->is_retract ? "retract" : "submit");
	buf_lv16(&body, o->records.data, o->records.len);
	buf_lv16(&body, o->wanted.data, o->wanted.len);
	signer_request(h->signer, PROTO_HOOK, &body, NULL, answered, h);
	buf_free(&body);
}

static void start(struct handover *h)
{
	struct signer *s = h->signer;

	take_out(&s->handovers, h);
	h->is_running = true;
	h->next = s->handovers_running;
	s->handovers_running = h;
	if (h->settings.submit == SUBMIT_UPDATE)
		h->update = update_start(s, &h->order, answered, h);
	else
		ask_command(h);
}

/* The first in line whose domain has none under way; NULL: none may start. */
static struct handover *next_in_line(const struct signer *s)
{
	unsigned running = 0;
	bool waits;

	for (const struct handover *r = s->handovers_running; r != NULL; r = r->next)
		running++;
	for (struct handover *h = s->handovers; h != NULL && running < AT_ONCE; h = h->next) {
		waits = false;
		for (const struct handover *r = s->handovers_running; r != NULL; r = r->next)
			waits = waits || name_equal(r->apex, h->apex);
		if (!waits)
			return h;
	}
	return NULL;
}

static void start_some(struct signer *s)
{
	struct handover *h;

	while ((h = next_in_line(s)) != NULL)
		start(h);
}

struct handover *handover_start(
    struct signer *s, const struct handover_order *o, handover_done_fn *done, void *arg)
{
	struct handover **end = &s->handovers, *h;

	if (o->parent->submit != SUBMIT_COMMAND && o->parent->submit != SUBMIT_UPDATE)
		return NULL;
	h = handover_new(s, o);
	h->done = done;
	h->arg = arg;
	while (*end != NULL)
		end = &(*end)->next;
	*end = h;
	start_some(s);
	return h;
}

void handover_cancel(struct handover *h)
{
	if (h == NULL)
		return;
	if (h->update != NULL) {
		update_cancel(h->update);
		finish(h);
	} else if (h->is_running) {
		h->is_cancelled = true;
	} else {
		take_out(&h->signer->handovers, h);
		handover_free(h);
	}
}

bool handover_is_busy(const struct signer *s)
{
	return s->handovers_running != NULL || s->handovers != NULL;
}
