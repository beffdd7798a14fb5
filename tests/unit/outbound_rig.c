/* outbound_rig: see outbound_rig.h. */
#include "outbound_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dns/rdata.h"

static void die(const char *what)
{
	fprintf(stderr, "# rig: %s: %s\n", what, strerror(errno));
	abort();
}

static void check(int rc, const struct err *e)
{
	if (rc == OK)
		return;
	fprintf(stderr, "# rig: %s\n", e->text);
	abort();
}

static void make_key(struct tsig_key *key, const char *name, const char *secret)
{
	name_parse(name, key->name);
	key->algorithm = TSIG_SHA256;
	secret_set(&key->secret, secret, strlen(secret));
}

static const struct tsig_key *lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	struct rig *r = arg;
	const struct tsig_key *keys[] = {&r->key, &r->other};

	for (unsigned i = 0; i < MEM_COUNT(keys); i++) {
		if (name_equal(keys[i]->name, name) && keys[i]->algorithm == a)
			return keys[i];
	}
	return NULL;
}

static void status_came(void *arg, const uint8_t *apex, const char *destination,
    enum destination_status status, bool has_serial, uint32_t serial, const char *reason)
{
	struct rig *r = arg;
	struct rig_status *s = &r->statuses[r->status_count % RIG_STATUS_MAX];

