/* edit: what an operator asks for, as other times in a zone's record.  Pure: a request commits the
 * outcome (keys_request), a dry run projects it (plan.h); both are this one function. */
#ifndef KEYS_EDIT_H
#define KEYS_EDIT_H

#include "keys/facts.h"

#define EDIT_WHY_SIZE 256

struct keys_which { /* zeros: any */
	enum key_role role; /* a CSK is meant with each */
	uint16_t tag;
	const uint8_t *id;
	const char *token; /* the keys that facts say are there */
};
enum keys_backup { KEYS_BACKUP_PREPARE, KEYS_BACKUP_COMMIT, KEYS_BACKUP_ROLLBACK };

enum edit_kind {
	EDIT_ROLLOVER,	/* the active keys are to be replaced */
	EDIT_EMERGENCY, /* compromised; without tag and id: the keys in use */
	EDIT_DS,	/* of one key */
	EDIT_BACKUP,
	EDIT_UNSIGN	/* of the zone */
};
struct edit {
	enum edit_kind kind;
	struct keys_which which;
	const char *reason, *requester; /* of EDIT_ROLLOVER, EDIT_EMERGENCY: noted in the record */
	enum key_time ds; /* EDIT_DS: TIME_DS_SUBMITTED, _SEEN, _RETRACTED or _GONE */
	enum keys_backup backup;
	bool is_wanted; /* EDIT_UNSIGN: false takes it back */
	/* Of the record's keys, with their tokens; both borrowed.  facts NULL: whether it is safe is not
	 * asked, and where keys are is not known. */
	const struct key_policy *policy;
	const struct facts *facts;
};

/* OK, or ERR_REFUSED and words: then r is as it was. */
int edit_apply(const struct edit *e, struct record *r, int64_t now, char why[EDIT_WHY_SIZE]);

#endif
