/* signer: what the files of the signing side's process share: its zones, their way from a spool to a
 * signed version, and the operator's verbs.  One thread; see signer.c. */
#ifndef DAEMON_SIGNER_H
#define DAEMON_SIGNER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/loop.h"
#include "base/msg.h"
#include "daemon/config/config.h"
#include "daemon/signer/alert.h"
#include "daemon/signer/dsync.h"
#include "daemon/signer/finder.h"
#include "daemon/signer/notices.h"
#include "daemon/signer/observe.h"
#include "daemon/signer/statuses.h"
#include "daemon/signer/submit.h"
#include "daemon/signer/turns.h"
#include "daemon/verbs/verbs.h"
#include "dns/peer.h"
#include "inbound/probe.h"
#include "keys/keys.h"
#include "keys/share.h"
#include "ops/ops.h"
#include "pkcs11/token.h"
#include "sign/sign.h"
#include "zone/store.h"

struct waiter; /* an operator's command that waits for the zone */

struct signer_zone {
	struct signer *signer;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t owner[NAME_MAX_LEN]; /* of its keys: its apex, or what stands for its policy's shared keys */
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	char *name; /* presentation form, with the final dot */
	bool configured; /* seen in the configuration that is being applied */
	bool orphan, replace_dnssec;
	struct sign_policy sign_policy;
	struct key_policy key_policy;
	struct server_status *servers;
	unsigned server_count;
	bool statuses_dirty, statuses_saving;
	struct zone_history *history; /* of the statuses; NULL: nothing has changed yet */
	struct loop_event *alarm;     /* when something may have to be said of them; NULL: nothing */
	struct zone_tell *tell;	      /* of its keys: signer/tell.c; NULL: nobody looked yet */
	bool has_head;
	struct zone_head head; /* as in the store */
	struct received {
		char *spool; /* NULL: none */
		char source[PEER_NAME_MAX];
		uint32_t serial;
		uint64_t mark; /* of the file that it was; 0: it was none */
	} next, reading; /* waiting to be signed; being read by the run */
	struct sign_run *run;
	struct keyset *run_keys; /* that it signs with; NULL: no run */
	struct sign_run *beside; /* builds another chain, while others run: signer/beside.c; NULL */
	struct keyset *beside_keys;
	bool beside_force;
	bool run_force, run_again, run_due; /* what the run was to do, to be done again if it fails */
	uint64_t run_mark; /* of the input that its version has */
	bool making_keys;
	bool force;   /* sign all anew at the next run */
	bool again;   /* make a version at the next run, changed or not */
	bool due;     /* look whether there is something to sign */
	struct zone_link turn;  /* it is to be looked at */
	struct zone_link place; /* it waits for a place among the runs */
	bool whole;   /* the next version is built anew: in place it failed its check */
	bool damaged; /* the stored version failed its check: signed again from its source only */
	bool deleting;
	bool is_dropped; /* it is in no table any more, and freed when its last run has ended */
	bool expired; /* its source is past SOA EXPIRE */
	char problem[REASON_MAX]; /* why it does not get on; "" */
	bool problem_is_keys;      /* ... namely for want of keys */
	struct loop_event *refresh;
	struct loop_timer *retry;
	unsigned failures;
	struct waiter *waiters;
	struct zone_parent *parent; /* NULL: the policy names no servers of the parent */
	char *doubts; /* about its policy, as logged last; NULL: none yet.  Owned */
	struct share_zone *share;   /* what is kept of a zone that shares its keys; NULL: they are its own */
	struct share_group *group;  /* those it shares them with; NULL likewise */
	bool share_is_new;	    /* share is not in the store yet */
	struct zone_life *life;	    /* of its keys; NULL before signer_life_configure */
	struct zone_submit *submit; /* of its DS; NULL before the first look */
	struct zone_alert *alert;   /* about its DS; NULL likewise */
	struct zone_cds *cds;	    /* whether the parent was told of its CDS; NULL likewise */
	struct zone_observe *observe; /* what its servers have; NULL as long as nothing was published */
	struct zone_rebuild *rebuild; /* NULL: its serial goes on from the last one */
	bool observes_destinations, observes_nameservers; /* policy observe */
	struct zone_find *find[FIND_KINDS]; /* NULL: not looked up */
	struct zone_watch *watch; /* name servers that were found; NULL: none */
	struct zone_destinations *destinations; /* what they were seen to serve */
	struct zone_runway *runway; /* NULL before the first look */
};

