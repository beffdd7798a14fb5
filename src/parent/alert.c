/* What is wrong with the DS at a parent: see alert.h. */
#include "parent/alert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPEAT 86400
#define REPEAT_EMERGENCY 14400
#define REPEAT_OLD 604800
#define OLD 2592000	/* nobody does anything about it: not for ever at the same pace (R50) */
#define NEWS_LEAST 3600 /* from one telling to the next about something else */

__attribute__((format(printf, 3, 4))) static void add_text(
    char *out, size_t size, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + len, size - len, fmt, ap);
	va_end(ap);
}

static void add_to_list(char *list, const char *what)
{
	add_text(list, ALERT_LIST_SIZE, "%s%s", list[0] == '\0' ? "" : ", ", what);
}

static void add_tag(struct alert_finding *f, uint16_t tag)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", tag);
	add_to_list(f->tags, text);
}

/* FNV-1a.  Marks are added up, so that the order does not matter. */
static uint64_t mark_of(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 1099511628211ULL;
	return hash;
}

static uint64_t mark_of_ds(const struct parent_ds *ds)
{
	return mark_of(ds->digest, ds->digest_len) + ds->tag + ((uint64_t)ds->algorithm << 16) +
	       ((uint64_t)ds->digest_type << 24);
}

static bool is_of(const struct alert_key *k, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < k->ds_count; i++) {
		if (parent_ds_equal(&k->ds[i], ds))
			return true;
	}
	return false;
}

static const struct alert_key *owner_of(const struct alert_input *in, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < in->count; i++) {
		if (is_of(&in->keys[i], ds))
			return &in->keys[i];
	}
	return NULL;
}

/* Late */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Has the server a DS of the key?  If not, *gone: since when it has none, as far as is known. */
static bool server_has(const struct parent_server *s, const struct alert_key *k, int64_t *gone)
{
	*gone = s->since;
	for (unsigned i = 0; i < s->count; i++) {
		if (!is_of(k, &s->ds[i].ds))
			continue;
		if (s->ds[i].is_there)
			return true;
		*gone = later(*gone, s->ds[i].since);
	}
	return false;
}

/* Since when the key's DS is missing; 0: it is not.  names, why: of the servers (may be NULL). */
static int64_t missing_since(
    const struct alert_input *in, const struct alert_key *k, char *names, char *why)
{
	int64_t since = 0, gone = 0;

	if (in->view == NULL)
		return k->was_seen ? 0 : k->wanted;
	for (unsigned i = 0; i < in->view->count; i++) {
		const struct parent_server *s = &in->view->servers[i];

		/* One that was there is not missing where nobody can tell. */
		if (s->has_answered ? server_has(s, k, &gone) : k->was_seen)
			continue;
		gone = k->was_seen ? gone : k->wanted;
		since = since == 0 || gone < since ? gone : since;
		if (names != NULL)
			add_to_list(names, s->name);
		if (why != NULL && s->has_answered)
			add_text(why, ALERT_REASON_SIZE, "%s%s does not have it",
			    why[0] == '\0' ? "" : "; ", s->name);
		else if (why != NULL)
			add_text(why, ALERT_REASON_SIZE, "%s%s cannot be asked: %s",
			    why[0] == '\0' ? "" : "; ", s->name,
			    s->reason[0] == '\0' ? "not asked yet" : s->reason);
	}
	return since;
}

static void find_late(const struct alert_input *in, struct alert_finding *f)
{
	f->is_known = true;
	for (unsigned i = 0; i < in->count; i++) {
		const struct alert_key *k = &in->keys[i];
		int64_t since = k->wanted == 0 ? 0 : missing_since(in, k, NULL, NULL);
		int64_t at = since + in->deadline;

		if (since == 0)
			continue;
		if (at > in->now) {
			f->next = f->next == 0 || at < f->next ? at : f->next;
			continue;
		}
		f->since = !f->is_there || at < f->since ? at : f->since;
		f->is_there = true;
		f->mark += mark_of(&k->tag, sizeof(k->tag));
		add_tag(f, k->tag);
		f->servers[0] = f->reason[0] = '\0';
		(void)missing_since(in, k, f->servers, f->reason);
	}
	if (f->is_there && in->view == NULL)
		add_text(f->reason, sizeof(f->reason),
		    "none of the parent's servers is known, and nobody said that it is there");
}

/* Wrong */

static bool is_first_with(const struct parent_view *v, unsigned server, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < server; i++) {
		const struct parent_server *s = &v->servers[i];

		for (unsigned k = 0; k < s->count && s->has_answered; k++) {
			if (s->ds[k].is_there && parent_ds_equal(&s->ds[k].ds, ds))
				return false;
		}
	}
	return true;
}

