/* What the network side tells the signing side, and what it is told: see daemon/proto.h. */
#include "daemon/signer/network.h"

#include <unistd.h>
#include "base/log.h"
#include "daemon/proto.h"
#include "daemon/signer/deliver.h"
#include "daemon/signer/destinations.h"
#include "daemon/signer/signer.h"

void signer_send_zone(struct signer *s, uint16_t type, const struct signer_zone *z)
{
	struct buf body = {0};

	buf_lv16(&body, z->apex, name_len(z->apex));
	s->told++;
	if (s->network != NULL)
		channel_send(s->network, type, &body, -1);
	buf_free(&body);
}

static void on_received(struct signer_zone *z, struct reader *body)
{
	char source[PEER_NAME_MAX], path[4096];
	uint32_t serial;
	uint64_t mark;

	reader_str(body, source, sizeof(source));
	serial = reader_u32(body);
	reader_str(body, path, sizeof(path));
	mark = reader_u64(body);
	if (!body->failed)
		signer_received(z, source, serial, path, mark);
}

static void on_source(struct signer_zone *z, struct reader *body)
{
	char server[PEER_NAME_MAX], reason[REASON_MAX];
	unsigned status;
	bool has_serial;
	uint32_t serial;

	reader_str(body, server, sizeof(server));
	status = reader_u8(body);
	has_serial = reader_u8(body) != 0;
	serial = reader_u32(body);
	reader_str(body, reason, sizeof(reason));
	if (!body->failed)
		signer_status_set(z, true, server, status, has_serial, serial, reason);
}

static void on_refreshed(struct signer_zone *z, struct reader *body)
{
	int64_t at = (int64_t)reader_u64(body), expires = (int64_t)reader_u64(body);

	if (body->failed || !z->has_head)
		return;
	z->head.refreshed = at;
	z->head.source_expires = expires;
	signer_status_dirty(z);
}

static void on_expired(struct signer_zone *z, struct reader *body)
{
	bool expired = reader_u8(body) != 0;

	if (body->failed || expired == z->expired)
		return;
	z->expired = expired;
	if (expired)
		log_error("zone %s: no source confirmed the zone within its SOA EXPIRE", z->name);
	else
		log_notice("zone %s: a source confirmed the zone again", z->name);
}

void signer_zone_message(struct signer_zone *z, uint16_t type, struct reader *body)
{
	if (type == PROTO_RECEIVED)
		on_received(z, body);
	else if (type == PROTO_SOURCE)
		on_source(z, body);
	else if (type == PROTO_DESTINATION)
		signer_destination_news(z, body);
	else if (type == PROTO_REFRESHED)
		on_refreshed(z, body);
	else if (type == PROTO_EXPIRED)
		on_expired(z, body);
}

static void drop(struct signer *s)
{
	channel_free(s->network);
	s->network = NULL;
	signer_deliveries_lost(s);
}

static void network_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct signer *s = arg;
	const uint8_t *apex;
	size_t len;
	struct signer_zone *z;

	if (fd >= 0)
		close(fd);
	if (type == 0) {
		drop(s);
		return;
	}
	if (type == PROTO_SETTLED) {
		signer_leap_settled(s, body);
		return;
	}
	if (type == PROTO_PROBE_ANSWER) {
		signer_probe_answer(s, body);
		return;
	}
	if (type == PROTO_DELIVERED) {
		signer_delivered(s, body);
		return;
	}
	apex = reader_lv16(body, &len);
	if (apex == NULL || len == 0 || name_check(apex, len) != len) {
		log_error("the network side sent a malformed message of type %u", type);
		return;
	}
	z = signer_zone_by_apex(s, apex);
	if (z == NULL)
		signer_early_keep(s, apex, type, body);
	else
		signer_zone_message(z, type, body);
}

void signer_network_take(struct signer *s, int fd)
{
	drop(s);
	s->network = fd < 0 ? NULL : channel_new(s->loop, fd, network_message, s);
	signer_leap_forget(s);
	if (s->network == NULL)
		return;
	channel_send(s->network, PROTO_HELLO, NULL, -1);
	signer_probes_again(s);
	signer_deliveries_again(s);
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->head.published)
			signer_send_zone(s, PROTO_VERSION, s->zones[i]);
	}
}
