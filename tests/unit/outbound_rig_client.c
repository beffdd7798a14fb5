/* outbound_rig_client: queries, and what comes back, see outbound_rig.h. */
#include "outbound_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rdata.h"

void rig_build(const struct rig_query *q, struct packet_builder *b, struct tsig_state *t)
{
	uint8_t name[NAME_MAX_LEN];
	struct buf soa = {0};

	name_parse(q->zone, name);
	packet_begin(b, 65535 - TSIG_ROOM, 4242, q->flags, name, q->type);
	if (q->ixfr_serial != 0) {
		buf_u16(&soa, 0);
		buf_u32(&soa, q->ixfr_serial);
		for (unsigned i = 0; i < 4; i++)
			buf_u32(&soa, 1);
		packet_add(b, 2, name, RR_SOA, 0, soa.data, (uint16_t)soa.len);
		buf_free(&soa);
	}
	if (q->expire)
		edns_add_expire(b, 4096, true, NULL);
	else if (q->edns)
		packet_add_edns(b, 4096, true);
	packet_end(b);
	tsig_state_init(t, q->key);
	if (q->key != NULL && tsig_sign_query(t, b, clock_real() + q->time_off) != OK)
		rig_die("tsig_sign_query");
}

static int client_socket(struct rig *r, const char *from, int type)
{
	struct sockaddr_in sin = rig_address(from != NULL ? from : RIG_KEYED, 0);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		rig_die("client's bind");
	sin = rig_address("127.0.0.1", r->port);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		rig_die("client's connect");
	return fd;
}

static bool parse_answer(struct rig_answer *a)
{
	return packet_parse(a->msg, a->len, &a->packet, NULL) == OK;
}

bool rig_udp_raw(struct rig *r, const char *from, const void *msg, size_t len, struct rig_answer *a)
{
	int fd = client_socket(r, from, SOCK_DGRAM);
	ssize_t n = -1;

	if (send(fd, msg, len, 0) < 0)
		rig_die("send");
	for (unsigned i = 0; i < 50 && n < 0; i++) {
		rig_pump(r);
		n = recv(fd, a->msg, sizeof(a->msg), MSG_DONTWAIT);
	}
	close(fd);
	a->len = n < 0 ? 0 : (size_t)n;
	return n >= 0 && parse_answer(a);
}

int rig_connect(struct rig *r, const char *from)
{
	return client_socket(r, from, SOCK_STREAM);
}

void rig_send(struct rig *r, int fd, const void *msg, size_t len)
{
	uint8_t prefix[2];

	(void)r;
	store_u16(prefix, (uint16_t)len);
	if (send(fd, prefix, 2, MSG_NOSIGNAL) != 2 ||
	    send(fd, msg, len, MSG_NOSIGNAL) != (ssize_t)len)
		rig_die("send");
}

