/* The records of a proof, and what follows from them: see absence.h.  Runs on the signing side;
 * what it is given comes from the network. */
#include "dns/absence.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/absence_internal.h"
#include "dns/answer.h"
#include "dns/validate.h"

#define NSEC3_SHA1 1
#define NSEC3_LABEL 32 /* of 20 octets in base32hex */

enum absence proof_match(const struct proof_record *r, uint16_t type)
{
	bool is_delegated = proof_has(r, RR_NS) && !proof_has(r, RR_SOA);

	if (proof_has(r, type) || proof_has(r, RR_CNAME))
		return ABSENCE_UNPROVEN;
	if (type == RR_DS) {
		/* The child's own record says nothing of its DS (RFC 6840 4.4). */
		if (proof_has(r, RR_SOA))
			return ABSENCE_UNPROVEN;
		return is_delegated ? ABSENCE_OF_DS : ABSENCE_OF_TYPE;
	}
	return is_delegated ? ABSENCE_UNPROVEN : ABSENCE_OF_TYPE;
}

void proof_wildcard(const uint8_t *name, uint8_t out[NAME_MAX_LEN])
{
	out[0] = 1;
	out[1] = '*';
	memcpy(out + 2, name, name_len(name));
}

/* Reading */

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

/* The owner's first label as a hash (RFC 4648 7). */
static bool read_hash(const uint8_t *owner, uint8_t out[NSEC3_HASH_LEN])
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	if (owner[0] != NSEC3_LABEL)
		return false;
	for (unsigned i = 1; i <= NSEC3_LABEL; i++) {
		int digit = digit_of(owner[i]);

		if (digit < 0)
			return false;
		bits = (bits << 5 | (unsigned)digit) & 0xfff;
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return true;
}

static bool read_nsec(const uint8_t *rdata, uint16_t len, struct proof_record *r)
{
	size_t next = name_check(rdata, len);

	r->next = rdata;
	r->bitmap = rdata + next;
	r->bitmap_len = len - next;
	return next > 0;
}

static bool is_same_params(const struct nsec3_params *a, const struct nsec3_params *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0;
}

/* The first one's parameters are the proof's: others say nothing (RFC 5155 8.2). */
static bool read_nsec3(struct proof *p, const uint8_t *rdata, uint16_t len, struct proof_record *r)
{
	struct reader in = reader_of(rdata, len);
	struct nsec3_params params = {0};
	uint8_t kind = reader_u8(&in);
	const uint8_t *salt;
	uint8_t next_len;

	r->flags = reader_u8(&in);
	params.iterations = reader_u16(&in);
	params.salt_len = reader_u8(&in);
	salt = reader_bytes(&in, params.salt_len);
	next_len = reader_u8(&in);
	r->next = reader_bytes(&in, next_len);
	if (in.failed || kind != NSEC3_SHA1 || next_len != NSEC3_HASH_LEN ||
	    (r->flags & ~NSEC3_FLAG_OPT_OUT) != 0 || !read_hash(r->owner, r->hash) ||
	    !name_equal(name_parent(r->owner), p->question->zone))
		return false;
	memcpy(params.salt, salt, params.salt_len);
	r->bitmap = in.p;
	r->bitmap_len = reader_left(&in);
	if (p->count == 0)
		p->params = params;
	return is_same_params(&params, &p->params);
}

/* One record, if it is valid and of the kind of those before. */
static void take(struct proof *p, const struct packet *msg, const struct packet_rr *rr,
    int64_t *until, struct err *e)
{
	const struct absence_question *q = p->question;
	struct proof_record *r = &p->records[p->count];
	struct buf *packed = &p->packed[p->count];
	struct validated valid;
	struct rrset set;
	const uint8_t *item;
	uint16_t len;

	buf_reset(packed);
	if (answer_rrset(msg, 2, rr->owner, rr->type, packed, e) != OK ||
	    rrset_unpack(packed->data, packed->len, &set) != OK || set.count != 1 ||
	    validate_rrset(&set, q->zone, q->keys, q->now, &valid, e) != OK || valid.is_expanded)
		return;
	item = rrset_next(&set.rdata, &len);
	r->owner = set.owner;
	if (!(p->is_nsec3 ? read_nsec3(p, item, len, r) : read_nsec(item, len, r)))
		return;
	if (valid.until < *until)
		*until = valid.until;
	p->count++;
}

