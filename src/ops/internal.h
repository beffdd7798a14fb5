/* What the files of ops share: the ends of a connection and the call made over it. */
#ifndef OPS_INTERNAL_H
#define OPS_INTERNAL_H

#include <sys/types.h>
#include "base/buf.h"
#include "ops/ops.h"
#include "ops/verbs.h"

struct ops_client;

struct ops_call {
	struct ops_client *client; /* NULL: gone */
	json_t *request;           /* the strings of `given` live in it */
	struct verb_call given;
	bool is_json;
	bool is_tty, is_pretty; /* progress is shown, JSON is indented */
	uint64_t progress_ms; /* when the last one was sent */
	char requester[40];
	ops_drained_fn *drained;
	void *drained_arg;
};

/* request.c: what a client's line asks for.  On errors c stays empty. */
int request_read(struct ops_call *c, const void *line, size_t len, struct err *e);
/* The command as one line for the log, without the texts of files. */
void request_text(const struct ops_call *c, struct buf *out);

/* control.c: one line to the client (takes reply).  Does nothing when it is gone. */
void client_send(struct ops_client *c, json_t *reply);
/* The call is over: what is queued is sent, then the connection closed. */
void client_finish(struct ops_client *c, int status);
bool client_is_dead(const struct ops_client *c);
size_t client_queued(const struct ops_client *c);
void client_nudge(struct ops_client *c); /* call_drained soon, even if nothing is queued */

/* call.c: the client went away, or its queue has room again. */
void call_lost(struct ops_call *c);
void call_drained(struct ops_call *c);
void call_free(struct ops_call *c);

#endif
