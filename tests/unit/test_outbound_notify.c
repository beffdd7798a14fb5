/* NOTIFY, what destinations are known to have, and output files. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rdata.h"
#include "outbound_rig.h"

#define SERIAL 17

static struct rig rig;

/* A destination of the test's own: a UDP socket that answers as it is told. */
static struct {
	int fd;
	unsigned notifies, queries;
	bool mute_notify, mute_soa, forge;
	bool no_edns, cuts;   /* it knows no EDNS; answers with signatures are too long */
	bool strips, resigns; /* signatures: left out; those of somebody else */
	unsigned plain;	      /* queries without EDNS */
	unsigned notify_rcode, soa_rcode;
	uint32_t serial;
	uint32_t notified; /* the serial in the last NOTIFY */
	bool was_signed;   /* the last question was, and well */
} dest;

static const struct tsig_key *dest_key(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	(void)arg;
	return name_equal(name, rig.key.name) && a == rig.key.algorithm ? &rig.key : NULL;
}

static void dest_open(struct peer *peer)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&peer->address;
	socklen_t len = sizeof(*sin);

	memset(&dest, 0, sizeof(dest));
	dest.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	sin->sin_port = 0;
	assert_int_equal(bind(dest.fd, (struct sockaddr *)sin, sizeof(*sin)), 0);
	assert_int_equal(getsockname(dest.fd, (struct sockaddr *)sin, &len), 0);
	outbound_configure(rig.out, &rig.conf, 1);
}

/* The signature is the one of outbound_rig_zone.c, as far as anybody looks. */
static void put_serial(struct packet_builder *b, uint32_t serial, bool is_signed)
{
	uint8_t soa[22] = {0};
	struct buf sig = {0};

	store_u32(soa + 2, serial);
	packet_add(b, 1, rig.apex, RR_SOA, 0, soa, sizeof(soa));
	if (!is_signed)
		return;
	buf_u16(&sig, RR_SOA);
	buf_u8(&sig, 13);
	buf_u8(&sig, 2);
	buf_u32(&sig, 3600);
	buf_u32(&sig, 2000000000);
	buf_u32(&sig, 1000000000);
	buf_u16(&sig, dest.resigns ? 4712 : 4711);
	buf_put(&sig, rig.apex, name_len(rig.apex));
	buf_put(&sig, "sixty-four octets would be right", 32);
	packet_add(b, 1, rig.apex, RR_RRSIG, 0, sig.data, (uint16_t)sig.len);
	buf_free(&sig);
}

static uint32_t serial_in(struct packet *p)
{
	struct packet_rr rr;
	struct buf rdata = {0};
	struct soa soa = {0};

	if (packet_next(p, &rr) == OK && rr.section == 1 &&
	    rdata_from_message(RR_SOA, p->msg, p->len, rr.rdata, rr.rdlen, &rdata, NULL) == OK)
		soa_parse(rdata.data, rdata.len, &soa);
	buf_free(&rdata);
	return soa.serial;
}

static void put_soa_answer(struct packet *p, struct packet_builder *b)
{
	dest.plain += !p->has_edns;
	if (dest.no_edns && p->has_edns)
		b->buf.data[3] |= RCODE_FORMERR;
	else if (dest.cuts && p->has_edns)
		b->buf.data[2] |= PACKET_FLAG_TC >> 8;
	else
		put_serial(b, dest.serial, edns_read(p).dnssec_ok && !dest.strips);
}