	(void)apex;
	r->status_count++;
	snprintf(s->destination, sizeof(s->destination), "%s", destination);
	s->status = status;
	s->has_serial = has_serial;
	s->serial = serial;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static unsigned notify_came(void *arg, const struct packet *p, const struct sockaddr_storage *from,
    const struct tsig_key *key)
{
	struct rig *r = arg;

	(void)p;
	(void)from;
	r->notify_calls++;
	r->notify_key = key;
	return r->notify_rcode;
}

static struct sockaddr_in address(const char *ip, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

static void make_peer(struct peer *p, const char *name, const char *ip, const struct tsig_key *key)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	/* A port where nobody listens, until a test puts a destination there. */
	if (peer_address_parse(ip, 1, &p->address) != OK)
		die(ip);
	p->tsig = key;
}

static void listen_on_loopback(struct rig *r)
{
	struct sockaddr_in any = {.sin_family = AF_INET}, sin;
	socklen_t len = sizeof(sin);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = -1;

	for (unsigned i = 0; i < 100; i++) {
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		any.sin_port = 0;
		if (bind(tcp, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(tcp, 100) != 0)
			die("listen");
		getsockname(tcp, (struct sockaddr *)&sin, &len);
		if (bind(udp, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
		close(tcp);
	}
	r->port = ntohs(sin.sin_port);
	outbound_listen(r->out, udp, tcp);
}

void rig_open(struct rig *r)
{
	struct outbound_hooks hooks = {status_came, notify_came, lookup, r};
	struct err e = {0};

	memset(r, 0, sizeof(*r));
	log_open("test", false, LOG_LEVEL_ERROR);
	snprintf(r->dir, sizeof(r->dir), "/tmp/itg-outbound-XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		die("mkdtemp");
	r->store = store_open(r->dir, true, 1 << 30, &e);
	if (r->store == NULL)
		check(e.code, &e);
	r->loop = loop_new();
	r->out = outbound_new(r->loop, r->store, &hooks);
	r->out->limits.notify_tries = 3;
	r->out->limits.ask = 60;
	r->out->limits.seen_wait = 20;
	r->out->limits.seen = 400;
	r->out->limits.sweep = 20;
	loop_timer_set(r->out->sweep, r->out->limits.sweep);
	listen_on_loopback(r);
	make_key(&r->key, "dest-key.", "the destination's secret");
	make_key(&r->other, "other-key.", "the secret of someone else");
	make_peer(&r->keyed, "keyed", RIG_KEYED, &r->key);
	make_peer(&r->plain, "plain", RIG_PLAIN, NULL);
	name_parse("example.", r->apex);
	name_parse("Example.", r->conf.apex);
	r->peers[0] = &r->keyed;
	r->peers[1] = &r->plain;
	r->conf.destinations = r->peers;
	r->conf.destination_count = 2;
	outbound_configure(r->out, &r->conf, 1);
}

void rig_close(struct rig *r)
{
	char *command = mem_printf("rm -rf %s", r->dir);

	outbound_free(r->out);
	loop_free(r->loop);
	store_close(r->store);
	secret_free(&r->key.secret);
	secret_free(&r->other.secret);
	if (system(command) != 0)
		die(command);
	free(command);
}

void rig_pump(struct rig *r)
{
	for (unsigned i = 0; i < 4; i++)
		loop_once(r->loop, false);
	poll(NULL, 0, 1);
}

/* Zones */

/* As good as an RRSIG where nobody validates: the fixed fields, the apex as signer, 64 octets. */
static void put_sig(struct buf *b, uint16_t type, const uint8_t *apex)
{
	struct buf sig = {0};

	buf_u16(&sig, type);
	buf_u8(&sig, 13);
	buf_u8(&sig, 2);
	buf_u32(&sig, 3600);
	buf_u32(&sig, 2000000000);
	buf_u32(&sig, 1000000000);
	buf_u16(&sig, 4711);
	buf_put(&sig, apex, name_len(apex));
	for (unsigned i = 0; i < 64; i++)
		buf_u8(&sig, (uint8_t)(i * 7 + type));
	buf_lv16(b, sig.data, sig.len);
	buf_free(&sig);
}

static void pack(struct buf *out, const uint8_t *owner, uint16_t type, const struct buf *rdata,
    uint16_t count, const uint8_t *apex)
{
	struct buf sigs = {0};
	struct rrset set = {.owner = owner,
	    .type = type,
	    .ttl = 3600,
	    .count = count,
	    .rdata = rdata->data,
	    .rdata_len = rdata->len,
	    .sigs = 1};

	put_sig(&sigs, type, apex);
	set.sigdata = sigs.data;
	set.sigdata_len = sigs.len;
	buf_reset(out);
	rrset_pack(&set, out);
	buf_free(&sigs);
}

static void put_rrset(struct build *b, const uint8_t *owner, uint16_t type, const struct buf *rdata,
    uint16_t count, const uint8_t *apex)
{
	uint8_t key[NAME_KEY_MAX];
	struct buf packed = {0};
	struct err e = {0};

	pack(&packed, owner, type, rdata, count, apex);
	check(build_rrset(b, key, name_key(owner, key), type, packed.data, packed.len, &e), &e);
	buf_free(&packed);
}

static void put_apex(struct build *b, const uint8_t *apex, uint32_t serial)
{
	struct buf rdata = {0}, soa = {0};
	uint8_t ns[NAME_MAX_LEN];

	name_parse("ns1.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	name_parse("ns2.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	put_rrset(b, apex, RR_NS, &rdata, 2, apex);
	buf_put(&soa, ns, name_len(ns));
	buf_put(&soa, ns, name_len(ns));
	buf_u32(&soa, serial);
	for (unsigned i = 0; i < 4; i++)
		buf_u32(&soa, 3600 + i);
	buf_reset(&rdata);
	buf_lv16(&rdata, soa.data, soa.len);
	put_rrset(b, apex, RR_SOA, &rdata, 1, apex);
	buf_free(&rdata);
	buf_free(&soa);
}

/* TXT RDATA with `size` characters, 255 to a string. */
static void put_text(struct buf *b, unsigned size)
{
	struct buf txt = {0};

	do {
		unsigned len = size < 255 ? size : 255;

		buf_u8(&txt, (uint8_t)len);
		memset(buf_extend(&txt, len), 'x', len);
		size -= len;
	} while (size > 0);
	buf_lv16(b, txt.data, txt.len);
	buf_free(&txt);
}

static void put_hosts(
    struct build *b, const char *apex_text, const uint8_t *apex, unsigned names, unsigned size)
{
	uint8_t owner[NAME_MAX_LEN];
	struct buf rdata = {0};

	for (unsigned i = 0; i < names; i++) {
		char *text = mem_printf("Host%08u.%s", i, apex_text);

		name_parse(text, owner);
		free(text);
		buf_reset(&rdata);
		buf_lv16(&rdata, (uint8_t[]){192, 0, 2, (uint8_t)i}, 4);
		put_rrset(b, owner, RR_A, &rdata, 1, apex);
		buf_reset(&rdata);
		put_text(&rdata, size);
		put_rrset(b, owner, RR_TXT, &rdata, 1, apex);
	}
	buf_free(&rdata);
}

static void put_nsec3s(struct build *b, const char *apex_text, const uint8_t *apex, unsigned names)
{
	static const uint8_t body[] = "\1\0\0\0\0\24twenty octets it is.\0\1\100";
	uint8_t owner[NAME_MAX_LEN], hash[NSEC3_HASH_LEN] = {0};
	struct buf rdata = {0}, packed = {0};
	struct err e = {0};

	buf_lv16(&rdata, body, sizeof(body) - 1);
	for (unsigned i = 0; i < names; i++) {
		char *text = mem_printf("%032u.%s", i, apex_text);

		name_parse(text, owner);
		free(text);
		store_u32(hash, i);
		pack(&packed, owner, RR_NSEC3, &rdata, 1, apex);
		check(build_nsec3(b, hash, packed.data, packed.len, &e), &e);
	}
	buf_free(&rdata);
	buf_free(&packed);
}

void rig_write_zone(struct rig *r, const char *apex_text, uint32_t serial, unsigned names,
    unsigned size, bool published)
{
	struct zone_head h = {.has_out = true, .serial_out = serial, .published = published};
	struct err e = {0};
	struct build *b = build_begin(r->store, 2 + 3 * (uint64_t)names, &e);

	if (b == NULL)
		check(e.code, &e);
	name_parse(apex_text, h.apex);
	if (!published)
		snprintf(h.hold, sizeof(h.hold), "a DNSKEY that is not ours stands in the parent");
	put_apex(b, h.apex, serial);
	put_hosts(b, apex_text, h.apex, names, size);
	put_nsec3s(b, apex_text, h.apex, names);
	check(build_flip(b, &h, NULL, NULL, &e), &e);
}

/* Statuses */

const struct rig_status *rig_last(const struct rig *r, const char *destination)
{
	for (unsigned i = r->status_count; i > 0 && r->status_count - i < RIG_STATUS_MAX; i--) {
		const struct rig_status *s = &r->statuses[(i - 1) % RIG_STATUS_MAX];

		if (strcmp(s->destination, destination) == 0)
			return s;
	}
	return NULL;
}

bool rig_await_status(struct rig *r, enum destination_status status, const char *destination)
{
	uint64_t until = clock_mono_ms() + RIG_WAIT_MS;

	while (clock_mono_ms() < until) {
		const struct rig_status *s = rig_last(r, destination);

		if (s != NULL && s->status == status)
			return true;
		rig_pump(r);
	}
	return false;
}

/* Clients */

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
	if (q->edns)
		packet_add_edns(b, 4096, true);
	packet_end(b);
	tsig_state_init(t, q->key);
	if (q->key != NULL && tsig_sign_query(t, b, clock_real() + q->time_off) != OK)
		die("tsig_sign_query");
}

static int client_socket(struct rig *r, const char *from, int type)
{
	struct sockaddr_in sin = address(from != NULL ? from : RIG_KEYED, 0);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("client's bind");
	sin = address("127.0.0.1", r->port);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("client's connect");
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
		die("send");
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
		die("send");
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

	check(out_version_open(r->out->zones[0], &x.version, &e), &e);
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
