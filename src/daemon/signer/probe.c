/* Questions of the signing side to name servers and to the resolver: the network side asks them.  A
 * bounded number is handed over at a time; whatever a network side that died had not answered is
 * asked anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/signer.h"
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/soa.h"

#define SENT_MAX 64

struct signer_probe { /* those that were handed over stand first in the list */
	struct signer_probe *next;
	struct signer *signer;
	uint32_t id;
	char server[PEER_NAME_MAX];
	uint8_t qname[NAME_MAX_LEN];
	uint16_t qtype;
	unsigned flags;
	struct buf message; /* to be sent; empty: a question is asked */
	bool is_sent;
	probe_done_fn *done;
	void *arg;
};

static void send_one(struct signer *s, struct signer_probe *p)
{
	bool is_message = p->message.len > 0;
	struct buf body = {0};

	buf_u32(&body, p->id);
	buf_str(&body, p->server);
	if (!is_message) {
		buf_lv16(&body, p->qname, name_len(p->qname));
		buf_u16(&body, p->qtype);
	}
	buf_u8(&body, (uint8_t)p->flags);
	if (is_message)
		buf_lv32(&body, p->message.data, p->message.len);
	channel_send(s->network, is_message ? PROTO_SEND : PROTO_PROBE, &body, -1);
	buf_free(&body);
	p->is_sent = true;
}

static void pump(struct signer *s)
{
	unsigned sent = 0;

	if (s->network == NULL)
		return;
	for (struct signer_probe *p = s->probes; p != NULL && sent < SENT_MAX; p = p->next) {
		if (!p->is_sent)
			send_one(s, p);
		sent++;
	}
}

static struct signer_probe *probe_new(
    struct signer *s, const char *server, unsigned flags, probe_done_fn *done, void *arg)
{
	struct signer_probe *p = mem_alloc(sizeof(*p));

	p->signer = s;
	p->id = ++s->next_probe;
	snprintf(p->server, sizeof(p->server), "%s", server);
	p->flags = flags;
	p->done = done;
	p->arg = arg;
	return p;
}

static void probe_free(struct signer_probe *p)
{
	buf_free(&p->message);
	free(p);
}

static struct signer_probe *enqueue(struct signer_probe *p)
{
	struct signer_probe **end = &p->signer->probes;

	while (*end != NULL)
		end = &(*end)->next;
	*end = p;
	pump(p->signer);
	return p;
}

struct signer_probe *signer_probe_start(struct signer *s, const char *server, const uint8_t *qname,
    uint16_t qtype, unsigned flags, probe_done_fn *done, void *arg)
{
	struct signer_probe *p = probe_new(s, server, flags, done, arg);

	memcpy(p->qname, qname, name_len(qname));
	p->qtype = qtype;
	return enqueue(p);
}

struct signer_probe *signer_send_message(struct signer *s, const char *server,
    const struct buf *message, unsigned flags, probe_done_fn *done, void *arg)
{
	struct signer_probe *p = probe_new(s, server, flags, done, arg);

	buf_put(&p->message, message->data, message->len);
	return enqueue(p);
}

struct signer_probe *signer_probe_resolver(struct signer *s, const uint8_t *qname, uint16_t qtype,
    unsigned flags, probe_done_fn *done, void *arg)
{
	const struct config_resolver *r = &s->config->resolver;
	char server[PEER_NAME_MAX];

	snprintf(server, sizeof(server), "%s@%u", r->address, (unsigned)r->port);
	return signer_probe_start(s, server, qname, qtype, flags | PROBE_RECURSE, done, arg);
}

bool signer_probe_serial(struct packet *p, const uint8_t *apex, uint32_t *serial)
{
	struct packet_rr rr;
	struct buf rdata = {0};
	struct soa soa;
	bool found = false;

	while (!found && packet_next(p, &rr) == OK) {
		if (rr.section != 1 || rr.type != RR_SOA || !name_equal(rr.owner, apex))
			continue;
		buf_reset(&rdata);
		found = rdata_from_message(
			    RR_SOA, p->msg, p->len, rr.rdata, rr.rdlen, &rdata, NULL) == OK &&
			soa_parse(rdata.data, rdata.len, &soa) == OK;
	}
	buf_free(&rdata);
	if (found)
		*serial = soa.serial;
	return found;
}

static void take_out(struct signer_probe *p)
{
	struct signer_probe **at = &p->signer->probes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void signer_probe_cancel(struct signer_probe *p)
{
	if (p == NULL)
		return;
	take_out(p);
	pump(p->signer);
	probe_free(p);
}

void signer_probe_answer(struct signer *s, struct reader *body)
{
	uint32_t id = reader_u32(body);
	int code = -(int)reader_u8(body);
	char why[600];
	const uint8_t *msg;
	size_t len;
	struct signer_probe *p = s->probes;

	reader_str(body, why, sizeof(why));
	msg = reader_lv32(body, &len);
	while (p != NULL && p->id != id)
		p = p->next;
	if (p == NULL || body->failed)
		return;
	take_out(p);
	p->done(p->arg, code, why, msg, len);
	probe_free(p);
	pump(s);
}

void signer_probes_again(struct signer *s)
{
	for (struct signer_probe *p = s->probes; p != NULL; p = p->next)
		p->is_sent = false;
	pump(s);
}
