/* The network side's generic probe: questions of the signing side to configured servers, and to
 * addresses that it found, and the raw answers back to it, their TSIG verified where there is a
 * key. What they say is for the signing side to judge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/network/internal.h"
#include "daemon/proto.h"
#include "inbound/probe.h"

#define PROBES_MAX 256

struct asked {
	struct asked *next;
	struct network *network;
	uint32_t id;
	bool has_key;
	struct probe *probe;
};

static void answer(struct network *n, uint32_t id, const struct err *e, const struct packet *p)
{
	struct buf body = {0};

	buf_u32(&body, id);
	buf_u8(&body, (uint8_t)-e->code);
	buf_str(&body, e->code == OK ? "" : e->text);
	buf_lv32(&body, p == NULL ? NULL : p->msg, p == NULL ? 0 : p->full_len);
	if (n->signer != NULL)
		channel_send(n->signer, PROTO_PROBE_ANSWER, &body, -1);
	buf_free(&body);
}

static void forget(struct asked *a)
{
	struct network *n = a->network;
	struct asked **p = &n->asked;

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	n->asked_count--;
	free(a);
}

/* An answer with another RCODE than NOERROR is an answer, if it is known to be the server's. */
static void probe_done(void *arg, const struct err *e, struct packet *p)
{
	struct asked *a = arg;
	struct err said = *e;

	if (p != NULL && (!a->has_key || p->tsig_offset != 0))
		said.code = OK;
	answer(a->network, a->id, &said, said.code == OK ? p : NULL);
	forget(a);
}

/* "address@port": a server that was found, which has no name of its own and no key. */
static const struct peer *found_peer(const char *text, struct peer *out)
{
	const char *at = strrchr(text, '@');
	char address[PEER_NAME_MAX];
	unsigned long port = at == NULL ? 0 : strtoul(at + 1, NULL, 10);

	if (port == 0 || port > 65535)
		return NULL;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", text);
	snprintf(address, sizeof(address), "%.*s", (int)(at - text), text);
	return peer_address_parse(address, (uint16_t)port, &out->address) == OK ? out : NULL;
}

struct question {
	uint32_t id;
	char server[PEER_NAME_MAX];
	const uint8_t *qname;
	uint16_t qtype;
	unsigned flags;		/* enum probe_flag */
	const uint8_t *message; /* to be sent instead; NULL */
	size_t message_len;
};

static struct probe *begin(const struct question *q, const struct peer *peer, struct asked *a)
{
	struct inbound *in = a->network->inbound;

	if (q->message != NULL)
		return probe_send(in, peer, q->message, q->message_len, q->flags, probe_done, a);
	return probe_start(in, peer, q->qname, q->qtype, q->flags, probe_done, a);
}

static void start(struct network *n, const struct question *q)
{
	struct peer found;
	const struct peer *peer = strchr(q->server, '@') == NULL
				      ? network_peers_find(n->peers, q->server)
				      : found_peer(q->server, &found);
	struct err e = {0};
	struct asked *a;

	if (peer == NULL)
		err_set(
		    &e, ERR_MISSING, "server %s is not configured, or cannot be used", q->server);
	else if (n->inbound == NULL)
		err_set(&e, ERR_AGAIN, "the network side is only starting");
	else if (n->asked_count >= PROBES_MAX)
		err_set(&e, ERR_LIMIT, "%u questions are under way already", PROBES_MAX);
	if (e.code != OK) {
		answer(n, q->id, &e, NULL);
		return;
	}
	a = mem_alloc(sizeof(*a));
	a->network = n;
	a->id = q->id;
	a->has_key = peer->tsig != NULL;
	a->next = n->asked;
	n->asked = a;
	n->asked_count++;
	a->probe = begin(q, peer, a);
	if (a->probe != NULL)
		return;
	err_set(&e, ERR_FORMAT, "what was to be sent is no DNS message");
	answer(n, q->id, &e, NULL);
	forget(a);
}

void network_probe(struct network *n, struct reader *body)
{
	struct question q = {.id = reader_u32(body)};
	size_t len;

	reader_str(body, q.server, sizeof(q.server));
	q.qname = reader_lv16(body, &len);
	q.qtype = reader_u16(body);
	q.flags = reader_u8(body);
	if (body->failed || len == 0 || name_check(q.qname, len) != len) {
		log_error("the signing side sent a malformed question");
		return;
	}
	start(n, &q);
}

void network_send_message(struct network *n, struct reader *body)
{
	struct question q = {.id = reader_u32(body)};

	reader_str(body, q.server, sizeof(q.server));
	q.flags = reader_u8(body);
	q.message = reader_lv32(body, &q.message_len);
	if (body->failed || q.message == NULL) {
		log_error("the signing side sent a malformed message for a server");
		return;
	}
	start(n, &q);
}

void network_probes_keep_keys(struct network *n)
{
	for (struct asked *a = n->asked; a != NULL; a = a->next)
		probe_keep_key(a->probe);
}

void network_probes_cancel(struct network *n)
{
	while (n->asked != NULL) {
		probe_cancel(n->asked->probe);
		forget(n->asked);
	}
}