static void dest_answer(struct packet *p, const struct sockaddr *from)
{
	bool is_notify = packet_opcode(p) == OPCODE_NOTIFY;
	struct packet_builder b = {0};
	struct tsig_state t = {0};

	dest.was_signed = tsig_verify_query(&t, p, dest_key, NULL, clock_real(), NULL) == OK;
	if (is_notify) {
		dest.notifies++;
		dest.notified = serial_in(p);
	} else {
		dest.queries++;
	}
	packet_begin(&b, 512, p->id,
	    (uint16_t)(PACKET_FLAG_QR | (p->flags & 0x7800) |
		       (is_notify ? dest.notify_rcode : dest.soa_rcode)),
	    p->qname, p->qtype);
	if (!is_notify && dest.soa_rcode == RCODE_NOERROR)
		put_soa_answer(p, &b);
	packet_end(&b);
	if (dest.was_signed)
		tsig_sign_answer(&t, &b, clock_real());
	if (dest.forge)
		b.buf.data[b.buf.len - 20] ^= 1; /* in the MAC */
	if (!(is_notify ? dest.mute_notify : dest.mute_soa))
		sendto(dest.fd, b.buf.data, b.buf.len, 0, from, sizeof(struct sockaddr_in));
	packet_builder_free(&b);
	tsig_state_free(&t);
}

static void dest_poll(void)
{
	uint8_t msg[2000];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct packet p;
	ssize_t n;

	while ((n = recvfrom(dest.fd, msg, sizeof(msg), 0, (struct sockaddr *)&from, &len)) > 0) {
		assert_int_equal(packet_parse(msg, (size_t)n, &p, NULL), OK);
		dest_answer(&p, (struct sockaddr *)&from);
	}
}

static void pump_for(uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until) {
		rig_pump(&rig);
		dest_poll();
	}
}

static bool await(enum destination_status status, const char *destination)
{
	const struct rig_status *s = NULL;

	for (unsigned i = 0; i < 300; i++) {
		s = rig_last(&rig, destination);
		if (s != NULL && s->status == status)
			return true;
		pump_for(10);
	}
	fprintf(stderr, "# %s: %s %s\n", destination,
	    s != NULL ? destination_status_name(s->status) : "no status",
	    s != NULL ? s->reason : "");
	return false;
}

static void assert_reason(const char *destination, const char *words)
{
	const char *reason = rig_last(&rig, destination)->reason;

	if (strstr(reason, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, reason);
}

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_write_zone(&rig, "example.", SERIAL, 3, 20, true);
	dest_open(&rig.keyed);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dest.fd);
	rig_close(&rig);
	return 0;
}

static void seen(void **state)
{
	(void)state;
	dest.serial = SERIAL - 1;
	outbound_version(rig.out, rig.apex);
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_PENDING_XFER);
	pump_for(100);
	assert_int_equal(dest.notifies, 1);
	assert_int_equal(dest.notified, SERIAL);
	assert_true(dest.was_signed);
	assert_true(dest.queries >= 1);
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_PENDING_XFER);
	assert_reason("keyed", "still serves serial 16, not 17");
	dest.serial = SERIAL;
	assert_true(await(DESTINATION_OK, "keyed"));
	assert_true(rig_last(&rig, "keyed")->has_serial);
	assert_int_equal(rig_last(&rig, "keyed")->serial, SERIAL);
	assert_true(dest.was_signed);

	rig_write_zone(&rig, "example.", SERIAL + 1, 3, 20, true); /* and once more */
	outbound_version(rig.out, rig.apex);
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_PENDING_XFER);
	pump_for(50);
	assert_int_equal(dest.notifies, 2);
	dest.serial = SERIAL + 1;
	assert_true(await(DESTINATION_OK, "keyed"));
}

static void repeated_and_given_up(void **state)
{
	(void)state;
	dest.mute_notify = true;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_int_equal(dest.notifies, 3);
	assert_reason("keyed", "no answer to NOTIFY (timeout); given up after 3 tries");
	assert_int_equal(dest.queries, 0);
	assert_true(await(DESTINATION_FAILED_XFER, "plain")); /* nobody is there */
	assert_reason("plain", "NOTIFY did not arrive: Connection refused; given up after 3 tries");

	dest.mute_notify = false; /* the next version begins anew */
	dest.serial = SERIAL + 1;
	rig_write_zone(&rig, "example.", SERIAL + 1, 3, 20, true);
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_OK, "keyed"));
}

