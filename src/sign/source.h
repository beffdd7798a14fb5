/* source: a zone's unsigned data name by name, from a spool (new input) or from the generation in the
 * store (signing again).  Either way the result is normalised: what the signer makes itself is left
 * out, TTLs are capped, the SOA carries the source's serial.  Internal to the room. */
#ifndef SIGN_SOURCE_H
#define SIGN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"
#include "dns/rrset.h"
#include "zone/spool.h"
#include "zone/store.h"

struct node_set { /* one RRset: a packed value without signatures in the node's data */
	uint16_t type;
	uint16_t count;
	uint32_t ttl;
	size_t at, len;
};

struct node { /* all RRsets of one name, types ascending */
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	uint8_t owner[NAME_MAX_LEN]; /* in the case of its first RRset */
	struct node_set *sets;
	unsigned count, cap;
	struct buf data;
};
void node_free(struct node *n);
void node_reset(struct node *n);
/* Adds an RRset in its place; ERR_LIMIT when memory ran out. */
int node_add(struct node *n, const struct rrset *set);
const struct node_set *node_find(const struct node *n, uint16_t type); /* NULL: none */
static inline const uint8_t *node_packed(const struct node *n, const struct node_set *s)
{
	return n->data.data + s->at;
}

struct source {
	uint8_t apex_key[NAME_KEY_MAX];
	size_t apex_key_len;
	uint32_t max_ttl; /* 0: no cap */
	bool has_capped;  /* a TTL was longer */
	uint32_t ttl_max; /* the largest that was met, as it was */
	/* Reads one of these two. */
	struct spool *spool;
	struct snapshot *sn; /* borrowed */
	const struct zone_head *head;
	struct walk walk;
	bool walk_is_open;
	/* The RRset after the node that was read last. */
	int ahead; /* OK, ERR_MISSING: the end, else what went wrong */
	const uint8_t *key;
	size_t key_len;
	uint16_t type;
	struct spool_rrset from_spool;
	struct err err;
	bool foreign_dnssec; /* a DNSKEY was left out at the apex */
};
/* Sorts the spool: may take long, may run in a thread. */
/* Takes the spool, in any case. */
int source_open_spool(struct source *s, struct spool *spool, const uint8_t *apex, uint32_t max_ttl,
    struct err *e);
int source_open_store(struct source *s, struct snapshot *sn, const struct zone_head *head,
    uint32_t max_ttl, struct err *e);
int source_rewind(struct source *s, struct err *e);
void source_close(struct source *s);
/* OK, ERR_MISSING at the end, or an error. */
int source_next(struct source *s, struct node *n, struct err *e);
/* The stored SOA carries the serial that was given out: n, read from the store, gets the source's. */
void source_restore_serial(const struct zone_head *head, struct node *n);

#endif
