/* One question to one server: see probe.h.  Network side; answers are not trusted.
 *
 *	wait at the gate -> UDP, again when nothing comes -> (TC) TCP -> done
 */
#include "inbound/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "inbound/exchange.h"
#include "inbound/internal.h"

#define UDP_ANSWER_MAX 65535

struct probe {
	struct inbound *in;
	struct exchange x;
	uint8_t qname[NAME_MAX_LEN];
	bool is_tcp; /* from the start */
	probe_fn *done;
	void *arg;
	struct gate_ticket ticket;
	struct buf message; /* to be sent; empty: a question is */
	struct packet_builder question;
	int fd; /* UDP; -1: none */
	struct loop_watch *watch;
	struct loop_timer *timer;
	unsigned tries;
	uint64_t entered_ms;
	struct stream *stream;
	struct buf answer; /* from the stream */
};

static void probe_free(struct probe *q)
{
	gate_leave(q->in->queries, &q->ticket);
	loop_watch_free(q->watch);
	loop_timer_free(q->timer);
	stream_free(q->stream);
	if (q->fd >= 0)
		close(q->fd);
	buf_free(&q->message);
	packet_builder_free(&q->question);
	buf_free(&q->answer);
	exchange_free(&q->x);
	free(q);
}

/* answer borrows from the probe, or from the caller. */
static void probe_end(struct probe *q, const struct err *e, struct packet *answer)
{
	q->done(q->arg, e, answer);
	probe_free(q);
}

/* A source that has answered nobody while this question was under way will not answer those that
 * wait in line for it: without this, ten thousand zones would wait for their time-outs one after
 * the other. */
static void probe_end_unanswered(struct probe *q, const struct err *e)
{
	struct gate *gate = q->in->queries;
	struct sockaddr_storage peer = q->x.peer.address;
	bool is_dead = gate_heard(&q->ticket) < q->entered_ms;
	struct probe *waiting;

	probe_end(q, e, NULL);
	if (!is_dead)
		return;
	/* Whoever is dismissed goes on to another source, or home. */
	while ((waiting = gate_dismiss(gate, &peer)) != NULL)
		probe_end(waiting, e, NULL);
}

