/* amend: a version made in place of the one before it, at a cost that follows the change and not the
 * zone.  What a run of this kind shares; internal to the room.
 *
 *   open -> compare -> choose -> chain -> amend -> nsec3 -> zonemd -> settle -> publish -> end
 *
 *   compare  compare.c  the new input against the store: a delta
 *   choose   choose.c   which owners are looked at: those of the delta, those above which a delegation came
 *                       or went, what the expiry index has as due, a slice of a walk that signs all anew
 *   chain    links.c    which NSEC or NSEC3 records come, go, or lead elsewhere
 *   amend    amend.c    those owners in order: what is signed, what is kept, what goes
 *   nsec3    amend_nsec3.c  the NSEC3 records
 *   zonemd   zonemd_out.c   the digest of it all, where it is asked for
 *   settle   amend.c    waits for the signatures
 *   publish  publish.c  one transaction, judged inside it (check_part.c)
 *
 * What proves too large for it, or is of another kind (another chain), becomes a build: run.h.
 *
 * Owners of two sorts are looked at.  Single ones changed, or may have: each that does gets an entry of its
 * own in the expiry index.  Those of a stretch are neighbours, renewed together: an entry for a slab. */
#ifndef SIGN_AMEND_H
#define SIGN_AMEND_H

#include "sign/delta.h"
#include "sign/run.h"
#include "zone/change.h"

#define AMEND_SETS_MAX 16384	 /* RRsets that may differ: all of them go into one commit */
#define AMEND_OWNERS_MAX 65536
/* Tests make these small, so that small zones are renewed in slices, too. */
#ifndef SLICE_SIGNATURES
#define SLICE_SIGNATURES 2048	 /* renewed in one version: its commit holds up everybody */
#define AMEND_SMALL STORE_SMALL	 /* RRsets: so small a zone is renewed together with its changes */
#endif

/* An NSEC or NSEC3 that may come, go or lead elsewhere. */
struct link {
	size_t key_at;
	const uint8_t *key;
	uint16_t key_len;
	bool wanted, was;
	bool is_as_stored;   /* its bitmap is what the store has */
	bool is_relinked;    /* its neighbour came or went */
	bool is_changed;     /* the record is put or removed */
	uint32_t stretch;
	uint32_t bitmap_at;  /* NSEC3: u16 length, bitmap */
};
struct links {
	struct link *items;
	size_t count, cap, done;
	size_t sorted; /* so many are in order; those behind were added later */
	struct buf keys, bitmaps;
};

struct amend {
	struct spool *spool; /* a difference; NULL: the whole input, or none */
	struct delta delta;
	/* compare */
	struct source have;
	struct node have_node;
	bool have_is_open, has_have, has_new;
	uint32_t ttl_max; /* met in a difference */
	/* the store seen through the delta */
	struct walk walk;
	bool walk_is_open;
	struct node node;
	/* choose, chain, amend */
	struct owners owners, hashes;
	struct owners empties; /* that may have become, or ceased to be, empty non-terminals */
	struct links links;
	bool wraps; /* the link before the first one of the chain changes */
	uint32_t stretch;  /* the last one given out */
	uint64_t budget;   /* signatures that may still be renewed in this slice */
	bool renews;	   /* what is due, and a slice of the walk, besides what changed */
	bool anew;	   /* stretches of the walk: no signature is kept */
	bool anew_apex;	   /* the walk begins: the apex, likewise */
	uint32_t stretch_now; /* of the slab that is being filled */
	int64_t owner_was; /* earliest expiry among the owner's signatures in the store; 0: none */
	int64_t owner_is;  /* and of those that it will have */
	struct buf dropped; /* entries of the index that were dealt with, encoded */
	struct change *change;
};

void amend_free(struct sign_run *r);
/* May this run be an amend?  What the new input is shows later. */
bool amend_may(struct sign_run *r);
/* The stored version is not what it should be: fails, and a build may mend it. */
int amend_is_bad(struct sign_run *r, const char *why);
/* It is not one: begin a build.  The return value of a step. */
int amend_give_up(struct sign_run *r, const char *why);

/* compare.c */
int compare_step(struct sign_run *r, uint64_t until);
/* One name as it is to be and as it is, into the delta. */
int compare_names(struct sign_run *r, const struct node *now, const struct node *was);

/* catchup.c */
void catchup_note(struct sign_run *made); /* an amend was published: builds beside it learn of it */

