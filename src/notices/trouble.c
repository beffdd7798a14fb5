/* trouble: see trouble.h.  Pure; runs in the signing side. */
#include "notices/trouble.h"

#include <stdio.h>
#include <string.h>

#define HOUR 3600
#define DAY 86400
#define DAILY 7 /* so many reminders come every day, all further ones every week */

/* All is well, and what is remembered of the last one stays. */
static void forget(struct trouble *t)
{
	int64_t over = t->over;

	*t = (struct trouble){.over = over};
}

static void note_bad(struct trouble *t, unsigned kind, int64_t now)
{
	/* One that was told ends by being told to be over, and not before. */
	if (t->good != 0 && t->told == 0 && now - t->good >= TROUBLE_STEADY)
		forget(t);
	if (t->since == 0)
		t->since = now;
	if (t->good != 0)
		t->lapses++;
	t->good = 0;
	if (t->kind != kind)
		t->kind_since = now;
	t->kind = (uint8_t)kind;
	if (now - t->since >= TROUBLE_GRACE)
		t->is_confirmed = true;
}

void trouble_note(struct trouble *t, unsigned kind, int64_t now)
{
	if (kind != 0)
		note_bad(t, kind, now);
	else if (t->since != 0 && t->good == 0)
		t->good = now;
}

static int64_t over_at(const struct trouble *t)
{
	bool again = t->over != 0 && t->since - t->over < DAY;

	return t->good + (again ? DAY : TROUBLE_STEADY);
}

static int64_t reminder_at(const struct trouble *t, uint32_t number)
{
	int64_t daily = number <= DAILY ? number : DAILY;

	return t->told + (daily + 7 * (number - daily)) * DAY;
}

static bool is_kind_told(const struct trouble *t)
{
	return (t->kinds_told & 1u << t->kind) != 0;
}

/* Of the kind that is not told yet. */
static int64_t tell_at(const struct trouble *t, int64_t grace)
{
	if (t->told != 0)
		return t->kind_since + TROUBLE_GRACE;
	return t->is_confirmed ? t->since : t->since + grace;
}

enum trouble_step trouble_step(const struct trouble *t, int64_t grace, int64_t now)
{
	if (t->since == 0)
		return TROUBLE_NOTHING;
	if (t->good != 0)
		return t->told != 0 && now >= over_at(t) ? TROUBLE_OVER : TROUBLE_NOTHING;
	if (!is_kind_told(t) && now >= tell_at(t, grace))
		return TROUBLE_TELL;
	if (t->told != 0 && now >= reminder_at(t, t->reminders + 1))
		return TROUBLE_REMIND;
	return TROUBLE_NOTHING;
}

int64_t trouble_next(const struct trouble *t, int64_t grace)
{
	int64_t tell, remind;

	if (t->since == 0)
		return 0;
	if (t->good != 0)
		return t->told != 0 ? over_at(t) : 0;
	tell = is_kind_told(t) ? INT64_MAX : tell_at(t, grace);
	remind = t->told != 0 ? reminder_at(t, t->reminders + 1) : INT64_MAX;
	return tell < remind ? tell : remind;
}

void trouble_said(struct trouble *t, enum trouble_step step, int64_t now)
{
	switch (step) {
	case TROUBLE_NOTHING:
		break;
	case TROUBLE_TELL:
		t->kinds_told |= (uint8_t)(1u << t->kind);
		if (t->told == 0)
			t->told = now;
		break;
	case TROUBLE_REMIND: /* those that were missed are not made up for */
		do
			t->reminders++;
		while (reminder_at(t, t->reminders + 1) <= now);
		break;
	case TROUBLE_OVER:
		forget(t);
		t->over = now;
		break;
	}
}

void trouble_write(const struct trouble *t, struct buf *out)
{
	buf_u64(out, (uint64_t)t->since);
	buf_u64(out, (uint64_t)t->good);
	buf_u8(out, t->kind);
	buf_u64(out, (uint64_t)t->kind_since);
	buf_u64(out, (uint64_t)t->told);
	buf_u8(out, t->kinds_told);
	buf_u32(out, t->reminders);
	buf_u32(out, t->lapses);
	buf_u8(out, t->is_confirmed);
	buf_u64(out, (uint64_t)t->over);
}

void trouble_read(struct reader *r, struct trouble *out)
{
	struct trouble t = {0};

	t.since = (int64_t)reader_u64(r);
	t.good = (int64_t)reader_u64(r);
	t.kind = reader_u8(r) % TROUBLE_KINDS_MAX;
	t.kind_since = (int64_t)reader_u64(r);
	t.told = (int64_t)reader_u64(r);
	t.kinds_told = reader_u8(r);
	t.reminders = reader_u32(r);
	t.lapses = reader_u32(r);
	t.is_confirmed = reader_u8(r) != 0;
	t.over = (int64_t)reader_u64(r);
	if (r->failed)
		memset(&t, 0, sizeof(t));
	*out = t;
}

static int say_unit(int64_t n, const char *unit, char *out, size_t size)
{
	return snprintf(out, size, "%lld %s%s", (long long)n, unit, n == 1 ? "" : "s");
}

void trouble_time_words(int64_t seconds, char out[TROUBLE_TIME_SIZE])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"day", DAY}, {"hour", HOUR}, {"minute", 60}, {"second", 1}};
	const unsigned count = sizeof(units) / sizeof(*units);
	unsigned i = 0;
	int64_t n, rest;
	int used;

	seconds = seconds < 0 ? 0 : seconds;
	while (i + 1 < count && seconds < units[i].seconds)
		i++;
	n = seconds / units[i].seconds;
	used = say_unit(n, units[i].name, out, TROUBLE_TIME_SIZE);
	if (i + 1 == count)
		return;
	rest = seconds % units[i].seconds / units[i + 1].seconds;
	if (rest == 0)
		return;
	out[used] = ' ';
	say_unit(rest, units[i + 1].name, out + used + 1, TROUBLE_TIME_SIZE - (size_t)used - 1);
}
