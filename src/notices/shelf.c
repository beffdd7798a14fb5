/* The outbox for those who look at it: listings of what was told, and how far it has come.  See
 * outbox.h. */
#include "notices/outbox_internal.h"

#include <string.h>

struct showing {
	struct outbox *o;
	const uint8_t *apex;
	outbox_row_fn *fn;
	void *arg;
};

static int show_row(void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct showing *s = arg;
	struct notice_row *row;
	int code = OK;

	if (key_len != 8 || notice_row_read((uint64_t)load_u32(key) << 32 | load_u32(key + 4),
				value, len, &row) != OK)
		return OK;
	if (s->apex == NULL || (row->notice.apex != NULL && name_equal(row->notice.apex, s->apex)))
		code = s->fn(s->arg, row);
	notice_row_free(row);
	return code;
}

int outbox_each(struct outbox *o, const uint8_t *apex, unsigned most, outbox_row_fn *fn, void *arg)
{
	struct showing s = {o, apex, fn, arg};
	struct snapshot *sn;
	uint8_t from[8];
	int code = snapshot_open(o->store, &sn, NULL);

	if (code != OK)
		return code;
	store_u64(from, apex == NULL && o->last_id > most ? o->last_id - most + 1 : 0);
	code = snapshot_each_meta(sn, META_NOTICE, from, sizeof(from), show_row, &s);
	snapshot_close(sn);
	return code;
}

int outbox_get(struct outbox *o, uint64_t id, struct notice_row **out)
{
	struct snapshot *sn;
	int code = snapshot_open(o->store, &sn, NULL);

	if (code != OK)
		return code;
	code = outbox_row_get(sn, id, out);
	snapshot_close(sn);
	return code;
}

struct notice_delivery outbox_delivery(struct outbox *o, const struct notice_row *r, unsigned at)
{
	struct notice_delivery d = r->deliveries[at];
	struct notice_row *digest;
	uint64_t id = d.digest;

	if (d.state != DELIVERY_GATHERED || outbox_get(o, id, &digest) != OK)
		return d;
	if (digest->delivery_count > 0)
		d = digest->deliveries[0];
	d.digest = id;
	notice_row_free(digest);
	return d;
}

const char *outbox_state(struct outbox *o, const struct notice_row *r)
{
	bool waits = false, is_given_up = false;

	for (unsigned i = 0; i < r->delivery_count; i++) {
		struct notice_delivery d = outbox_delivery(o, r, i);

		waits = waits || d.state == DELIVERY_WAITING;
		is_given_up = is_given_up || d.state == DELIVERY_GIVEN_UP;
	}
	if (r->delivery_count == 0)
		return "recorded";
	if (waits)
		return "waiting";
	return is_given_up ? "given-up" : "sent";
}
