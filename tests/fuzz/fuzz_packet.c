/* Any octets as a message: parsed, walked, all RDATA decoded, printed and made canonical, the TSIG
 * checked as a query's and as an answer's.  What rdata_from_message has taken must be good RDATA,
 * and a message built again from it must hold the same records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tsig_key key;
static struct packet_builder rebuilt;
static struct buf rdata, text;

static void done(void)
{
	secret_free(&key.secret);
	packet_builder_free(&rebuilt);
	buf_free(&rdata);
	buf_free(&text);
}

static void begin(void)
{
	name_parse("transfer-key.example.", key.name);
	key.algorithm = TSIG_SHA256;
	secret_set(&key.secret, "0123456789abcdef", 16);
	atexit(done);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_record(const uint8_t *data, size_t size, const struct packet_rr *rr)
{
	buf_reset(&rdata);
	if (rdata_from_message(rr->type, data, size, rr->rdata, rr->rdlen, &rdata, NULL) != OK) {
		must(rdata.len == 0);
		return;
	}
	buf_u8(&rdata, 0); /* so that there is memory for no octets at all */
	rdata.len--;
	must(rdata_check(rr->type, rdata.data, (uint16_t)rdata.len, NULL) == OK);
	buf_reset(&text);
	rdata_text(rr->type, rdata.data, (uint16_t)rdata.len, &text);
	packet_add_class(&rebuilt, rr->section, rr->owner, rr->type, rr->class, rr->ttl, rdata.data,
	    (uint16_t)rdata.len);
	rdata_canonical(rr->type, rdata.data, (uint16_t)rdata.len, rdata.data);
	must(rdata_check(rr->type, rdata.data, (uint16_t)rdata.len, NULL) == OK);
}

static const struct tsig_key *lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	(void)arg;
	return a == key.algorithm && name_equal(name, key.name) ? &key : NULL;
}

static void check_tsig(const struct packet *p)
{
	struct tsig_state server, client;

	if (tsig_verify_query(&server, p, lookup, NULL, 1700000000, NULL) != ERR_MISSING) {
		packet_begin(&rebuilt, 512, p->id, 0, NULL, 0);
		tsig_sign_answer(&server, &rebuilt, 1700000000);
	}
	tsig_state_init(&client, &key);
	client.first = p->id % 2 == 0;
	tsig_verify_answer(&client, p, false, 1700000000, NULL);
	tsig_state_free(&client);
	tsig_state_free(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p, again;
	struct packet_rr rr;

	if (key.algorithm == 0)
		begin();
	if (packet_parse(data, size, &p, NULL) != OK)
		return 0;
	packet_begin(&rebuilt, 65535, p.id, p.flags, p.has_question ? p.qname : NULL, p.qtype);
	while (packet_next(&p, &rr) == OK)
		check_record(data, size, &rr);
	packet_end(&rebuilt);
	must(packet_parse(rebuilt.buf.data, rebuilt.buf.len, &again, NULL) == OK);
	must(!p.has_question || name_equal(p.qname, again.qname));
	check_tsig(&p);
	return 0;
}
