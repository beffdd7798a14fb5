/* What the store keeps of watched domains: see signer/monitor.h.  Runs in the signing side.
 *
 * One row holds all that is known of a domain between its looks, another the history of its DS set,
 * bounded: the oldest entries go first.  A row that cannot be read counts as none: the domain is
 * then as one that was enrolled just now, and whatever it has is taken for old. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/monitor.h"

#define FORMAT 1
#define SERVERS_MAX 64
#define SAVE_MS 1000
#define HISTORY_ENTRIES 200
#define HISTORY_OCTETS (128 << 10)

enum { ENTRY_RECORD = 1, ENTRY_EVENT = 2 };

/* State */

static void state_write(const struct monitor_state *st, struct buf *out)
{
	struct buf part = {0};

	buf_u8(out, FORMAT);
	buf_u64(out, (uint64_t)st->looked);
	buf_u8(out, (uint8_t)st->status);
	buf_u64(out, (uint64_t)st->since);
	buf_u8(out, st->is_handed_over);
	buf_u8(out, (uint8_t)st->verdict);
	buf_u8(out, (uint8_t)st->cause);
	buf_u64(out, (uint64_t)st->until);
	buf_str(out, st->reason);
	buf_str(out, st->problem);
	buf_u8(out, (uint8_t)st->parent.count);
	for (unsigned i = 0; i < st->parent.count; i++) {
		buf_reset(&part);
		parent_write(&st->parent.servers[i], &part);
		buf_str(out, st->parent.servers[i].name);
		buf_lv16(out, part.data, part.len);
	}
	buf_reset(&part);
	watch_findings_write(&st->findings, &part);
	buf_lv32(out, part.data, part.len);
	watch_child_write(&st->child, out);
	buf_free(&part);
}

static void parents_read(struct reader *r, struct parent_view *out)
{
	unsigned count = reader_u8(r);

	if (count > SERVERS_MAX)
		r->failed = true;
	if (r->failed || count == 0)
		return;
	out->servers = mem_array(count, sizeof(*out->servers));
	out->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct reader one;
		size_t len = 0;
		const uint8_t *row;

		reader_str(r, out->servers[i].name, sizeof(out->servers[i].name));
		row = reader_lv16(r, &len);
		one = reader_of(row, row == NULL ? 0 : len);
		parent_read(&one, &out->servers[i]);
	}
}

/* false: malformed. */
static bool state_read(struct reader *r, struct monitor_state *st)
{
	const uint8_t *row;
	struct reader findings;
	size_t len = 0;
	unsigned status, verdict, cause;

	if (reader_u8(r) != FORMAT)
		return false;
	st->looked = (int64_t)reader_u64(r);
	status = reader_u8(r);
	st->since = (int64_t)reader_u64(r);
	st->is_handed_over = reader_u8(r) != 0;
	verdict = reader_u8(r);
	cause = reader_u8(r);
	st->until = (int64_t)reader_u64(r);
	reader_str(r, st->reason, sizeof(st->reason));
	reader_str(r, st->problem, sizeof(st->problem));
	parents_read(r, &st->parent);
	row = reader_lv32(r, &len);
	if (r->failed || status >= MONITOR_STATUSES || verdict >= WATCH_VERDICTS ||
	    cause >= WATCH_CAUSES)
		return false;
	st->status = (enum monitor_status)status;
	st->verdict = (enum watch_verdict)verdict;
	st->cause = (enum watch_cause)cause;
	findings = reader_of(row, len);
	return watch_findings_read(&findings, &st->findings) == OK &&
	       watch_child_read(r, &st->child) == OK;
}

static void state_new(const struct monitor *m, struct monitor_state *st)
{
	memset(st, 0, sizeof(*st));
	watch_child_init(&st->child, m->apex, clock_calendar());
	st->since = clock_calendar();
	snprintf(st->problem, sizeof(st->problem), "it was not looked at yet");
}

void monitor_state_free(struct monitor_state *st)
{
	watch_child_free(&st->child);
	watch_findings_free(&st->findings);
	free(st->parent.servers);
	memset(st, 0, sizeof(*st));
}

int monitor_state_load(struct monitor *m, struct monitor_state *out)
{
	struct snapshot *sn = NULL;
	const uint8_t *row = m->unsaved.data;
	size_t len = m->unsaved.len;
	struct reader r;
	int code = OK;

	state_new(m, out);
	if (!m->is_unsaved)
		code = snapshot_open(m->signer->store, &sn, NULL);
	if (!m->is_unsaved && code == OK)
		code = snapshot_meta(sn, META_MONITOR, m->key, m->key_len, &row, &len);
	if (code != OK)
		goto done;
	r = reader_of(row, len);
	if (!state_read(&r, out)) {
		log_error("%s: what was kept of it cannot be read; it begins anew", m->label);
		monitor_state_free(out);
		state_new(m, out);
	}
done:
	snapshot_close(sn);
	return code == ERR_MISSING ? OK : code;
}

/* Saving */

int monitor_save_in(
    struct monitor *m, const struct monitor_state *st, struct store_write *w, struct err *e)
{
	struct buf row = {0};
	int code;

	state_write(st, &row);
	code = row.failed
		   ? err_set(e, ERR_LIMIT, "%s: there is too much to keep", m->label)
		   : store_write_meta(w, META_MONITOR, m->key, m->key_len, row.data, row.len, e);
	buf_free(&row);
	return code;
}

static void unsaved_drop(struct monitor *m)
{
	struct monitor **p = &m->signer->monitors->unsaved;

	while (*p != NULL && *p != m)
		p = &(*p)->next_unsaved;
	if (*p != NULL)
		*p = m->next_unsaved;
	m->is_unsaved = false;
	buf_free(&m->unsaved);
}

