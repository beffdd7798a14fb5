/* outbox: notices in the store, from the moment they are raised until everybody has been told
 * (R50).
 *
 *   raised    outbox_put writes the notice, with its recipients, in the transaction of what it
 * reports; the same kind, apex and occasion is told once (for 400 days at least) fresh outbox_take
 * finds it when that is committed ready     outbox_gather decides how it goes out: by itself, or
 * with many of its kind as one digest tried     outbox_next hands out what is due, outbox_done
 * takes how it ended: sent; or tried again after a pause that doubles; or, after five days, given
 * up
 *
 * What is sent and not yet saved is sent again after a crash, with the same Message-ID: at least
 * once.  All of it runs in the signing side.  Times are calendar times. */
#ifndef NOTICES_OUTBOX_H
#define NOTICES_OUTBOX_H

#include "notices/row.h"
#include "zone/store.h"

struct outbox;
/* Reads what waits; NULL when the store cannot be read. */
struct outbox *outbox_new(struct store *s, struct err *e);
void outbox_free(struct outbox *o); /* NULL is fine; what was not saved is lost */

/* Raise it in w.  OK also if it was told before: then *id (may be NULL) is 0. */
int outbox_put(struct outbox *o, struct store_write *w, const struct notice *n,
    const struct notice_recipient *to, unsigned count, int64_t now, uint64_t *id, struct err *e);
/* By its kind, apex and occasion. */
bool outbox_was_told(struct outbox *o, const struct notice *n);
/* With the zone: one of the same name, should it come, is told everything anew.  What waits is
 * still sent. */
int outbox_forget(struct outbox *o, struct store_write *w, const uint8_t *apex, struct err *e);

/* Look for what was committed since; is anything fresh? */
bool outbox_take(struct outbox *o);
/* The fresh ones have waited long enough for others of their kind. */
int outbox_gather(struct outbox *o, int64_t now, struct err *e);

struct outbox_try { /* one notice to one recipient; valid until outbox_done */
	uint64_t id;
	enum notice_channel channel;
	const char *to;
	struct outbox_item *item;
};
/* The next to be sent now; false: none at the moment. */
bool outbox_next(struct outbox *o, int64_t now, struct outbox_try *out);
struct outbox_result {
	int code;	    /* OK: it was taken */
	bool is_permanent;  /* refused for good, says who was asked; it is tried again all the same,
			       less often */
	bool is_everybodys; /* it would be the same for anybody on this channel: nobody answered */
	const char *why;
};
enum outbox_verdict { OUTBOX_SENT, OUTBOX_AGAIN, OUTBOX_GIVEN_UP };
struct outbox_end {
	enum outbox_verdict verdict;
	int64_t next_try;  /* OUTBOX_AGAIN: not before */
	unsigned given_up; /* notices, this one among them: they have waited for days */
};
struct outbox_end outbox_done(
    struct outbox *o, const struct outbox_try *t, const struct outbox_result *r, int64_t now);
/* When something is to be done next without anybody asking; 0: nothing waits. */
int64_t outbox_due(const struct outbox *o, int64_t now);
bool outbox_is_busy(const struct outbox *o);  /* something is being tried */
bool outbox_is_dirty(const struct outbox *o); /* something is to be saved */
/* Keep how tries ended. */
int outbox_save(struct outbox *o, struct err *e);

/* Send it again to these: ERR_MISSING; ERR_AGAIN: it is being sent. */
int outbox_resend(struct outbox *o, uint64_t id, const struct notice_recipient *to, unsigned count,
    int64_t now, struct err *e);

struct outbox_counts {
	unsigned waiting;  /* notices times recipients */
	unsigned given_up; /* since the start */
	char error[NOTICE_ERROR_MAX +
		   80]; /* of the last try that failed, until one of its channel goes well; "" */
	int64_t error_at;
};
void outbox_count(const struct outbox *o, struct outbox_counts *out);

/* What is kept, for listings, oldest first: notices of the zone, or (NULL) the last `most` of all;
 * not OK from fn ends it.  The row is borrowed. */
typedef int outbox_row_fn(void *arg, const struct notice_row *r);
int outbox_each(struct outbox *o, const uint8_t *apex, unsigned most, outbox_row_fn *fn, void *arg);
/* Gives *out: notice_row_free.  ERR_MISSING. */
int outbox_get(struct outbox *o, uint64_t id, struct notice_row **out);
/* How far the whole of it has come: given-up, waiting, sent; "recorded": it had no recipients. */
const char *outbox_state(struct outbox *o, const struct notice_row *r);
/* Of one recipient; what is gathered is as its digest is. */
struct notice_delivery outbox_delivery(struct outbox *o, const struct notice_row *r, unsigned at);

#endif
