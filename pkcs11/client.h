/* client: the inside of a token that is reached through workers.  Private to client.c, dispatch.c and
 * queue.c.  One thread, no locks. */
#ifndef PKCS11_CLIENT_H
#define PKCS11_CLIENT_H

#include "base/buf.h"
#include "pkcs11/driver.h"
#include "pkcs11/wire.h"

#define CLIENT_WORKERS 64

struct pending { /* a request that has no reply yet */
	struct pending *next;
	uint32_t id;
	enum token_op op;
	enum token_class class;
	unsigned attempts;
	uint64_t alive_at;   /* monotonic ms: last sign of life from whoever serves it; 0: nobody yet */
	struct buf message;  /* encoded: kept for sending it again */
	struct buf reply;    /* pieces so far */
	struct err *failure; /* why there will be no other reply */
	token_reply_fn *fn;
	void *arg;
};

struct queue {
	struct pending *first, **last;
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
	struct queue queues[LANES][TOKEN_CLASSES];
	struct queue failed; /* to be told from the loop */
	uint64_t down_since[LANES]; /* monotonic ms; 0: up */
	struct err why;             /* the last reason for not being up */
	unsigned sign_pending, sign_sent;
	uint32_t last_id;
	struct rate rate;
	uint64_t signatures;
	struct wire_room room;
	struct token_reply reply; /* being handed out */
};

/* --- queue.c */
void queue_init(struct queue *q);
bool queue_is_empty(const struct queue *q);
void queue_append(struct queue *q, struct pending *p);
struct pending *queue_take(struct queue *q); /* the first, or NULL */
struct pending *queue_take_id(struct queue *q, uint32_t id);
void queue_put_before(struct queue *q, struct queue *front); /* empties front */
void pending_free(struct pending *p);

/* --- dispatch.c: who gets what, and when nobody does */
enum lane lane_of(enum token_op op);
void client_note_state(struct client *c); /* after a worker came, went or spoke */
void client_pump(struct client *c);       /* send what can be sent now */
/* It has no channel any more: what it had is sent again (signing) or fails. */
void client_requeue(struct client_worker *w, const char *why);
void client_fail(struct client *c, struct pending *p, const struct err *e); /* from the loop */
/* A sign request that its worker could not serve; false: it has failed too often. */
bool client_try_again(struct client *c, struct pending *p);
void client_sent_one_less(struct client_worker *w, const struct pending *p);
void client_timer(void *client);
void client_arm(struct client *c);

/* --- client.c */
void client_detach(struct client_worker *w, const char *why);
void client_deliver(struct client *c, struct pending *p); /* p->failure; frees p */

#endif
