/* A zone's unsigned data, name by name: see source.h.  Runs in the signing side.
 *
 * What comes from a spool was checked record by record when it was received, but the zone as a
 * whole was not: that is accept.c's work. */
#include "sign/source.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/soa.h"

#define TTL_MOST 0x7fffffff /* RFC 2181 section 8 */

void node_free(struct node *n)
{
	free(n->sets);
	buf_free(&n->data);
	n->sets = NULL;
	n->count = n->cap = 0;
}

void node_reset(struct node *n)
{
	n->count = 0;
	buf_reset(&n->data);
}

int node_add(struct node *n, const struct rrset *set)
{
	struct node_set s = {
	    .type = set->type, .count = set->count, .ttl = set->ttl, .at = n->data.len};
	unsigned place = n->count;

	rrset_pack(set, &n->data);
	if (n->data.failed)
		return ERR_LIMIT;
	s.len = n->data.len - s.at;
	if (n->count == n->cap) {
		n->cap = n->cap == 0 ? 16 : n->cap * 2;
		n->sets = mem_grow(n->sets, n->cap, sizeof(n->sets[0]));
	}
	for (; place > 0 && n->sets[place - 1].type > s.type; place--)
		n->sets[place] = n->sets[place - 1];
	n->sets[place] = s;
	n->count++;
	return OK;
}

const struct node_set *node_find(const struct node *n, uint16_t type)
{
	for (unsigned i = 0; i < n->count; i++) {
		if (n->sets[i].type == type)
			return &n->sets[i];
	}
	return NULL;
}

static bool is_apex(const struct source *s, const uint8_t *key, size_t len)
{
	return len == s->apex_key_len && memcmp(key, s->apex_key, len) == 0;
}

static void advance_spool(struct source *s)
{
	s->ahead = spool_next(s->spool, &s->from_spool, &s->err);
	s->key = s->from_spool.key;
	s->key_len = s->from_spool.key_len;
	s->type = s->from_spool.type;
}

static void advance_walk(struct source *s)
{
	s->ahead = walk_next(&s->walk);
	if (s->ahead == OK && s->walk.is_nsec3)
		s->ahead = ERR_MISSING;
	if (s->ahead != OK && s->ahead != ERR_MISSING)
		err_set(&s->err, s->ahead, "reading the stored zone: %s", err_name(s->ahead));
	s->key = s->walk.key;
	s->key_len = s->walk.key_len;
	s->type = s->walk.type;
}

static void advance(struct source *s)
{
	for (;;) {
		if (s->spool != NULL)
			advance_spool(s);
		else
			advance_walk(s);
		if (s->ahead != OK)
			return;
		if (!rrtype_is_stripped(s->type, is_apex(s, s->key, s->key_len)))
			return;
		if (s->type == RR_DNSKEY)
			s->foreign_dnssec = s->spool != NULL;
	}
}

int source_open_spool(
    struct source *s, struct spool *spool, const uint8_t *apex, uint32_t max_ttl, struct err *e)
{
	*s = (struct source){.max_ttl = max_ttl, .spool = spool};
	s->apex_key_len = name_key(apex, s->apex_key);
	if (!name_equal(spool_apex(spool), apex)) {
		char text[NAME_TEXT_SIZE];

		name_text(spool_apex(spool), text);
		return err_set(e, ERR_ARGUMENT, "the spool is of another zone, %.200s", text);
	}
	advance(s);
	return OK;
}

static int start_walk(struct source *s, struct err *e)
{
	int rc = walk_open(s->sn, s->head, &s->walk, e);

	if (rc != OK)
		return rc;
	s->walk_is_open = true;
	advance(s);
	return OK;
}

int source_open_store(struct source *s, struct snapshot *sn, const struct zone_head *head,
    uint32_t max_ttl, struct err *e)
{
	*s = (struct source){.sn = sn, .head = head, .max_ttl = max_ttl};
	s->apex_key_len = name_key(head->apex, s->apex_key);
	return start_walk(s, e);
}

int source_rewind(struct source *s, struct err *e)
{
	if (s->spool == NULL) {
		walk_close(&s->walk);
		s->walk_is_open = false;
		return start_walk(s, e);
	}
	spool_rewind(s->spool);
	advance(s);
	return OK;
}

void source_close(struct source *s)
{
	spool_close(s->spool);
	s->spool = NULL;
	if (s->walk_is_open)
		walk_close(&s->walk);
	s->walk_is_open = false;
}

static uint32_t cap_ttl(struct source *s, uint32_t ttl)
{
	if (ttl > TTL_MOST)
		return 0;
	s->ttl_max = ttl > s->ttl_max ? ttl : s->ttl_max;
	if (s->max_ttl == 0 || ttl <= s->max_ttl)
		return ttl;
	s->has_capped = true;
	return s->max_ttl;
}

/* The RRset ahead, without its signatures. */
static int take(struct source *s, struct rrset *set)
{
	int rc = OK;

	if (s->spool != NULL) {
		const struct spool_rrset *f = &s->from_spool;

		*set = (struct rrset){.owner = f->owner,
		    .type = f->type,
		    .ttl = f->ttl,
		    .count = f->count,
		    .rdata = f->rdata,
		    .rdata_len = f->rdata_len};
	} else {
		rc = rrset_unpack(s->walk.packed, s->walk.packed_len, set);
		set->sigs = 0;
		set->sigdata = NULL;
		set->sigdata_len = 0;
	}
	set->ttl = cap_ttl(s, set->ttl);
	return rc;
}

void source_restore_serial(const struct zone_head *head, struct node *n)
{
	const struct node_set *soa = node_find(n, RR_SOA);
	struct rrset set;

	if (soa == NULL || rrset_unpack(node_packed(n, soa), soa->len, &set) != OK)
		return;
	soa_set_serial(
	    n->data.data + (set.rdata - n->data.data) + 2, set.rdata_len - 2, head->serial_in);
}

int source_next(struct source *s, struct node *n, struct err *e)
{
	struct rrset set;
	int rc = OK;

	if (s->ahead != OK)
		goto stopped;
	node_reset(n);
	n->key_len = s->key_len;
	memcpy(n->key, s->key, s->key_len);
	do {
		if (take(s, &set) != OK)
			return err_set(e, ERR_FORMAT, "reading the stored zone: a damaged value");
		if (n->count == 0)
			memcpy(n->owner, set.owner, name_len(set.owner));
		rc = node_add(n, &set);
		if (rc != OK)
			return err_set(e, rc, "reading the zone: out of memory");
		advance(s);
	} while (
	    s->ahead == OK && s->key_len == n->key_len && memcmp(s->key, n->key, n->key_len) == 0);
	if (s->spool == NULL && is_apex(s, n->key, n->key_len))
		source_restore_serial(s->head, n);
	return OK;
stopped:
	if (s->ahead != ERR_MISSING && e != NULL)
		*e = s->err;
	return s->ahead;
}