static void again_later(void **state)
{
	(void)state;
	rig.out->limits.again = 1;
	dest.mute_notify = dest.mute_soa = true;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	pump_for(1500); /* one question is enough to see that it is still dead */
	assert_int_equal(dest.notifies, 3);
	assert_in_range(dest.queries, 1, 2);
	assert_reason("keyed", "no answer to SOA query (timeout)");
	dest.mute_notify = dest.mute_soa = false;
	dest.serial = SERIAL - 1; /* it has come back, with what it had, and is told once more */
	for (unsigned i = 0; i < 300 && dest.notifies == 3; i++)
		pump_for(10);
	assert_int_equal(dest.notifies, 4);
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_FAILED_XFER);
	dest.serial = SERIAL;
	assert_true(await(DESTINATION_OK, "keyed"));
}

static void lost_it(void **state)
{
	(void)state;
	rig.out->limits.again = rig.out->limits.again_most = 1;
	dest.serial = SERIAL;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_OK, "keyed"));
	assert_int_equal(dest.notifies, 1);
	dest.serial = SERIAL - 1; /* restored from last week's back-up */
	assert_true(await(DESTINATION_PENDING_XFER, "keyed"));
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_int_equal(dest.notifies, 2);
	assert_reason("keyed", "still serves serial 16, not 17: it acknowledged NOTIFY, and no "
			       "transfer came");
	dest.serial = SERIAL;
	assert_true(await(DESTINATION_OK, "keyed"));
	assert_reason("keyed", "");
}

static void without_our_signatures(void **state)
{
	(void)state;
	dest.serial = SERIAL;
	dest.strips = true;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "serves serial 17 without its signatures");
	assert_int_equal(rig_last(&rig, "keyed")->signatures, SIGNATURES_NONE);
	dest.strips = false;
	dest.resigns = true;
	outbound_version(rig.out, rig.apex);
	pump_for(600);
	assert_reason("keyed", "a signature of its SOA that is not ours (key tag 4712)");
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_FAILED_XFER);
	assert_int_equal(rig_last(&rig, "keyed")->signatures, SIGNATURES_OTHER);
	dest.resigns = false;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_OK, "keyed"));
	assert_int_equal(rig_last(&rig, "keyed")->signatures, SIGNATURES_THERE);
	assert_int_equal(rig_last(&rig, "keyed")->expires, 2000000000);
}

static void without_edns(void **state)
{
	(void)state;
	dest.serial = SERIAL;
	dest.cuts = true; /* its answer with signatures fits nowhere: the serial has to do */
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_OK, "keyed"));
	assert_int_equal(dest.plain, 1);
	assert_int_equal(rig_last(&rig, "keyed")->signatures, SIGNATURES_UNKNOWN);
	dest.cuts = false;
	dest.no_edns = true; /* nobody can get signatures from such a one */
	rig_write_zone(&rig, "example.", SERIAL + 1, 3, 20, true);
	dest.serial = SERIAL + 1;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "serves serial 18 without its signatures");
}

static void its_query_was_refused(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .key = &rig.other};
	struct rig_answer *a = mem_alloc(sizeof(*a));
	struct tsig_state t;

	(void)state;
	dest.serial = SERIAL - 1;
	outbound_version(rig.out, rig.apex);
	assert_true(rig_ask(&rig, &q, true, a, &t)); /* a key, but not the destination's */
	tsig_state_free(&t);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "still serves serial 16, not 17: its own query was refused here: "
			       "signed with another TSIG key than the destination's");
	free(a);
}

static void never_serves_it(void **state)
{
	(void)state;
	dest.serial = SERIAL - 5;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "still serves serial 12, not 17: it acknowledged NOTIFY, and no "
			       "transfer came");
	assert_in_range(dest.queries, 3, 8);
	assert_int_equal(dest.notifies, 1);
}

static void says_no(void **state)
{
	(void)state;
	dest.notify_rcode = RCODE_NOTAUTH;
	dest.soa_rcode = RCODE_REFUSED;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "answered NOTIFY with NOTAUTH");
	pump_for(600);
	assert_reason("keyed", "answered SOA query with REFUSED");
	dest.soa_rcode = RCODE_NOERROR;
	dest.serial = SERIAL + 100;
	outbound_version(rig.out, rig.apex);
	pump_for(600);
	assert_int_equal(rig_last(&rig, "keyed")->status, DESTINATION_FAILED_XFER);
	assert_reason("keyed", "newer than ours");
}

