/* index: which handle an object of ours has, so that nothing is searched for twice (a search costs a
 * token O(all its objects)).  Also remembers the handles of foreign objects, so that they are looked at
 * once.  Handles die with the sessions: the owner empties the index then.  No locking here. */
#ifndef PKCS11_INDEX_H
#define PKCS11_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum index_kind { INDEX_PRIVATE, INDEX_PUBLIC, INDEX_RECORD, INDEX_FOREIGN, INDEX_KINDS };

struct index_entry {
	uint8_t key[64]; /* CKA_ID of a key, CKA_LABEL of a record */
	uint8_t key_len;
	uint8_t kind; /* INDEX_KINDS: free */
	bool is_listed; /* its value was told to the other side */
	unsigned long handle;
	uint32_t next_key, next_handle; /* chains; 0 ends */
};

struct index {
	struct index_entry *entries; /* [0] is not used */
	uint32_t count, room;
	uint32_t *by_key, *by_handle; /* heads, `buckets` of each */
	uint32_t buckets;
	bool complete[INDEX_KINDS]; /* all objects of the kind that the token has are in it */
};

void index_clear(struct index *ix);
void index_add(struct index *ix, enum index_kind kind, const void *key, size_t len,
    unsigned long handle);
/* The first handle with this key, or 0; the one after `after` if that is not 0. */
unsigned long index_find(const struct index *ix, enum index_kind kind, const void *key, size_t len,
    unsigned long after);
bool index_knows(const struct index *ix, unsigned long handle);
void index_remove(struct index *ix, unsigned long handle);

#endif
