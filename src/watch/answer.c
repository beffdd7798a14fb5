/* Answers of a child's servers: see answer.h. */
#include "watch/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "dns/dnskey.h"
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

#define CLASS_IN 1

uint16_t watch_rrtype(enum watch_type t)
{
	static const uint16_t types[WATCH_TYPES] = {[WATCH_SOA] = RR_SOA,
	    [WATCH_DNSKEY] = RR_DNSKEY,
	    [WATCH_CDS] = RR_CDS,
	    [WATCH_CDNSKEY] = RR_CDNSKEY,
	    [WATCH_NSEC3PARAM] = RR_NSEC3PARAM};

	return types[t];
}

const char *watch_word_text(enum watch_word w)
{
	static const char *const words[WATCH_WORDS] = {[WATCH_UNASKED] = "was not asked",
	    [WATCH_ANSWERED] = "answers",
	    [WATCH_SILENT] = "does not answer",
	    [WATCH_LAME] = "is no server of the domain",
	    [WATCH_REFUSED] = "refuses to answer",
	    [WATCH_SERVFAIL] = "answers with an error",
	    [WATCH_BROKEN] = "sends broken answers"};

	return words[w];
}

static void set_word(struct watch_set *set, enum watch_word word, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void set_word(struct watch_set *set, enum watch_word word, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(set->reason, sizeof(set->reason), fmt, args);
	va_end(args);
	set->word = word;
	buf_free(&set->packed);
	set->packed = (struct buf){0};
}

/* Records of a set while they are being collected, in packed form. */
struct collected {
	struct buf records, sigs;
	unsigned count, sig_count;
	uint32_t ttl;
};

static void put_item(struct buf *out, size_t start)
{
	buf_patch_u16(out, start, (uint16_t)(out->len - start - 2));
}

/* A record's RDATA, decompressed and checked, behind its length. */
static int collect_one(
    const struct packet *p, const struct packet_rr *rr, struct buf *out, struct err *e)
{
	size_t start = out->len;
	int code;

	buf_u16(out, 0);
	code = rdata_from_message(rr->type, p->msg, p->len, rr->rdata, rr->rdlen, out, e);
	if (code == OK && !out->failed)
		put_item(out, start);
	return code;
}

static bool is_covering(const struct packet *p, const struct packet_rr *rr, uint16_t rrtype)
{
	return rr->type == RR_RRSIG && rr->rdlen >= 2 && load_u16(p->msg + rr->rdata) == rrtype;
}

static int collect(
    struct packet *p, const uint8_t *owner, uint16_t rrtype, struct collected *out, struct err *e)
{
	struct packet_rr rr;
	int code = OK;

	while (code == OK && packet_next(p, &rr) == OK && rr.section == 1) {
		if (rr.class != CLASS_IN || !name_equal(rr.owner, owner))
			continue;
		if (rr.type == rrtype) {
			if (++out->count > WATCH_RECORDS_MAX)
				return err_set(
				    e, ERR_LIMIT, "more than %d records", WATCH_RECORDS_MAX);
			out->ttl = out->count == 1 || rr.ttl < out->ttl ? rr.ttl : out->ttl;
			code = collect_one(p, &rr, &out->records, e);
		} else if (is_covering(p, &rr, rrtype)) {
			if (++out->sig_count > WATCH_RRSIGS_MAX)
				return err_set(
				    e, ERR_LIMIT, "more than %d signatures", WATCH_RRSIGS_MAX);
			code = collect_one(p, &rr, &out->sigs, e);
		}
	}
	return code;
}

/* Sorted, each record once: what comes in another order is the same set. */
static void pack(const struct collected *c, const uint8_t *owner, uint16_t rrtype, struct buf *out)
{
	struct buf sorted = {0};
	uint8_t lower[NAME_MAX_LEN];
	struct rrset set = {
	    .owner = lower, .type = rrtype, .ttl = c->ttl, .sigs = (uint8_t)c->sig_count};

	if (c->count == 0)
		return;
	memcpy(lower, owner, name_len(owner));
	name_lower(lower);
	set.count =
	    rrset_sort(rrtype, c->records.data, c->records.len, (uint16_t)c->count, &sorted);
	set.rdata = sorted.data;
	set.rdata_len = sorted.len;
	set.sigdata = c->sigs.data;
	set.sigdata_len = c->sigs.len;
	rrset_pack(&set, out);
	out->failed = out->failed || sorted.failed;
	buf_free(&sorted);
}

static void read_records(
    struct watch_set *set, const uint8_t *owner, uint16_t rrtype, struct packet *p)
{
	struct collected c = {0};
	struct err e = {0};
	struct buf packed = {0};
	char type[RRTYPE_TEXT_SIZE];

	rrtype_text(rrtype, type);
	if (collect(p, owner, rrtype, &c, &e) != OK || c.records.failed || c.sigs.failed) {
		set_word(set, WATCH_BROKEN, "asked for %s, it sent %s", type, e.text);
	} else {
		pack(&c, owner, rrtype, &packed);
		set_word(set, packed.failed ? WATCH_BROKEN : WATCH_ANSWERED, "%s",
		    packed.failed ? "an answer that is too big" : "");
		if (packed.failed)
			buf_free(&packed);
		else
			set->packed = packed;
	}
	buf_free(&c.records);
	buf_free(&c.sigs);
}

static bool is_answer_to(const struct packet *p, const uint8_t *owner, uint16_t rrtype)
{
	return (p->flags & PACKET_FLAG_QR) != 0 && p->has_question && p->qtype == rrtype &&
	       name_equal(p->qname, owner);
}

void watch_set_read(struct watch_set *set, const uint8_t *owner, uint16_t rrtype, bool need_aa,
    const uint8_t *msg, size_t len)
{
	struct packet p;
	struct err e = {0};
	char type[RRTYPE_TEXT_SIZE];
	unsigned rcode;

	rrtype_text(rrtype, type);
	if (packet_parse(msg, len, &p, &e) != OK) {
		set_word(set, WATCH_BROKEN, "asked for %s, it sent a %s", type, e.text);
		return;
	}
	rcode = packet_rcode(&p);
	if (!is_answer_to(&p, owner, rrtype))
		set_word(set, WATCH_BROKEN, "asked for %s, it answered something else", type);
	else if (rcode == RCODE_REFUSED || rcode == RCODE_NOTAUTH)
		set_word(set, WATCH_REFUSED, "asked for %s, it answered %s", type,
		    packet_rcode_name(rcode));
	else if (rcode == RCODE_NXDOMAIN && need_aa)
		set_word(
		    set, WATCH_LAME, "asked for %s, it says that the domain does not exist", type);
	else if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		set_word(set, WATCH_SERVFAIL, "asked for %s, it answered %s", type,
		    packet_rcode_name(rcode));
	else if ((p.flags & PACKET_FLAG_TC) != 0)
		set_word(set, WATCH_BROKEN, "asked for %s, it sent a part of the answer", type);
	else if (need_aa && (p.flags & PACKET_FLAG_AA) == 0)
		set_word(set, WATCH_LAME, "asked for %s, its answer is not authoritative", type);
	else
		read_records(set, owner, rrtype, &p);
}

void watch_set_free(struct watch_set *set)
{
	buf_free(&set->packed);
	memset(set, 0, sizeof(*set));
}

bool watch_set_open(const struct watch_set *set, struct rrset *out)
{
	return set->word == WATCH_ANSWERED && set->packed.len > 0 &&
	       rrset_unpack(set->packed.data, set->packed.len, out) == OK;
}

/* Words of the network side may quote a peer. */
static void put_failure(struct watch_set *set, int code, const char *why)
{
	struct buf safe = {0};

	text_escape(&safe, why != NULL ? why : "", why != NULL ? strlen(why) : 0, false);
	set_word(set,
	    code == ERR_REFUSED	 ? WATCH_REFUSED
	    : code == ERR_FORMAT ? WATCH_BROKEN
				 : WATCH_SILENT,
	    "%.*s", (int)safe.len, safe.failed || safe.data == NULL ? "" : (char *)safe.data);
	buf_free(&safe);
}

void watch_reply_put(struct watch_reply *r, enum watch_type t, const uint8_t *apex, int code,
    const char *why, const uint8_t *msg, size_t len)
{
	if (msg == NULL || len == 0)
		put_failure(&r->sets[t], code, why);
	else
		watch_set_read(&r->sets[t], apex, watch_rrtype(t), true, msg, len);
}

void watch_reply_free(struct watch_reply *r)
{
	for (unsigned t = 0; t < WATCH_TYPES; t++)
		watch_set_free(&r->sets[t]);
}
