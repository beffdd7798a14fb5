/* A notice's row: see row.h.  Kinds are kept by name, so that the list of them may change. */
#include "notices/row.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define ROW_VERSION 1
#define MEMBERS_MAX 100000

static void cut_str(struct buf *out, const char *text, size_t most)
{
	size_t len = text == NULL ? 0 : strlen(text);

	buf_lv16(out, text, len > most ? most : len);
}

static void write_delivery(const struct notice_delivery *d, struct buf *out)
{
	buf_u8(out, (uint8_t)d->channel);
	buf_str(out, d->to);
	buf_u8(out, (uint8_t)d->state);
	buf_u32(out, d->tries);
	buf_u64(out, (uint64_t)d->since);
	buf_u64(out, (uint64_t)d->next_try);
	buf_u64(out, (uint64_t)d->changed);
	buf_u64(out, d->digest);
	buf_str(out, d->error);
}

void notice_row_write(const struct notice_row *r, struct buf *out)
{
	const struct notice *n = &r->notice;

	buf_u8(out, ROW_VERSION);
	buf_str(out, notice_kind_name(n->kind));
	buf_lv16(out, n->apex, n->apex == NULL ? 0 : name_len(n->apex));
	cut_str(out, n->occasion, NOTICE_OCCASION_MAX);
	buf_u64(out, (uint64_t)n->at);
	buf_u64(out, (uint64_t)n->until);
	buf_put(out, r->random, sizeof(r->random));
	buf_put(out, r->told, sizeof(r->told));
	buf_u8(out, (uint8_t)n->field_count);
	for (unsigned i = 0; i < n->field_count; i++) {
		buf_u8(out, n->fields[i].value != NULL);
		cut_str(out, n->fields[i].name, NOTICE_NAME_MAX);
		cut_str(out, n->fields[i].value, NOTICE_VALUE_MAX);
	}
	buf_u8(out, (uint8_t)r->delivery_count);
	for (unsigned i = 0; i < r->delivery_count; i++)
		write_delivery(&r->deliveries[i], out);
	buf_str(out, notice_kind_name(r->of));
	buf_u32(out, r->member_count);
	for (unsigned i = 0; i < r->member_count; i++)
		buf_u64(out, r->members[i]);
}

static const char *read_string(struct reader *r, struct arena *a, size_t most)
{
	size_t len;
	const uint8_t *octets = reader_lv16(r, &len);
	char *text;

	if (octets == NULL || len > most || memchr(octets, 0, len) != NULL) {
		r->failed = true;
		return "";
	}
	text = arena_alloc(a, len + 1);
	memcpy(text, octets, len);
	return text;
}

static enum notice_kind read_kind(struct reader *r)
{
	char name[64];
	enum notice_kind k = NOTICE_TEST;

	reader_str(r, name, sizeof(name));
	r->failed = r->failed || !notice_kind_find(name, &k);
	return k;
}

static void read_delivery(struct reader *r, struct notice_delivery *d)
{
	unsigned channel = reader_u8(r), state;

	reader_str(r, d->to, sizeof(d->to));
	state = reader_u8(r);
	d->tries = reader_u32(r);
	d->since = (int64_t)reader_u64(r);
	d->next_try = (int64_t)reader_u64(r);
	d->changed = (int64_t)reader_u64(r);
	d->digest = reader_u64(r);
	reader_str(r, d->error, sizeof(d->error));
	r->failed = r->failed || channel >= NOTICE_CHANNELS || state > DELIVERY_GATHERED;
	d->channel = r->failed ? NOTICE_MAIL : (enum notice_channel)channel;
	d->state = r->failed ? DELIVERY_GIVEN_UP : (enum delivery_state)state;
}

static void read_fields(struct reader *r, struct notice *n, struct arena *a)
{
	n->field_count = reader_u8(r);
	if (n->field_count > NOTICE_FIELDS_MAX) {
		n->field_count = 0;
		r->failed = true;
	}
	for (unsigned i = 0; i < n->field_count && !r->failed; i++) {
		bool has_value = reader_u8(r) != 0;

		n->fields[i].name = read_string(r, a, NOTICE_NAME_MAX);
		n->fields[i].value = read_string(r, a, NOTICE_VALUE_MAX);
		if (!has_value)
			n->fields[i].value = NULL;
	}
}

static void read_notice(struct reader *r, struct notice_row *row)
{
	struct notice *n = &row->notice;
	const uint8_t *apex, *octets;
	size_t len;

	n->kind = read_kind(r);
	apex = reader_lv16(r, &len);
	if (apex != NULL && len > 0 && name_check(apex, len) == len) {
		uint8_t *copy = arena_alloc(row->arena, len);

		memcpy(copy, apex, len);
		n->apex = copy;
	}
	n->occasion = read_string(r, row->arena, NOTICE_OCCASION_MAX);
	n->at = (int64_t)reader_u64(r);
	n->until = (int64_t)reader_u64(r);
	octets = reader_bytes(r, sizeof(row->random));
	if (octets != NULL)
		memcpy(row->random, octets, sizeof(row->random));
	octets = reader_bytes(r, sizeof(row->told));
	if (octets != NULL)
		memcpy(row->told, octets, sizeof(row->told));
	read_fields(r, n, row->arena);
}

static void read_members(struct reader *r, struct notice_row *row)
{
	row->of = read_kind(r);
	row->member_count = reader_u32(r);
	if (row->member_count > MEMBERS_MAX || row->member_count * 8 > reader_left(r)) {
		row->member_count = 0;
		r->failed = true;
	}
	row->members = arena_alloc(row->arena, (row->member_count + 1) * sizeof(*row->members));
	for (unsigned i = 0; i < row->member_count; i++)
		row->members[i] = reader_u64(r);
}

int notice_row_read(uint64_t id, const uint8_t *data, size_t len, struct notice_row **out)
{
	struct notice_row *row = mem_alloc(sizeof(*row));
	struct reader r = reader_of(data, len);

	row->id = id;
	row->arena = arena_new();
	r.failed = reader_u8(&r) != ROW_VERSION;
	read_notice(&r, row);
	row->delivery_count = reader_u8(&r);
	if (row->delivery_count > NOTICE_DELIVERIES_MAX) {
		row->delivery_count = 0;
		r.failed = true;
	}
	for (unsigned i = 0; i < row->delivery_count; i++)
		read_delivery(&r, &row->deliveries[i]);
	read_members(&r, row);
	if (r.failed) {
		notice_row_free(row);
		return ERR_FORMAT;
	}
	*out = row;
	return OK;
}

void notice_row_free(struct notice_row *r)
{
	if (r == NULL)
		return;
	arena_free(r->arena);
	free(r);
}

bool notice_row_waits(const struct notice_row *r)
{
	for (unsigned i = 0; i < r->delivery_count; i++) {
		if (r->deliveries[i].state == DELIVERY_WAITING)
			return true;
	}
	return false;
}

const char *delivery_state_name(enum delivery_state s)
{
	static const char *const names[] = {"waiting", "sent", "given-up", "gathered"};

	return names[s];
}
