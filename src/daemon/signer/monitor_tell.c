/* What is told of watched domains (R42): see signer/monitor.h.  Runs in the signing side.
 *
 * Whatever a look found new goes into one notice of its kind, and errors that last are told again:
 * each day for a week, then each week.  All of it is kept in the write that keeps what it tells of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/monitor.h"
#include "notices/notice.h"

#define DAY 86400
#define DAILY_FOR 7 /* days; then weekly */

/* Which of the reminders is due, counted from 0: the first notice. */
int64_t monitor_reminder(int64_t since, int64_t now)
{
	int64_t days = now > since ? (now - since) / DAY : 0;

	return days < DAILY_FOR ? days : DAILY_FOR + (days - DAILY_FOR) / 7;
}

struct telling { /* one notice, of all that is to be told of a kind */
	struct buf text;
	const struct watch_finding *first;
	unsigned count;
	int64_t until; /* the earliest that something ends; 0: nothing does */
};

static void telling_add(struct telling *t, const struct watch_finding *f)
{
	char line[WATCH_DETAIL_MAX + 100], since[TIME_TEXT_SIZE];

	watch_finding_text(f, line, sizeof(line));
	time_text(f->since, since);
	buf_printf(&t->text, "* %s, since %s\n  %s\n", line, since, watch_kind_advice(f->kind));
	if (t->first == NULL)
		t->first = f;
	if (f->until != 0 && (t->until == 0 || f->until < t->until))
		t->until = f->until;
	t->count++;
}

static int tell(struct monitor *m, enum notice_kind kind, const struct telling *t, int64_t reminder,
    int64_t now, struct store_write *w, struct err *e)
{
	char occasion[WATCH_OCCASION_MAX + 40], count[16], since[TIME_TEXT_SIZE];
	char *text = mem_printf("%.*s", (int)t->text.len, (const char *)t->text.data);
	struct notice n = {.kind = kind, .apex = m->apex, .occasion = occasion, .at = now};
	int code;

	watch_finding_occasion(t->first, occasion);
	if (reminder > 0)
		snprintf(occasion + strlen(occasion), 40, " %lld", (long long)reminder);
	snprintf(count, sizeof(count), "%u", t->count);
	time_text(t->first->since, since);
	n.until = t->until;
	n.fields[n.field_count++] = (struct notice_field){"findings", text};
	n.fields[n.field_count++] = (struct notice_field){"count", count};
	n.fields[n.field_count++] =
	    (struct notice_field){"finding", watch_kind_name(t->first->kind)};
	n.fields[n.field_count++] = (struct notice_field){"server", t->first->server};
	n.fields[n.field_count++] = (struct notice_field){"since", since};
	n.fields[n.field_count++] =
	    (struct notice_field){"reminder", reminder > 0 ? "reminder: " : ""};
	code = signer_notice_in(m->signer, w, &n, e);
	free(text);
	return code;
}

/* All that is new is told; errors that last are told again, all of them, when the oldest's time
 * comes. */
int monitor_tell_findings(struct monitor *m, const struct monitor_state *st,
    const struct watch_findings *now_there, enum watch_severity severity, int64_t now,
    struct store_write *w, struct err *e)
{
	struct telling news = {0}, lasting = {0};
	int64_t oldest = now, reminder;
	int code = OK;

	for (unsigned i = 0; i < now_there->count; i++) {
		const struct watch_finding *f = &now_there->list[i];

		if (watch_kind_severity(f->kind) != severity)
			continue;
		telling_add(watch_findings_find(&st->findings, f) == NULL ? &news : &lasting, f);
		if (watch_findings_find(&st->findings, f) != NULL && f->since < oldest)
			oldest = f->since;
	}
	reminder = monitor_reminder(oldest, now);
	if (news.count > 0)
		code = tell(m, severity == WATCH_ERROR ? NOTICE_CHILD_ERROR : NOTICE_CHILD_EXPIRY,
		    &news, 0, now, w, e);
	if (code == OK && lasting.count > 0 && severity == WATCH_ERROR &&
	    reminder != monitor_reminder(oldest, m->looked))
		code = tell(m, NOTICE_CHILD_ERROR, &lasting, reminder, now, w, e);
	buf_free(&news.text);
	buf_free(&lasting.text);
	return code;
}

void monitor_ds_text(const struct watch_ds *set, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < set->count && len + 24 < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%u/%u/%u", i == 0 ? "" : ", ",
		    set->list[i].tag, set->list[i].algorithm, set->list[i].digest_type);
}

/* Something is over. */
int monitor_tell_event(struct monitor *m, const struct monitor_state *st, enum watch_event event,
    int64_t now, struct store_write *w, struct err *e)
{
	static const struct {
		const char *what, *words;
	} said[] = {
	    [WATCH_EVENT_SEEN] = {"seen", "the parent has what was handed over"},
	    [WATCH_EVENT_ROLLED] = {"rolled", "the roll-over is completed"},
	    [WATCH_EVENT_SECURED] = {"secured", "the parent has the first DS"},
	    [WATCH_EVENT_UNSECURED] = {"unsecured",
		"the parent has no DS any more, as the domain asked"},
	};
	char tags[WATCH_TAGS_MAX], occasion[TIME_TEXT_SIZE], words[REASON_MAX];
	struct notice n = {
	    .kind = NOTICE_CHILD_ROLLOVER, .apex = m->apex, .occasion = occasion, .at = now};
	int code;

	if (event == WATCH_EVENT_NONE)
		return OK;
	monitor_ds_text(&st->child.today, tags, sizeof(tags));
	snprintf(
	    words, sizeof(words), "%s: DS %s", said[event].words, tags[0] == '\0' ? "none" : tags);
	log_notice("%s: %s", m->label, words);
	code = monitor_history_add(m, said[event].what, words, w, e);
	if (code != OK || event != WATCH_EVENT_ROLLED)
		return code;
	time_text(now, occasion);
	n.fields[n.field_count++] = (struct notice_field){"ds", tags};
	return signer_notice_in(m->signer, w, &n, e);
}
