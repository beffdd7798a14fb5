/* notice_row: a notice as the store keeps it: with each of its recipients, and how far it has come
 * there. Private to this room, but for who shows it. */
#ifndef NOTICES_ROW_H
#define NOTICES_ROW_H

#include "base/arena.h"
#include "base/buf.h"
#include "notices/notice.h"

#define NOTICE_DELIVERIES_MAX 24
#define NOTICE_ERROR_MAX 300
#define NOTICE_RANDOM_LEN 16
#define NOTICE_TOLD_LEN 24 /* see outbox.c */

enum delivery_state {
	DELIVERY_WAITING, /* for its first try, or the next */
	DELIVERY_SENT,
	DELIVERY_GIVEN_UP, /* tried for days */
	DELIVERY_GATHERED  /* it goes out with a digest, and is what that is */
};

struct notice_delivery {
	enum notice_channel channel;
	char to[NOTICE_TO_MAX + 1];
	enum delivery_state state;
	unsigned tries;
	int64_t since;			  /* tried from then on */
	int64_t next_try;		  /* waiting; 0: at once */
	int64_t changed;		  /* of its state, or its last try */
	uint64_t digest;		  /* gathered: the id of that notice */
	char error[NOTICE_ERROR_MAX + 1]; /* of the last try; "" */
};

struct notice_row {
	uint64_t id;
	struct notice notice;		   /* borrows the arena */
	uint8_t random[NOTICE_RANDOM_LEN]; /* for its Message-ID */
	uint8_t told[NOTICE_TOLD_LEN];	   /* key of the row that keeps it from being told again */
	struct notice_delivery deliveries[NOTICE_DELIVERIES_MAX];
	unsigned delivery_count;
	enum notice_kind of; /* digest: the kind of its members */
	uint64_t *members;   /* digest: their ids */
	unsigned member_count;
	struct arena *arena;
};

void notice_row_write(const struct notice_row *r, struct buf *out);
/* Gives *out on OK: notice_row_free; ERR_FORMAT. */
int notice_row_read(uint64_t id, const uint8_t *data, size_t len, struct notice_row **out);
void notice_row_free(struct notice_row *r);	   /* NULL is fine */
bool notice_row_waits(const struct notice_row *r); /* is anything of it still to be sent? */
const char *delivery_state_name(
    enum delivery_state s); /* "waiting", "sent", "given-up", "gathered" */

#endif