/* view.c: the zone as it will be */
int view_open(struct sign_run *r);
/* All of one name: its unsigned sets as they will be into node, its rows in the store into r->old. */
int view_node(struct sign_run *r, const uint8_t *key, size_t len, struct node *node);
bool view_has(struct sign_run *r, const uint8_t *key, size_t len, uint16_t type);
/* The next name with data behind key (not below it, if that is to be skipped); ERR_MISSING: none. */
int view_after(struct sign_run *r, const uint8_t *key, size_t len, bool skip_below,
    uint8_t out[NAME_KEY_MAX], size_t *out_len);
/* Where a name stands whose sets are in node. */
enum place view_place(struct sign_run *r, const struct node *node);
/* Is there a delegation or DNAME above it? */
bool view_is_hidden(struct sign_run *r, const uint8_t *key, size_t len);

/* The least key behind key (and behind all that is below it). */
size_t key_behind(const uint8_t *key, size_t len, bool skip_below, uint8_t out[NAME_KEY_MAX + 1]);
void hash_behind(const uint8_t hash[NSEC3_HASH_LEN], uint8_t out[NSEC3_HASH_LEN]);

/* choose.c */
int choose_step(struct sign_run *r, uint64_t until);
int owners_add(struct owners *o, const uint8_t *key, size_t len, uint32_t stretch);
void owners_sort(struct owners *o); /* each once; of several entries a stretch wins */

/* links.c: what is to be in the chain */
int links_step(struct sign_run *r, uint64_t until);

/* neighbours.c: who is next to whom in it */
struct link *links_add(struct sign_run *r, const uint8_t *key, size_t len); /* valid until the next */
int links_is_stored(struct sign_run *r, const uint8_t *key, size_t len, bool *out);
/* Into order, each key once: one that says what is to be there outweighs one that is as stored. */
int links_sort(struct sign_run *r);
/* What stands before one that comes or goes gets a link, too. */
int links_relink(struct sign_run *r);
/* The link of this key, NULL: it is as stored. */
struct link *links_find(struct links *l, const uint8_t *key, size_t len);
/* The key that the record of link leads to; key may be of a record that has no link. */
int links_next(struct sign_run *r, const uint8_t *key, size_t len, uint8_t out[NAME_KEY_MAX],
    size_t *out_len);
/* A row of the chain: its sort key and its RRset; ERR_MISSING: there is none of this key. */
int links_row(struct sign_run *r, const uint8_t *key, size_t len, const uint8_t **packed, size_t *packed_len);

/* amend.c */
int amend_step(struct sign_run *r, uint64_t until);
int amend_settle_step(struct sign_run *r, uint64_t until);
int amend_write_slab(struct sign_run *r, const struct slab *s);
struct slab *amend_slab(struct sign_run *r, bool is_nsec3, uint32_t stretch);
/* An RRset with signatures by the keys of mask, kept where they can be; its row is among r->old. */
int amend_put_set(struct sign_run *r, struct slab *s, const uint8_t *key, size_t len, uint16_t type,
    const uint8_t *packed, size_t packed_len, uint32_t mask, bool anew);
/* A record of the denial chain, whose RDATA is in r->rdata or which stays as stored: its value goes into
 * r->nsec_bitmap. */
int amend_pack(struct sign_run *r, const uint8_t *owner, uint16_t type, struct buf *items);
int amend_pack_stored(struct sign_run *r, const uint8_t *packed, size_t len);
/* The earliest expiry of so_far (0: none) and the signatures of s. */
int64_t amend_earliest(const struct sign_run *r, int64_t so_far, const struct old_set *s);
/* The index follows: an owner that changed has an entry of its own, for the earliest of its signatures.
 * The apex has none: it is looked at in every run. */
int amend_index(struct sign_run *r, const uint8_t *key, size_t len, bool is_nsec3, uint32_t stretch);

/* amend_nsec3.c */
int amend_nsec3_step(struct sign_run *r, uint64_t until);

/* tally.c: the head's sums follow a row that is put (sign 1) or was there (-1) */
int tally(struct sign_run *r, const uint8_t *packed, size_t len, bool is_nsec3, int sign);

/* resign.c: walks that sign all anew, when other keys sign, when signatures are to live shorter, or
 * because the operator asks for it */
bool resign_is_wanted(const struct sign_run *r);
/* Into r->head: the walk that is to be done, new or gone on with.  False: none. */
bool resign_begin(struct sign_run *r);
void resign_end(struct sign_run *r); /* all of it is done with this version */

#endif
