/* The chain of trust: see trust.h.  Runs in the signing side; answers come from the network. */
#include "parent/trust.h"

#include <stdio.h>
#include <string.h>
#include "dns/absence.h"
#include "dns/answer.h"
#include "dns/packet.h"
#include "dns/rrtype.h"
#include "dns/validate.h"
#include "parent/trust_memory.h"

#define QUESTIONS_MAX 100 /* the longest names have more labels; nobody delegates them all */
#define KEYS_MAX 16384	  /* octets of a DNSKEY set that is kept */

const char *trust_word(enum trust_verdict v)
{
	static const char *const words[] = {
	    "being checked", "not checked", "secure", "insecure", "bogus", "unknown"};

	return words[v];
}

static void end(struct trust *c, enum trust_verdict v, const char *why)
{
	c->verdict = v;
	snprintf(c->why, sizeof(c->why), "%.*s", TRUST_WHY_MAX - 1, why);
}

/* The chain ends at the cut, for all names below it, too. */
static void end_at_cut(struct trust *c, enum trust_verdict v, const char *what, const char *why,
    int64_t until, int64_t now)
{
	char name[NAME_TEXT_SIZE], text[TRUST_WHY_MAX];

	name_text(c->cut, name);
	snprintf(text, sizeof(text), "%.100s%s: %.150s", name, what, why);
	trust_memory_note(c->memory, c->cut, v, NULL, text, until, now);
	end(c, v, text);
}

