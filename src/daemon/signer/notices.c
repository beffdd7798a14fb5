/* Notices on their way out: who raises one hands it to the outbox in the store, with those who are
 * to be told (the zone's contact, the operator, webhook and command).  Runs in the signing side. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "notices/outbox.h"

#define RECIPIENTS_MAX 4

struct pending { /* to be written, in a write of its own */
	struct pending *next;
	struct notice notice;
	struct arena *arena;
};

struct signer_notices {
	struct signer *signer;
	struct outbox *outbox;
	struct config_index *zones, *monitored; /* of the configuration of now */
	struct pending *pending, **pending_end;
	bool is_armed; /* a look comes soon */
};

/* Recipients */

/* Of a domain that is watched and signed here, its contact as such counts for what the watch finds.
 */
static const char *contact_of(const struct signer_notices *o, const struct notice *n)
{
	char name[NAME_TEXT_SIZE];
	const struct config_zone *z;
	const struct config_monitored *m;
	const char *first, *second;

	if (n->apex == NULL)
		return NULL;
	name_text(n->apex, name);
	z = config_index_find(o->zones, name);
	m = config_index_find(o->monitored, name);
	first = z == NULL ? NULL : z->contact;
	second = m == NULL ? NULL : m->contact;
	if (first == NULL || (second != NULL && notice_kind_is_child(n->kind)))
		return second;
	return first;
}

static unsigned find_recipients(const struct signer_notices *o, const struct notice *n,
    struct notice_recipient out[RECIPIENTS_MAX])
{
	const struct config_notices *c = &o->signer->config->notices;
	const char *contact = contact_of(o, n);
	unsigned count = 0;

	if (c->smtp.server != NULL && contact != NULL)
		out[count++] = (struct notice_recipient){NOTICE_MAIL, contact};
	if (c->smtp.server != NULL && c->operator!= NULL)
		out[count++] = (struct notice_recipient){NOTICE_MAIL, c->operator};
	if (c->webhook.url != NULL)
		out[count++] = (struct notice_recipient){NOTICE_WEBHOOK, ""};
	if (c->command != NULL)
		out[count++] = (struct notice_recipient){NOTICE_COMMAND, ""};
	return count;
}

/* Raising */

static void look_soon(struct signer_notices *o);

static int put(
    struct signer_notices *o, struct store_write *w, const struct notice *n, struct err *e)
{
	struct notice_recipient to[RECIPIENTS_MAX];
	unsigned count = find_recipients(o, n, to);
	char zone[NAME_TEXT_SIZE];
	uint64_t id = 0;
	int code = outbox_put(o->outbox, w, n, to, count, clock_calendar(), &id, e);

	if (code == OK && id != 0)
		log_notice("notice %llu: %s%s%s: %s", (unsigned long long)id,
		    notice_kind_name(n->kind), n->apex == NULL ? "" : " of ", notice_zone(n, zone),
		    n->occasion);
	return code;
}

int signer_notice_in(struct signer *s, struct store_write *w, const struct notice *n, struct err *e)
{
	look_soon(s->notices);
	return put(s->notices, w, n, e);
}

void signer_notice(struct signer *s, const struct notice *n)
{
	struct signer_notices *o = s->notices;
	struct pending *p = mem_alloc(sizeof(*p));

	p->arena = arena_new();
	p->notice = notice_copy(n, p->arena);
	*o->pending_end = p;
	o->pending_end = &p->next;
	look_soon(o);
}

int signer_notices_forget(
    struct signer *s, struct store_write *w, const uint8_t *apex, struct err *e)
{
	return outbox_forget(s->notices->outbox, w, apex, e);
}

static void drop_pending(struct signer_notices *o)
{
	while (o->pending != NULL) {
		struct pending *p = o->pending;

		o->pending = p->next;
		arena_free(p->arena);
		free(p);
	}
	o->pending_end = &o->pending;
}

static void write_pending(struct signer_notices *o)
{
	struct store_write *w;
	struct err e = {0};
	int code;

	if (o->pending == NULL)
		return;
	code = store_write_begin(o->signer->store, &w, &e);
	if (code == OK) {
		for (struct pending *p = o->pending; p != NULL && code == OK; p = p->next)
			code = put(o, w, &p->notice, &e);
		if (code == OK)
			code = store_write_commit(w, &e);
		else
			store_write_abort(w);
	}
	if (code != OK)
		log_error("notices cannot be kept, and nobody is told of them: %s", e.text);
	drop_pending(o);
}

/* Looking */

static void look(void *arg)
{
	struct signer_notices *o = arg;

	o->is_armed = false;
	write_pending(o);
	outbox_take(o->outbox);
}

static void look_soon(struct signer_notices *o)
{
	if (o->is_armed)
		return;
	o->is_armed = true;
	loop_soon(o->signer->loop, look, o);
}

bool signer_notices_is_busy(const struct signer *s)
{
	const struct signer_notices *o = s->notices;

	return o != NULL &&
	       (o->is_armed || outbox_is_busy(o->outbox) || outbox_is_dirty(o->outbox));
}

/* The whole */

static struct signer_notices *notices_new(struct signer *s)
{
	struct signer_notices *o = mem_alloc(sizeof(*o));
	struct err e;

	o->signer = s;
	o->pending_end = &o->pending;
	o->outbox = outbox_new(s->store, &e);
	if (o->outbox == NULL) {
		log_error("the notices that wait cannot be read: %s", e.text);
		exit(1);
	}
	return o;
}

void signer_notices_configure(struct signer *s)
{
	struct signer_notices *o = s->notices;

	if (o == NULL)
		o = s->notices = notices_new(s);
	config_index_free(o->zones);
	config_index_free(o->monitored);
	o->zones = config_index_new(&s->config->zones, sizeof(struct config_zone), true);
	o->monitored =
	    config_index_new(&s->config->monitored, sizeof(struct config_monitored), true);
}

void signer_notices_stop(struct signer *s)
{
	struct err e;

	if (s->notices == NULL)
		return;
	write_pending(s->notices);
	if (outbox_save(s->notices->outbox, &e) != OK)
		log_error("what became of notices cannot be kept: %s", e.text);
}

void signer_notices_free(struct signer *s)
{
	struct signer_notices *o = s->notices;

	if (o == NULL)
		return;
	drop_pending(o);
	outbox_free(o->outbox);
	config_index_free(o->zones);
	config_index_free(o->monitored);
	free(o);
	s->notices = NULL;
}
