/* make: the making of a zone's keys, between make_begin.c (what is to be made) and make.c (making
 * it).  Nobody outside src/keys includes it. */
#ifndef KEYS_MAKE_H
#define KEYS_MAKE_H

#include "keys/keys_internal.h"

struct make {
	struct keys *keys;
	struct zone_keys *zone;
	bool is_addition;    /* the zone has keys: these come beside them */
	unsigned base_count; /* so many: they are in `record` already */
	bool has_wish; /* asked for by keys_zone_make, not found at start */
	struct intent wish;
	bool is_noted; /* the intent is in the store */
	struct intent intent;
	unsigned at, tries; /* the key in hand */
	struct record record;
	struct proof proof;
};

/* Keys for a zone that has some: generated, and nothing more.  The zone must not be busy. */
void make_more(struct keys *k, struct zone_keys *z, const struct key_policy *p,
    const enum key_role *roles, unsigned role_count, int64_t now, keys_done_fn *done, void *arg);
/* The task ends: waiters are told, m is freed. */
void make_fail(struct make *m, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The token of key i of the intent; false: there is none, and the task has ended. */
bool make_find_token(struct make *m, unsigned i, unsigned *token);
void make_submit(struct make *m, unsigned token, struct token_request *r, token_reply_fn *fn);
/* Key m->at, and on from there to the end. */
void make_generate(struct make *m);
/* m->record is in the token: from here on the zone has its keys.  Ends the task. */
void make_finish(struct make *m, const char *label);

#endif
