/* packet: reading DNS messages.  Runs on the network side; nothing in a message is trusted. */
#include "dns/packet.h"

#include <stdio.h>
#include "base/mem.h"
#include "dns/rrtype.h"

#define HEADER_LEN 12
#define RR_FIXED_LEN 10 /* type, class, TTL, RDATA length */
#define SECTION_ADDITIONAL 3

const char *packet_opcode_name(unsigned opcode)
{
	static const char *const names[] = {
	    "QUERY", "IQUERY", "STATUS", "OPCODE3", "NOTIFY", "UPDATE", "DSO"};

	return opcode < MEM_COUNT(names) ? names[opcode] : "an unassigned opcode";
}

const char *packet_rcode_name(unsigned rcode)
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
	    "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "RCODE11", "RCODE12",
	    "RCODE13", "RCODE14", "RCODE15", "BADSIG", "BADKEY", "BADTIME", "BADMODE", "BADNAME",
	    "BADALG", "BADTRUNC", "BADCOOKIE"};

	return rcode < MEM_COUNT(names) ? names[rcode] : "an unassigned RCODE";
}

static int parse_question(struct packet *p, struct err *e)
{
	size_t n = name_expand(p->msg, p->len, HEADER_LEN, p->qname);

	if (n == 0 || p->len - HEADER_LEN - n < 4)
		return err_set(e, ERR_FORMAT, "DNS message with a malformed question");
	p->qtype = load_u16(p->msg + HEADER_LEN + n);
	p->qclass = load_u16(p->msg + HEADER_LEN + n + 2);
	p->has_question = true;
	p->next = HEADER_LEN + n + 4;
	return OK;
}

/* Read the record at p->next and step over it. */
static int read_record(struct packet *p, struct packet_rr *out)
{
	size_t n = name_expand(p->msg, p->len, p->next, out->owner);
	const uint8_t *fixed = p->msg + p->next + n;

	if (n == 0 || p->len - p->next - n < RR_FIXED_LEN)
		return ERR_FORMAT;
	out->section = p->section;
	out->type = load_u16(fixed);
	out->class = load_u16(fixed + 2);
	out->ttl = load_u32(fixed + 4);
	out->rdlen = load_u16(fixed + 8);
	out->rdata = p->next + n + RR_FIXED_LEN;
	if (out->rdlen > p->len - out->rdata)
		return ERR_FORMAT;
	p->next = out->rdata + out->rdlen;
	return OK;
}

/* OPT and TSIG have rules about where and how often they may stand. */
static int note_special(struct packet *p, const struct packet_rr *rr, size_t start, struct err *e)
{
	if (rr->type == RR_OPT) {
		if (rr->section != SECTION_ADDITIONAL || p->has_edns || rr->owner[0] != 0)
			return err_set(e, ERR_FORMAT, "DNS message with a misplaced or second OPT");
		p->has_edns = true;
		p->edns_size = rr->class;
	}
	if (rr->type == RR_TSIG) {
		if (rr->section != SECTION_ADDITIONAL || p->left > 0)
			return err_set(
			    e, ERR_FORMAT, "DNS message whose TSIG is not the last record");
		p->tsig_offset = start;
	}
	return OK;
}

static int parse_records(struct packet *p, struct err *e)
{
	struct packet_rr rr;

	for (p->section = 1; p->section <= SECTION_ADDITIONAL; p->section++) {
		for (p->left = p->counts[p->section]; p->left > 0;) {
			size_t start = p->next;

			if (read_record(p, &rr) != OK)
				return err_set(e, ERR_FORMAT,
				    "DNS message with a malformed record at octet %zu", start);
			p->left--;
			if (note_special(p, &rr, start, e) != OK)
				return ERR_FORMAT;
		}
	}
	if (p->next != p->len)
		return err_set(e, ERR_FORMAT, "DNS message with %zu octets behind the last record",
		    p->len - p->next);
	return OK;
}

int packet_parse(const uint8_t *msg, size_t len, struct packet *out, struct err *e)
{
	struct packet p = {.msg = msg, .len = len, .full_len = len, .next = HEADER_LEN};

	if (len < HEADER_LEN || len > UINT16_MAX)
		return err_set(
		    e, ERR_FORMAT, "DNS message of %zu octets: 12 to 65535 are right", len);
	p.id = load_u16(msg);
	p.flags = load_u16(msg + 2);
	for (unsigned i = 0; i < 4; i++)
		p.counts[i] = load_u16(msg + 4 + 2 * i);
	if (p.counts[0] > 1)
		return err_set(e, ERR_FORMAT, "DNS message with %u questions", p.counts[0]);
	if (p.counts[0] == 1 && parse_question(&p, e) != OK)
		return ERR_FORMAT;
	p.first = p.next;
	if (parse_records(&p, e) != OK)
		return ERR_FORMAT;
	if (p.tsig_offset != 0) {
		p.len = p.tsig_offset;
		p.counts[SECTION_ADDITIONAL]--;
	}
	packet_rewind(&p);
	*out = p;
	return OK;
}

void packet_rewind(struct packet *p)
{
	p->next = p->first;
	p->section = 1;
	p->left = p->counts[1];
}

int packet_next(struct packet *p, struct packet_rr *out)
{
	while (p->left == 0) {
		if (p->section == SECTION_ADDITIONAL)
			return ERR_MISSING;
		p->left = p->counts[++p->section];
	}
	p->left--;
	/* packet_parse has walked the same way, so this fails only after a change of the message.
	 */
	return read_record(p, out) == OK ? OK : ERR_MISSING;
}
