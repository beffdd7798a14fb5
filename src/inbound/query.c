/* One SOA query: see query.h.  Network side; answers are not trusted.
 *
 *	wait at the gate -> UDP, again when nothing comes -> (TC) TCP -> done
 */
#include "inbound/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "inbound/exchange.h"

#define UDP_ANSWER_MAX 65535

struct query {
	struct inbound *in;
	struct exchange x;
	query_fn *done;
	void *arg;
	struct gate_ticket ticket;
	struct packet_builder question;
	int fd; /* UDP; -1: none */
	struct loop_watch *watch;
	struct loop_timer *timer;
	unsigned tries;
	uint64_t entered_ms;
	struct stream *stream;
	struct soa soa; /* from the stream */
};

static void query_free(struct query *q)
{
	gate_leave(q->in->queries, &q->ticket);
	loop_watch_free(q->watch);
	loop_timer_free(q->timer);
	stream_free(q->stream);
	if (q->fd >= 0)
		close(q->fd);
	packet_builder_free(&q->question);
	exchange_free(&q->x);
	free(q);
}

static void query_end(struct query *q, const struct err *e, const struct soa *soa)
{
	query_fn *done = q->done;
	void *arg = q->arg;
	struct err copy = *e;

	query_free(q);
	done(arg, &copy, soa);
}

/* A source that has answered nobody while this query was under way will not answer those that wait
 * in line for it: without this, ten thousand zones would wait for their time-outs one after the
 * other. */
static void query_end_unanswered(struct query *q, const struct err *e)
{
	struct gate *gate = q->in->queries;
	struct sockaddr_storage peer = q->x.peer.address;
	bool is_dead = gate_heard(&q->ticket) < q->entered_ms;
	struct query *waiting;

	query_end(q, e, NULL);
	if (!is_dead)
		return;
	/* Whoever is dismissed goes on to another source, or home. */
	while ((waiting = gate_dismiss(gate, &peer)) != NULL)
		query_end(waiting, e, NULL);
}

static void query_close_udp(struct query *q)
{
	loop_timer_stop(q->timer);
	loop_watch_free(q->watch);
	q->watch = NULL;
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

/* What the source says, from an answer that is known to be to our question. */
static int query_read_soa(struct query *q, struct packet *p, struct soa *out, struct err *e)
{
	struct packet_rr rr;
	struct buf rdata = {0};
	struct err why = {0};
	int rc = exchange_check_answer(&q->x, p, true, e);

	if (rc != OK)
		return rc;
	if (!(p->flags & PACKET_FLAG_AA))
		return err_set(e, ERR_REFUSED, "not authoritative answer");
	do {
		if (packet_next(p, &rr) != OK)
			return err_set(e, ERR_MISSING, "no SOA of the zone in the answer");
	} while (!exchange_is_apex_soa(&q->x, &rr));
	rc = rdata_from_message(RR_SOA, p->msg, p->len, rr.rdata, rr.rdlen, &rdata, &why);
	if (rc == OK)
		rc = rdata.failed ? ERR_LIMIT : soa_parse(rdata.data, rdata.len, out);
	buf_free(&rdata);
	return rc == OK ? OK : err_set(e, rc, "broken SOA in the answer: %s", why.text);
}

/* TCP */

static int tcp_message(void *arg, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct query *q = arg;
	struct packet p;
	struct err why = {0};
	int rc;

	(void)more;
	if (packet_parse(msg, len, &p, &why) != OK)
		return err_set(e, ERR_FORMAT, "malformed answer: %s", why.text);
	rc = exchange_check_header(&q->x, &p, true, e);
	if (rc == OK)
		rc = query_read_soa(q, &p, &q->soa, e);
	return rc == OK ? STREAM_COMPLETE : rc;
}

static void tcp_end(void *arg, const struct err *e)
{
	struct query *q = arg;
	struct soa soa = q->soa;

	query_end(q, e, &soa);
}

static void query_start_tcp(struct query *q)
{
	struct stream_hooks hooks = {tcp_message, tcp_end, q};
	struct err e = {0};

	query_close_udp(q);
	if (exchange_ask(&q->x, &q->question, &e) == OK)
		q->stream = stream_open(q->in->loop, &q->x.peer, &q->question.buf,
		    &q->in->limits.query_tcp, &hooks, &e);
	if (q->stream == NULL)
		query_end(q, &e, NULL);
}

/* UDP */

static void udp_answer(struct query *q, const uint8_t *msg, size_t len)
{
	struct packet p;
	struct soa soa;
	struct err e = {0};

	/* What is not an answer to our question may come from anybody: as if it had not come. */
	if (packet_parse(msg, len, &p, NULL) != OK ||
	    exchange_check_header(&q->x, &p, true, NULL) != OK)
		return;
	gate_set_heard(&q->ticket, clock_mono_ms());
	if (p.flags & PACKET_FLAG_TC) {
		query_start_tcp(q);
		return;
	}
	query_read_soa(q, &p, &soa, &e);
	query_end(q, &e, &soa);
}

static void udp_ready(void *arg, int fd, int io)
{
	static uint8_t msg[UDP_ANSWER_MAX]; /* one thread, and not kept beyond this call */
	struct query *q = arg;
	struct err e = {0};
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	(void)io;
	if (n >= 0) {
		udp_answer(q, msg, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		exchange_errno(&e, errno);
		query_end_unanswered(q, &e);
	}
}

static void udp_send(void *arg)
{
	struct query *q = arg;
	const struct buf *b = &q->question.buf;
	struct err e = {0};
	uint64_t wait = q->tries < QUERY_TRIES ? q->in->limits.query_ms[q->tries] : 0;

	if (wait == 0) {
		err_set(&e, ERR_TIMEOUT, "timeout: no answer to %u queries", q->tries);
		query_end_unanswered(q, &e);
		return;
	}
	q->tries++;
	/* A lost packet and a full socket are the same to us: the timer asks again. */
	if (send(q->fd, b->data, b->len, 0) < 0 && errno != EAGAIN && errno != EINTR) {
		exchange_errno(&e, errno);
		query_end_unanswered(q, &e);
		return;
	}
	loop_timer_set(q->timer, wait);
}

static void query_enter(void *arg)
{
	struct query *q = arg;
	struct err e = {0};

	q->entered_ms = clock_mono_ms();
	if (exchange_ask(&q->x, &q->question, &e) == OK)
		q->fd = exchange_socket(&q->x.peer, SOCK_DGRAM, &e);
	if (q->fd < 0) {
		query_end(q, &e, NULL);
		return;
	}
	q->watch = loop_watch(q->in->loop, q->fd, LOOP_READ, udp_ready, q);
	udp_send(q);
}

struct query *query_start(
    struct inbound *in, const struct peer *peer, const uint8_t *apex, query_fn *done, void *arg)
{
	struct query *q = mem_alloc(sizeof(*q));

	q->in = in;
	q->done = done;
	q->arg = arg;
	q->fd = -1;
	q->timer = loop_timer_new(in->loop, udp_send, q);
	exchange_init(&q->x, peer, apex, RR_SOA);
	gate_queue(in->queries, &q->ticket, &q->x.peer.address, query_enter, q);
	return q;
}

void query_cancel(struct query *q)
{
	if (q != NULL)
		query_free(q);
}

void query_keep_key(struct query *q)
{
	if (q != NULL)
		exchange_keep_key(&q->x);
}