static void bad_signature(void **state)
{
	(void)state;
	dest.forge = true;
	dest.serial = SERIAL;
	outbound_version(rig.out, rig.apex);
	assert_true(await(DESTINATION_FAILED_XFER, "keyed"));
	assert_reason("keyed", "answer to NOTIFY not accepted");
	assert_false(rig_last(&rig, "keyed")->has_serial);
}

static void fetching_is_a_hint(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};
	struct rig_answer *a = mem_alloc(sizeof(*a));
	struct tsig_state t;

	(void)state;
	rig.out->limits.seen_wait = 2000;
	rig.out->limits.seen = 60000;
	outbound_version(rig.out, rig.apex);
	pump_for(100);
	assert_int_equal(dest.queries, 0);
	rig.out->limits.seen_wait = 40;
	dest.serial = SERIAL;
	assert_true(rig_ask(&rig, &q, true, a, &t));
	assert_true(await(DESTINATION_OK, "keyed"));
	tsig_state_free(&t);
	free(a);
}

static void configured_anew(void **state)
{
	struct tsig_key *moved = mem_alloc(sizeof(*moved));

	(void)state;
	dest.mute_notify = true;
	*moved = rig.key;
	moved->secret = (struct secret){0};
	secret_set(&moved->secret, rig.key.secret.data, rig.key.secret.len);
	rig.keyed.tsig = moved;
	outbound_configure(rig.out, &rig.conf, 1);
	outbound_version(rig.out, rig.apex);
	pump_for(20); /* a NOTIFY is under way, signed with the key that goes away */
	rig.keyed.tsig = &rig.key;
	outbound_configure(rig.out, &rig.conf, 1);
	secret_free(&moved->secret);
	free(moved);
	dest.mute_notify = false;
	dest.serial = SERIAL;
	assert_true(await(DESTINATION_OK, "keyed"));
	outbound_configure(rig.out, NULL, 0); /* and without zones, questions end */
	assert_int_equal(rig.out->zone_count, 0);
	pump_for(50);
}

/* Hundreds of zones, one socket, and no more questions at a time than the bound. */
static void many_zones(void **state)
{
	enum { ZONES = 300 };
	struct outbound_zone *zones = mem_array(ZONES, sizeof(*zones));
	unsigned ok = 0;
	int before, after;

	(void)state;
	dest.serial = SERIAL;
	for (unsigned i = 0; i < ZONES; i++) {
		char *name = mem_printf("z%u.example.", i);

		zones[i] = rig.conf;
		zones[i].destination_count = 1;
		name_parse(name, zones[i].apex);
		rig_write_zone(&rig, name, SERIAL, 0, 0, true);
		free(name);
	}
	outbound_configure(rig.out, zones, ZONES);
	before = dup(dest.fd);
	for (unsigned i = 0; i < ZONES; i++)
		outbound_version(rig.out, zones[i].apex);
	for (unsigned i = 0; i < 500 && dest.queries < ZONES; i++)
		pump_for(10);
	pump_for(100);
	after = dup(dest.fd);
	assert_in_range(after, before + 1, before + 2);
	for (unsigned i = 0; i < ZONES; i++)
		ok += rig.out->zones[i]->destinations[0]->phase != OUT_NOTIFYING;
	assert_int_equal(ok, ZONES);
	close(before);
	close(after);
	free(zones);
}

