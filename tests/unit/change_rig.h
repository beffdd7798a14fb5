/* change_rig: a version of a zone in a store, and another that is put in its place by a change: both are
 * signed from scratch, and what differs between them (but for the time of signatures) is the change.
 * A test may spoil its rows, and asks the judge of changes (sign/check_part.h). */
#ifndef TESTS_CHANGE_RIG_H
#define TESTS_CHANGE_RIG_H

#include "sign/check_part.h"
#include "tests/unit/signing.h"

#define ROWS_MAX 256

struct row {
	bool is_nsec3, is_gone;
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	struct rrset set; /* its parts are in packed */
	struct buf packed;
};

struct version {
	struct row rows[ROWS_MAX];
	unsigned count;
	struct zone_head head;
};

struct rig {
	struct signing s; /* signs each of them, in a store of its own */
	char dir[64];
	struct store *store; /* holds `was`; `is` is only tried */
	struct snapshot *before;
	struct store_write *write;
	struct version was, is;
	struct check_owner owners[ROWS_MAX];
	uint8_t hashes[ROWS_MAX][NSEC3_HASH_LEN];
	size_t owner_count, hash_count;
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* The version that is there, as text of a master file; then the one that it is changed to, which must be
 * found good; it may be kept, so that it is what the next change begins with. */
void rig_begin(struct rig *r, enum denial_kind denial, const char *zone);
void rig_change(struct rig *r, const char *zone);
void rig_keep(struct rig *r);
int rig_judge(struct rig *r, struct err *e);
void rig_refused(struct rig *r, const char *words); /* as it is now, in these words */

/* Rows.  NSEC3s are found by the name that was hashed. */
struct row *rig_find(struct version *v, const char *owner, uint16_t type);
struct row *rig_nsec3_before(struct version *v, const char *owner); /* leads to the name's hash */
const struct row *rig_same(const struct version *v, const struct row *r); /* NULL: none */
bool rig_has_changed(const struct row *r, const struct row *o);
void rig_put_row(struct row *r, const struct rrset *set);
void rig_sum(struct version *v); /* the sums of its head are those of its rows */

#endif
