/* Where a parent wants to be told of a changed CDS: see dsync.h. */
#include "parent/dsync.h"

#include <string.h>
#include "dns/rrtype.h"

#define SCHEME_NOTIFY 1
#define TARGET_AT 5 /* behind RR type, scheme and port */

static const uint8_t label[] = {6, '_', 'd', 's', 'y', 'n', 'c'};

static const uint8_t *without(const uint8_t *name, unsigned labels)
{
	while (labels-- > 0)
		name += *name + 1u;
	return name;
}

/* The child's name with _dsync behind its first `front` labels. */
static int insert(const uint8_t *apex, unsigned front, struct dsync_name *out)
{
	const uint8_t *rest = without(apex, front);
	size_t before = (size_t)(rest - apex), after = name_len(rest);

	if (before + sizeof(label) + after > NAME_MAX_LEN)
		return ERR_LIMIT;
	out->front = front;
	memcpy(out->name, apex, before);
	memcpy(out->name + before, label, sizeof(label));
	memcpy(out->name + before + sizeof(label), rest, after);
	return OK;
}

int dsync_first(const uint8_t *apex, struct dsync_name *out)
{
	return *apex == 0 ? ERR_MISSING : insert(apex, 1, out);
}

int dsync_next(const uint8_t *apex, const uint8_t *zone, struct dsync_name *name)
{
	const uint8_t *at = without(name->name, name->front), *rest = without(at, 1);

	if (name->front == 0)
		return ERR_MISSING;
	if (zone != NULL && name_is_at_or_below(rest, zone) && !name_equal(rest, zone))
		return insert(apex, name_labels(apex) - name_labels(zone), name);
	memmove(name->name, at, name_len(at));
	name->front = 0;
	return OK;
}

static int read_target(const struct packet *p, const struct packet_rr *rr, struct dsync_target *out)
{
	const uint8_t *rdata = p->msg + rr->rdata;
	uint8_t name[NAME_MAX_LEN];

	if (rr->rdlen < TARGET_AT + 1 ||
	    name_check(rdata + TARGET_AT, rr->rdlen - (size_t)TARGET_AT) !=
		rr->rdlen - (size_t)TARGET_AT)
		return ERR_FORMAT;
	memcpy(name, rdata + TARGET_AT, rr->rdlen - (size_t)TARGET_AT);
	if (load_u16(rdata) != RR_CDS || rdata[2] != SCHEME_NOTIFY || out->port != 0 || *name == 0)
		return OK;
	out->port = load_u16(rdata + 3);
	memcpy(out->name, name, name_len(name));
	return OK;
}

int dsync_read(const uint8_t *msg, size_t len, struct dsync_target *out, uint8_t zone[NAME_MAX_LEN],
    bool *has_zone, struct err *e)
{
	struct dsync_target target = {.port = 0};
	struct packet p;
	struct packet_rr rr;
	bool is_positive = false;
	unsigned rcode;
	int code = packet_parse(msg, len, &p, e);

	if (code != OK)
		return code;
	rcode = packet_rcode(&p);
	*has_zone = false;
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return err_set(
		    e, ERR_REFUSED, "the resolver answered %s", packet_rcode_name(rcode));
	while (packet_next(&p, &rr) == OK) {
		if (rr.section == 2 && rr.type == RR_SOA) {
			memcpy(zone, rr.owner, name_len(rr.owner));
			*has_zone = true;
		}
		if (rr.section != 1 || rr.type != RR_DSYNC)
			continue;
		if (read_target(&p, &rr, &target) != OK)
			return err_set(e, ERR_FORMAT, "a broken DSYNC record");
		is_positive = true;
	}
	if (!is_positive)
		return ERR_MISSING;
	*out = target;
	return OK;
}

void dsync_compose(const uint8_t *apex, struct packet_builder *out)
{
	packet_begin(out, 512, 0, OPCODE_NOTIFY << 11 | PACKET_FLAG_AA, apex, RR_CDS);
	packet_end(out);
}

int dsync_read_answer(const uint8_t *msg, size_t len, struct err *e)
{
	struct packet p;
	int code = packet_parse(msg, len, &p, e);

	if (code != OK)
		return code;
	if (packet_opcode(&p) != OPCODE_NOTIFY || !(p.flags & PACKET_FLAG_QR))
		return err_set(e, ERR_FORMAT, "the answer is none to a NOTIFY");
	if (packet_rcode(&p) != RCODE_NOERROR)
		return err_set(e, ERR_REFUSED, "answered %s", packet_rcode_name(packet_rcode(&p)));
	return OK;
}
