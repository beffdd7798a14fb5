/* One transfer over TCP: see transfer.h.  Network side; the source is not trusted.
 *
 *	wait at the gate -> connect -> message after message into the spool -> done
 *	                      ^                   |
 *	                      +-- an IXFR failed: the whole zone instead
 */
#include "inbound/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dns/rrtype.h"
#include "inbound/receive.h"

struct transfer {
	struct inbound *in;
	struct exchange x;
	uint64_t size_max;
	transfer_fn *done;
	void *arg;
	struct gate_ticket ticket;
	struct stream *stream;
	char *path;
	struct accept accept;
	struct receive receive;
	bool is_ixfr_refused;
	uint64_t began_ms;
};

static void transfer_free(struct transfer *t)
{
	gate_leave(t->in->transfers, &t->ticket);
	stream_free(t->stream);
	receive_free(&t->receive);
	accept_abandon(&t->accept);
	exchange_free(&t->x);
	free(t->path);
	free(t);
}

static void transfer_end(struct transfer *t, const struct err *e)
{
	transfer_fn *done = t->done;
	void *arg = t->arg;
	struct err copy = *e;
	char *path = t->path;
	bool has_spool = e->code == OK && t->receive.kind != RECEIVE_NOTHING_NEW;
	struct transfer_result result = {
	    .serial = t->accept.serial,
	    .path = has_spool ? path : NULL,
	    .is_difference = t->receive.kind == RECEIVE_DIFFERENCE,
	    .is_ixfr_refused = t->is_ixfr_refused,
	};

	t->path = NULL;
	transfer_free(t);
	done(arg, &copy, &result);
	free(path);
}

static void transfer_log(const struct transfer *t, uint64_t records)
{
	char name[NAME_TEXT_SIZE], since[40] = "";

	name_text(t->x.apex, name);
	if (t->receive.kind == RECEIVE_DIFFERENCE)
		snprintf(since, sizeof(since), "the changes since %u, ", t->x.known.serial);
	log_notice(
	    "zone %s: transferred from source %s: serial %u, %s%llu records, %llu octets in %llu "
	    "messages, %llu ms",
	    name, t->x.peer.name, t->accept.serial, since, (unsigned long long)records,
	    (unsigned long long)t->receive.octets, (unsigned long long)t->receive.messages,
	    (unsigned long long)(clock_mono_ms() - t->began_ms));
}

/* All of it is here. */
static int transfer_finish(struct transfer *t, struct err *e)
{
	uint64_t records = spool_count(t->accept.spool);
	int rc;

	if (t->receive.kind == RECEIVE_NOTHING_NEW) {
		accept_abandon(&t->accept);
		return OK;
	}
	if (t->receive.kind == RECEIVE_DIFFERENCE)
		rc = accept_finish_difference(&t->accept, t->x.known.serial, e);
	else
		rc = accept_finish(&t->accept, e);
	if (rc == OK)
		transfer_log(t, records);
	return rc;
}

static int transfer_message(void *arg, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct transfer *t = arg;
	int rc = receive_message(&t->receive, msg, len, more, e);

	if (rc != OK || !t->receive.is_complete)
		return rc;
	rc = transfer_finish(t, e);
	return rc == OK ? STREAM_COMPLETE : rc;
}

static void transfer_enter(void *arg);

/* Whatever is wrong with an IXFR, the whole zone may be right.  Where it was already coming, or
 * nobody is there, asking once more would not help. */
static bool is_worth_axfr(const struct transfer *t)
{
	return t->receive.kind != RECEIVE_WHOLE && stream_has_asked(t->stream);
}

/* Does the source not do IXFR at all?  Some say so by saying nothing. */
static bool is_ixfr_unknown(const struct receive *r, const struct err *e)
{
	return r->rcode == RCODE_NOTIMP || r->rcode == RCODE_FORMERR || r->rcode == RCODE_REFUSED ||
	       (e->code == ERR_TIMEOUT && r->kind == RECEIVE_UNKNOWN);
}

static void transfer_ask_whole(struct transfer *t, const struct err *e)
{
	char name[NAME_TEXT_SIZE];

	name_text(t->x.apex, name);
	log_notice("zone %s: the changes since serial %u cannot be had from source %s, the whole "
		   "zone is asked for: %s",
	    name, t->x.known.serial, t->x.peer.name, e->text);
	t->is_ixfr_refused = is_ixfr_unknown(&t->receive, e);
	stream_free(t->stream);
	t->stream = NULL;
	accept_abandon(&t->accept);
	t->x.qtype = RR_AXFR;
	transfer_enter(t);
}

static void transfer_stream_end(void *arg, const struct err *e)
{
	struct transfer *t = arg;

	if (e->code != OK && is_worth_axfr(t))
		transfer_ask_whole(t, e);
	else
		transfer_end(t, e);
}

static void transfer_enter(void *arg)
{
	struct transfer *t = arg;
	struct stream_hooks hooks = {transfer_message, transfer_stream_end, t};
	struct packet_builder question = {0};
	struct err e = {0};

	t->began_ms = clock_mono_ms();
	free(t->path);
	t->path = inbound_spool_path(t->in);
	receive_free(&t->receive);
	receive_init(&t->receive, &t->x, &t->accept, t->size_max);
	if (accept_begin(&t->accept, t->x.apex, t->path, t->size_max, &e) == OK &&
	    exchange_ask(&t->x, &question, &e) == OK)
		t->stream = stream_open(
		    t->in->loop, &t->x.peer, &question.buf, &t->in->limits.transfer, &hooks, &e);
	packet_builder_free(&question);
	if (t->stream == NULL)
		transfer_end(t, &e);
}

struct transfer *transfer_start(struct inbound *in, const struct peer *peer, const uint8_t *apex,
    uint64_t size_max, const struct soa *known, transfer_fn *done, void *arg)
{
	struct transfer *t = mem_alloc(sizeof(*t));

	t->in = in;
	t->size_max = size_max == 0 ? RECEIVE_SIZE_MAX : size_max;
	t->done = done;
	t->arg = arg;
	exchange_init(&t->x, peer, apex, known != NULL ? RR_IXFR : RR_AXFR);
	if (known != NULL)
		t->x.known = *known;
	gate_queue(in->transfers, &t->ticket, &t->x.peer.address, transfer_enter, t);
	return t;
}

void transfer_cancel(struct transfer *t)
{
	if (t != NULL)
		transfer_free(t);
}

void transfer_keep_key(struct transfer *t)
{
	if (t != NULL)
		exchange_keep_key(&t->x);
}
