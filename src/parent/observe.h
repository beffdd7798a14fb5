/* observe: what the parent's servers were seen to have: which DS, since when, and what follows from
 * all of them together.  Pure: it is handed answers and times.  Runs in the signing side; answers come
 * from the network, their TSIG verified where there is a key, and are not trusted further.
 *
 * A server that cannot be asked counts as not having a DS, and as not having dropped it.  When it
 * answers again, what it has counts from then on: nobody knows what it had meanwhile. */
#ifndef PARENT_OBSERVE_H
#define PARENT_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define PARENT_NAME_MAX 64
#define PARENT_DS_MAX 32
#define PARENT_DIGEST_MAX 64
#define PARENT_REASON_MAX 200

struct parent_ds {
	uint16_t tag;
	uint8_t algorithm, digest_type, digest_len;
	uint8_t digest[PARENT_DIGEST_MAX];
};

struct parent_set { /* of one answer */
	struct parent_ds ds[PARENT_DS_MAX];
	unsigned count;
	uint32_t ttl; /* of the DS set; 0 when there is none */
};

struct parent_sighting {
	struct parent_ds ds;
	bool is_there; /* false: it was, and is not any more */
	int64_t since;
};

struct parent_server {
	char name[PARENT_NAME_MAX];
	bool has_answered;  /* the last question */
	uint8_t validated;  /* enum trust_verdict of its last answer; not kept over a restart */
	int64_t asked;      /* when that was; 0: never */
	int64_t since;      /* it answers without a break (or keeps silent) since then */
	int64_t changed;    /* what it has is the same since then */
	uint32_t ttl_max;   /* the largest of a DS set ever seen there */
	char reason[PARENT_REASON_MAX]; /* why there was no answer */
	struct parent_sighting ds[PARENT_DS_MAX];
	unsigned count;
};

struct parent_view { /* of one zone */
	struct parent_server *servers;
	unsigned count;
};

/* The DS set of zone in a server's answer; none is fine, too.  ERR_REFUSED, ERR_FORMAT or ERR_LIMIT with
 * words when the answer says nothing about it. */
int parent_read_answer(const uint8_t *msg, size_t len, const uint8_t *zone, struct parent_set *out,
    struct err *e);

/* patience: with a longer pause since the last answer what was seen before counts no more. */
void parent_note(struct parent_server *s, const struct parent_set *set, int64_t now,
    int64_t patience);
void parent_note_failure(struct parent_server *s, const char *why, int64_t now);

/* All servers together.  Whoever was last asked before `fresh` counts as not answering. */
enum parent_word {
	PARENT_UNKNOWN, /* some server cannot be asked */
	PARENT_MIXED,   /* here and not there */
	PARENT_GONE,    /* at no server since `since` */
	PARENT_THERE    /* at all servers since `since` */
};
struct parent_fact {
	enum parent_word word;
	int64_t since;
};
/* This very DS. */
struct parent_fact parent_fact_of(const struct parent_view *v, const struct parent_ds *ds,
    int64_t fresh);
/* A DS that is none of ours: GONE, or MIXED when there is one anywhere.  count 0: any DS. */
struct parent_fact parent_fact_foreign(const struct parent_view *v, const struct parent_ds *ours,
    unsigned count, int64_t fresh);
/* The largest TTL of a DS set ever seen, a week at most; 0: none was. */
uint32_t parent_ttl_max(const struct parent_view *v);

bool parent_ds_equal(const struct parent_ds *a, const struct parent_ds *b);
/* The DS of digest type 1, 2 or 4 that belongs to a DNSKEY. */
int parent_ds_of_key(const uint8_t *zone, const uint8_t *dnskey, size_t len, uint8_t digest_type,
    struct parent_ds *out);

/* What is kept over a restart (all but the name). */
void parent_write(const struct parent_server *s, struct buf *out);
void parent_read(struct reader *r, struct parent_server *s); /* malformed: as never asked */

#endif