/* Hundreds of zones at a server that is dead: not each of them waits for time-outs of its own. */
static void many_dead(void **state)
{
	enum { ZONES = 1000 };
	struct outbound_zone *zones = mem_array(ZONES, sizeof(*zones));
	unsigned failed = 0;

	(void)state;
	dest.mute_notify = dest.mute_soa = true;
	for (unsigned i = 0; i < ZONES; i++) {
		char *name = mem_printf("z%u.example.", i);

		zones[i] = rig.conf;
		zones[i].destination_count = 1;
		name_parse(name, zones[i].apex);
		rig_write_zone(&rig, name, SERIAL, 0, 0, true);
		free(name);
	}
	outbound_configure(rig.out, zones, ZONES);
	for (unsigned i = 0; i < ZONES; i++)
		outbound_version(rig.out, zones[i].apex);
	/* Three tries, with pauses of 0, 1 and 3 time-outs: not five times that. */
	pump_for(3 * 60 + 180 + 400);
	for (unsigned i = 0; i < ZONES; i++)
		failed += rig.out->zones[i]->destinations[0]->status == DESTINATION_FAILED_XFER;
	assert_int_equal(failed, ZONES);
	assert_in_range(dest.notifies, 3, 3 * 400);
	free(zones);
}

/* Output files */

static unsigned count_lines(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned count = 0;

	if (f == NULL)
		return 0;
	while (getline(&line, &size, f) > 0)
		count += strstr(line, word) != NULL;
	free(line);
	fclose(f);
	return count;
}

static void output_file(void **state)
{
	char *dir = mem_printf("%s/out", rig.dir);
	char *path = mem_printf("%s/zone", dir), *temporary = mem_printf("%s.tmp", path);

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 5000, 50, true);
	rig.conf.output_file = path;
	rig.out->limits.file_again = 50;
	outbound_configure(rig.out, &rig.conf, 1);
	outbound_version(rig.out, rig.apex);
	pump_for(100);
	assert_int_equal(access(path, F_OK), -1); /* there is no such folder yet */
	assert_int_equal(mkdir(dir, 0755), 0);
	for (unsigned i = 0; i < 200 && access(path, F_OK) != 0; i++)
		pump_for(10);
	assert_int_equal(count_lines(path, "\tTXT\t"), 5000);
	assert_int_equal(count_lines(path, "\tNSEC3\t"), 5000);
	assert_int_equal(count_lines(path, "\tSOA\t"), 1);
	assert_int_equal(count_lines(path, "\tRRSIG\t"), 2 + 3 * 5000);
	assert_int_equal(access(temporary, F_OK), -1);

	rig_write_zone(&rig, "example.", SERIAL + 1, 2, 50, true);
	outbound_version(rig.out, rig.apex);
	for (unsigned i = 0; i < 200 && count_lines(path, "\tTXT\t") != 2; i++)
		pump_for(10);
	assert_int_equal(count_lines(path, "\tTXT\t"), 2);
	assert_int_equal(count_lines(path, " 18 "), 1);
	free(dir);
	free(path);
	free(temporary);
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, setup, teardown, NULL                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R5 R60 NOTIFY, acknowledged; its SOA shows when a destination has the version",
		seen),
	    TEST("R5 R60 NOTIFY is repeated, then given up; begun anew with the next version",
		repeated_and_given_up),
	    TEST("R5 a destination that failed is looked at again later", again_later),
	    TEST("R60 a destination that has lost the version is found, and told of it again",
		lost_it),
	    TEST("R25 R60 who serves our serial without our signatures has failed",
		without_our_signatures),
	    TEST("R60 servers without EDNS, and answers that are cut", without_edns),
	    TEST("R60 why a destination did not get the zone stands in its status",
		its_query_was_refused),
	    TEST("R60 a destination that never serves the version has failed", never_serves_it),
	    TEST("R60 a destination that says no has failed, with its words", says_no),
	    TEST("R6 R60 an answer with a bad signature counts for nothing", bad_signature),
	    TEST("a transfer is a reason to look at once", fetching_is_a_hint),
	    TEST("a new configuration takes keys away from under a question", configured_anew),
	    TEST("hundreds of zones share a socket", many_zones),
	    TEST("R5 hundreds of zones at a dead destination fail together", many_dead),
	    TEST("output files are whole, or not there", output_file),
	};

	return cmocka_run_group_tests_name("outbound_notify", tests, NULL, NULL);
}
