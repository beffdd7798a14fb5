/* edns: see edns.h.  Runs on the network side; nothing in a message is trusted. */
#include "dns/edns.h"

#include "dns/rrtype.h"

#define OPTION_HEADER_LEN 4
#define EXPIRE_VALUE_LEN 4

/* RFC 7314 2: empty, or four octets.  Anything else says nothing. */
static void read_option(struct edns *out, uint16_t code, const uint8_t *value, uint16_t len)
{
	if (code != EDNS_OPTION_EXPIRE || (len != 0 && len != EXPIRE_VALUE_LEN))
		return;
	out->wants_expire = true;
	if (len == 0)
		return;
	out->has_expire = true;
	out->expire = load_u32(value);
}

static void read_options(struct edns *out, const uint8_t *p, size_t left)
{
	while (left >= OPTION_HEADER_LEN) {
		uint16_t code = load_u16(p), len = load_u16(p + 2);

		p += OPTION_HEADER_LEN;
		left -= OPTION_HEADER_LEN;
		if (len > left)
			return;
		read_option(out, code, p, len);
		p += len;
		left -= len;
	}
}

struct edns edns_read(const struct packet *message)
{
	struct edns out = {0};
	struct packet p = *message;
	struct packet_rr rr;

	while (p.has_edns && packet_next(&p, &rr) == OK) {
		if (rr.type != RR_OPT)
			continue;
		/* They stand where others have their TTL. */
		out.is_there = true;
		out.version = rr.ttl >> 16 & 0xff;
		out.dnssec_ok = rr.ttl >> 15 & 1;
		read_options(&out, p.msg + rr.rdata, rr.rdlen);
	}
	return out;
}

int edns_add_expire(
    struct packet_builder *b, uint16_t size, bool dnssec_ok, const uint32_t *seconds)
{
	static const uint8_t root[1] = {0};
	uint8_t option[OPTION_HEADER_LEN + EXPIRE_VALUE_LEN];
	uint16_t len = seconds == NULL ? 0 : EXPIRE_VALUE_LEN;

	store_u16(option, EDNS_OPTION_EXPIRE);
	store_u16(option + 2, len);
	if (seconds != NULL)
		store_u32(option + OPTION_HEADER_LEN, *seconds);
	return packet_add_class(b, 3, root, RR_OPT, size, dnssec_ok ? 0x8000 : 0, option,
	    (uint16_t)(OPTION_HEADER_LEN + len));
}
