/* client: the inside of a token that is reached through workers.  Private to client.c, dispatch.c,
 * request.c and queue.c.  One thread, no locks. */
#ifndef PKCS11_CLIENT_H
#define PKCS11_CLIENT_H

#include "base/buf.h"
#include "pkcs11/driver.h"
#include "pkcs11/wire.h"

#define CLIENT_WORKERS 64

struct signature {
	int code;
	uint16_t len;
	size_t at; /* in the request's octets */
};

struct request { /* lives until its last part is freed */
	enum token_op op;
	enum token_class class;
	token_reply_fn *fn;
	void *arg;
	unsigned count, left; /* items in all, and not answered yet; 1 if it is no sign request */
	struct buf data; /* the encoded message; of a sign request what its items point to */
	struct token_sign_item *items;
	/* What came back so far; not used when it is all one part. */
	struct err err; /* of the first part that failed */
	struct buf octets;
	struct signature *signatures;
};

struct pending { /* a part of a request, or all of it: what one session gets at once */
	struct pending *next;
	struct request *request;
	unsigned first, count; /* which items */
	uint32_t id;
	unsigned attempts;
	uint64_t alive_at;   /* monotonic ms: last sign of life from whoever serves it; 0: nobody yet */
	struct buf reply;    /* pieces so far */
	struct err *failure; /* why there will be no other reply */
};

struct queue {
	struct pending *first, **last;
	unsigned items; /* of all parts in it */
};

/* The sign requests of one class.  Those of a small change and large ones take turns, signature by
 * signature, so that neither waits for all of the other. */
struct line {
	struct queue small, large;
	int64_t ahead; /* signatures, by which the small ones are ahead while both wait */
};

struct client_worker {
	struct client *client;
	unsigned number;
	struct channel *channel; /* NULL: not attached */
	unsigned sessions;
	bool started;          /* told to log in */
	bool said;             /* it has told its state */
	uint64_t since;        /* monotonic ms: told to log in */
	uint64_t paused_until; /* after it said that the token is away */
	struct wire_state state;
	struct queue sent; /* oldest first: the first `sessions` of them are being served */
	unsigned sent_count;
	bool object_call; /* one of them is no sign request */
};

static inline bool is_sign(const struct pending *p)
{
	return p->request->op == TOKEN_SIGN;
}

/* Sign requests go to any worker, the others to worker 0. */
enum lane { LANE_SIGN, LANE_OBJECT, LANES };

struct client {
	struct token base;
	struct loop *loop;
	struct loop_timer *timer;
	bool armed;
	uint64_t timeout_ms;
	token_lost_fn *lost;
	void *lost_arg;
	struct client_worker workers[CLIENT_WORKERS];
	unsigned worker_count; /* highest number attached so far, + 1 */
	bool pin_proved;
	struct line lines[TOKEN_CLASSES];
	struct queue objects[TOKEN_CLASSES];
	struct queue failed; /* to be told from the loop */
	uint64_t down_since[LANES]; /* monotonic ms; 0: up */
	struct err why;             /* the last reason for not being up */
	unsigned sign_pending, sign_sent; /* items that were not answered; parts that are at workers */
	uint32_t last_id;
	struct pace pace, busy_pace; /* lately; of parts answered while no session was idle */
	uint64_t signatures;
	struct buf message; /* being sent */
	struct wire_room room;
	struct token_reply reply; /* being handed out */
};

/* --- queue.c */
void queue_init(struct queue *q);
bool queue_is_empty(const struct queue *q);
void queue_append(struct queue *q, struct pending *p);
struct pending *queue_take(struct queue *q); /* the first, or NULL */
/* Of the first as many items as are wanted at most, or somewhat less: its parts are about equal. */
struct pending *queue_take_part(struct queue *q, unsigned most);
struct pending *queue_take_id(struct queue *q, uint32_t id);
void queue_put_before(struct queue *q, struct queue *front); /* empties front */
void line_init(struct line *l);
bool line_is_empty(const struct line *l);
struct queue *line_of(struct line *l, const struct pending *p); /* where it belongs */
struct queue *line_turn(struct line *l); /* whose turn it is; NULL: nobody waits */
void line_note(struct line *l, const struct queue *q, unsigned count); /* so many of q had their turn */

/* --- request.c */
struct pending *request_new(
    const struct token_request *r, uint32_t id, token_reply_fn *fn, void *arg);
/* Copies what r holds.  ERR_ARGUMENT if it breaks the bounds of token.h. */
int request_fill(struct pending *p, const struct token_request *r, struct err *e);
void pending_encode(const struct pending *p, struct buf *out);
struct pending *pending_split(struct pending *p, unsigned count); /* its first items, on their own */
/* reply is the part's; the last part's call of fn gets the request's there.  Frees p. */
void pending_answer(struct pending *p, struct token_reply *reply);
void pending_free(struct pending *p);

/* --- dispatch.c: who gets what, and when nobody does */
struct queue *client_queue(struct client *c, const struct pending *p); /* where it waits */
void client_note_state(struct client *c); /* after a worker came, went or spoke */
void client_pump(struct client *c);       /* send what can be sent now */
/* It has no channel any more: what it had is sent again (signing) or fails. */
void client_requeue(struct client_worker *w, const char *why);
void client_fail(struct client *c, struct pending *p, const struct err *e); /* from the loop */
/* A sign request that its worker could not serve; false: it has failed too often. */
bool client_try_again(struct client *c, struct pending *p);
unsigned client_sessions(const struct client *c); /* of all workers */
/* How many signatures a session gets at once, when there are enough of them. */
unsigned client_part_size(const struct client *c);
unsigned client_window_parts(const struct client *c);
void client_sent_one_less(struct client_worker *w, const struct pending *p);
void client_timer(void *client);
void client_arm(struct client *c);

/* --- client.c */
void client_detach(struct client_worker *w, const char *why);
void client_deliver(struct client *c, struct pending *p); /* p->failure; frees p */

#endif
