/* What a probe's flags put into the question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "dns/rrtype.h"
#include "inbound/probe.h"
#include "inbound_fake.h"

struct asked {
	unsigned answers;
	int code;
};

static void answered(void *arg, const struct err *e, struct packet *p)
{
	struct asked *a = arg;

	(void)p;
	a->answers++;
	a->code = e->code;
}

/* A socket of a server that only listens. */
static int listen_udp(struct peer *peer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	memset(peer, 0, sizeof(*peer));
	strcpy(peer->name, "listener");
	memcpy(&peer->address, &at, sizeof(at));
	return fd;
}

/* The question that is asked with these flags; a static buffer. */
static struct packet question_of(struct bench *b, unsigned flags)
{
	static uint8_t msg[1000];
	struct asked asked = {0};
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct peer peer;
	struct packet p = {0};
	ssize_t len = -1;
	int fd = listen_udp(&peer);

	probe_start(b->in, &peer, b->apex, RR_DS, flags, answered, &asked);
	bench_until(b, len > 0 || (len = recvfrom(fd, msg, sizeof(msg), 0, (struct sockaddr *)&from,
				       &from_len)) > 0);
	assert_int_equal(packet_parse(msg, (size_t)len, &p, NULL), OK);
	msg[2] |= 0x80; /* QR */
	assert_int_equal(sendto(fd, msg, (size_t)len, 0, (struct sockaddr *)&from, from_len), len);
	bench_until(b, asked.answers == 1);
	assert_int_equal(asked.code, OK);
	close(fd);
	return p;
}

static void test_flags(void **state)
{
	struct bench *b = *state;
	struct packet p;

	bench_configure(b, 1, NULL);
	p = question_of(b, 0);
	assert_int_equal(p.flags, 0);
	assert_false(p.has_edns);
	p = question_of(b, PROBE_RECURSE);
	assert_int_equal(p.flags, PACKET_FLAG_RD);
	p = question_of(b, PROBE_RECURSE | PROBE_CD | PROBE_DNSSEC);
	assert_int_equal(p.flags, PACKET_FLAG_RD | PACKET_FLAG_CD);
	assert_int_equal(p.edns_size, 1232);
	/* DO, in the OPT that ends the message (RFC 3225 3). */
	assert_int_equal(load_u32(p.msg + p.len - 6), 0x8000);
}

/* A message goes out as it was handed in, but for its ID; an answer may be bare (RFC 2136 3.8). */
static void test_message(void **state)
{
	struct bench *b = *state;
	uint8_t msg[] = {0, 0, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0, 6, 0, 1}, got[100];
	struct asked asked = {0};
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct peer peer;
	ssize_t len = -1;
	int fd = listen_udp(&peer);

	bench_configure(b, 1, NULL);
	assert_null(probe_send(b->in, &peer, msg, 11, 0, answered, &asked));
	assert_null(probe_send(b->in, &peer, msg, sizeof(msg) - 1, 0, answered, &asked));
	assert_non_null(probe_send(b->in, &peer, msg, sizeof(msg), 0, answered, &asked));
	bench_until(b, len > 0 || (len = recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from,
				       &from_len)) > 0);
	assert_int_equal(len, sizeof(msg));
	assert_memory_equal(got + 2, msg + 2, sizeof(msg) - 2);
	memset(got + 4, 0, 8);
	got[2] = 0x80; /* to something else: it is not taken for an answer */
	assert_int_equal(sendto(fd, got, 12, 0, (struct sockaddr *)&from, from_len), 12);
	got[2] = 0xa8;
	got[3] = RCODE_REFUSED;
	assert_int_equal(sendto(fd, got, 12, 0, (struct sockaddr *)&from, from_len), 12);
	bench_until(b, asked.answers == 1);
	assert_int_equal(asked.code, ERR_REFUSED);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_message, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_flags, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
