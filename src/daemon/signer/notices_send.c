/* Notices that leave: letters are made and handed over (signer/deliver.h), and what is to be tried
 * again comes by the calendar.  Runs in the signing side.
 *
 * A fresh notice waits a little for others of its kind (notices/outbox.h): as long as more come,
 * but not for ever.  On a virtual clock that takes a moment, since leaps wait for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/deliver.h"
#include "daemon/signer/notices_internal.h"
#include "notices/letter.h"

#define QUIET_MS 10000
#define QUIET_VIRTUAL_MS 250
#define FRESH_MOST_MS 60000
#define SAVE_MS 50
#define SAVE_AGAIN_MS 10000
#define HUNG_MOST 3
#define DIGEST_LINE 76

struct notice_sending {
	struct signer_notices *notices;
	struct outbox_try what;
	struct notice_sending *next;
};

static void pump(struct signer_notices *o);

/* Texts */

/* "12  zone z: it happened", cut where a character ends. */
static void put_digest_line(const struct signer *s, uint64_t id, struct buf *out)
{
	struct notice_row *row;
	struct buf line = {0};

	if (outbox_get(s->notices->outbox, id, &row) != OK)
		return;
	buf_printf(&line, "%llu  ", (unsigned long long)id);
	templates_subject(s->notices->templates, &row->notice, id, &line);
	notice_row_free(row);
	if (line.len > DIGEST_LINE) {
		line.len = DIGEST_LINE;
		while (line.len > 0 && (line.data[line.len] & 0xc0) == 0x80)
			line.len--;
	}
	buf_put(out, line.data, line.len);
	buf_put(out, "\n", 1);
	buf_free(&line);
}

static void member_time(const struct signer *s, uint64_t id, char out[TIME_TEXT_SIZE])
{
	struct notice_row *row;

	time_text(0, out);
	if (outbox_get(s->notices->outbox, id, &row) != OK)
		return;
	time_text(row->notice.at, out);
	notice_row_free(row);
}

static void digest_text(const struct signer *s, const struct notice_row *r, struct notice_text *out)
{
	struct notice n = r->notice;
	char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE], count[20];
	struct buf list = {0};

	for (unsigned i = 0; i < r->member_count; i++)
		put_digest_line(s, r->members[i], &list);
	buf_u8(&list, 0);
	member_time(s, r->members[0], first);
	member_time(s, r->members[r->member_count - 1], last);
	snprintf(count, sizeof(count), "%u", r->member_count);
	n.field_count = 0;
	notice_add(&n, "count", count);
	notice_add(&n, "of", notice_kind_name(r->of));
	notice_add(&n, "first", first);
	notice_add(&n, "last", last);
	notice_add(&n, "list", list.failed ? NULL : (const char *)list.data);
	templates_fill(s->notices->templates, &n, r->id, out);
	buf_free(&list);
}

void signer_notice_text(const struct signer *s, const struct notice_row *r, struct notice_text *out)
{
	if (r->notice.kind == NOTICE_DIGEST && r->member_count > 0)
		digest_text(s, r, out);
	else
		templates_fill(s->notices->templates, &r->notice, r->id, out);
}

/* How tries end */

static void tell_watchers(
    struct signer_notices *o, const struct outbox_try *t, bool is_sent, const char *why)
{
	struct notice_watcher **p = &o->watchers;