struct signer_token {
	struct signer *signer;
	char *name;
	struct token *token;
	bool was_up;
	uint64_t down_since_ms; /* monotonic; 0: up */
	bool went_away; /* since its keys were read */
	struct trouble trouble;
	struct loop_event *alarm;
	char why[256]; /* it is down, or was */
};

struct signer {
	struct loop *loop;
	struct channel *master, *network;
	struct config *config;
	struct store *store;
	bool store_is_short; /* of room, and it was said */
	struct keys *keys;
	struct sign *sign;
	struct ops *ops;
	struct signer_token **tokens;
	unsigned token_count;
	bool keys_loaded, keys_loading;
	uint64_t keys_look_ms, keys_wait_ms; /* monotonic: when to read them again if need be */
	struct signer_zone **zones; /* in canonical order */
	unsigned zone_count;
	struct share_group *groups;
	struct zone_queue turns; /* zones whose turn comes */
	bool turns_armed;
	struct zone_queue places[TOKEN_CLASSES]; /* zones that wait until one of the runs has ended */
	unsigned runs;
	struct loop_timer *save_statuses, *minute, *token_look;
	unsigned minutes; /* since start */
	bool save_armed, save_is_urgent; /* urgent: people are to be told something */
	int64_t started; /* calendar */
	int control_fd;
	gid_t control_gid;
	bool sandboxed;
	uint32_t next_request;
	struct request *requests; /* asked of the master, not yet answered */
	struct version_check *checks; /* under way */
	struct signer_chains *chains; /* signer/chain.c */
	struct signer_probe *probes; /* to be asked by the network side, or being asked */
	uint32_t next_probe;
	struct signer_deliveries *deliveries; /* of notices; NULL: none yet */
	uint64_t told;		  /* messages about zones to the network side */
	struct signer_notices *notices;
	struct leap *leap;	  /* of the virtual clock, under way; NULL */
	struct handover *handovers; /* changes of DS sets that wait for their turn */
	struct handover *handovers_running;
	struct zone_alert *alerts; /* to be written down */
	struct loop_timer *save_alerts;
	bool alerts_failed; /* to be written down, last time */
	struct monitors *monitors; /* watched domains: signer/monitors.h */
	struct early *early, *early_last; /* messages about zones that are not known yet */
	unsigned early_count;
};

/* signer.c */
/* signer/network.c */
void signer_send_zone(struct signer *s, uint16_t type, const struct signer_zone *z);

/* Rows of this process in the store's META_DAEMON classes; the key is the zone's sort key. */
enum signer_meta { META_TTLS = META_DAEMON, META_RELEASES, META_SHARE,
	META_VERSIONS = META_DAEMON + 7, META_HISTORY, META_TELL, META_TOKEN /* of META_TOKEN: the token's name */,
	META_ALERT, META_CDS };

/* signer/tokens.c */
struct token *signer_find_token(void *signer, const char *name);
void signer_tokens_configure(struct signer *s);
void signer_tokens_free(struct signer *s);
void signer_tokens_look(void *signer); /* each second */
void signer_worker_take(struct signer *s, struct reader *body, int fd);
void signer_worker_drop(struct signer *s, struct reader *body);

/* signer/zones.c: the table of zones */
struct signer_zone *signer_zone_by_name(struct signer *s, const char *name);
struct signer_zone *signer_zone_by_apex(struct signer *s, const uint8_t *apex);
void signer_zones_configure(struct signer *s);
void signer_zone_drop(struct signer_zone *z);
void signer_zone_run_ended(struct signer_zone *z); /* z may be gone after that */
void signer_zones_free(struct signer *s);

/* signer/schedule.c: a zone's next step */
void signer_zone_turn(struct signer_zone *z);
void signer_received(struct signer_zone *z, const char *source, uint32_t serial, const char *path,
    uint64_t mark);
void signer_received_forget(struct signer_zone *z); /* the zone is gone, and so are its spools */
void signer_keys_load(struct signer *s);
void signer_zone_refresh_arm(struct signer_zone *z);

/* So long a token that does not answer may only be starting. */
#define SIGNER_TOKEN_PATIENCE_MS 4000

/* signer/busy.c */
bool signer_is_busy(const struct signer *s); /* something is under way that will end by itself */

