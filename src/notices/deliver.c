/* Deliveries that wait, and those under way: see deliver.h. */
#include "notices/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "notices/deliver_internal.h"
#include "notices/smtp.h"

#define AT_ONCE 3 /* of a channel */

static void job_free(struct job *j)
{
	free(j->to);
	buf_free(&j->body);
	free(j);
}

static void job_done(struct job *j, const struct verdict *v)
{
	j->done(j->arg, v->code, v->is_permanent, v->why);
	job_free(j);
}

/* Nobody else has to wait as long to learn the same. */
static void fail_waiting(struct queue *q, const struct verdict *v)
{
	struct job *list = q->waiting;
	struct verdict same = {.code = v->code};

	q->waiting = NULL;
	snprintf(
	    same.why, sizeof(same.why), "not tried, since another delivery failed: %.500s", v->why);
	while (list != NULL) {
		struct job *j = list;

		list = j->next;
		job_done(j, &same);
	}
}

void deliver_finish(struct job *j, const struct verdict *v)
{
	struct deliver *d = j->deliver;
	struct queue *q = &d->queues[j->channel];

	q->running--;
	q->was_late = v->code == ERR_TIMEOUT;
	job_done(j, v);
	if (v->code != OK && v->code != ERR_REFUSED)
		fail_waiting(q, v);
	loop_timer_set(d->soon, 0);
}

void deliver_give_up(struct job *j)
{
	struct verdict v = {.code = ERR_AGAIN, .why = "it was given up"};

	deliver_finish(j, &v);
}

uint64_t deliver_patience(const struct deliver *d, enum deliver_channel c)
{
	const struct deliver_settings *s = &d->settings;

	return d->queues[c].was_late && s->hurry_ms != 0 ? s->hurry_ms : s->patience_ms;
}

/* NULL: nothing speaks against it. */
static const char *find_fault(const struct job *j)
{
	const struct deliver_settings *s = &j->deliver->settings;

	if (j->body.failed || j->body.len > DELIVER_BODY_MAX)
		return "it is too long";
	if (j->channel == DELIVER_WEBHOOK)
		return s->webhook.url == NULL ? "no webhook is configured (notices.webhook)" : NULL;
	if (s->smtp.server == NULL)
		return "no mail server is configured (notices.smtp)";
	if (s->from == NULL || !smtp_is_address(s->from))
		return "the sender has no mail address (notices.from)";
	return smtp_is_address(j->to) ? NULL : "the recipient's mail address is none";
}

static void start(struct job *j)
{
	const char *fault = find_fault(j);
	struct verdict v = {.code = ERR_REFUSED, .is_permanent = true};

	j->deliver->queues[j->channel].running++;
	if (fault != NULL) {
		snprintf(v.why, sizeof(v.why), "%s", fault);
		deliver_finish(j, &v);
	} else if (j->channel == DELIVER_MAIL) {
		mail_start(j->deliver, j);
	} else {
		web_start(j->deliver, j);
	}
}

static void start_some(void *arg)
{
	struct deliver *d = arg;

	for (unsigned c = 0; c < DELIVER_WIRES; c++) {
		struct queue *q = &d->queues[c];

		while (q->waiting != NULL && q->running < AT_ONCE) {
			struct job *j = q->waiting;

			q->waiting = j->next;
			j->next = NULL;
			start(j);
		}
	}
}

void deliver_start(struct deliver *d, enum deliver_channel c, const char *to, const void *body,
    size_t len, deliver_done_fn *done, void *arg)
{
	struct job *j = mem_alloc(sizeof(*j)), **end = &d->queues[c].waiting;

	j->deliver = d;
	j->channel = c;
	j->to = mem_strdup(to);
	buf_put(&j->body, body, len);
	j->done = done;
	j->arg = arg;
	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	loop_timer_set(d->soon, 0);
}

unsigned deliver_busy(const struct deliver *d)
{
	unsigned n = 0;

	for (unsigned c = 0; c < DELIVER_WIRES; c++) {
		n += d->queues[c].running;
		for (const struct job *j = d->queues[c].waiting; j != NULL; j = j->next)
			n++;
	}
	return n;
}

static const char *keep(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_strdup(a, text);
}

static void keep_secret(struct secret *s, const char *text)
{
	secret_free(s);
	if (text != NULL)
		secret_set(s, text, strlen(text));
}

void deliver_configure(struct deliver *d, const struct deliver_settings *s)
{
	struct arena *a = arena_new();
	struct deliver_settings *to = &d->settings;

	*to = *s;
	to->from = keep(a, s->from);
	to->smtp.server = keep(a, s->smtp.server);
	to->smtp.username = keep(a, s->smtp.username);
	to->smtp.ca_file = keep(a, s->smtp.ca_file);
	to->webhook.url = keep(a, s->webhook.url);
	to->webhook.ca_file = keep(a, s->webhook.ca_file);
	keep_secret(&d->password, s->smtp.password);
	keep_secret(&d->key, s->webhook.secret);
	to->smtp.password = (const char *)d->password.data;
	to->webhook.secret = (const char *)d->key.data;
	arena_free(d->arena);
	d->arena = a;
	d->generation++;
	mail_settle(d);
}

struct deliver *deliver_new(struct loop *l)
{
	struct deliver *d = mem_alloc(sizeof(*d));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	d->loop = l;
	d->arena = arena_new();
	d->soon = loop_timer_new(l, start_some, d);
	return d;
}

void deliver_cancel(struct deliver *d)
{
	struct verdict v = {.code = ERR_AGAIN, .why = "it was given up"};

	for (unsigned c = 0; c < DELIVER_WIRES; c++)
		fail_waiting(&d->queues[c], &v);
	mail_free(d);
	web_free(d);
}

void deliver_free(struct deliver *d)
{
	if (d == NULL)
		return;
	deliver_cancel(d);
	loop_timer_free(d->soon);
	secret_free(&d->password);
	secret_free(&d->key);
	arena_free(d->arena);
	free(d);
	curl_global_cleanup();
}
