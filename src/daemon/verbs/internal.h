/* What the verbs share. */
#ifndef DAEMON_VERBS_INTERNAL_H
#define DAEMON_VERBS_INTERNAL_H

#include <jansson.h>
#include "daemon/signer/signer.h"

/* The zone that -z names; NULL: the call has been ended with words. */
struct signer_zone *verbs_zone(struct signer *s, struct ops_call *c);
/* A time as ISO 8601, null for none. */
json_t *verbs_time(int64_t t);
/* The name without its final dot (but "." for the root), as operators write it. */
const char *verbs_zone_text(const struct signer_zone *z, char out[NAME_TEXT_SIZE]);

/* Commands that wait for a zone. */
enum waiter_for { WAIT_KEYS, WAIT_SIGNED };
void verbs_wait(struct signer_zone *z, struct ops_call *c, enum waiter_for what);

/* verbs/each.c: a command about the keys of one zone, of a policy's zones, or of all of them: one zone
 * after the other, each with its own result.  What is only for now (ERR_AGAIN) is tried again for a
 * while. */
struct verbs_each;
typedef void verbs_zone_fn(struct verbs_each *e, struct signer_zone *z); /* ends in next or fail */
typedef void verbs_end_fn(struct verbs_each *e); /* all were had: what there is to say is said */
#define VERBS_SAID_SIZE 6000

struct verbs_each {
	struct signer *signer;
	struct ops_call *call;
	verbs_zone_fn *zone;
	verbs_end_fn *end;
	bool is_dry;
	bool is_list; /* zones are only shown: those that are going, too */
	struct edit edit; /* what is asked for; `which` as the options say */
	json_t *rows, *held; /* of listings; owned */
	/* Of the zone in hand: said and added to the listings when it is done. */
	json_t *zone_rows, *zone_held;
	char said[VERBS_SAID_SIZE];
	unsigned role_at; /* key generate: so many of its roles are done */
	unsigned done; /* zones for which something was done */
	/* the rest is verbs/each.c's */
	uint8_t id[TOKEN_ID_LEN];
	uint8_t (*zones)[NAME_MAX_LEN];
	unsigned zone_count, at, failed;
	struct loop_timer *again;
	uint64_t patience_ms; /* monotonic: until then */
	bool is_impatient;
	char why[REASON_MAX + NAME_TEXT_SIZE]; /* of the last failure */
};
/* edit NULL: none.  Errors in the options end the call with words. */
void verbs_each_start(struct signer *s, struct ops_call *c, const struct edit *edit,
    verbs_zone_fn *zone, verbs_end_fn *end);
/* The same for a listing of zones. */
void verbs_each_list(struct signer *s, struct ops_call *c, verbs_zone_fn *zone, verbs_end_fn *end);
void verbs_each_next(struct verbs_each *e);
void verbs_each_skip(struct verbs_each *e); /* nothing is to be done for this one */
void verbs_each_fail(struct verbs_each *e, int code, const char *why);
/* The zone's record, borrowed, with what is known of its keys; NULL: verbs_each_fail was called. */
const struct record *verbs_each_record(
    struct verbs_each *e, const struct signer_zone *z, struct facts *f);

/* verbs/life.c: e->edit becomes the zone's next record, or its plan. */
void verbs_request(struct verbs_each *e, struct signer_zone *z);
/* A request about the zone has ended, for keys_done_fn. */
void verbs_requested(void *each, int code, const char *why);

/* verbs/plan.c */
/* What is known of the zone's keys, with their tokens. */
void verbs_facts(const struct signer_zone *z, struct facts *f);
/* Add to rows and held what would become of the zone with this record and this policy.  with_next:
 * and the next roll-over of keys that are at rest. */
void verbs_plan_add(const struct signer_zone *z, const struct record *r, const struct key_policy *p,
    const struct facts *f, bool with_next, json_t *rows, json_t *held);
/* {"plan": rows, "held": held}; takes both. */
void verbs_plan_show(struct ops_call *c, json_t *rows, json_t *held);

/* verbs/words.c: what an edit means for the zone, in words for the operator. */
void verbs_tell_edit(const struct signer_zone *z, const struct edit *edit,
    const struct record *before, const struct record *after, const struct facts *f, char *out,
    size_t size);

/* Is what is asked for done already, through another zone that shares its keys? */
bool verbs_each_repeats(const struct verbs_each *e, const struct signer_zone *z);

/* verbs/key_each.c: one key after the other of one zone, or (NULL) of all; keys that zones share come
 * with each of these, the DS as it stands for that zone. */
typedef void verbs_key_fn(void *arg, struct signer_zone *z, const struct key_info *i); /* z NULL: not in the configuration */
void verbs_keys_each(struct signer *s, struct signer_zone *z, verbs_key_fn *fn, void *arg);

/* verbs/key_show.c */
void verb_key_list(void *signer, struct ops_call *c);
/* Does the operator mean this key (-t, -x, -k)?  And the keys of this zone (-p)? */
bool verbs_means_key(const struct ops_call *c, const struct keyset_key *k);
bool verbs_means_policy(const struct ops_call *c, const struct signer_zone *z);
void verbs_id_text(const uint8_t *id, char out[2 * TOKEN_ID_LEN + 1]);

/* verbs/notice.c: for status. */
json_t *verbs_notices_json(const struct signer *s);
void verbs_notices_show(const struct signer *s, struct ops_call *c);

void verbs_backup_register(struct signer *s);
void verbs_key_make_register(struct signer *s);

/* verbs/policy_check.c: what is wrong with the zone's policy, and for people. */
json_t *verbs_findings(const struct signer_zone *z);
void verbs_findings_show(struct ops_call *c, const json_t *list);
/* true: zones cannot be added with it, the call was ended (what: "zone z was not added"). */
bool verbs_policy_refuses(const struct signer *s, struct ops_call *c, const char *what,
    const char *policy);
bool verbs_import_refused(const struct signer *s, struct ops_call *c, const char *entries);

/* verbs/destinations.c: more of a destination, and of the runway, in the zone's row; and for people. */
void verbs_destination_add(json_t *row, const struct signer_zone *z, const struct server_status *st);
void verbs_destination_show(struct ops_call *c, const json_t *row);
void verbs_runway_add(json_t *row, const struct signer_zone *z);
void verbs_runway_show(struct ops_call *c, const json_t *row);
/* verbs/monitor.c: the entry by which a zone that is signed here no more goes on being watched (R40).
 * ERR_EXISTS: there is one; ERR_MISSING with words: it cannot be watched. */
int verbs_monitor_stays(const struct signer_zone *z, struct buf *entry, struct err *e);
/* verbs/monitor_show.c */
void verb_monitor_list(void *signer, struct ops_call *c);
void verb_monitor_status(void *signer, struct ops_call *c);
void verb_monitor_history(void *signer, struct ops_call *c);
void verb_monitor_look(void *signer, struct ops_call *c);

/* verbs/zone_sign.c */
void verb_zone_sign(void *signer, struct ops_call *c);
void verb_zone_retransfer(void *signer, struct ops_call *c);
/* verbs/zone_history.c: the last changes of its servers' statuses, and for people. */
json_t *verbs_history(struct signer_zone *z);
void verbs_history_show(struct ops_call *c, const json_t *list);
void verb_zone_history(void *signer, struct ops_call *c);
/* verbs/diagnose.c */
void verb_zone_diagnose(void *signer, struct ops_call *c);
/* verbs/zone_show.c */
void verb_zone_list(void *signer, struct ops_call *c);
void verb_zone_status(void *signer, struct ops_call *c);
void verb_zone_export(void *signer, struct ops_call *c);

#endif
