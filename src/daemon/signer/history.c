/* The last changes of the statuses of a zone's servers, as rows in the store, written with the
 * statuses themselves.  Signing side.
 *
 * The rows of a zone are a ring of HISTORY_MAX places, so that no row has to be looked for when it
 * is too old; one more row has the number of the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define PLACE_NEXT 255 /* where the number of the next row stands */
#define HISTORY_KEY_MAX (NAME_KEY_MAX + 2)

_Static_assert(HISTORY_MAX < PLACE_NEXT, "a place fits one octet");

struct zone_history {
	uint64_t next;
	struct history_change *unsaved; /* owned */
	unsigned unsaved_count;
};

static size_t row_key(const struct signer_zone *z, unsigned place, uint8_t key[HISTORY_KEY_MAX])
{
	memcpy(key, z->key, z->key_len);
	key[z->key_len] = 0;
	key[z->key_len + 1] = (uint8_t)place;
	return z->key_len + 2;
}

static uint64_t read_next(const struct signer_zone *z, struct snapshot *sn)
{
	uint8_t key[HISTORY_KEY_MAX];
	const uint8_t *value;
	size_t len;
	struct reader r;
	uint64_t next;

	if (snapshot_meta(sn, META_HISTORY, key, row_key(z, PLACE_NEXT, key), &value, &len) != OK)
		return 1;
	r = reader_of(value, len);
	next = reader_u64(&r);
	return r.failed || next == 0 ? 1 : next;
}

static struct zone_history *history_of(struct signer_zone *z)
{
	struct snapshot *sn;

	if (z->history != NULL)
		return z->history;
	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return NULL;
	z->history = mem_alloc(sizeof(*z->history));
	z->history->next = read_next(z, sn);
	snapshot_close(sn);
	return z->history;
}

static void keep_unsaved(struct zone_history *h, const struct history_change *c)
{
	unsigned i = 0;

	while (i < h->unsaved_count && h->unsaved[i].number != c->number)
		i++;
	if (i == HISTORY_MAX) { /* the store cannot be written for long: the oldest is lost */
		memmove(h->unsaved, h->unsaved + 1, --i * sizeof(*c));
		h->unsaved_count--;
	}
	if (i == h->unsaved_count)
		h->unsaved = mem_grow(h->unsaved, ++h->unsaved_count, sizeof(*h->unsaved));
	h->unsaved[i] = *c;
}

void signer_history_note(struct signer_zone *z, struct server_status *st, unsigned from)
{
	struct zone_history *h = history_of(z);
	struct history_change c = {.is_source = st->is_source,
	    .from = (uint8_t)from,
	    .to = st->status,
	    .has_serial = st->has_serial,
	    .serial = st->serial};

	if (h == NULL)
		return;
	if (st->recent == NULL)
		st->recent = mem_alloc(sizeof(*st->recent));
	memcpy(c.server, st->server, sizeof(c.server));
	memcpy(c.reason, st->reason, sizeof(c.reason));
	history_note(st->recent, &c, &h->next, clock_calendar());
	keep_unsaved(h, &c);
}

static int save_row(const struct signer_zone *z, const struct history_change *c,
    struct store_write *w, struct err *e)
{
	uint8_t key[HISTORY_KEY_MAX];
	size_t len = row_key(z, c->number % HISTORY_MAX, key);
	struct buf value = {0};
	int code;

	history_write(c, &value);
	code = store_write_meta(w, META_HISTORY, key, len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

int signer_history_save(struct signer_zone *z, struct store_write *w, struct err *e)
{
	const struct zone_history *h = z->history;
	uint8_t key[HISTORY_KEY_MAX], next[8];
	size_t len = row_key(z, PLACE_NEXT, key);
	int code = OK;

	if (h == NULL || h->unsaved_count == 0)
		return OK;
	for (unsigned i = 0; i < h->unsaved_count && code == OK; i++)
		code = save_row(z, &h->unsaved[i], w, e);
	store_u64(next, h->next);
	if (code == OK)
		code = store_write_meta(w, META_HISTORY, key, len, next, sizeof(next), e);
	return code;
}

void signer_history_saved(struct signer_zone *z)
{
	struct zone_history *h = z->history;

	if (h == NULL)
		return;
	free(h->unsaved);
	h->unsaved = NULL;
	h->unsaved_count = 0;
}

int signer_history_forget(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	uint8_t key[HISTORY_KEY_MAX];
	uint64_t next = read_next(z, store_write_view(w));
	size_t len = row_key(z, PLACE_NEXT, key);
	int code = store_write_meta(w, META_HISTORY, key, len, NULL, 0, e);

	for (unsigned i = 0; i < HISTORY_MAX && i < next && code == OK; i++) {
		len = row_key(z, i, key);
		code = store_write_meta(w, META_HISTORY, key, len, NULL, 0, e);
	}
	return code;
}

void signer_history_free(struct signer_zone *z)
{
	if (z->history != NULL)
		free(z->history->unsaved);
	free(z->history);
	z->history = NULL;
}

static void read_rows(const struct signer_zone *z, struct snapshot *sn, uint64_t first,
    uint64_t next, history_row_fn *fn, void *arg)
{
	uint8_t key[HISTORY_KEY_MAX];
	struct history_change c;
	const uint8_t *value;
	size_t len;

	for (uint64_t n = first; n < next; n++) {
		size_t key_len = row_key(z, n % HISTORY_MAX, key);

		if (snapshot_meta(sn, META_HISTORY, key, key_len, &value, &len) == OK &&
		    history_read(value, len, &c) == OK && c.number == n)
			fn(arg, &c);
	}
}

void signer_history_each(struct signer_zone *z, unsigned most, history_row_fn *fn, void *arg)
{
	uint64_t next, first;
	struct snapshot *sn;

	if (z->history != NULL && z->history->unsaved_count > 0)
		signer_statuses_save(z->signer);
	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	next = read_next(z, sn);
	most = most < HISTORY_MAX ? most : HISTORY_MAX;
	first = next > most ? next - most : 1;
	read_rows(z, sn, first, next, fn, arg);
	snapshot_close(sn);
}
