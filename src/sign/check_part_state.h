/* What the files of the judge of changes share: see check_part.h. */
#ifndef SIGN_CHECK_PART_STATE_H
#define SIGN_CHECK_PART_STATE_H

#include <string.h>
#include "sign/check_part.h"
#include "sign/check_state.h"

struct part_place { /* a name, in one of the two versions */
	bool has_data;
	bool is_hidden; /* below a delegation or a DNAME */
	bool hides;	/* it is one, and not hidden itself */
	bool counts;	/* it has data that the chain of NSEC3 speaks of */
};

/* The name in hand and all names above it, the apex first; each one's key begins the next one's. */
struct part_level {
	size_t len; /* of its key */
	struct part_place was, is;
	/* of the changed names below it: does one count, did one cease to? */
	bool counts_below, ceased_below;
};

struct part {
	const struct check_part *p;
	struct check *c;
	bool has_before, has_view, has_scan;
	struct walk before, view, scan; /* scan: over the view, too, while view looks things up */
	size_t at;			/* the owner that comes next */
	bool sweeps; /* all names are looked at as long as they begin with sweep_len octets of key */
	size_t sweep_len;
	uint8_t key[NAME_KEY_MAX];
	struct part_level levels[NAME_DEPTH_MAX + 1];
	unsigned depth;
	uint32_t denial_ttl, algorithms; /* as they were */
	/* Which key of `was` is which of `is`; -1: it is not there any more. */
	int key_now[STORE_HEAD_KEYS];
	uint64_t signatures_gone[STORE_HEAD_KEYS]; /* of those, what is left */
	/* the hashes that the changed names explain */
	uint8_t (*hashes)[NSEC3_HASH_LEN];
	size_t hash_count, hash_cap;
};

/* As check_fault, with a sort key. */
int part_fault(const struct part *t, struct err *e, const uint8_t *key, size_t len, uint16_t type,
    const char *why);
/* What walk_seek and the like say: OK with found, or words for a store that cannot be read. */
int part_found(int rc, bool *found, struct err *e);
static inline bool part_is_at(const struct walk *w, const uint8_t *key, size_t len)
{
	return !w->is_nsec3 && w->key_len == len && memcmp(w->key, key, len) == 0;
}
static inline bool part_is_below(const struct walk *w, const uint8_t *key, size_t len)
{
	return !w->is_nsec3 && w->key_len > len && memcmp(w->key, key, len) == 0;
}

/* check_part_look.c: looking names up; w is a walk over the version that is asked. */
struct part_name {
	uint8_t key[NAME_KEY_MAX];
	size_t len;
};
int part_look(const struct part *t, struct walk *w, const uint8_t *key, size_t len,
    const struct part_place *above, struct part_place *out, struct err *e);
/* Stand behind all that is below the name. */
int part_leave(const struct part *t, struct walk *w, const uint8_t *key, size_t len, bool *found,
    struct err *e);
/* The highest delegation or DNAME above the name: the length of its key. */
int part_find_cut(const struct part *t, struct walk *w, const uint8_t *key, size_t len,
    bool *found, size_t *cut, struct err *e);
/* The name of the chain before, in the view; the one behind, or behind all that is below it. */
int part_name_before(struct part *t, const uint8_t *key, size_t len, struct part_name *out,
    struct err *e);
int part_name_behind(struct part *t, const uint8_t *key, size_t len, bool skip_below,
    struct part_name *out, struct err *e);
/* Is there a name below that counts? */
int part_counts_below(struct part *t, const uint8_t *key, size_t len, bool *out, struct err *e);

/* check_part_denial.c: the chain round the name in hand. */
int part_check_nsec(struct part *t, const struct part_level *l, struct err *e);
int part_check_nsec3(struct part *t, const struct part_level *l, bool is_there, uint32_t bitmap,
    struct err *e);
/* A name without data: is it an empty non-terminal? */
int part_check_empty(struct part *t, const struct part_level *l, struct err *e);
int part_check_hashes(struct part *t, struct err *e);

/* check_part_sums.c: what was there goes off the sums. */
int part_begin_sums(struct part *t, struct err *e);
int part_subtract(struct part *t, const struct walk *w, bool at_apex, struct err *e);
int part_check_sums(const struct part *t, struct err *e);

#endif
