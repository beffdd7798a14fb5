/* The source of inbound_fake.h. */
#include "inbound_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/edns.h"
#include "dns/rrtype.h"

struct fake_connection {
	struct fake_connection *next;
	struct fake *fake;
	int fd;
	struct loop_watch *watch;
	uint8_t in[600];
	size_t have;
	/* an endless stream */
	bool is_endless;
	struct tsig_state tsig;
	uint16_t id, qtype;
	uint8_t apex[NAME_MAX_LEN];
};

static const struct tsig_key *fake_lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	const struct fake *f = arg;

	return f->key != NULL && name_equal(name, f->key->name) && a == f->key->algorithm ? f->key
											  : NULL;
}

static size_t soa_rdata(uint32_t serial, uint8_t out[22])
{
	static const uint32_t timers[] = {600, 60, 86400, 300};

	out[0] = out[1] = 0; /* MNAME and RNAME: the root */
	store_u32(out + 2, serial);
	for (unsigned i = 0; i < 4; i++)
		store_u32(out + 6 + 4 * i, timers[i]);
	return 22;
}

static void add_soa(struct packet_builder *b, const uint8_t *apex, uint32_t serial)
{
	uint8_t rdata[22];

	packet_add(b, 1, apex, RR_SOA, 300, rdata, (uint16_t)soa_rdata(serial, rdata));
}

static void add_host(struct packet_builder *b, const uint8_t *apex, unsigned number)
{
	uint8_t owner[NAME_MAX_LEN], rdata[4] = {192, 0, 2, (uint8_t)number};
	char label[16];

	owner[0] = (uint8_t)snprintf(label, sizeof(label), "h%u", number);
	memcpy(owner + 1, label, owner[0]);
	memcpy(owner + 1 + owner[0], apex, name_len(apex));
	packet_add(b, 1, owner, RR_A, 300, rdata, 4);
}

static void add_ns(struct packet_builder *b, const uint8_t *apex)
{
	uint8_t rdata[NAME_MAX_LEN] = {2, 'n', 's'};

	memcpy(rdata + 3, apex, name_len(apex));
	packet_add(b, 1, apex, RR_NS, 300, rdata, (uint16_t)name_len(rdata));
}

static void add_word(struct packet_builder *b, const uint8_t *apex, const char *word)
{
	uint8_t below[NAME_MAX_LEN] = {1, 'b'}, other[NAME_MAX_LEN], soa[22];
	unsigned number = (unsigned)strtoul(word + 1, NULL, 10);

	memcpy(below + 2, apex, name_len(apex));
	assert_int_equal(name_parse("victim.test.", other), OK);
	switch (*word) {
	case 's':
		add_soa(b, apex, number);
		break;
	case 'h':
		add_host(b, apex, number);
		break;
	case 'n':
		add_ns(b, apex);
		break;
	case 'k':
		packet_add(b, 1, apex, RR_DNSKEY, 300, (const uint8_t *)"\1\1\3\15key", 7);
		break;
	case 'd':
		packet_add(b, 1, apex, RR_NSEC, 300, (const uint8_t *)"\0\0\1\100", 4);
		break;
	case 'x':
		packet_add(b, 1, other, RR_A, 300, (const uint8_t *)"\300\0\2\1", 4);
		break;
	case 'b':
		packet_add(b, 1, below, RR_SOA, 300, soa, (uint16_t)soa_rdata(9, soa));
		break;
	default:
		fail_msg("no word of a script: %s", word);
	}
}

static void fake_sign(struct fake *f, struct tsig_state *s, struct packet_builder *b)
{
	packet_end(b);
	if (s->key == NULL || f->tsig == FAKE_TSIG_NONE)
		return;
	tsig_sign_answer(s, b, clock_real() - (f->tsig == FAKE_TSIG_OLD ? 7200 : 0));
	if (f->tsig == FAKE_TSIG_BAD_MAC)
		b->buf.data[b->buf.len - 10] ^= 1; /* before ID, error and length of other data */
}

static void send_tcp(int fd, const struct buf *b)
{
	uint8_t len[2];

	store_u16(len, (uint16_t)b->len);
	if (send(fd, len, 2, MSG_NOSIGNAL) == 2)
		(void)!send(fd, b->data, b->len, MSG_NOSIGNAL);
}

static void fake_send(struct fake_connection *c, struct packet_builder *b)
{
	fake_sign(c->fake, &c->tsig, b);
	send_tcp(c->fd, &b->buf);
}

/* The answer to an SOA query. */
static void fake_answer_soa(
    struct fake *f, struct packet *p, struct tsig_state *s, bool tcp, struct packet_builder *b)
{
	uint16_t flags = PACKET_FLAG_QR | PACKET_FLAG_AA;
	bool truncated = f->soa == FAKE_SOA_TC && !tcp;
	unsigned rcode = f->rcode_soa;

