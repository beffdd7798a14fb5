/* The version that a change would make, read before it is made.  Signing side, one thread at a
 * time; the change must not be added to meanwhile. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "zone/change.h"
#include "zone/store_internal.h"

struct change_walk {
	unsigned data;	    /* DATA_RR or DATA_NSEC3 */
	struct walk stored; /* stands on the next row of what is changed */
	int stored_rc;
	struct batch_row *rows; /* of the change, in order; no value: it is gone */
	size_t count, at;
};

int change_walk_open(const struct change *c, struct snapshot *sn, const struct zone_head *from,
    bool nsec3, struct change_walk **out, struct err *e)
{
	static const uint8_t lowest[NSEC3_HASH_LEN];
	struct change_walk *x = mem_alloc(sizeof(*x));
	int rc = walk_open(sn, from, &x->stored, e);

	if (rc != OK) {
		free(x);
		return rc;
	}
	x->data = nsec3 ? DATA_NSEC3 : DATA_RR;
	x->stored_rc = nsec3 ? walk_seek_nsec3(&x->stored, lowest) : walk_next(&x->stored);
	x->count = batch_sorted(change_rows(c, x->data), &x->rows);
	*out = x;
	return OK;
}

void change_walk_close(struct change_walk *x)
{
	if (x == NULL)
		return;
	walk_close(&x->stored);
	free(x->rows);
	free(x);
}

static bool has_stored(const struct change_walk *x)
{
	return x->stored_rc == OK && x->stored.is_nsec3 == (x->data == DATA_NSEC3);
}

/* A row's key, as a walk gives it, goes on with 00 and the type. */
static int compare(const struct change_walk *x)
{
	const struct batch_row *row = &x->rows[x->at];

	if (!has_stored(x))
		return 1;
	if (x->at == x->count)
		return -1;
	return batch_compare(x->stored.key, x->stored.key_len + (x->data == DATA_RR ? 3 : 0),
	    row->key, row->key_len);
}

static void take_row(struct change_walk *x, struct walk *out)
{
	const struct batch_row *row = &x->rows[x->at++];
	size_t tail = x->data == DATA_RR ? 3 : 0;

	*out = (struct walk){.key = row->key,
	    .key_len = row->key_len - tail,
	    .is_nsec3 = x->data == DATA_NSEC3,
	    .type = tail > 0 ? load_u16(row->key + row->key_len - 2) : 50,
	    .packed = row->value,
	    .packed_len = row->value_len};
}

int change_walk_next(struct change_walk *x, struct walk *out)
{
	do {
		int order;

		if (x->stored_rc != OK && x->stored_rc != ERR_MISSING)
			return x->stored_rc;
		if (!has_stored(x) && x->at == x->count)
			return ERR_MISSING;
		order = compare(x);
		if (order < 0)
			*out = x->stored;
		if (order <= 0)
			x->stored_rc = walk_next(&x->stored);
		if (order >= 0)
			take_row(x, out);
	} while (out->packed_len == 0);
	out->state = NULL;
	return OK;
}
