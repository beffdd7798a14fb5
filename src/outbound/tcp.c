/* tcp: connections (RFC 7766).  Queries may be pipelined; they are answered one after the other.
 *
 * Runs in the network side.  Nothing received is trusted.  A client costs at most one connection's
 * buffers: nothing is read from it while it does not read its answers, and it is cut off when it
 * takes too little or too long (out_tcp_sweep).  Each turn of a connection ends after about a
 * megabyte. */
#include "outbound/parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define SLICE_OCTETS (1024 * 1024)
#define SLICE_QUERIES 32
#define READ_OCTETS 4096

struct out_connection {
	struct out_connection *next, *prev;
	struct outbound *out;
	int fd;
	struct loop_watch *watch;
	struct sockaddr_storage from;
	char from_text[PEER_TEXT_SIZE];
	bool at_end;   /* the client sends no more */
	bool waiting;  /* for its turn to have a transfer */
	struct buf in; /* what was received, from a length prefix on */
	size_t in_pos; /* of the first octet not answered yet */
	struct out_reply reply;
	bool sending; /* reply.message is being sent */
	uint8_t prefix[2];
	size_t sent;		   /* of prefix and message */
	struct out_stream *stream; /* what comes after it, NULL: nothing */
	uint64_t started;	   /* of the stream */
	uint64_t progress;	   /* a whole query came, or something was sent */
	uint64_t written;	   /* octets, ever */
	struct {		   /* how fast the client takes what it is sent */
		uint64_t taken;	   /* octets that it had taken */
		uint64_t at;	   /* when it had */
	} pace;
};

static void stream_end(struct out_connection *c)
{
	out_stream_free(c->stream);
	c->stream = NULL;
	c->out->transfer_count--;
}

static void connection_free(struct out_connection *c)
{
	struct outbound *out = c->out;

	if (c->stream != NULL)
		stream_end(c);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		out->connections = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	out->connection_count--;
	loop_watch_free(c->watch);
	close(c->fd);
	buf_free(&c->in);
	out_reply_free(&c->reply);
	free(c);
}

/* A transfer was cut short, by us or by the client. */
static void log_cut(const struct out_connection *c, const char *why)
{
	struct out_stream_facts f = out_stream_facts(c->stream);

	log_warning("zone %s: %s to %s cut after %llu records, %llu octets and %llu s: %s", f.zone,
	    f.what, c->from_text, (unsigned long long)f.records, (unsigned long long)f.octets,
	    (unsigned long long)(clock_mono_ms() - c->started) / 1000, why);
}

/* What the kernel still holds for the client is thrown away, too: it may be megabytes. */
static void connection_cut(struct out_connection *c, const char *why)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (c->stream != NULL)
		log_cut(c, why);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	connection_free(c);
}

/* Octets that the client's host has acknowledged. */
static uint64_t octets_taken(const struct out_connection *c)
{
	int queued = 0;

	if (ioctl(c->fd, SIOCOUTQ, &queued) != 0 || queued < 0)
		queued = 0;
	return c->written - (uint64_t)queued;
}

static void pace_begin(struct out_connection *c, uint64_t now)
{
	c->pace.taken = octets_taken(c);
	c->pace.at = now;
}

/* Counted by what it acknowledged, not by what the kernel took from us: that comes in lumps. */
static bool is_slow(struct out_connection *c, uint64_t now)
{
	if (octets_taken(c) - c->pace.taken >= c->out->limits.pace_octets) {
		pace_begin(c, now);
		return false;
	}
	return now - c->pace.at > c->out->limits.pace;
}

static void begin_sending(struct out_connection *c)
{
	store_u16(c->prefix, (uint16_t)c->reply.message.buf.len);
	c->sent = 0;
	c->sending = true;
}

/* OK: the message has gone; ERR_AGAIN: the socket is full; ERR_CLOSED. */
static int send_more(struct out_connection *c, size_t *budget)
{
	const struct buf *message = &c->reply.message.buf;
	size_t total = sizeof(c->prefix) + message->len;
	/* The kernel fills its segments before it wakes the client. */
	int more = c->stream != NULL && out_stream_has_more(c->stream) ? MSG_MORE : 0;

	while (c->sent < total) {
		size_t from = c->sent < sizeof(c->prefix) ? c->sent : sizeof(c->prefix);
		struct iovec iov[2] = {
		    {c->prefix + from, sizeof(c->prefix) - from},
		    {message->data + (c->sent - from), message->len - (c->sent - from)},
		};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL | more);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_CLOSED;
		c->sent += (size_t)n;
		c->written += (size_t)n;
		c->progress = clock_mono_ms();
		*budget -= (size_t)n < *budget ? (size_t)n : *budget;
	}
	c->sending = false;
	return OK;
}