/* signer/beside.c: a build of another chain goes on beside the zone's other runs */
/* Make room for a run if the one under way lets it. */
void signer_beside_begin(struct signer_zone *z);
/* The run that ended was that one: then its keys, to be freed, and there is none any more. */
struct keyset *signer_beside_end(struct signer_zone *z, const struct sign_result *r);
void signer_beside_cancel(struct signer_zone *z); /* its chain is not wanted any more */

/* signer/probe.c: questions to servers, asked by the network side */
struct signer_probe;
struct packet;
/* code OK: msg is an answer, of any RCODE; else why says what went wrong. */
typedef void probe_done_fn(void *arg, int code, const char *why, const uint8_t *msg, size_t len);
/* server: the name of a configured one, or "address@port" of one that was found; flags: of enum
 * probe_flag.  done is called once, never from here; the probe is gone then. */
struct signer_probe *signer_probe_start(struct signer *s, const char *server, const uint8_t *qname,
    uint16_t qtype, unsigned flags, probe_done_fn *done, void *arg);
/* The same, to the configured resolver, which is to recurse. */
struct signer_probe *signer_probe_resolver(struct signer *s, const uint8_t *qname, uint16_t qtype,
    unsigned flags, probe_done_fn *done, void *arg);
/* The same with a message of any opcode that has one question or zone (UPDATE, NOTIFY); ID and TSIG are
 * the network side's.  It is copied, and sent again to a network side that is new. */
struct signer_probe *signer_send_message(struct signer *s, const char *server, const struct buf *message,
    unsigned flags, probe_done_fn *done, void *arg);
/* The serial of the SOA among an answer's records; false: there is none. */
bool signer_probe_serial(struct packet *p, const uint8_t *apex, uint32_t *serial);
void signer_probe_cancel(struct signer_probe *p); /* NULL is fine */
void signer_probe_answer(struct signer *s, struct reader *body);
void signer_probes_again(struct signer *s); /* there is a new network side */

/* signer/find.c: which servers serve the zone, or its parent, by the zone's own NS records and by what
 * the resolver says.  Nothing is looked up where no resolver is configured. */
void signer_find_configure(struct signer_zone *z, enum find_kind kind, bool is_wanted);
const struct found *signer_find_found(const struct signer_zone *z, enum find_kind kind); /* NULL: not wanted */
bool signer_find_is_new(const struct signer_zone *z, enum find_kind kind); /* its first look is under way */
void signer_find_version(struct signer_zone *z); /* its NS set may have changed */
void signer_find_free(struct signer_zone *z);

/* signer/store.c */
void signer_store_open(struct signer *s); /* ends the process when it cannot be had */
/* Readers that died, and whether the store has room: each minute. */
void signer_store_look(struct signer *s);

/* signer/watch.c: the zone's name servers that were found are asked for their SOA until they have what
 * was published. */
void signer_watch_configure(struct signer_zone *z, const struct found *f); /* NULL: none */
void signer_watch_version(struct signer_zone *z);
const char *signer_watch_reason(const struct signer_zone *z, const char *server); /* "": none */
void signer_watch_free(struct signer_zone *z);

/* signer/parent.c: what the parent's servers have */
struct parent_view;
void signer_parent_configure(struct signer_zone *z, const struct config_parent *c,
    struct snapshot *sn);
void signer_parent_free(struct signer_zone *z);
void signer_parent_look(struct signer_zone *z); /* at once; nothing where no server is known */
void signer_parents_look(struct signer *s);    /* ... of all zones */
void signer_parent_found(struct signer_zone *z); /* its servers, or why they are not */
struct parent_server;
void signer_parent_load(
    const struct signer_zone *z, struct parent_server *s, struct snapshot *sn);
int signer_parent_save(const struct signer_zone *z, struct store_write *w, struct err *e);
/* No DS of anybody else has been there for its TTL (R70). */
bool signer_parent_frees(const struct signer_zone *z);
/* May a zone not be published for the first time, since its parent has a DS of somebody else, or it is
 * not known whether it has (R70)?  Then why. */
bool signer_parent_bars(const struct signer_zone *z, char why[STORE_REASON_MAX]);
/* Its parent is being asked for the first time: the answer is worth waiting for. */
bool signer_parent_is_awaited(const struct signer_zone *z);
/* No DS at all (R71): OK; ERR_REFUSED and why; ERR_MISSING: no server is named. */
int signer_parent_may_leave(const struct signer_zone *z, char why[REASON_MAX]);
int64_t signer_parent_due(const struct signer_zone *z); /* of the next look; 0: none is planned */
const struct parent_view *signer_parent_view(const struct signer_zone *z); /* NULL: as above */
/* Was the server's last answer validated, in a word ("not checked") and, where there is more to be said, in
 * words? */
