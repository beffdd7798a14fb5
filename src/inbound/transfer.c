/* One AXFR over TCP: see transfer.h.  Network side; the source is not trusted.
 *
 *	wait at the gate -> connect -> message after message into the spool -> done
 */
#include "inbound/transfer.h"

#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dns/rrtype.h"
#include "inbound/axfr.h"

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
	struct axfr axfr;
	uint64_t began_ms;
};

static void transfer_free(struct transfer *t)
{
	gate_leave(t->in->transfers, &t->ticket);
	stream_free(t->stream);
	axfr_free(&t->axfr);
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
	uint32_t serial = t->accept.serial;
	char *path = t->path;

	t->path = NULL;
	transfer_free(t);
	done(arg, &copy, serial, path);
	free(path);
}

static void transfer_log(const struct transfer *t, uint64_t records)
{
	char name[NAME_TEXT_SIZE];

	name_text(t->x.apex, name);
	log_notice(
	    "zone %s: transferred from source %s: serial %u, %llu records, %llu octets in %llu "
	    "messages, %llu ms",
	    name, t->x.peer.name, t->accept.serial, (unsigned long long)records,
	    (unsigned long long)t->axfr.octets, (unsigned long long)t->axfr.messages,
	    (unsigned long long)(clock_mono_ms() - t->began_ms));
}

static int transfer_message(void *arg, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct transfer *t = arg;
	int rc = axfr_message(&t->axfr, msg, len, more, e);

	uint64_t records;

	if (rc != OK || !t->axfr.is_complete)
		return rc;
	records = spool_count(t->accept.spool);
	rc = accept_finish(&t->accept, e);
	if (rc != OK)
		return rc;
	transfer_log(t, records);
	return STREAM_COMPLETE;
}

static void transfer_stream_end(void *arg, const struct err *e)
{
	transfer_end(arg, e);
}

static void transfer_enter(void *arg)
{
	struct transfer *t = arg;
	struct stream_hooks hooks = {transfer_message, transfer_stream_end, t};
	struct packet_builder question = {0};
	struct err e = {0};

	t->began_ms = clock_mono_ms();
	t->path = inbound_spool_path(t->in);
	if (accept_begin(&t->accept, t->x.apex, t->path, t->size_max, &e) == OK &&
	    exchange_ask(&t->x, &question, &e) == OK)
		t->stream = stream_open(
		    t->in->loop, &t->x.peer, &question.buf, &t->in->limits.transfer, &hooks, &e);
	packet_builder_free(&question);
	if (t->stream == NULL)
		transfer_end(t, &e);
}

struct transfer *transfer_start(struct inbound *in, const struct peer *peer, const uint8_t *apex,
    uint64_t size_max, transfer_fn *done, void *arg)
{
	struct transfer *t = mem_alloc(sizeof(*t));

	t->in = in;
	t->size_max = size_max == 0 ? AXFR_SIZE_MAX : size_max;
	t->done = done;
	t->arg = arg;
	exchange_init(&t->x, peer, apex, RR_AXFR);
	axfr_init(&t->axfr, &t->x, &t->accept, t->size_max);
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
