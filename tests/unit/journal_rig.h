/* journal_rig: a store with zones, and a model in memory of what must be in them, for tests of changes
 * made in place and of the journal. */
#ifndef TESTS_JOURNAL_RIG_H
#define TESTS_JOURNAL_RIG_H

#include "base/buf.h"
#include "zone/change.h"

#define RIG_SIZE (256ull * 1024 * 1024)
#define RIG_OWNERS 30  /* 0 is the apex */
#define RIG_TYPES 3    /* of each; the first of the apex is the SOA */
#define RIG_HASHES 20  /* NSEC3s */
#define RIG_ENTRIES 40 /* that the expiry index may have */
#define RIG_CELLS (RIG_OWNERS * RIG_TYPES + RIG_HASHES)
#define RIG_SOA 0 /* its cell */
#define RIG_KEPT 256
#define RIG_NOW 1700000000

struct rig_cell { /* one RRset; data NULL: not there */
	uint8_t *data;
	size_t len;
};
struct rig_version {
	uint32_t serial;
	struct rig_cell cells[RIG_CELLS];
};
struct rig_zone {
	struct zone_head head; /* as it should be */
	struct rig_version now;
	bool entries[RIG_ENTRIES];
	struct rig_version *old[RIG_KEPT]; /* ring: versions before, the newest at old_count - 1 */
	unsigned old_count;
};
/* What a change does, beside the change itself. */
struct rig_plan {
	struct change *change;
	struct rig_zone after; /* old: not used */
};

extern unsigned rig_seed;
unsigned rig_random(unsigned below);
void rig_random_begin(void); /* says the seed */

void rig_dir_make(char dir[64]);
void rig_dir_remove(const char *dir);
struct store *rig_open(const char *dir);

/* A zone of random RRsets in a build, with trees of its own or not; then made the zone's. */
void rig_zone_random(struct rig_zone *z, const char *apex, uint32_t serial);
struct build *rig_zone_build(const struct rig_zone *z, struct store *s, bool own);
void rig_zone_make(struct rig_zone *z, struct store *s, const char *apex, uint32_t serial, bool own);
void rig_zone_free(struct rig_zone *z);

/* A change of at most `most` RRsets to the version with that serial (the same: nothing is signed anew). */
void rig_plan_random(struct rig_plan *p, struct store *s, const struct rig_zone *z, uint32_t serial,
    unsigned most);
/* Put one cell into a plan. */
void rig_plan_cell(struct rig_plan *p, unsigned cell, const uint8_t *packed, size_t len);
void rig_plan_begin(struct rig_plan *p, struct store *s, const struct rig_zone *z, uint32_t serial);
void rig_plan_free(struct rig_plan *p);
/* It happened: z is what the plan made of it. */
void rig_plan_took(struct rig_plan *p, struct rig_zone *z, const struct zone_head *h);
/* Apply it alone, commit, and take it. */
void rig_apply(struct rig_plan *p, struct store *s, struct rig_zone *z,
    const struct journal_limits *limits);

/* Fails the test where the store and the model are not the same: head, RRsets, expiry index. */
void rig_check_zone(struct snapshot *sn, const struct rig_zone *z);
/* The journal from that older version, record by record, gives the present one; false: it does not reach
 * back to it. */
bool rig_check_way(struct snapshot *sn, const struct rig_zone *z, const struct rig_version *from);
/* All that the model remembers: from how many of them, the newest ones, there is a way. */
unsigned rig_check_journal(struct snapshot *sn, const struct rig_zone *z);
void rig_check(struct store *s, const struct rig_zone *z); /* the zone and all ways, in a snapshot */

/* journal_rig_cell.c */
bool rig_cell_is_nsec3(unsigned cell);
uint16_t rig_cell_type(unsigned cell);
size_t rig_cell_key(const struct rig_zone *z, unsigned cell, uint8_t out[NAME_KEY_MAX]); /* or hash */
const struct rig_cell *rig_cell_of(const struct rig_zone *z, const struct walk *w);
unsigned rig_entry_of(const struct rig_zone *z, const struct expiry_entry *x); /* RIG_ENTRIES: none */
void rig_entry_make(const struct rig_zone *z, unsigned i, uint8_t first[NAME_KEY_MAX],
    uint8_t last[NAME_KEY_MAX], struct expiry_entry *out);
void rig_pack_random(const struct rig_zone *z, unsigned cell, struct buf *out);
/* An RRset of this cell with those records (a bit mask of six) and signatures (of four). */
void rig_pack(const struct rig_zone *z, unsigned cell, uint32_t ttl, unsigned records,
    unsigned sigs, struct buf *out);
void rig_pack_soa(const struct rig_zone *z, uint32_t serial, struct buf *out);

#endif