bool out_tcp_has_place(const struct outbound *out, const struct sockaddr_storage *from)
{
	unsigned same = 0;

	for (const struct out_connection *c = out->connections; c != NULL; c = c->next)
		same += c->stream != NULL && peer_same_host(&c->from, from);
	return out->transfer_count < out->limits.transfers && same < out->limits.transfers_host;
}

/* Let whoever has waited longest for a transfer try again, if there is room for him. */
static void wake_waiting(struct outbound *out)
{
	struct out_connection *first = NULL;

	if (out->transfer_count >= out->limits.transfers)
		return;
	for (struct out_connection *c = out->connections; c != NULL; c = c->next) {
		if (c->waiting && (first == NULL || c->progress <= first->progress) &&
		    out_tcp_has_place(out, &c->from))
			first = c;
	}
	if (first != NULL)
		loop_watch_set(first->watch, LOOP_WRITE);
}

static void stream_done(struct out_connection *c)
{
	struct out_stream_facts f = out_stream_facts(c->stream);
	struct out_zone *z = out_zone_find(c->out, f.apex);
	uint64_t ms = clock_mono_ms() - c->started;

	log_notice("zone %s: %s sent to %s: %llu records, %llu octets, %llu ms", f.zone, f.what,
	    c->from_text, (unsigned long long)f.records, (unsigned long long)f.octets,
	    (unsigned long long)ms);
	if (z != NULL)
		out_destination_seen(z, &c->from, f.key, true);
	stream_end(c);
	wake_waiting(c->out);
}

/* There is no honest way to go on.  The client will ask for the same difference again. */
static void stream_failed(const struct out_connection *c, const struct err *e)
{
	struct out_stream_facts f = out_stream_facts(c->stream);
	struct out_zone *z = out_zone_find(c->out, f.apex);

	log_cut(c, e->text);
	if (z != NULL && f.is_difference)
		out_distrust_journal(z, f.serial);
}

/* The next message of the stream. */
static int stream_more(struct out_connection *c)
{
	struct err e = {0};
	int rc = out_stream_next(c->stream, &c->reply.message, &e);

	if (rc == OK)
		begin_sending(c);
	else if (rc == ERR_MISSING)
		stream_done(c);
	else
		stream_failed(c, &e);
	return rc == OK || rc == ERR_MISSING ? OK : ERR_CLOSED;
}

/* The next whole query in the input: OK, ERR_MISSING: there is none yet. */
static int next_query(const struct out_connection *c, struct out_query *q)
{
	size_t left = c->in.len - c->in_pos;
	const uint8_t *p;

	if (left < 2)
		return ERR_MISSING;
	p = c->in.data + c->in_pos;
	if (left - 2 < load_u16(p))
		return ERR_MISSING;
	*q = (struct out_query){.msg = p + 2, .len = load_u16(p), .from = c->from, .is_tcp = true};
	return OK;
}

/* Answer one query.  ERR_MISSING: no whole one is there; ERR_AGAIN: it has to wait for another
 * transfer's end; ERR_CLOSED: what came was not worth an answer. */
static int answer_one(struct out_connection *c)
{
	struct out_query q;
	int rc = next_query(c, &q);

	if (rc != OK)
		return rc;
	rc = out_answer(c->out, &q, &c->reply);
	if (rc != ERR_AGAIN || !c->waiting)
		c->progress = clock_mono_ms();
	c->waiting = rc == ERR_AGAIN;
	if (rc == ERR_AGAIN)
		return rc;
	c->in_pos += 2 + q.len;
	if (rc != OK)
		return ERR_CLOSED;
	pace_begin(c, c->progress);
	if (c->reply.stream != NULL) {
		c->stream = c->reply.stream;
		c->reply.stream = NULL;
		c->started = c->progress;
		c->out->transfer_count++;
		wake_waiting(c->out); /* there may be room for another one */
	} else {
		begin_sending(c);
	}
	return OK;
}

/* OK: something came or the client has ended; ERR_AGAIN: nothing there; ERR_CLOSED. */
static int receive(struct out_connection *c)
{
	uint8_t data[READ_OCTETS];
	ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_CLOSED;
	if (n == 0) {
		c->at_end = true;
		return OK;
	}
	if (c->in_pos > 0) {
		memmove(c->in.data, c->in.data + c->in_pos, c->in.len - c->in_pos);
		c->in.len -= c->in_pos;
		c->in_pos = 0;
	}
	buf_put(&c->in, data, (size_t)n);
	return c->in.failed ? ERR_CLOSED : OK;
}