static bool is_taken(const struct proof *p, const uint8_t *owner)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (name_equal(p->records[i].owner, owner))
			return true;
	}
	return false;
}

/* All NSEC, or all NSEC3: whichever comes first. */
static void gather(struct proof *p, const struct packet *message, int64_t *until, struct err *e)
{
	struct packet msg = *message;
	struct packet_rr rr;
	unsigned seen = 0;
	uint16_t type = 0;

	packet_rewind(&msg);
	while (seen < ABSENCE_RECORDS_MAX && packet_next(&msg, &rr) == OK) {
		if (rr.section != 2 || (rr.type != RR_NSEC && rr.type != RR_NSEC3) ||
		    (type != 0 && rr.type != type) || is_taken(p, rr.owner))
			continue;
		type = rr.type;
		p->is_nsec3 = type == RR_NSEC3;
		seen++;
		take(p, message, &rr, until, e);
	}
	if (type == 0)
		err_set(e, ERR_VERIFY, "there is neither NSEC nor NSEC3 in the answer");
	else if (p->count > 0)
		err_set(e, ERR_VERIFY, "its %s records prove something else",
		    p->is_nsec3 ? "NSEC3" : "NSEC");
	else
		err_wrap(e, "%s record", p->is_nsec3 ? "NSEC3" : "NSEC");
}

/* What follows */

static struct proof *proof_new(
    const struct packet *msg, const struct absence_question *q, int64_t *until, struct err *e)
{
	struct proof *p = mem_alloc(sizeof(*p));

	p->question = q;
	*until = INT64_MAX;
	gather(p, msg, until, e);
	return p;
}

static void proof_free(struct proof *p)
{
	for (unsigned i = 0; i < ABSENCE_RECORDS_MAX; i++)
		buf_free(&p->packed[i]);
	free(p);
}

static bool is_too_costly(const struct proof *p)
{
	return p->is_nsec3 && p->params.iterations > ABSENCE_ITERATIONS_MAX;
}

enum absence absence_of(
    const struct packet *msg, const struct absence_question *q, int64_t *until, struct err *e)
{
	struct err why = {.text = "it is malformed"};
	struct proof *p = proof_new(msg, q, until, &why);
	enum absence word = ABSENCE_UNPROVEN;

	if (p->count > 0 && is_too_costly(p))
		word = ABSENCE_OPEN;
	else if (p->count > 0)
		word = p->is_nsec3 ? nsec3_absence(p) : nsec_absence(p);
	if (word == ABSENCE_UNPROVEN)
		err_set(e, ERR_VERIFY, "%s", why.text);
	proof_free(p);
	return word;
}

enum absence absence_of_closer(const struct packet *msg, const struct absence_question *q,
    unsigned labels, int64_t *until, struct err *e)
{
	struct err why = {.text = "it is malformed"};
	const uint8_t *closer = q->name;
	enum absence word = ABSENCE_UNPROVEN;
	struct proof *p;

	if (name_labels(closer) <= labels) {
		err_set(e, ERR_VERIFY, "it is not made from a wildcard");
		return word;
	}
	while (name_labels(closer) > labels + 1)
		closer = name_parent(closer);
	p = proof_new(msg, q, until, &why);
	if (p->count > 0 && is_too_costly(p))
		word = ABSENCE_OPEN;
	else if (p->count > 0)
		word =
		    p->is_nsec3 ? nsec3_absence_closer(p, closer) : nsec_absence_closer(p, closer);
	if (word == ABSENCE_UNPROVEN)
		err_set(e, ERR_VERIFY, "%s", why.text);
	proof_free(p);
	return word;
}
