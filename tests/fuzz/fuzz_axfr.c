/* The receiver of transfers, fed a byte stream as it comes over TCP: u16 length, message, and so
 * on. The ID of every message is made right, so that the fuzzer gets past it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "dns/rrtype.h"
#include "inbound/axfr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct axfr *a, struct reader *r)
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
		rc = axfr_message(a, msg, len, reader_left(r) > 0, &e);
		free(msg);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
	struct peer peer = {.name = "fuzzer"};
	struct reader r = reader_of(data, size);
	struct exchange x;
	struct accept accept;
	struct axfr axfr;
	char path[64];
	struct err e;

	snprintf(path, sizeof(path), "/tmp/fuzz_axfr.%d.part", (int)getpid());
	exchange_init(&x, &peer, apex, RR_AXFR);
	if (accept_begin(&accept, apex, path, 1 << 20, &e) != OK)
		abort();
	axfr_init(&axfr, &x, &accept, 1 << 20);
	feed(&axfr, &r);
	if (axfr.is_complete && accept_finish(&accept, &e) == OK)
		unlink(path);
	accept_abandon(&accept);
	axfr_free(&axfr);
	exchange_free(&x);
	return 0;
}
