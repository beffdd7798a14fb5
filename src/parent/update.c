/* Dynamic updates of a parent zone: see update.h. */
#include "parent/update.h"

#include <string.h>
#include "dns/rrtype.h"

#define CLASS_IN 1
#define CLASS_NONE 254
#define CLASS_ANY 255
#define SECTION_PREREQUISITE 1
#define SECTION_UPDATE 2

static bool has(const struct parent_ds *list, unsigned count, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < count; i++) {
		if (parent_ds_equal(&list[i], ds))
			return true;
	}
	return false;
}

int update_may_retract(const struct update_change *c, const struct parent_set *now, struct err *e)
{
	bool is_there = false;

	for (unsigned i = 0; i < c->ds_count; i++)
		is_there = is_there || has(now->ds, now->count, &c->ds[i]);
	if (!is_there)
		return ERR_MISSING;
	for (unsigned i = 0; i < c->keep_count; i++) {
		if (!has(now->ds, now->count, &c->keep[i]))
			return err_set(e, ERR_REFUSED,
			    "nothing is taken out: DS %u, which is to stay, is not there",
			    c->keep[i].tag);
	}
	return OK;
}

static void add_ds(struct packet_builder *b, unsigned section, const uint8_t *owner, uint16_t class,
    uint32_t ttl, const struct parent_ds *ds)
{
	uint8_t rdata[4 + PARENT_DIGEST_MAX];

	store_u16(rdata, ds->tag);
	rdata[2] = ds->algorithm;
	rdata[3] = ds->digest_type;
	memcpy(rdata + 4, ds->digest, ds->digest_len);
	/* Two full sets of DS have their place in a message. */
	(void)packet_add_class(
	    b, section, owner, RR_DS, class, ttl, rdata, (uint16_t)(4 + ds->digest_len));
}

void update_compose(const struct update_change *c, const uint8_t *zone,
    const struct parent_set *now, struct packet_builder *out)
{
	packet_begin(out, UINT16_MAX, 0, OPCODE_UPDATE << 11, zone, RR_SOA);
	if (now == NULL)
		(void)packet_add_class(
		    out, SECTION_PREREQUISITE, c->owner, RR_NS, CLASS_ANY, 0, NULL, 0);
	for (unsigned i = 0; now != NULL && i < now->count; i++)
		add_ds(out, SECTION_PREREQUISITE, c->owner, CLASS_IN, 0, &now->ds[i]);
	for (unsigned i = 0; i < c->ds_count; i++)
		add_ds(out, SECTION_UPDATE, c->owner, c->is_retract ? CLASS_NONE : CLASS_IN,
		    c->is_retract ? 0 : c->ttl, &c->ds[i]);
	packet_end(out);
}

static int refusal(unsigned rcode, bool is_retract, struct err *e)
{
	const char *name = packet_rcode_name(rcode);

	switch (rcode) {
	case RCODE_NXRRSET:
		return err_set(e, ERR_AGAIN, "%s: %s", name,
		    is_retract ? "the DS set is not any more what it was a moment ago"
			       : "the parent zone has no NS records for it, and so can have no DS");
	case RCODE_NOTZONE:
		return err_set(e, ERR_MISSING, "%s: it is not in the zone that was named", name);
	case RCODE_NOTAUTH:
		return err_set(e, ERR_MISSING,
		    "%s: the server has not got the parent zone, or does not take our key", name);
	case RCODE_REFUSED:
		return err_set(e, ERR_REFUSED,
		    "%s: the server does not let us change the DS; its access list must name our TSIG key, and the zone must not be frozen",
		    name);
	case RCODE_NOTIMP:
		return err_set(e, ERR_REFUSED, "%s: the server takes no updates", name);
	case RCODE_SERVFAIL:
		return err_set(e, ERR_REFUSED, "%s: the server's log has the reason", name);
	default:
		return err_set(e, ERR_REFUSED, "%s", name);
	}
}

int update_read_answer(const uint8_t *msg, size_t len, bool is_retract, struct err *e)
{
	struct packet p;
	int code = packet_parse(msg, len, &p, e);

	if (code != OK)
		return code;
	if (packet_opcode(&p) != OPCODE_UPDATE || !(p.flags & PACKET_FLAG_QR))
		return err_set(e, ERR_FORMAT, "the answer is none to an update");
	return packet_rcode(&p) == RCODE_NOERROR ? OK : refusal(packet_rcode(&p), is_retract, e);
}

int update_read_zone(
    const uint8_t *msg, size_t len, const uint8_t *name, uint8_t zone[NAME_MAX_LEN], struct err *e)
{
	struct packet p;
	struct packet_rr rr;
	int code = packet_parse(msg, len, &p, e);
	unsigned rcode;

	if (code != OK)
		return code;
	rcode = packet_rcode(&p);
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return err_set(e, ERR_REFUSED, "answered %s", packet_rcode_name(rcode));
	while ((p.flags & PACKET_FLAG_AA) && packet_next(&p, &rr) == OK) {
		if (rr.type != RR_SOA || rr.section > 2 || !name_is_at_or_below(name, rr.owner))
			continue;
		memcpy(zone, rr.owner, name_len(rr.owner));
		return OK;
	}
	return err_set(e, ERR_REFUSED, "the server does not have the parent zone");
}
