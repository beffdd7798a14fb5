/* signer_parent: what the files about a zone's parent share.  Nobody else includes it.
 *
 *   signer/parent.c       when its servers are asked
 *   signer/parent_valid.c are their answers what the parent's owner signed?
 *   signer/parent_says.c  what follows from what they have
 */
#ifndef DAEMON_SIGNER_PARENT_H
#define DAEMON_SIGNER_PARENT_H

#include "daemon/signer/chain.h"
#include "daemon/signer/signer.h"
#include "parent/observe.h"

struct parent_question { /* to one of the servers */
	struct zone_parent *parent;
	unsigned server;
	struct signer_probe *probe; /* NULL: none under way */
};

struct zone_parent {
	struct signer_zone *zone;
	struct parent_view view;
	struct parent_question *questions; /* one for each server */
	bool is_unknown;		   /* the one server is NOT_FOUND */
	unsigned asking;
	struct signer_chain *chain; /* being walked, before the servers are asked; NULL */
	struct trust above; /* how that ended: its verdict, zone and keys; the rest is not used */
	bool is_wanted;	 /* another look, when this one is over */
	bool is_news;	 /* something was learnt by this one */
	void (*walked)(struct zone_parent *p);
	unsigned silent; /* looks in a row that some server did not answer */
	int64_t ds_ttl;	 /* as the policy has it, until one was seen */
	struct loop_event *look;
};

/* signer/parent.c */
int64_t parent_ttl(const struct zone_parent *p);      /* of the DS set */
int64_t parent_patience(const struct zone_parent *p); /* an answer counts for so long */

/* signer/parent_valid.c.  done: when p->above is known; never called from here. */
void parent_walk(struct zone_parent *p, void (*done)(struct zone_parent *p));
void parent_walk_end(struct zone_parent *p); /* it is not wanted any more; all is forgotten */
/* May the servers be asked, and is their answer worth anything?  Else why not. */
bool parent_can_ask(const struct zone_parent *p, char why[PARENT_REASON_MAX]);
bool parent_is_valid(struct zone_parent *p, struct parent_server *s, const uint8_t *msg, size_t len,
    char why[PARENT_REASON_MAX]);
unsigned parent_probe_flags(const struct zone_parent *p);

/* signer/parent_says.c: is there a DS of somebody else? */
struct parent_fact parent_foreign(const struct zone_parent *p, int64_t now);

#endif