	while (*p != NULL) {
		struct notice_watcher *w = *p;

		if (w->id != t->id || w->fn(w->arg, t->channel, t->to, is_sent, why)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		free(w);
	}
}

void signer_notice_watch(struct signer *s, uint64_t id, notice_tried_fn *fn, void *arg)
{
	struct notice_watcher *w = mem_alloc(sizeof(*w));

	*w = (struct notice_watcher){s->notices->watchers, id, fn, arg};
	s->notices->watchers = w;
}

static void log_end(const struct outbox_try *t, const struct outbox_end *end, const char *why)
{
	const char *to = t->to[0] == '\0' ? "the " : "", *whom = t->to;
	char next[TIME_TEXT_SIZE];

	if (t->to[0] == '\0')
		whom = notice_channel_name(t->channel);
	time_text(end->next_try, next);
	if (end->verdict == OUTBOX_SENT)
		log_notice("notice %llu was sent to %s%s", (unsigned long long)t->id, to, whom);
	else if (end->verdict == OUTBOX_AGAIN)
		log_warning(
		    "notice %llu was not sent to %s%s: %s; it is tried again, not before %s",
		    (unsigned long long)t->id, to, whom, why, next);
	else
		log_error("notice %llu was not sent to %s%s: %s", (unsigned long long)t->id, to,
		    whom, why);
	if (end->given_up > 0)
		log_error("%u notices were given up, having been tried for days; \"intaglio notice "
			  "resend\" sends them again",
		    end->given_up);
}

/* Taken by code: what concerns one recipient is a refusal, all else is that nobody answered. */
static void take_end(struct signer_notices *o, const struct outbox_try *t, int code,
    bool is_permanent, const char *why)
{
	struct outbox_result r = {code, is_permanent,
	    code != OK && code != ERR_REFUSED && code != ERR_LIMIT && code != ERR_MISSING, why};
	struct outbox_try copy = *t;
	char to[NOTICE_TO_MAX + 1];
	struct outbox_end end;

	snprintf(to, sizeof(to), "%s", t->to);
	copy.to = to;
	o->hung[t->channel] = code == ERR_TIMEOUT ? o->hung[t->channel] + 1 : 0;
	end = outbox_done(o->outbox, t, &r, clock_calendar());
	log_end(&copy, &end, why);
	tell_watchers(o, &copy, code == OK, why);
	if (!loop_timer_is_set(o->save))
		loop_timer_set(o->save, SAVE_MS);
}

static void tried(void *arg, int code, bool is_permanent, const char *why)
{
	struct notice_sending *x = arg, **p = &x->notices->sendings;
	struct signer_notices *o = x->notices;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	take_end(o, &x->what, code, is_permanent, why);
	free(x);
	pump(o);
}

static void save(void *arg)
{
	struct signer_notices *o = arg;
	struct err e;
	bool is_saved = outbox_save(o->outbox, &e) == OK;

	if (!is_saved && !o->save_failed)
		log_error(
		    "what became of notices cannot be kept, so that some may be sent twice: %s",
		    e.text);
	o->save_failed = !is_saved;
	if (!is_saved)
		loop_timer_set(o->save, SAVE_AGAIN_MS);
}

/* Sending */

static void hand_over(struct signer_notices *o, const struct outbox_try *t, struct notice_row *row)
{
	static const enum deliver_channel channels[] = {
	    [NOTICE_MAIL] = DELIVER_MAIL, [NOTICE_WEBHOOK] = DELIVER_WEBHOOK};
	struct signer *s = o->signer;
	const char *from = s->config->notices.from;
	struct notice_sending *x = mem_alloc(sizeof(*x));
	struct notice_text text = {0};
	char zone[NAME_TEXT_SIZE];
	struct buf body = {0};

	*x = (struct notice_sending){o, *t, o->sendings};
	o->sendings = x;
	signer_notice_text(s, row, &text);
	if (t->channel == NOTICE_MAIL)
		letter_mail(row, &text, from == NULL ? "" : from, t->to, &body);
	else
		letter_json(row, &text, from, &body);
	if (row->notice.apex != NULL)
		name_text(row->notice.apex, zone);
	if (t->channel == NOTICE_COMMAND)
		signer_deliver_command(s, notice_kind_name(row->notice.kind),
		    row->notice.apex == NULL ? NULL : zone, &body, tried, x);
	else
		signer_deliver(s, channels[t->channel], t->to, &body, tried, x);
	buf_free(&body);
	notice_text_free(&text);
}

/* Is its channel still there?  It waits until it is. */
static const char *what_is_missing(const struct config_notices *c, enum notice_channel channel)
{
	if (channel == NOTICE_MAIL && c->smtp.server == NULL)
		return "no mail server is configured any more (notices.smtp)";
	if (channel == NOTICE_WEBHOOK && c->webhook.url == NULL)
		return "no webhook is configured any more";
	if (channel == NOTICE_COMMAND && c->command == NULL)
		return "no command is configured any more";
	return NULL;
}

static void send_one(struct signer_notices *o, const struct outbox_try *t)
{
	const char *missing = what_is_missing(&o->signer->config->notices, t->channel);
	struct notice_row *row;

	if (missing != NULL) {
		take_end(o, t, ERR_AGAIN, false, missing);
	} else if (o->signer->leap != NULL && o->hung[t->channel] >= HUNG_MOST) {
		unsigned hung = o->hung[t->channel];

		take_end(o, t, ERR_AGAIN, false,
		    "nobody answers, and in this leap of the clock nobody is asked any more");
		o->hung[t->channel] = hung;
	} else if (outbox_get(o->outbox, t->id, &row) != OK) {
		take_end(o, t, ERR_MISSING, true, "the store does not have it as it was");
	} else {
		hand_over(o, t, row);
		notice_row_free(row);
	}
}

static void pump(struct signer_notices *o)
{
	int64_t now = clock_calendar(), due;
	struct outbox_try t;

	while (outbox_next(o->outbox, now, &t))
		send_one(o, &t);
	due = outbox_due(o->outbox, now);
	if (due == 0)
		loop_event_stop(o->due);
	else
		loop_event_set(o->due, due > now ? due : now + 1);
}

/* Fresh ones */

static uint64_t quiet_ms(void)
{
	return clock_is_virtual() ? QUIET_VIRTUAL_MS : QUIET_MS;
}

static void gather(void *arg)
{
	struct signer_notices *o = arg;
	struct err e;

	o->fresh_since_ms = 0;
	if (outbox_gather(o->outbox, clock_calendar(), &e) != OK) {
		log_error("a digest of notices cannot be kept; it is tried again: %s", e.text);
		loop_timer_set(o->gather, QUIET_MS);
	}
	pump(o);
}

void notices_send_look(struct signer_notices *o)
{
	uint64_t now = clock_mono_ms();

	if (outbox_take(o->outbox)) {
		if (o->fresh_since_ms == 0)
			o->fresh_since_ms = now;
		if (now - o->fresh_since_ms < FRESH_MOST_MS)
			loop_timer_set(o->gather, quiet_ms());
	}
	pump(o);
}

/* Those that wait for their time to be over may be ready, too. */
static void is_due(void *arg, int64_t due)
{
	struct signer_notices *o = arg;

	(void)due;
	if (loop_timer_is_set(o->gather))
		pump(o);
	else
		gather(o);
}

bool notices_send_is_busy(const struct signer_notices *o)
{
	return loop_timer_is_set(o->gather) || outbox_is_busy(o->outbox) ||
	       (loop_timer_is_set(o->save) && !o->save_failed);
}

void notices_send_begin(struct signer_notices *o)
{
	struct loop *l = o->signer->loop;

	o->gather = loop_timer_new(l, gather, o);
	o->save = loop_timer_new(l, save, o);
	o->due = loop_event_new(l, is_due, o);
}

void notices_send_end(struct signer_notices *o)
{
	while (o->watchers != NULL) {
		struct notice_watcher *w = o->watchers;

		o->watchers = w->next;
		free(w);
	}
	while (o->sendings != NULL) {
		struct notice_sending *x = o->sendings;

		o->sendings = x->next;
		free(x);
	}
	loop_timer_free(o->gather);
	loop_timer_free(o->save);
	loop_event_free(o->due);
}
