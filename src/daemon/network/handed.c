/* Spools that were handed over to the signing side and are not judged yet: they are handed over
 * again to the next one.  Network side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/network/internal.h"
#include "daemon/proto.h"

struct handed {
	struct handed *next;
	uint8_t apex[NAME_MAX_LEN];
	char source[PEER_NAME_MAX];
	uint32_t serial;
	uint64_t mark; /* inbound_file_mark */
	char *path;
};

void network_send(struct network *n, uint16_t type, struct buf *body)
{
	if (n->signer != NULL)
		channel_send(n->signer, type, body, -1);
	buf_free(body);
}

static void hand_over(struct network *n, const struct handed *h)
{
	struct buf body = {0};

	buf_lv16(&body, h->apex, name_len(h->apex));
	buf_str(&body, h->source);
	buf_u32(&body, h->serial);
	buf_str(&body, h->path);
	buf_u64(&body, h->mark);
	network_send(n, PROTO_RECEIVED, &body);
}

/* Ten thousand zones may wait for their verdicts. */
static struct handed **bucket_of(struct network *n, const uint8_t *apex)
{
	uint8_t lower[NAME_MAX_LEN];
	size_t len = name_len(apex);
	uint32_t hash = 2166136261;

	memcpy(lower, apex, len);
	name_lower(lower);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ lower[i]) * 16777619;
	return &n->handed[hash % MEM_COUNT(n->handed)];
}

void network_received(
    void *arg, const uint8_t *apex, const char *source, uint32_t serial, const char *path)
{
	struct network *n = arg;
	struct handed *h = mem_alloc(sizeof(*h)), **bucket = bucket_of(n, apex);

	memcpy(h->apex, apex, name_len(apex));
	snprintf(h->source, sizeof(h->source), "%s", source);
	h->serial = serial;
	h->path = mem_strdup(path);
	h->mark = *source == '\0' ? inbound_file_mark(n->inbound, apex) : 0;
	h->next = *bucket;
	*bucket = h;
	hand_over(n, h);
}

void network_judged(struct network *n, const uint8_t *apex)
{
	struct handed **p = bucket_of(n, apex);

	while (*p != NULL) {
		struct handed *h = *p;

		if (!name_equal(h->apex, apex)) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		free(h->path);
		free(h);
	}
}

void network_hand_over(struct network *n)
{
	for (size_t i = 0; i < MEM_COUNT(n->handed); i++) {
		for (const struct handed *h = n->handed[i]; h != NULL; h = h->next)
			hand_over(n, h);
	}
}

void network_forget_handed(struct network *n)
{
	for (size_t i = 0; i < MEM_COUNT(n->handed); i++) {
		while (n->handed[i] != NULL)
			network_judged(n, n->handed[i]->apex);
	}
}
