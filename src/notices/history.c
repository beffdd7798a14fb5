/* history: see history.h.  Pure; runs in the signing side. */
#include "notices/history.h"

#include <string.h>
#include "base/err.h"

/* FNV-1a. */
uint64_t history_word(const char *reason)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *reason != '\0' && *reason != ':'; reason++) {
		if (*reason < '0' || *reason > '9')
			hash = (hash ^ (uint8_t)*reason) * 1099511628211ULL;
	}
	return hash != 0 ? hash : 1;
}

static struct history_trace *find(
    struct history_recent *r, const struct history_change *c, uint64_t word, uint64_t next)
{
	for (unsigned i = 0; i < HISTORY_RECENT; i++) {
		struct history_trace *t = &r->traces[i];

		if (t->number != 0 && t->number + HISTORY_MAX >= next && t->from == c->from &&
		    t->to == c->to && t->word == word)
			return t;
	}
	return NULL;
}

static struct history_trace *oldest(struct history_recent *r)
{
	struct history_trace *found = &r->traces[0];

	for (unsigned i = 1; i < HISTORY_RECENT; i++) {
		if (r->traces[i].last < found->last)
			found = &r->traces[i];
	}
	return found;
}

void history_note(struct history_recent *r, struct history_change *c, uint64_t *next, int64_t now)
{
	uint64_t word = history_word(c->reason);
	struct history_trace *t = find(r, c, word, *next);

	if (t == NULL || now - t->last >= HISTORY_TOGETHER) {
		t = t == NULL ? oldest(r) : t;
		*t = (struct history_trace){
		    .number = (*next)++, .at = now, .from = c->from, .to = c->to, .word = word};
	}
	t->last = now;
	t->count++;
	c->number = t->number;
	c->at = t->at;
	c->last = t->last;
	c->count = t->count;
}

void history_write(const struct history_change *c, struct buf *out)
{
	buf_u64(out, c->number);
	buf_u64(out, (uint64_t)c->at);
	buf_u64(out, (uint64_t)c->last);
	buf_u32(out, c->count);
	buf_u8(out, c->is_source);
	buf_str(out, c->server);
	buf_u8(out, c->from);
	buf_u8(out, c->to);
	buf_u8(out, c->has_serial);
	buf_u32(out, c->serial);
	buf_str(out, c->reason);
}

int history_read(const void *data, size_t len, struct history_change *out)
{
	struct reader r = reader_of(data, len);

	memset(out, 0, sizeof(*out));
	out->number = reader_u64(&r);
	out->at = (int64_t)reader_u64(&r);
	out->last = (int64_t)reader_u64(&r);
	out->count = reader_u32(&r);
	out->is_source = reader_u8(&r) != 0;
	reader_str(&r, out->server, sizeof(out->server));
	out->from = reader_u8(&r);
	out->to = reader_u8(&r);
	out->has_serial = reader_u8(&r) != 0;
	out->serial = reader_u32(&r);
	reader_str(&r, out->reason, sizeof(out->reason));
	return r.failed ? ERR_FORMAT : OK;
}