/* Do what can be done now.  What to wait for is left in *io; ERR_CLOSED: free the connection. */
static int work(struct out_connection *c, int *io)
{
	size_t budget = SLICE_OCTETS;
	unsigned queries = 0;
	int rc = OK;

	*io = LOOP_WRITE;
	while (rc == OK && budget > 0 && queries < SLICE_QUERIES) {
		if (c->sending) {
			rc = send_more(c, &budget);
		} else if (c->stream != NULL) {
			rc = stream_more(c);
		} else {
			queries++;
			rc = answer_one(c);
			if (rc == ERR_MISSING)
				*io = LOOP_READ;
			else if (rc == ERR_AGAIN)
				*io = 0;
		}
	}
	if (rc == ERR_MISSING && c->at_end)
		rc = ERR_CLOSED;
	return rc == ERR_CLOSED ? rc : OK;
}

static void ready(void *arg, int fd, int io)
{
	struct out_connection *c = arg;
	bool had_stream;
	int rc = OK;

	(void)fd;
	if (io & LOOP_READ)
		rc = receive(c);
	if (rc == OK)
		rc = work(c, &io);
	had_stream = c->stream != NULL;
	if (rc == ERR_CLOSED && had_stream && c->sending)
		log_cut(c, "the client closed the connection");
	if (rc == ERR_CLOSED) {
		struct outbound *out = c->out;

		connection_free(c);
		if (had_stream)
			wake_waiting(out);
	} else if (rc == OK) {
		loop_watch_set(c->watch, io);
	}
}

/* Is there room for one more from that address?  If all places are taken, whoever has been silent
 * for the longest time, and has no transfer, gives his up. */
static bool make_room(struct outbound *out, const struct sockaddr_storage *from)
{
	struct out_connection *oldest = NULL;
	unsigned same = 0;

	for (struct out_connection *c = out->connections; c != NULL; c = c->next) {
		if (peer_same_host(&c->from, from))
			same++;
		if (c->stream == NULL && (oldest == NULL || c->progress < oldest->progress))
			oldest = c;
	}
	if (same >= out->limits.connections_host)
		return false;
	if (out->connection_count < out->limits.connections)
		return true;
	if (oldest != NULL)
		connection_free(oldest);
	return oldest != NULL;
}

static void connection_new(struct outbound *out, int fd, const struct sockaddr_storage *from)
{
	struct out_connection *c = mem_alloc(sizeof(*c));
	int on = 1;

	/* Messages are sent whole: nothing is gained by waiting for more. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->out = out;
	c->fd = fd;
	c->from = *from;
	peer_address_text(from, c->from_text);
	c->progress = clock_mono_ms();
	c->next = out->connections;
	if (c->next != NULL)
		c->next->prev = c;
	out->connections = c;
	out->connection_count++;
	c->watch = loop_watch(out->loop, fd, LOOP_READ, ready, c);
}

bool out_tcp_take(struct outbound *out, int fd, const struct sockaddr_storage *from)
{
	if (!make_room(out, from))
		return false;
	connection_new(out, fd, from);
	return true;
}

static void cut_slow(struct out_connection *c, uint64_t now)
{
	const struct out_limits *limits = &c->out->limits;
	char why[100];

	if (!is_slow(c, now))
		return;
	snprintf(why, sizeof(why), "the client took less than %llu octets in %llu s",
	    (unsigned long long)limits->pace_octets, (unsigned long long)limits->pace / 1000);
	connection_cut(c, why);
}

void out_tcp_sweep(struct outbound *out, uint64_t now)
{
	const struct out_limits *limits = &out->limits;
	struct out_connection *next;

	for (struct out_connection *c = out->connections; c != NULL; c = next) {
		uint64_t still = now - c->progress;

		next = c->next;
		if (c->stream != NULL && now - c->started > limits->transfer)
			connection_cut(c, "it took too long in all");
		else if (c->stream != NULL || c->sending)
			cut_slow(c, now);
		else if (still > (c->waiting ? limits->transfer : limits->idle))
			connection_free(c);
	}
	out_listeners_resume(out);
	wake_waiting(out);
}

void out_tcp_free(struct outbound *out)
{
	while (out->connections != NULL)
		connection_free(out->connections);
}