static bool receive_octets(struct rig *r, int fd, uint8_t *p, size_t len)
{
	uint64_t until = clock_mono_ms() + RIG_WAIT_MS;

	while (len > 0 && clock_mono_ms() < until) {
		ssize_t n = recv(fd, p, len, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n < 0) {
			rig_pump(r);
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
	return len == 0;
}

bool rig_receive(struct rig *r, int fd, struct rig_answer *a)
{
	uint8_t prefix[2];

	if (!receive_octets(r, fd, prefix, 2))
		return false;
	a->len = load_u16(prefix);
	return receive_octets(r, fd, a->msg, a->len) && parse_answer(a);
}

bool rig_is_closed(struct rig *r, int fd)
{
	uint8_t octet;
	ssize_t n = -1;

	for (unsigned i = 0; i < 500 && n < 0; i++) {
		rig_pump(r);
		n = recv(fd, &octet, 1, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return true;
	}
	return n == 0;
}

bool rig_ask(
    struct rig *r, const struct rig_query *q, bool tcp, struct rig_answer *a, struct tsig_state *t)
{
	struct packet_builder b = {0};
	bool came;
	int fd;

	rig_build(q, &b, t);
	if (tcp) {
		fd = rig_connect(r, q->from);
		rig_send(r, fd, b.buf.data, b.buf.len);
		came = rig_receive(r, fd, a);
		close(fd);
	} else {
		came = rig_udp_raw(r, q->from, b.buf.data, b.buf.len, a);
	}
	packet_builder_free(&b);
	return came;
}

/* Transfers */

struct expected {
	struct out_version version;
	struct rrset set;
	const uint8_t *next;
	unsigned left;
	bool in_sigs, at_end;
};

static bool expected_next(struct expected *x, uint16_t *type, const uint8_t **rdata, uint16_t *len)
{
	while (x->left == 0) {
		if (x->set.owner != NULL && !x->in_sigs && x->set.sigs > 0 && !x->at_end) {
			x->in_sigs = true;
			x->next = x->set.sigdata;
			x->left = x->set.sigs;
			break;
		}
		if (x->at_end)
			return false;
		if (out_version_next(&x->version, &x->set, NULL) != OK) {
			x->at_end = true;
			x->set = x->version.soa;
		}
		x->in_sigs = false;
		x->next = x->set.rdata;
		x->left = x->set.count;
	}
	x->left--;
	*type = x->in_sigs ? RR_RRSIG : x->set.type;
	*rdata = rrset_next(&x->next, len);
	return true;
}

static bool record_matches(struct rig_answer *a, const struct packet_rr *rr, struct expected *x)
{
	struct buf got = {0};
	const uint8_t *rdata;
	uint16_t type, len;
	bool same = expected_next(x, &type, &rdata, &len) && rr->section == 1 && rr->type == type &&
		    rr->class == 1 && rr->ttl == x->set.ttl &&
		    memcmp(rr->owner, x->set.owner, name_len(x->set.owner)) == 0 &&
		    rdata_from_message(
			type, a->msg, a->packet.len, rr->rdata, rr->rdlen, &got, NULL) == OK &&
		    got.len == len && memcmp(got.data, rdata, len) == 0;

	buf_free(&got);
	return same;
}

unsigned rig_receive_zone(struct rig *r, int fd, uint32_t serial, struct tsig_state *t)
{
	struct expected x = {0};
	struct rig_answer *a = mem_alloc(sizeof(*a));
	struct packet_rr rr;
	struct err e = {0};
	unsigned messages = 0, records = 0, soas = 0;
	bool good = true;

	rig_check(out_version_open(r->out->zones[0], &x.version, &e), &e);
	good = x.version.head.serial_out == serial;
	while (good && soas < 2 && rig_receive(r, fd, a)) {
		messages++;
		good = packet_rcode(&a->packet) == RCODE_NOERROR &&
		       a->packet.has_question == (messages == 1) &&
		       (t == NULL || a->packet.tsig_offset != 0);
		if (good && t != NULL)
			good = tsig_verify_answer(t, &a->packet, false, clock_real(), &e) == OK;
		while (good && packet_next(&a->packet, &rr) == OK) {
			if (rr.type == RR_OPT)
				continue;
			records++;
			good = record_matches(a, &rr, &x);
			soas += rr.type == RR_SOA;
		}
	}
	if (!good || soas != 2 || !x.at_end || x.left != 0) {
		fprintf(stderr, "# transfer differs: message %u, record %u, %u SOAs, %s\n",
		    messages, records, soas, e.text);
		messages = 0;
	}
	out_version_close(&x.version);
	free(a);
	return messages;
}

int rig_tsig_error(const struct rig_answer *a)
{
	const uint8_t *p, *end;

	if (a->packet.tsig_offset == 0)
		return -1;
	p = a->msg + a->packet.tsig_offset;
	end = a->msg + a->len;
	p += name_check(p, (size_t)(end - p)) + 10; /* owner is not compressed */
	p += name_check(p, (size_t)(end - p)) + 8;
	p += 2 + load_u16(p) + 2; /* MAC and original id */
	return load_u16(p);
}