static void note_wrong(struct alert_finding *f, const struct parent_sighting *seen, bool is_first)
{
	f->since = !f->is_there || seen->since < f->since ? seen->since : f->since;
	f->is_there = true;
	if (!is_first)
		return;
	f->mark += mark_of_ds(&seen->ds);
	add_tag(f, seen->ds.tag);
}

/* Is there a DS, and none of a key that signs? */
static bool breaks(const struct alert_input *in, const struct parent_server *s)
{
	unsigned there = 0;

	for (unsigned i = 0; i < s->count; i++) {
		const struct alert_key *k = owner_of(in, &s->ds[i].ds);

		if (!s->ds[i].is_there)
			continue;
		if (k != NULL && k->signs)
			return false;
		there++;
	}
	return there > 0;
}

static void find_wrong_at(const struct alert_input *in, unsigned server, struct alert_finding *f)
{
	const struct parent_server *s = &in->view->servers[server];
	bool is_broken = breaks(in, s), is_wrong = false;

	for (unsigned i = 0; i < s->count; i++) {
		const struct parent_sighting *seen = &s->ds[i];

		if (!seen->is_there || (!is_broken && owner_of(in, &seen->ds) != NULL))
			continue;
		note_wrong(f, seen, is_first_with(in->view, server, &seen->ds));
		is_wrong = true;
	}
	f->is_emergency = f->is_emergency || is_broken;
	if (!is_wrong)
		return;
	add_to_list(f->servers, s->name);
	add_text(f->reason, sizeof(f->reason), "%s%s has %s", f->reason[0] == '\0' ? "" : "; ",
	    s->name,
	    is_broken ? "a DS, and none of a key that signs the DNSKEY set"
		      : "a DS of no key of ours");
}

static void find_wrong(const struct alert_input *in, struct alert_finding *f)
{
	f->is_known = true;
	for (unsigned i = 0; in->view != NULL && i < in->view->count; i++) {
		if (in->view->servers[i].has_answered)
			find_wrong_at(in, i, f);
		else
			f->is_known = false;
	}
}

void alert_find(enum alert_kind kind, const struct alert_input *in, struct alert_finding *out)
{
	memset(out, 0, sizeof(*out));
	if (kind == ALERT_LATE)
		find_late(in, out);
	else
		find_wrong(in, out);
}

/* Telling */

static int64_t repeat_of(const struct alert_state *s)
{
	bool is_old = s->told - s->since >= OLD;

	if (s->is_emergency)
		return is_old ? REPEAT : REPEAT_EMERGENCY;
	return is_old ? REPEAT_OLD : REPEAT;
}

static bool is_news(const struct alert_state *s, const struct alert_finding *f, int64_t now)
{
	if (s->told == 0 || now - s->told >= repeat_of(s))
		return true;
	if (f->is_emergency && !s->is_emergency)
		return true;
	return f->mark != s->mark && now - s->told >= NEWS_LEAST;
}

static enum alert_step step_on(struct alert_state *s, const struct alert_finding *f, int64_t now)
{
	if (!s->is_on)
		s->since = f->since;
	s->is_on = true;
	if (!is_news(s, f, now))
		return ALERT_NOTHING;
	s->is_emergency = f->is_emergency;
	s->mark = f->mark;
	s->told = now;
	s->owes_end = true;
	return ALERT_TELL;
}

enum alert_step alert_step(struct alert_state *s, const struct alert_finding *f, int64_t now)
{
	bool owes_end = s->owes_end;

	if (f->is_there)
		return step_on(s, f, now);
	if (!s->is_on || !f->is_known)
		return ALERT_NOTHING;
	s->is_on = s->owes_end = false;
	return owes_end ? ALERT_OVER : ALERT_NOTHING;
}

int64_t alert_next(const struct alert_state *s, const struct alert_finding *f)
{
	int64_t at = s->told + repeat_of(s);

	if (!f->is_there)
		return f->next;
	if (f->mark != s->mark)
		at = s->told + NEWS_LEAST;
	return f->next != 0 && f->next < at ? f->next : at;
}

/* Kept */

void alert_write(const struct alert_state *s, struct buf *out)
{
	buf_u8(out, s->is_on);
	buf_u8(out, s->is_emergency);
	buf_u8(out, s->owes_end);
	buf_u64(out, (uint64_t)s->since);
	buf_u64(out, (uint64_t)s->told);
	buf_u64(out, s->mark);
}

void alert_read(struct reader *r, struct alert_state *s)
{
	s->is_on = reader_u8(r) != 0;
	s->is_emergency = reader_u8(r) != 0;
	s->owes_end = reader_u8(r) != 0;
	s->since = (int64_t)reader_u64(r);
	s->told = (int64_t)reader_u64(r);
	s->mark = reader_u64(r);
	if (r->failed)
		memset(s, 0, sizeof(*s));
}
