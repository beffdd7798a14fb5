/* A resolver's answers about the servers of a zone: see find.h. */
#include "parent/find.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

int find_add_name(struct find_names *f, const uint8_t *name, struct err *e)
{
	for (unsigned i = 0; i < f->count; i++) {
		if (name_equal(f->names[i], name))
			return OK;
	}
	if (f->count == FIND_NAMES_MAX)
		return err_set(e, ERR_LIMIT, "there are more than %d name servers", FIND_NAMES_MAX);
	memcpy(f->names[f->count++], name, name_len(name));
	return OK;
}

int find_add_address(
    struct find_addresses *f, uint16_t type, const uint8_t *rdata, size_t len, struct err *e)
{
	char text[FIND_ADDRESS_SIZE];

	if (len != (type == RR_A ? 4 : 16) ||
	    inet_ntop(type == RR_A ? AF_INET : AF_INET6, rdata, text, sizeof(text)) == NULL)
		return err_set(e, ERR_FORMAT, "a broken address record");
	for (unsigned i = 0; i < f->count; i++) {
		if (strcmp(f->list[i], text) == 0)
			return OK;
	}
	if (f->count == FIND_ADDRESSES_MAX)
		return err_set(e, ERR_LIMIT, "the name servers have more than %d addresses",
		    FIND_ADDRESSES_MAX);
	memcpy(f->list[f->count++], text, sizeof(text));
	return OK;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void find_sort(struct find_addresses *f)
{
	qsort(f->list, f->count, sizeof(f->list[0]), compare);
}

static void lower(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

static int parse(const uint8_t *msg, size_t len, struct packet *p, struct err *e)
{
	int code = packet_parse(msg, len, p, e);
	unsigned rcode;

	if (code != OK)
		return code;
	rcode = packet_rcode(p);
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return err_set(
		    e, ERR_REFUSED, "the resolver answered %s", packet_rcode_name(rcode));
	if (p->flags & PACKET_FLAG_TC)
		return err_set(e, ERR_FORMAT, "the resolver's answer is truncated");
	return OK;
}

/* The SOA stands in the answer when qname is an apex, else in the authority section (RFC 2308 2).
 */
int find_read_zone(const uint8_t *msg, size_t len, const uint8_t *qname, uint8_t zone[NAME_MAX_LEN],
    uint32_t *ttl, struct err *e)
{
	struct packet p;
	struct packet_rr rr;
	int code = parse(msg, len, &p, e);

	if (code != OK)
		return code;
	while (packet_next(&p, &rr) == OK) {
		if (rr.type != RR_SOA || rr.section > 2 || !name_is_at_or_below(qname, rr.owner))
			continue;
		memcpy(zone, rr.owner, name_len(rr.owner));
		lower(ttl, rr.ttl);
		return OK;
	}
	return ERR_MISSING;
}

int find_read_names(const uint8_t *msg, size_t len, const uint8_t *zone, struct find_names *out,
    uint32_t *ttl, struct err *e)
{
	struct packet p;
	struct packet_rr rr;
	uint8_t name[NAME_MAX_LEN];
	int code = parse(msg, len, &p, e);

	while (code == OK && packet_next(&p, &rr) == OK) {
		if (rr.section != 1 || rr.type != RR_NS || !name_equal(rr.owner, zone))
			continue;
		lower(ttl, rr.ttl);
		if (name_expand(p.msg, p.len, rr.rdata, name) != rr.rdlen)
			return err_set(e, ERR_FORMAT, "a broken NS record");
		code = find_add_name(out, name, e);
	}
	if (code == OK && out->count == 0)
		return err_set(e, ERR_REFUSED, "the resolver knows no NS records");
	return code;
}

int find_read_addresses(const uint8_t *msg, size_t len, uint16_t qtype, struct find_addresses *out,
    uint32_t *ttl, struct err *e)
{
	struct packet p;
	struct packet_rr rr;
	int code = parse(msg, len, &p, e);

	while (code == OK && packet_next(&p, &rr) == OK) {
		if (rr.section != 1 || rr.type != qtype)
			continue;
		lower(ttl, rr.ttl);
		code = find_add_address(out, qtype, p.msg + rr.rdata, rr.rdlen, e);
	}
	return code;
}

int find_read_referral(
    const uint8_t *msg, size_t len, const uint8_t *zone, struct find_names *out, struct err *e)
{
	struct packet p;
	struct packet_rr rr;
	struct buf name = {0};
	bool is_referral = false;
	int code = packet_parse(msg, len, &p, e);

	if (code != OK)
		return code;
	/* With authority it speaks of the zone itself: it serves that, too. */
	if (packet_rcode(&p) != RCODE_NOERROR || p.flags & PACKET_FLAG_AA)
		return ERR_MISSING;
	while (code == OK && packet_next(&p, &rr) == OK) {
		if (rr.section != 2 || rr.type != RR_NS || !name_equal(rr.owner, zone))
			continue;
		buf_reset(&name);
		code = rdata_from_message(RR_NS, p.msg, p.len, rr.rdata, rr.rdlen, &name, e);
		if (code == OK)
			code = find_add_name(out, name.data, e);
		is_referral = true;
	}
	buf_free(&name);
	return code == OK && !is_referral ? ERR_MISSING : code;
}

bool find_names_equal(const struct find_names *a, const struct find_names *b)
{
	for (unsigned i = 0; i < a->count; i++) {
		bool is_there = false;

		for (unsigned k = 0; k < b->count; k++)
			is_there = is_there || name_equal(a->names[i], b->names[k]);
		if (!is_there)
			return false;
	}
	return a->count == b->count;
}