const char *signer_parent_validated(const struct signer_zone *z, const struct parent_server *s,
    const char **why);
/* Is there a server of it of which nobody knows what it has?  Then why. */
bool signer_parent_doubts(const struct signer_zone *z, char *why, size_t size);
/* Whoever of the parent's servers was asked before that counts as not answering. */
int64_t signer_parent_fresh(const struct signer_zone *z, int64_t now);

/* signer/life.c: the zone's keys go on.  Facts are gathered (signer/facts.c), keys_step does what has
 * to be done, the zone is signed again when its record changed. */
void signer_life_configure(struct signer_zone *z, struct snapshot *sn); /* its policy was read */
void signer_life_free(struct signer_zone *z);
/* Something was observed, asked for or changed: look soon what has to be done. */
void signer_life_look(struct signer_zone *z);
/* In the zone's turn, when its keys are there: the look that was asked for. */
void signer_life_turn(struct signer_zone *z);
/* The keys are new ones: nothing was served with them before. */
void signer_life_begin(struct signer_zone *z);
/* A version was signed with ks, or found to need no signing: what of it concerns the keys. */
void signer_life_version(struct signer_zone *z, const struct keyset *ks);
int signer_life_save(const struct signer_zone *z, struct store_write *w, struct err *e);
/* The zone is being deleted: nothing of this is for one of the same name. */
int signer_life_forget(const struct signer_zone *z, struct store_write *w, struct err *e);
bool signer_life_is_busy(const struct signer_zone *z);
/* fn once no step is under way: at once, or when it ends. */
void signer_life_when_idle(struct signer_zone *z, loop_fn *fn, void *arg);
const char *signer_life_trouble(const struct signer_zone *z); /* of the last step; "" */
int64_t signer_life_due(const struct signer_zone *z); /* of the next look; 0: none is planned */
/* The next step, as planned today: its time and words; 0: none is foreseen. */
int64_t signer_life_next(const struct signer_zone *z, char *what, size_t size);

/* signer/facts.c: what is known now, in the order of keys_record()->keys; where keys are shared, of all
 * zones together, and of the zone alone. */
void signer_life_facts(const struct signer_zone *z, struct facts *f);
void signer_zone_facts(const struct signer_zone *z, struct facts *f);

/* signer/share.c: zones that share the keys of their policy (keys/share.h). */
void signer_share_configure(struct signer_zone *z, bool is_wanted, struct snapshot *sn);
void signer_share_configured(struct signer *s); /* ... all of them */
/* The tokens were read: a zone that has keys of its own goes on with them. */
void signer_share_settle(struct signer_zone *z);
int signer_share_save(const struct signer_zone *z, struct store_write *w, struct err *e);
int signer_share_remove(const struct signer_zone *z, struct store_write *w, struct err *e);
/* Names of the zones that a step waits for; "" none. */
void signer_share_laggards(const struct signer_zone *z, const struct roll_held *h, char *out,
    size_t size);
/* Is its DS not asked for yet?  Then why. */
bool signer_share_waits(const struct signer_zone *z, char why[REASON_MAX]);
/* The operator wants one zone of the group unsigned, or not any more; its DS are gone, he says. */
int signer_share_unsign(struct signer_zone *z, bool is_wanted, struct err *e);
int signer_share_gone(struct signer_zone *z, struct err *e);

/* signer/group.c: zones that share keys, as one.  The first of them in canonical order, the leader, takes the
 * group's steps. */
void signer_group_join(struct signer_zone *z);	/* that of its owner */
void signer_group_leave(struct signer_zone *z); /* fine also if it is in none */
struct signer_zone *signer_group_any(const struct signer *s, const uint8_t *owner); /* NULL: no such */
struct signer_zone *signer_share_leader(const struct signer_zone *z); /* itself, if its keys are its own */
unsigned signer_share_count(const struct signer_zone *z); /* zones of its group, with it */
/* All of them, those that are being deleted too; borrowed.  0 and NULL if its keys are its own. */
struct signer_zone *const *signer_share_members(const struct signer_zone *z, unsigned *count);
typedef void signer_share_fn(struct signer_zone *z);
void signer_share_each(struct signer_zone *z, signer_share_fn *fn); /* all of its group */
/* Have all of the group's zones been published? */
bool signer_share_is_out(const struct signer_zone *z);
/* Something of the zone was learnt, or changed.  For so many milliseconds the group rests before the next
 * look. */