void monitor_saved(struct monitor *m)
{
	if (m->is_unsaved)
		unsaved_drop(m);
}

void monitor_save_now(struct signer *s)
{
	struct store_write *w = NULL;
	struct err e = {0};
	int code;

	if (s->monitors->unsaved == NULL)
		return;
	code = store_write_begin(s->store, &w, &e);
	for (struct monitor *m = s->monitors->unsaved; m != NULL && code == OK; m = m->next_unsaved)
		code = store_write_meta(
		    w, META_MONITOR, m->key, m->key_len, m->unsaved.data, m->unsaved.len, &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code != OK) {
		log_error("what was seen of watched domains cannot be kept: %s", e.text);
		return; /* with the next look */
	}
	while (s->monitors->unsaved != NULL)
		unsaved_drop(s->monitors->unsaved);
}

void monitor_save_later(struct monitor *m, const struct monitor_state *st)
{
	struct signer *s = m->signer;

	buf_reset(&m->unsaved);
	state_write(st, &m->unsaved);
	if (m->unsaved.failed) {
		log_error("%s: there is too much to keep", m->label);
		unsaved_drop(m);
		return;
	}
	if (!m->is_unsaved) {
		m->next_unsaved = s->monitors->unsaved;
		s->monitors->unsaved = m;
		m->is_unsaved = true;
	}
	if (!loop_timer_is_set(s->monitors->save))
		loop_timer_set(s->monitors->save, SAVE_MS);
}

int monitor_save_forget(struct monitor *m, struct store_write *w, struct err *e)
{
	int code = store_write_meta(w, META_MONITOR, m->key, m->key_len, NULL, 0, e);

	monitor_saved(m);
	if (code == OK)
		code = store_write_meta(w, META_MONITOR_HISTORY, m->key, m->key_len, NULL, 0, e);
	return code;
}

/* History: lv16 entries, each a u8 of what it is and the rest */

/* The last ones that fit. */
static void history_trim(struct reader *r, size_t room)
{
	struct reader ahead = *r;
	unsigned count = 0;
	size_t len;

	while (reader_left(&ahead) > 0 && reader_lv16(&ahead, &len) != NULL)
		count++;
	while (reader_left(r) > 0 && (count >= HISTORY_ENTRIES || reader_left(r) > room)) {
		if (reader_lv16(r, &len) == NULL)
			return;
		count--;
	}
}

static int history_append(
    struct monitor *m, const struct buf *entry, struct store_write *w, struct err *e)
{
	struct buf row = {0};
	const uint8_t *old;
	size_t len;
	int code;

	if (entry->failed || entry->len > UINT16_MAX)
		return err_set(e, ERR_LIMIT, "%s: the entry is too long to be kept", m->label);
	if (snapshot_meta(
		store_write_view(w), META_MONITOR_HISTORY, m->key, m->key_len, &old, &len) == OK) {
		struct reader r = reader_of(old, len);

		history_trim(&r, HISTORY_OCTETS - entry->len);
		buf_put(&row, r.p, reader_left(&r));
	}
	buf_lv16(&row, entry->data, entry->len);
	code = row.failed ? err_set(e, ERR_LIMIT, "%s: no memory for its history", m->label)
			  : store_write_meta(
				w, META_MONITOR_HISTORY, m->key, m->key_len, row.data, row.len, e);
	buf_free(&row);
	return code;
}

int monitor_history_record(struct monitor *m, struct monitor_state *st,
    const struct watch_decision *d, struct store_write *w, struct err *e)
{
	struct buf entry = {0};
	int code;

	buf_u8(&entry, ENTRY_RECORD);
	watch_record_write(&st->child, d, clock_calendar(), &entry);
	code = history_append(m, &entry, w, e);
	buf_free(&entry);
	return code;
}

int monitor_history_add(
    struct monitor *m, const char *what, const char *words, struct store_write *w, struct err *e)
{
	struct buf entry = {0};
	int code;

	buf_u8(&entry, ENTRY_EVENT);
	buf_u64(&entry, (uint64_t)clock_calendar());
	buf_str(&entry, what);
	buf_str(&entry, words);
	code = history_append(m, &entry, w, e);
	buf_free(&entry);
	return code;
}

static bool entry_read(struct reader *r, struct monitor_entry *out)
{
	unsigned kind = reader_u8(r);

	memset(out, 0, sizeof(*out));
	out->is_record = kind == ENTRY_RECORD;
	if (out->is_record)
		return watch_record_read(r, &out->record) == OK;
	out->at = (int64_t)reader_u64(r);
	reader_str(r, out->what, sizeof(out->what));
	reader_str(r, out->words, sizeof(out->words));
	return kind == ENTRY_EVENT && !r->failed;
}

void monitor_history_each(struct monitor *m, monitor_history_fn *fn, void *arg)
{
	struct monitor_entry *entry;
	struct snapshot *sn = NULL;
	const uint8_t *row, *item;
	struct reader r, one;
	size_t len;

	if (snapshot_open(m->signer->store, &sn, NULL) != OK)
		return;
	entry = mem_alloc(sizeof(*entry));
	if (snapshot_meta(sn, META_MONITOR_HISTORY, m->key, m->key_len, &row, &len) == OK) {
		r = reader_of(row, len);
		while (reader_left(&r) > 0 && (item = reader_lv16(&r, &len)) != NULL) {
			one = reader_of(item, len);
			if (entry_read(&one, entry))
				fn(arg, entry);
		}
	}
	free(entry);
	snapshot_close(sn);
}
