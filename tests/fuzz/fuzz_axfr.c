/* The receiver of transfers, fed a byte stream as it comes over TCP: u16 length, message, and so
 * on.  The ID of every message is made right, so that the fuzzer gets past it.  A stream whose
 * first question is IXFR is the answer to one, from serial 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "dns/rrtype.h"
#include "inbound/receive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct receive *a, struct reader *r)
{
	struct err e;
	size_t len;
	int rc = OK;

	while (rc == OK && !a->is_complete && reader_left(r) > 0) {
		const uint8_t *p = reader_lv16(r, &len);
		uint8_t *msg; /* a block of its own, so that reading beyond it is seen */

		if (p == NULL)
			return;
		msg = malloc(len + 1);
		memcpy(msg, p, len);
		if (len >= 2)
			store_u16(msg, a->x->id);
		rc = receive_message(a, msg, len, reader_left(r) > 0, &e);
		free(msg);
	}
}

/* Of a message that has the question "example." */
#define QTYPE_AT (2 + 12 + 9)

static uint16_t asked_type(const uint8_t *data, size_t size)
{
	bool is_ixfr = size > QTYPE_AT + 1 && load_u16(data + QTYPE_AT) == RR_IXFR;

	return is_ixfr ? RR_IXFR : RR_AXFR;
}

/* A difference that was taken leads from our serial to its own, whatever is in between. */
static void look_at(const char *path, const struct accept *accept)
{
	struct spool *s = spool_open(path, NULL);
	struct spool_group g;
	struct spool_record r;
	struct soa soa = {0};
	unsigned count = 0;

	if (s == NULL || spool_serial_from(s) != 1 || spool_serial(s) != accept->serial)
		abort();
	do {
		if (spool_next_group(s, &g, NULL) != OK)
			abort();
	} while (g.type != RR_SOA || !name_equal(g.owner, spool_apex(s)));
	for (; spool_next_record(s, &r, NULL) == OK; count++) {
		if (r.step != (count % 2 == 0 ? SPOOL_DELETE : SPOOL_ADD) ||
		    soa_parse(r.rdata, r.rdlen, &soa) != OK || (count == 0 && soa.serial != 1))
			abort();
	}
	if (count % 2 != 0 || soa.serial != accept->serial)
		abort();
	spool_close(s);
}

static void finish(const struct receive *r, struct accept *accept, const char *path)
{
	int rc = OK;

	if (r->kind == RECEIVE_DIFFERENCE) {
		if (accept_finish_difference(accept, 1, NULL) != OK)
			abort();
		look_at(path, accept);
	} else if (r->kind == RECEIVE_WHOLE) {
		rc = accept_finish(accept, NULL);
	}
	if (rc == OK && r->kind != RECEIVE_NOTHING_NEW)
		unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
	struct peer peer = {.name = "fuzzer"};
	struct reader r = reader_of(data, size);
	struct exchange x;
	struct accept accept;
	struct receive receive;
	char path[64];
	struct err e;

	snprintf(path, sizeof(path), "/tmp/fuzz_axfr.%d.part", (int)getpid());
	exchange_init(&x, &peer, apex, asked_type(data, size));
	x.known.serial = 1;
	if (accept_begin(&accept, apex, path, 1 << 20, &e) != OK)
		abort();
	receive_init(&receive, &x, &accept, 1 << 20);
	feed(&receive, &r);
	if (receive.is_complete)
		finish(&receive, &accept, path);
	accept_abandon(&accept);
	receive_free(&receive);
	exchange_free(&x);
	return 0;
}