uint64_t signer_share_news(struct signer_zone *z);
/* What follows for each of the group, before a step, and their facts joined.  Then the next look,
 * POLICY_NEVER. */
void signer_share_look(struct signer_zone *leader, struct facts *out);
int64_t signer_share_due(const struct signer_zone *leader);
void signer_share_facts(const struct signer_zone *z, struct facts *f);

/* The record of the zone's keys as its own: NULL as keys_record; borrowed, of v where keys are shared. */
struct zone_record {
	struct record record;
	struct record_key keys[KEYSET_MAX];
};
const struct record *signer_zone_record(const struct signer_zone *z, struct zone_record *v);
/* Is the parent to be told the DS set of it? */
bool signer_zone_speaks(const struct signer_zone *z);
/* The set to sign with, CDS included. */
int signer_zone_keyset(const struct signer_zone *z, int64_t now, struct keyset *out, struct err *e);
/* As keys_ds_may_exist. */
bool signer_zone_ds_may_exist(const struct signer_zone *z, char why[256]);

/* signer/holds.c: steps that are held back, since when, and whether that is longer than it should. */
struct signer_hold {
	enum roll_step step;
	enum key_role role;
	uint16_t tag; /* 0: of a key that is not there yet */
	const char *rule; /* "" when it is no matter of caches */
	int64_t since, until; /* until 0: not known */
	int64_t late_at;      /* longer than that it should not be held */
	bool is_late;
	char why[ROLL_WHY_SIZE + 200]; /* laggards, and what the operator can do */
};
const struct signer_hold *signer_life_holds(const struct signer_zone *z, unsigned *count);


/* signer/policy.c: what of a policy concerns signing */
void signer_policy_signing(const struct config_policy *p, struct sign_policy *to);
/* Can a policy be kept with the TTLs that the zone has (R25)?  keys is filled in. */
struct policy_question signer_policy_question(const struct signer_zone *z, const struct config_policy *p,
    struct key_policy *keys);
unsigned signer_policy_check(const struct signer_zone *z, const struct config_policy *p,
    struct policy_finding out[POLICY_FINDINGS_MAX]);
void signer_policy_look(struct signer_zone *z); /* a new version, or policy: doubts go to the log */

/* signer/rebuild.c: a zone that was published before its store was lost (R27). */
/* false: nothing may be signed yet, why says what is waited for.  true: floor in *job if there is one. */
bool signer_rebuild_floor(struct signer_zone *z, struct sign_job *job, char why[REASON_MAX]);
/* Is it held back for want of a serial?  Then why. */
bool signer_rebuild_holds(const struct signer_zone *z, char why[REASON_MAX]);
/* The operator says which serial went out last: the next version's is later.  ERR_REFUSED and words
 * when resolvers and destinations would take it for one that goes back (RFC 1982). */
int signer_rebuild_give(struct signer_zone *z, uint32_t serial, struct err *e);
/* The configuration was read: other destinations may be asked now. */
void signer_rebuild_configure(struct signer_zone *z);
void signer_rebuild_free(struct signer_zone *z);

/* signer/leap.c: leaps of the virtual clock */
void signer_leap_settled(struct signer *s, struct reader *body); /* the network side has */
void signer_leap_forget(struct signer *s); /* the network side must be asked again */
void signer_leap_free(struct signer *s);

/* signer/early.c: messages of the network side about zones that are not known yet */
typedef void signer_early_fn(struct signer_zone *z, uint16_t type, struct reader *body);
void signer_early_keep(
    struct signer *s, const uint8_t *apex, uint16_t type, const struct reader *body);
/* The configuration was read: each is handed to fn if its zone is known now.  All are forgotten. */
void signer_early_replay(struct signer *s, signer_early_fn *fn);

/* signer/requests.c: what is asked of the master */
typedef void request_done_fn(void *arg, bool ok, const char *why);
void signer_request(struct signer *s, uint16_t type, struct buf *body, const struct buf *text,
    request_done_fn *done, void *arg);
void signer_request_answer(struct signer *s, struct reader *body);
void signer_requests_fail(struct signer *s);

#endif
