/* What the files of the outbox share.  What waits is in memory as items, each one notice to one
 * recipient, in the queues of their targets; the store has the same in its rows. */
#ifndef NOTICES_OUTBOX_INTERNAL_H
#define NOTICES_OUTBOX_INTERNAL_H

#include <sys/queue.h>
#include "notices/outbox.h"

#define DAY 86400
#define KEEP_TIME (400 * (int64_t)DAY) /* a notice is not told again, and can be shown */
#define PATIENCE_TIME (5 * (int64_t)DAY)
#define TARGETS_HASH 1024

struct outbox_item {
	TAILQ_ENTRY(outbox_item) link;
	struct target *target;
	uint64_t id;
	unsigned at; /* its place among the notice's deliveries */
	enum notice_kind kind;
	bool is_fresh, is_tried;
	unsigned tries;
	int64_t since, due;
};
TAILQ_HEAD(item_queue, outbox_item);

struct flow { /* of one kind to one target: how many went out, since when */
	int64_t start;
	unsigned count;
};

/* Whoever fails is let alone for a while. */
struct pause {
	unsigned failures; /* one after the other */
	int64_t until;	   /* 0: none */
};

struct target {		     /* a channel and an address */
	struct target *next; /* in its chain of the hash */
	enum notice_channel channel;
	char to[NOTICE_TO_MAX + 1]; /* "": the channel needs none */
	struct item_queue items;
	unsigned fresh;
	bool is_tried; /* one at a time */
	struct pause pause;
	struct flow flows[NOTICE_KINDS];
	int64_t held_until; /* fresh ones wait until then; 0: they do not */
};

struct update { /* of a row: how a try ended */
	uint64_t id;
	unsigned at, tries;
	enum delivery_state state;
	int64_t next_try, changed;
	char error[NOTICE_ERROR_MAX + 1];
};

struct outbox {
	struct store *store;
	uint64_t last_id;  /* given away */
	uint64_t taken_id; /* up to this one rows were looked at */
	struct target **targets;
	unsigned target_count, cursor;
	struct target *hash[TARGETS_HASH];
	struct {
		struct pause pause;
		unsigned tried;
		char error[NOTICE_ERROR_MAX + 1]; /* of the last try, if that failed */
		int64_t error_at;
	} channels[NOTICE_CHANNELS];
	unsigned item_count, tried;
	bool is_fresh; /* something came that was not gathered yet */
	struct update *updates;
	unsigned update_count;
	unsigned given_up; /* since the start */
};

/* queue.c */
struct target *outbox_target(struct outbox *o, enum notice_channel c, const char *to);
/* All that waits of a row becomes items. */
void outbox_add_items(struct outbox *o, const struct notice_row *r);
void outbox_drop_item(struct outbox *o, struct outbox_item *i);
/* Those of one notice; false: one of them is being tried, and nothing was done. */
bool outbox_drop_items(struct outbox *o, uint64_t id);
void outbox_free_targets(struct outbox *o);

/* outbox.c: rows, in a write. */
int outbox_row_get(struct snapshot *sn, uint64_t id, struct notice_row **out);
int outbox_row_put(struct store_write *w, const struct notice_row *r, struct err *e);
/* A new row: its id, its random octets. */
int outbox_row_new(struct outbox *o, struct store_write *w, struct notice_row *r, struct err *e);
void outbox_told_key(const struct notice *n, uint8_t out[NOTICE_TOLD_LEN]);
void outbox_add_delivery(struct notice_row *r, enum notice_channel c, const char *to, int64_t now);

#endif
