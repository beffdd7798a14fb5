/* The network side's generic probe: questions of the signing side to configured servers, and the
 * raw answers back to it, their TSIG verified.  What they say is for the signing side to judge. */
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/network_internal.h"
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

static void start(struct network *n, uint32_t id, const char *server, const uint8_t *qname,
    uint16_t qtype, bool tcp)
{
	const struct peer *peer = network_peers_find(n->peers, server);
	struct err e = {0};
	struct asked *a;

	if (peer == NULL)
		err_set(&e, ERR_MISSING, "server %s is not configured, or cannot be used", server);
	else if (n->inbound == NULL)
		err_set(&e, ERR_AGAIN, "the network side is only starting");
	else if (n->asked_count >= PROBES_MAX)
		err_set(&e, ERR_LIMIT, "%u questions are under way already", PROBES_MAX);
	if (e.code != OK) {
		answer(n, id, &e, NULL);
		return;
	}
	a = mem_alloc(sizeof(*a));
	a->network = n;
	a->id = id;
	a->has_key = peer->tsig != NULL;
	a->next = n->asked;
	n->asked = a;
	n->asked_count++;
	a->probe = probe_start(n->inbound, peer, qname, qtype, tcp, probe_done, a);
}

void network_probe(struct network *n, struct reader *body)
{
	uint32_t id = reader_u32(body);
	char server[PEER_NAME_MAX];
	const uint8_t *qname;
	size_t len;
	uint16_t qtype;
	bool tcp;

	reader_str(body, server, sizeof(server));
	qname = reader_lv16(body, &len);
	qtype = reader_u16(body);
	tcp = reader_u8(body) != 0;
	if (body->failed || len == 0 || name_check(qname, len) != len) {
		log_error("the signing side sent a malformed question");
		return;
	}
	start(n, id, server, qname, qtype, tcp);
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