static void probe_close_udp(struct probe *q)
{
	loop_timer_stop(q->timer);
	loop_watch_free(q->watch);
	q->watch = NULL;
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

/* An answer to our question, as far as its header says. */
static void probe_answered(struct probe *q, struct packet *p)
{
	struct err e = {0};
	int rc = exchange_check_answer(&q->x, p, true, &e);

	probe_end(q, &e, rc == OK || rc == ERR_REFUSED ? p : NULL);
}

/* TCP */

static int tcp_message(void *arg, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct probe *q = arg;
	struct packet p;
	struct err why = {0};
	int rc;

	(void)more;
	if (packet_parse(msg, len, &p, &why) != OK)
		return err_set(e, ERR_FORMAT, "malformed answer: %s", why.text);
	rc = exchange_check_header(&q->x, &p, true, e);
	if (rc != OK)
		return rc;
	buf_reset(&q->answer);
	buf_put(&q->answer, msg, len);
	if (q->answer.failed)
		return err_set(e, ERR_LIMIT, "no memory for an answer of %zu octets", len);
	return STREAM_COMPLETE;
}

static void tcp_end(void *arg, const struct err *e)
{
	struct probe *q = arg;
	struct packet p;

	if (e->code == OK && packet_parse(q->answer.data, q->answer.len, &p, NULL) == OK)
		probe_answered(q, &p);
	else
		probe_end(q, e, NULL);
}

static void probe_start_tcp(struct probe *q)
{
	struct stream_hooks hooks = {tcp_message, tcp_end, q};
	struct err e = {0};

	probe_close_udp(q);
	if (exchange_ask(&q->x, &q->question, &e) == OK)
		q->stream = stream_open(q->in->loop, &q->x.peer, &q->question.buf,
		    &q->in->limits.query_tcp, &hooks, &e);
	if (q->stream == NULL)
		probe_end(q, &e, NULL);
}

/* UDP */

static void udp_answer(struct probe *q, const uint8_t *msg, size_t len)
{
	struct packet p;

	/* What is not an answer to our question may come from anybody: as if it had not come. */
	if (packet_parse(msg, len, &p, NULL) != OK ||
	    exchange_check_header(&q->x, &p, true, NULL) != OK)
		return;
	gate_set_heard(&q->ticket, clock_mono_ms());
	if (p.flags & PACKET_FLAG_TC) {
		probe_start_tcp(q);
		return;
	}
	probe_answered(q, &p);
}

static void udp_ready(void *arg, int fd, int io)
{
	static uint8_t msg[UDP_ANSWER_MAX]; /* one thread, and not kept beyond this call */
	struct probe *q = arg;
	struct err e = {0};
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	(void)io;
	if (n >= 0) {
		udp_answer(q, msg, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		exchange_errno(&e, errno);
		probe_end_unanswered(q, &e);
	}
}

static void udp_send(void *arg)
{
	struct probe *q = arg;
	const struct buf *b = &q->question.buf;
	struct err e = {0};
	uint64_t wait = q->tries < QUERY_TRIES ? q->in->limits.query_ms[q->tries] : 0;

	if (wait == 0) {
		err_set(&e, ERR_TIMEOUT, "timeout: no answer to %u queries", q->tries);
		probe_end_unanswered(q, &e);
		return;
	}
	q->tries++;
	/* A lost packet and a full socket are the same to us: the timer asks again. */
	if (send(q->fd, b->data, b->len, 0) < 0 && errno != EAGAIN && errno != EINTR) {
		exchange_errno(&e, errno);
		probe_end_unanswered(q, &e);
		return;
	}
	loop_timer_set(q->timer, wait);
}

static void probe_enter(void *arg)
{
	struct probe *q = arg;
	struct err e = {0};

	q->entered_ms = clock_mono_ms();
	if (q->is_tcp) {
		probe_start_tcp(q);
		return;
	}
	if (exchange_ask(&q->x, &q->question, &e) == OK)
		q->fd = exchange_socket(&q->x.peer, SOCK_DGRAM, &e);
	if (q->fd < 0) {
		probe_end(q, &e, NULL);
		return;
	}
	q->watch = loop_watch(q->in->loop, q->fd, LOOP_READ, udp_ready, q);
	udp_send(q);
}

static struct probe *probe_new(struct inbound *in, const struct peer *peer, const uint8_t *qname,
    uint16_t qtype, unsigned flags, probe_fn *done, void *arg)
{
	struct probe *q = mem_alloc(sizeof(*q));

	q->in = in;
	q->done = done;
	q->arg = arg;
	q->fd = -1;
	q->is_tcp = flags & PROBE_TCP;
	q->timer = loop_timer_new(in->loop, udp_send, q);
	memcpy(q->qname, qname, name_len(qname));
	exchange_init(&q->x, peer, q->qname, qtype);
	q->x.flags |= flags & PROBE_RECURSE ? PACKET_FLAG_RD : 0;
	q->x.flags |= flags & PROBE_CD ? PACKET_FLAG_CD : 0;
	q->x.wants_dnssec = flags & PROBE_DNSSEC;
	q->x.wants_expire = flags & PROBE_EXPIRE;
	return q;
}

static struct probe *probe_queue(struct probe *q)
{
	gate_queue(q->in->queries, &q->ticket, &q->x.peer.address, probe_enter, q);
	return q;
}

struct probe *probe_start(struct inbound *in, const struct peer *peer, const uint8_t *qname,
    uint16_t qtype, unsigned flags, probe_fn *done, void *arg)
{
	return probe_queue(probe_new(in, peer, qname, qtype, flags, done, arg));
}

struct probe *probe_send(struct inbound *in, const struct peer *peer, const uint8_t *msg,
    size_t len, unsigned flags, probe_fn *done, void *arg)
{
	struct packet p;
	struct probe *q;

	if (packet_parse(msg, len, &p, NULL) != OK || !p.has_question || p.tsig_offset != 0)
		return NULL;
	q = probe_new(in, peer, p.qname, p.qtype, flags, done, arg);
	q->x.opcode = packet_opcode(&p);
	buf_put(&q->message, msg, len);
	q->x.message = &q->message;
	return probe_queue(q);
}

void probe_cancel(struct probe *q)
{
	if (q != NULL)
		probe_free(q);
}

void probe_keep_key(struct probe *q)
{
	if (q != NULL)
		exchange_keep_key(&q->x);
}
