/* Any octets as an answer of somebody's: each RRset taken out of it with its signatures, and judged
 * by the keys that it brings itself, as is what it proves about the name that was asked for.  What
 * was taken out must be a whole RRset; how much work it may be is bounded in any case. */
#include <stdint.h>
#include <stdlib.h>
#include "dns/absence.h"
#include "dns/answer.h"
#include "dns/rrtype.h"
#include "dns/validate.h"

#define NOW 1800000000 /* 2027: within the seeds' signatures */
#define SETS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf packed, keys_packed;
static uint8_t keys_owner[NAME_MAX_LEN];

static void done(void)
{
	buf_free(&packed);
	buf_free(&keys_packed);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The DNSKEY set of the message, or one without keys. */
static struct rrset keys_of(struct packet p)
{
	struct rrset keys = {.owner = keys_owner, .type = RR_DNSKEY};
	struct packet_rr rr;

	keys_owner[0] = 0;
	buf_reset(&keys_packed);
	while (packet_next(&p, &rr) == OK) {
		if (rr.type == RR_DNSKEY &&
		    answer_rrset(&p, rr.section, rr.owner, RR_DNSKEY, &keys_packed, NULL) == OK) {
			must(rrset_unpack(keys_packed.data, keys_packed.len, &keys) == OK);
			break;
		}
	}
	return keys;
}

static void judge(const struct packet *p, const struct packet_rr *rr, const struct rrset *keys)
{
	struct validated valid;
	struct rrset set;

	buf_reset(&packed);
	if (answer_rrset(p, rr->section, rr->owner, rr->type, &packed, NULL) != OK)
		return;
	must(rrset_unpack(packed.data, packed.len, &set) == OK && set.count > 0);
	if (validate_rrset(&set, keys->owner, keys, NOW, &valid, NULL) == OK)
		must(set.sigs > 0 && valid.until >= NOW);
	if (set.type == RR_DS)
		validate_keys(keys, &set, NOW, &valid, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	struct packet_rr rr;
	struct rrset keys;
	struct absence_question q = {.keys = &keys, .now = NOW};
	int64_t until;

	if (packed.data == NULL) {
		buf_u8(&packed, 0);
		atexit(done);
	}
	if (packet_parse(data, size, &p, NULL) != OK)
		return 0;
	keys = keys_of(p);
	for (unsigned i = 0; i < SETS_MAX && packet_next(&p, &rr) == OK; i++)
		judge(&p, &rr, &keys);
	if (!p.has_question || !name_is_at_or_below(p.qname, keys.owner))
		return 0;
	q.zone = keys.owner;
	q.name = p.qname;
	q.type = p.qtype;
	absence_of(&p, &q, &until, NULL);
	absence_of_closer(&p, &q, name_labels(keys.owner), &until, NULL);
	return 0;
}