	if (truncated)
		flags |= PACKET_FLAG_TC;
	if (f->soa == FAKE_SOA_NO_AA)
		flags &= (uint16_t)~PACKET_FLAG_AA;
	if (f->no_edns && p->has_edns)
		rcode = RCODE_FORMERR;
	packet_begin(b, 500, f->soa == FAKE_SOA_OTHER_ID ? p->id ^ 1 : p->id,
	    (uint16_t)(flags | rcode), p->qname, p->qtype);
	if (!truncated && rcode == 0)
		add_soa(b, p->qname, f->serial);
	if (edns_read(p).wants_expire && f->has_expire && !f->no_edns)
		edns_add_expire(b, 1232, false, &f->expire);
	fake_sign(f, s, b);
}

/* One message of a transfer: hosts from first on, with the opening SOA if `opens`. */
static void send_part(struct fake_connection *c, bool opens, unsigned first, bool closes)
{
	struct fake *f = c->fake;
	struct packet_builder b = {0};
	uint32_t last = f->axfr == FAKE_AXFR_WRONG_LAST ? f->serial + 1 : f->serial;

	packet_begin(&b, 16000, c->id, PACKET_FLAG_QR | PACKET_FLAG_AA, c->apex, c->qtype);
	if (opens) {
		add_soa(&b, c->apex, f->serial);
		add_ns(&b, c->apex);
	}
	for (unsigned i = 0; i < 10; i++)
		add_host(&b, c->apex, first + i);
	if (closes)
		add_soa(&b, c->apex, last);
	fake_send(c, &b);
	packet_builder_free(&b);
}

static void connection_close(struct fake_connection *c)
{
	struct fake_connection **at = &c->fake->connections;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	loop_watch_free(c->watch);
	close(c->fd);
	tsig_state_free(&c->tsig);
	free(c);
}

static void fake_answer_rcode(struct fake_connection *c, struct packet *p, unsigned rcode)
{
	struct packet_builder b = {0};

	packet_begin(&b, 500, p->id, (uint16_t)(PACKET_FLAG_QR | rcode), p->qname, p->qtype);
	fake_send(c, &b);
	packet_builder_free(&b);
}

static void fake_answer_axfr(struct fake_connection *c, struct packet *p)
{
	struct fake *f = c->fake;

	f->transfers++;
	c->id = p->id;
	c->qtype = p->qtype;
	memcpy(c->apex, p->qname, NAME_MAX_LEN);
	if (f->rcode_axfr != 0) {
		fake_answer_rcode(c, p, f->rcode_axfr);
		return;
	}
	if (f->axfr == FAKE_AXFR_SILENT)
		return;
	send_part(c, true, 0, false);
	if (f->axfr == FAKE_AXFR_CUT) {
		connection_close(c);
		return;
	}
	if (f->axfr == FAKE_AXFR_SLOW_CLOSE)
		return;
	c->is_endless = f->axfr == FAKE_AXFR_ENDLESS;
	if (c->is_endless)
		loop_watch_set(c->watch, LOOP_WRITE);
	else
		send_part(c, false, 10, true);
}

static void part_begin(struct packet_builder *b, const struct packet *p)
{
	packet_begin(b, 16000, p->id, PACKET_FLAG_QR | PACKET_FLAG_AA, p->qname, p->qtype);
}

/* The words of the script, message by message. */
static void fake_play(struct fake_connection *c, struct packet *p)
{
	struct fake *f = c->fake;
	char *script = mem_strdup(f->ixfr), *rest = script, *word;
	enum fake_tsig tsig = f->tsig;
	struct packet_builder b = {0};
	bool cut = false;

	part_begin(&b, p);
	while (!cut && (word = strtok_r(rest, " ", &rest)) != NULL) {
		if (*word == '|') {
			fake_send(c, &b);
			f->tsig = tsig;
			part_begin(&b, p);
		} else if (*word == 'u') {
			f->tsig = FAKE_TSIG_NONE;
		} else if (*word == '!') {
			cut = true;
		} else {
			add_word(&b, p->qname, word);
		}
	}
	if (cut)
		connection_close(c);
	else
		fake_send(c, &b);
	f->tsig = tsig;
	packet_builder_free(&b);
	free(script);
}

static uint32_t asked_from(const struct packet *p)
{
	struct packet copy = *p;
	struct packet_rr rr;

	assert_int_equal(packet_next(&copy, &rr), OK);
	assert_int_equal(rr.section, 2);
	assert_int_equal(rr.type, RR_SOA);
	assert_true(name_equal(rr.owner, p->qname));
	return load_u32(p->msg + rr.rdata + rr.rdlen - 20);
}