static int64_t lower(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Down */

/* May the zone of that name be the one with the answer?  The DS of a name is above it. */
static bool is_above(const struct trust *c, const uint8_t *name)
{
	return (c->type != RR_DS && c->type != TRUST_ZONE) || !name_equal(name, c->name);
}

/* The name's ancestor with so many labels, or the name. */
static const uint8_t *ancestor(const uint8_t *name, unsigned labels)
{
	while (name_labels(name) > labels)
		name = name_parent(name);
	return name;
}

/* All is valid down to the name `at`, which is the zone or has no zone cut at it: the next
 * question. */
static void go_down(struct trust *c, const uint8_t *at)
{
	const uint8_t *next = ancestor(c->name, name_labels(at) + 1);

	if (name_equal(at, c->name) || !is_above(c, next)) {
		c->asked = 0;
		if (c->type == TRUST_ZONE)
			end(c, TRUST_SECURE, "");
		return;
	}
	memmove(c->cut, next, name_len(next));
	c->asked = RR_DS;
}

/* The zone at the cut has these keys. */
static void enter(struct trust *c, const uint8_t *keys, size_t len)
{
	memcpy(c->zone, c->cut, name_len(c->cut));
	buf_reset(&c->keys);
	buf_put(&c->keys, keys, len);
	if (c->keys.failed) {
		end(c, TRUST_UNKNOWN, "there is no memory for its keys");
	} else if (c->type == RR_DNSKEY && name_equal(c->zone, c->name)) {
		buf_put(&c->answer, keys, len);
		end(c, TRUST_SECURE, "");
	} else {
		go_down(c, c->zone);
	}
}

static void take_known(struct trust *c, const struct trust_known *k)
{
	memcpy(c->cut, k->name, name_len(k->name));
	if (k->verdict == TRUST_SECURE) {
		c->until = k->until;
		enter(c, k->keys.data, k->keys.len);
	} else {
		end(c, k->verdict, k->why);
	}
}

void trust_begin(struct trust *c, const struct anchors *anchors, struct trust_memory *memory,
    const uint8_t *name, uint16_t type, int64_t now)
{
	*c = (struct trust){.anchors = anchors, .memory = memory, .type = type, .until = INT64_MAX};
	memcpy(c->name, name, name_len(name));
	for (const uint8_t *at = c->name; at != NULL; at = name_parent(at)) {
		const struct trust_known *k = trust_memory_find(memory, at, now);
		struct rrset ds;

		if (!is_above(c, at))
			continue;
		if (k != NULL) {
			take_known(c, k);
			return;
		}
		if (!anchors_find(anchors, at, &ds))
			continue;
		memcpy(c->cut, at, name_len(at));
		rrset_pack(&ds, &c->ds);
		c->asked = RR_DNSKEY;
		return;
	}
	end(c, TRUST_UNCHECKED, "no trust anchor is above it");
}

void trust_free(struct trust *c)
{
	buf_free(&c->ds);
	buf_free(&c->keys);
	buf_free(&c->answer);
}

void trust_question(const struct trust *c, const uint8_t **qname, uint16_t *qtype)
{
	*qname = c->asked == 0 ? c->name : c->cut;
	*qtype = c->asked == 0 ? c->type : c->asked;
}

/* Judging one answer about a name of the zone */

struct judgement {
	const struct packet *packet;
	struct absence_question question;
	struct buf *set;      /* the RRset; empty when it is not there */
	enum absence absence; /* when it is not there */
	int64_t until;
	enum trust_verdict verdict;
};

/* An RRset that is there, with what else it needs. */
static void judge_set(struct judgement *j, struct err *e)
{
	const struct absence_question *q = &j->question;
	struct validated valid;
	struct rrset set;
	int64_t until;

	j->verdict = TRUST_BOGUS;
	if (rrset_unpack(j->set->data, j->set->len, &set) != OK ||
	    validate_rrset(&set, q->zone, q->keys, q->now, &valid, e) != OK)
		return;
	j->until = lower(valid.until, q->now + set.ttl);
	j->verdict = TRUST_SECURE;
	if (!valid.is_expanded)
		return;
	if (q->type == RR_DS) {
		j->verdict = TRUST_BOGUS;
		err_set(e, ERR_VERIFY, "it is made from a wildcard");
		return;
	}
	switch (absence_of_closer(j->packet, q, valid.labels, &until, e)) {
	case ABSENCE_OF_NAME:
		j->until = lower(j->until, until);
		break;
	case ABSENCE_OPEN:
		j->verdict = TRUST_INSECURE;
		err_set(e, ERR_MISSING,
		    "it is made from a wildcard, and the zone does not say whether it may be");
		break;
	default:
		j->verdict = TRUST_BOGUS;
		err_wrap(e, "it is made from a wildcard");
	}
}

/* No such RRset is there. */
static void judge_absence(struct judgement *j, struct err *e)
{
	j->absence = absence_of(j->packet, &j->question, &j->until, e);
	switch (j->absence) {
	case ABSENCE_UNPROVEN:
		j->verdict = TRUST_BOGUS;
		err_wrap(e, "nothing proves that there is none");
		break;
	case ABSENCE_OPEN:
		j->verdict = TRUST_INSECURE;
		err_set(e, ERR_MISSING,
		    "the zone does not say that there is none: NSEC3 with opt-out, or with too many iterations");
		break;
	default:
		j->verdict = TRUST_SECURE;
	}
}

/* Nothing is delegated where an alias is: for the way down that is as if there was no DS. */
static bool is_alias(struct judgement *j)
{
	struct buf alias = {0};
	struct judgement other = *j;
	struct err e = {0};

	other.question.type = RR_CNAME;
	other.set = &alias;
	other.verdict = TRUST_BOGUS;
	if (answer_rrset(j->packet, 1, j->question.name, RR_CNAME, &alias, &e) == OK)
		judge_set(&other, &e);
	buf_free(&alias);
	j->until = other.until;
	return other.verdict == TRUST_SECURE;
}

static void judge(struct judgement *j, struct err *e)
{
	const struct absence_question *q = &j->question;
	int code = answer_rrset(j->packet, 1, q->name, q->type, j->set, e);

	j->absence = ABSENCE_UNPROVEN;
	if (code == OK) {
		judge_set(j, e);
	} else if (code != ERR_MISSING) {
		j->verdict = TRUST_BOGUS;
	} else if (is_alias(j)) {
		j->verdict = TRUST_SECURE;
		j->absence = ABSENCE_OF_TYPE;
	} else {
		judge_absence(j, e);
	}
}

enum trust_verdict trust_judge(const struct trust *zone, const uint8_t *msg, size_t len,
    const uint8_t *name, uint16_t type, int64_t now, struct err *e)
{
	struct packet p;
	struct rrset keys;
	struct buf set = {0};
	struct judgement j = {.packet = &p,
	    .question = {.zone = zone->zone, .keys = &keys, .name = name, .type = type, .now = now},
	    .set = &set};

	if (packet_parse(msg, len, &p, e) != OK ||
	    rrset_unpack(zone->keys.data, zone->keys.len, &keys) != OK ||
	    !name_is_at_or_below(name, zone->zone))
		return TRUST_BOGUS;
	judge(&j, e);
	buf_free(&set);
	return j.verdict;
}

/* Answers */

/* The DNSKEY set of the cut. */
static void take_keys(struct trust *c, const struct packet *p, int64_t now)
{
	struct buf packed = {.limit = KEYS_MAX};
	struct rrset keys, ds;
	struct validated valid;
	struct err e = {0};
	int code = answer_rrset(p, 1, c->cut, RR_DNSKEY, &packed, &e);
	enum validity v = VALIDITY_BOGUS;

	if (code == ERR_MISSING)
		err_set(&e, code, "it has none");
	if (code == OK && rrset_unpack(packed.data, packed.len, &keys) == OK &&
	    rrset_unpack(c->ds.data, c->ds.len, &ds) == OK)
		v = validate_keys(&keys, &ds, now, &valid, &e);
	if (v == VALIDITY_SECURE) {
		c->until = lower(c->until, lower(valid.until, now + keys.ttl));
		trust_memory_note(c->memory, c->cut, TRUST_SECURE, &packed, "", c->until, now);
		enter(c, packed.data, packed.len);
	} else if (v == VALIDITY_INSECURE) {
		end_at_cut(c, TRUST_INSECURE, "", e.text, c->until, now);
	} else {
		end_at_cut(c, TRUST_BOGUS, " DNSKEY", e.text, now + TRUST_KEEP_FAILURE, now);
	}
	buf_free(&packed);
}

/* The cut has a DS set, which is valid. */
static void delegate(struct trust *c, const struct judgement *j, int64_t now)
{
	struct rrset ds;

	c->until = lower(c->until, j->until);
	buf_reset(&c->ds);
	buf_put(&c->ds, j->set->data, j->set->len);
	c->asked = RR_DNSKEY;
	if (rrset_unpack(j->set->data, j->set->len, &ds) != OK || validate_knows_ds(&ds))
		return;
	end_at_cut(c, TRUST_INSECURE, " is as if not signed",
	    "its DS are all of algorithms or digests that are not known here", c->until, now);
}

/* The DS set of the cut, or that there is none. */
static void take_ds(struct trust *c, struct judgement *j, const struct err *e, int64_t now)
{
	char zone[NAME_TEXT_SIZE], why[160];

	name_text(c->zone, zone);
	if (j->verdict == TRUST_BOGUS) {
		end_at_cut(c, TRUST_BOGUS, " DS", e->text, now + TRUST_KEEP_FAILURE, now);
	} else if (j->verdict == TRUST_INSECURE) {
		end_at_cut(c, TRUST_INSECURE, " DS", e->text, lower(c->until, j->until), now);
	} else if (j->set->len > 0) {
		delegate(c, j, now);
	} else if (j->absence == ABSENCE_OF_DS) {
		snprintf(why, sizeof(why), "%.120s delegates it without a DS", zone);
		end_at_cut(
		    c, TRUST_INSECURE, " is not signed", why, lower(c->until, j->until), now);
	} else if (j->absence == ABSENCE_OF_NAME) {
		/* Nor is there anything below it (RFC 8020). */
		end(c, TRUST_SECURE, "");
	} else {
		go_down(c, c->cut);
	}
}

static void take_answer(struct trust *c, const struct judgement *j, const struct err *e)
{
	if (j->verdict == TRUST_SECURE && j->absence == ABSENCE_UNPROVEN)
		buf_put(&c->answer, j->set->data, j->set->len);
	end(c, c->answer.failed ? TRUST_UNKNOWN : j->verdict,
	    j->verdict == TRUST_SECURE ? "" : e->text);
}

static void take(struct trust *c, const struct packet *p, int64_t now)
{
	struct rrset keys;
	struct buf set = {0};
	struct err e = {0};
	struct judgement j = {
	    .packet = p, .question = {.zone = c->zone, .keys = &keys, .now = now}, .set = &set};

	if (c->asked == RR_DNSKEY) {
		take_keys(c, p, now);
		return;
	}
	trust_question(c, &j.question.name, &j.question.type);
	if (rrset_unpack(c->keys.data, c->keys.len, &keys) != OK) {
		end(c, TRUST_UNKNOWN, "its keys are lost");
		return;
	}
	judge(&j, &e);
	if (c->asked == RR_DS)
		take_ds(c, &j, &e, now);
	else
		take_answer(c, &j, &e);
	buf_free(&set);
}

void trust_answer(struct trust *c, const uint8_t *msg, size_t len, int64_t now)
{
	struct packet p;
	struct err e = {0};
	unsigned rcode;

	if (packet_parse(msg, len, &p, &e) != OK) {
		trust_failed(c, e.text, now);
		return;
	}
	rcode = packet_rcode(&p);
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN) {
		trust_failed(c, packet_rcode_name(rcode), now);
		return;
	}
	take(c, &p, now);
	if (c->verdict == TRUST_OPEN && ++c->questions == QUESTIONS_MAX)
		end(c, TRUST_UNKNOWN, "there are too many names above it to be asked for");
}

void trust_failed(struct trust *c, const char *why, int64_t now)
{
	char name[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE], text[TRUST_WHY_MAX];
	const uint8_t *qname;
	uint16_t qtype;

	trust_question(c, &qname, &qtype);
	name_text(qname, name);
	rrtype_text(qtype, type);
	snprintf(text, sizeof(text), "%.100s %s: %.150s", name, type, why);
	if (c->asked != 0)
		trust_memory_note(
		    c->memory, c->cut, TRUST_UNKNOWN, NULL, text, now + TRUST_KEEP_FAILURE, now);
	end(c, TRUST_UNKNOWN, text);
}
