/* submit: which DS the parent should have now, and which of that is still to be handed over.  Pure: a
 * record of keys, a policy, what was handed over so far, one instant.  Runs in the signing side.
 *
 * Handing over is idempotent by contract: a DS that is there may be added, and one that is not may be
 * taken out.  So whatever is not known to be done is done again: after a crash, or when the store was
 * lost. */
#ifndef PARENT_SUBMIT_H
#define PARENT_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "keys/policy.h"
#include "keys/record.h"
#include "parent/observe.h"

#define SUBMIT_MAX (KEYSET_MAX * POLICY_DIGESTS_MAX)

struct submit_item { /* a DS: of a key, with a digest of this type */
	uint8_t id[TOKEN_ID_LEN];
	uint8_t digest;
};
struct submit_list {
	struct submit_item items[SUBMIT_MAX];
	unsigned count;
};

struct submit_done { /* what the parent was told, and took */
	struct submit_list added, removed;
	int64_t at; /* last; 0: never */
};
struct submit_todo {
	struct submit_list add, remove;
};

/* Should the parent have a DS of this key? */
bool submit_is_wanted(const struct record_key *k, int64_t now);
/* The whole set, by the policy's digests (none: SHA-256). */
void submit_wanted(const struct record *r, const struct key_policy *p, int64_t now,
    struct submit_list *out);
/* What is to be added, and what is to be taken out after that. */
void submit_compare(const struct record *r, const struct key_policy *p,
    const struct submit_done *done, int64_t now, struct submit_todo *out);
/* The parent took all of the list. */
void submit_note_added(struct submit_done *d, const struct submit_list *l, int64_t now);
void submit_note_removed(struct submit_done *d, const struct submit_list *l, int64_t now);
/* Keys that have left the record are forgotten. */
void submit_forget(struct submit_done *d, const struct record *r);

bool submit_list_equal(const struct submit_list *a, const struct submit_list *b);
/* Tags of the keys in the list, each once and in the record's order, as text: "4711, 12345"; "" none. */
void submit_tags_text(const struct submit_list *l, const struct record *r, char *out, size_t size);
/* The DS of the zone `apex` in presentation form, one a line. */
void submit_ds_text(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    uint32_t ttl, struct buf *out);
/* The same DS as values; their number. */
unsigned submit_ds(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    struct parent_ds out[PARENT_DS_MAX]);
/* The DNSKEY records of the list's keys, each once. */
void submit_dnskey_text(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    uint32_t ttl, struct buf *out);

/* What is kept over a restart. */
void submit_write(const struct submit_done *d, struct buf *out);
void submit_read(struct reader *r, struct submit_done *d); /* malformed: as if nothing was done */

#endif
