/* Notices on their way out: who raises one hands it to the outbox in the store, with those who are
 * to be told (the zone's contact, the operator, webhook and command).  Runs in the signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/notices_internal.h"
#include "notices/smtp.h"

#define TEMPLATE_FOLDER ITG_SYSCONFDIR "/intaglio/notices"

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
	const char *contact = contact_of(o, n), *everything = c->operator;
	unsigned count = 0;

	if (c->smtp.server != NULL && contact != NULL)
		out[count++] = (struct notice_recipient){NOTICE_MAIL, contact};
	if (c->smtp.server != NULL && everything != NULL)
		out[count++] = (struct notice_recipient){NOTICE_MAIL, everything};
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
	notices_send_look(o);
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

	return o != NULL && (o->is_armed || notices_send_is_busy(o));
}

/* For the operator */

struct outbox *signer_notices_outbox(const struct signer *s)
{
	outbox_save(s->notices->outbox, NULL); /* else its timer tries again, and complains */
	return s->notices->outbox;
}

const struct templates *signer_notices_templates(const struct signer *s)
{
	return s->notices->templates;
}

int signer_notice_resend(struct signer *s, uint64_t id, struct err *e)
{
	struct signer_notices *o = s->notices;
	struct notice_recipient to[RECIPIENTS_MAX];
	struct notice_row *row;
	unsigned count;
	int code = outbox_get(o->outbox, id, &row);

	if (code != OK)
		return err_set(e, code, "there is no notice %llu", (unsigned long long)id);
	count = find_recipients(o, &row->notice, to);
	if (count == 0 && row->notice.kind != NOTICE_DIGEST)
		code = err_set(e, ERR_MISSING,
		    "nobody is to be told: notices in the configuration has no operator, webhook or command, and the zone no contact");
	else
		code = outbox_resend(o->outbox, id, to, count, clock_calendar(), e);
	notice_row_free(row);
	look_soon(o);
	return code;
}

/* The id makes one test differ from the other. */
static int put_test(struct signer_notices *o, const struct notice_recipient *to, unsigned count,
    const char *requester, uint64_t *id, struct err *e)
{
	struct notice n = {.kind = NOTICE_TEST, .at = clock_calendar()};
	char occasion[64];
	struct store_write *w;
	int code = store_write_begin(o->signer->store, &w, e);

	if (code != OK)
		return code;
	snprintf(occasion, sizeof(occasion), "%lld %llu", (long long)clock_real(),
	    (unsigned long long)clock_mono_us());
	n.occasion = occasion;
	notice_add(&n, "requester", requester);
	code = outbox_put(o->outbox, w, &n, to, count, n.at, id, e);
	if (code == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return code;
}

int signer_notice_test(
    struct signer *s, const char *contact, const char *requester, uint64_t *id, struct err *e)
{
	const struct notice n = {.kind = NOTICE_TEST};
	struct notice_recipient to[RECIPIENTS_MAX];
	unsigned count = find_recipients(s->notices, &n, to);
	int code;

	if (contact != NULL && s->config->notices.smtp.server == NULL)
		return err_set(
		    e, ERR_MISSING, "no mail can be sent: notices.smtp is not configured");
	if (contact != NULL && !smtp_is_address(contact))
		return err_set(e, ERR_ARGUMENT, "%s is no mail address", contact);
	if (contact != NULL) {
		to[0] = (struct notice_recipient){NOTICE_MAIL, contact};
		count = 1;
	}
	if (count == 0)
		return err_set(e, ERR_MISSING,
		    "nobody is told anything: notices in the configuration needs an operator and smtp, or a webhook, or a command");
	code = put_test(s->notices, to, count, requester, id, e);
	look_soon(s->notices);
	return code;
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
	notices_send_begin(o);
	return o;
}

void signer_notices_configure(struct signer *s)
{
	struct signer_notices *o = s->notices;
	const char *folders[] = {s->config->notices.templates, TEMPLATE_FOLDER};

	if (o == NULL)
		o = s->notices = notices_new(s);
	config_index_free(o->zones);
	config_index_free(o->monitored);
	o->zones = config_index_new(&s->config->zones, sizeof(struct config_zone), true);
	o->monitored =
	    config_index_new(&s->config->monitored, sizeof(struct config_monitored), true);
	templates_free(o->templates);
	o->templates = templates_load(folders, MEM_COUNT(folders));
	notices_heartbeat_configure(o);
	look_soon(o);
}

void signer_notices_leap(struct signer *s)
{
	memset(s->notices->hung, 0, sizeof(s->notices->hung));
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
	notices_heartbeat_end(o);
	notices_send_end(o);
	outbox_free(o->outbox);
	templates_free(o->templates);
	config_index_free(o->zones);
	config_index_free(o->monitored);
	free(o);
	s->notices = NULL;
}