static void fake_answer_ixfr(struct fake_connection *c, struct packet *p)
{
	struct fake *f = c->fake;

	f->ixfrs++;
	f->ixfr_from = asked_from(p);
	if (f->rcode_ixfr != 0)
		fake_answer_rcode(c, p, f->rcode_ixfr);
	else if (f->ixfr != NULL)
		fake_play(c, p);
	else
		fake_answer_axfr(c, p);
}

static void fake_answer_tcp(struct fake_connection *c, const uint8_t *msg, size_t len)
{
	struct fake *f = c->fake;
	struct packet_builder b = {0};
	struct packet p;

	assert_int_equal(packet_parse(msg, len, &p, NULL), OK);
	if (f->key != NULL)
		assert_int_equal(
		    tsig_verify_query(&c->tsig, &p, fake_lookup, f, clock_real(), NULL), OK);
	if (p.qtype == RR_AXFR) {
		fake_answer_axfr(c, &p);
		return;
	}
	if (p.qtype == RR_IXFR) {
		fake_answer_ixfr(c, &p);
		return;
	}
	f->soa_tcp++;
	fake_answer_soa(f, &p, &c->tsig, true, &b);
	send_tcp(c->fd, &b.buf);
	packet_builder_free(&b);
}

static void connection_ready(void *arg, int fd, int io)
{
	struct fake_connection *c = arg;
	ssize_t n;

	if (io & LOOP_WRITE) {
		send_part(c, false, 0, false);
		return;
	}
	n = recv(fd, c->in + c->have, sizeof(c->in) - c->have, MSG_DONTWAIT);
	if (n <= 0) {
		connection_close(c);
		return;
	}
	c->have += (size_t)n;
	if (c->have >= 2 && c->have - 2 >= load_u16(c->in)) {
		size_t len = load_u16(c->in);

		c->have = 0;
		fake_answer_tcp(c, c->in + 2, len);
	}
}

static void accept_ready(void *arg, int fd, int io)
{
	struct fake *f = arg;
	struct fake_connection *c = mem_alloc(sizeof(*c));

	(void)io;
	c->fake = f;
	c->fd = accept(fd, NULL, NULL);
	c->next = f->connections;
	f->connections = c;
	c->watch = loop_watch(f->loop, c->fd, LOOP_READ, connection_ready, c);
}

static void udp_ready(void *arg, int fd, int io)
{
	struct fake *f = arg;
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	uint8_t msg[600];
	ssize_t n = recvfrom(fd, msg, sizeof(msg), 0, (struct sockaddr *)&from, &fromlen);
	struct tsig_state s = {0};
	struct packet_builder b = {0};
	struct packet p;

	(void)io;
	f->soa_udp++;
	if (f->soa == FAKE_SOA_SILENT)
		return;
	assert_int_equal(packet_parse(msg, (size_t)n, &p, NULL), OK);
	if (f->key != NULL)
		assert_int_equal(tsig_verify_query(&s, &p, fake_lookup, f, clock_real(), NULL), OK);
	fake_answer_soa(f, &p, &s, false, &b);
	sendto(fd, b.buf.data, b.buf.len, 0, (struct sockaddr *)&from, fromlen);
	packet_builder_free(&b);
	tsig_state_free(&s);
}

static bool fake_bind(struct fake *f, const char *host)
{
	struct sockaddr_storage *a = &f->peer.address;
	socklen_t len;
	bool bound;

	assert_int_equal(peer_address_parse(host, 0, a), OK);
	len = peer_addrlen(a);
	f->udp = socket(AF_INET, SOCK_DGRAM, 0);
	f->tcp = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->udp, (struct sockaddr *)a, len), 0);
	getsockname(f->udp, (struct sockaddr *)a, &len);
	bound = bind(f->tcp, (struct sockaddr *)a, len) == 0 && listen(f->tcp, 64) == 0;
	if (!bound) {
		close(f->udp);
		close(f->tcp);
	}
	return bound;
}

void fake_start(
    struct fake *f, struct loop *l, const char *name, const char *host, const struct tsig_key *key)
{
	*f = (struct fake){.loop = l, .key = key, .serial = 1};
	snprintf(f->peer.name, sizeof(f->peer.name), "%s", name);
	f->peer.tsig = key;
	while (!fake_bind(f, host))
		;
	f->watch_udp = loop_watch(l, f->udp, LOOP_READ, udp_ready, f);
	f->watch_tcp = loop_watch(l, f->tcp, LOOP_READ, accept_ready, f);
}

void fake_stop(struct fake *f)
{
	while (f->connections != NULL)
		connection_close(f->connections);
	loop_watch_free(f->watch_udp);
	loop_watch_free(f->watch_tcp);
	if (f->udp >= 0) {
		close(f->udp);
		close(f->tcp);
	}
	f->watch_udp = f->watch_tcp = NULL;
	f->udp = f->tcp = -1;
}
