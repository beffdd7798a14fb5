/* signer_monitor: domains whose keys are watched (R40 to R42): what their files share.  Everything that
 * is decided is decided by src/watch; here it is asked, kept and carried out.
 *
 *   signer/monitors.c       the table: which domains, and when each is looked at
 *   signer/monitor_look.c   a look: the parent's servers and the domain's are asked
 *   signer/monitor_trust.c  ... is the parent believed, and signals of RFC 9615
 *   signer/monitor_judge.c  what follows from it: findings, notices, a DS that is handed over
 *   signer/monitor_tell.c   ... in notices
 *   signer/monitor_keep.c   what the store keeps
 *   verbs/monitor*.c        what operators see of it */
#ifndef DAEMON_SIGNER_MONITOR_H
#define DAEMON_SIGNER_MONITOR_H

#include "daemon/signer/finder.h"
#include "daemon/signer/signer.h"
#include "watch/decide.h"
#include "watch/findings.h"
#include "watch/record.h"

/* What is known of a domain: kept in the store, and in memory only while somebody works with it. */
enum monitor_status {
	MONITOR_UNKNOWN, /* not looked at yet, or nobody could be asked */
	MONITOR_OK,
	MONITOR_INSECURE, /* the parent has no DS */
	MONITOR_ROLLOVER, /* a DS was handed over, or the old one is to go */
	MONITOR_WARNING,  /* signatures are about to expire */
	MONITOR_ERROR,
	MONITOR_STATUSES
};
struct monitor_state {
	int64_t looked; /* the end of the last look; 0: none yet */
	enum monitor_status status;
	int64_t since;
	bool is_handed_over; /* the child's order: else it is handed over again */
	struct watch_child child;
	struct watch_findings findings;
	struct parent_view parent;
	/* the last decision */
	enum watch_verdict verdict;
	enum watch_cause cause;
	int64_t until;
	char reason[WATCH_WORDS_MAX];
	char problem[REASON_MAX]; /* why the look was not whole; "" */
};

struct monitor_look;
struct handover;

struct monitor { /* a domain */
	struct signer *signer;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	char *name;  /* with the final dot */
	char *label; /* "domain example.", for the log */
	const struct config_monitored *config; /* of its own; NULL: a zone of ours without an entry */
	bool is_configured; /* seen in the configuration that is being applied */
	struct loop_event *due;
	int64_t looked;    /* as in its state */
	bool is_pending;   /* what was to be handed over when we ended */
	unsigned refusals; /* of what was handed over, in a row */
	struct monitor *next; /* in the queue of those that are to be looked at */
	bool is_queued, is_again;
	struct monitor_look *look; /* under way; NULL */
	struct handover *handover; /* under way; NULL */
	struct buf unsaved;        /* state that is not in the store yet; empty: none */
	struct monitor *next_unsaved;
	bool is_unsaved;
};

#define MONITOR_LOOKS_AT_ONCE 8

struct monitors {
	struct monitor **list; /* in canonical order */
	unsigned count;
	struct monitor *queue, **queue_end;
	unsigned looking;
	bool is_armed; /* a look begins soon */
	struct config_monitored defaults; /* of those that have no entry */
	struct arena *arena;
	struct monitor *unsaved;
	struct loop_timer *save;
};

/* signer/monitors.c */
struct monitor *signer_monitor_by_name(struct signer *s, const char *name); /* NULL: not watched */
unsigned signer_monitors_list(const struct signer *s, struct monitor *const **list); /* in canonical order */
const struct config_monitored *monitor_settings(const struct monitor *m); /* its own, or the defaults */
struct signer_zone *monitor_zone(const struct monitor *m); /* that we sign; NULL: somebody else does */
void monitor_look_soon(struct monitor *m); /* at once, or when its turn comes */
void monitor_look_later(struct monitor *m, int64_t at); /* or at once, if that was asked for meanwhile */
void monitor_look_ended(struct monitor *m, int64_t next); /* ... and another domain's may begin */

/* signer/monitor_look.c: m->look; ends in monitor_judge, and monitor_look_ended. */
void monitor_look_start(struct monitor *m);
void monitor_look_cancel(struct monitor *m); /* fine if none is under way */

/* signer/monitor_judge.c */
struct monitor_said { /* by a look, beside what it put into the state */
	enum watch_event event;
	const struct parent_view *parent;
	const char *parent_doubt; /* NULL: none */
	const struct watch_signal *signals;
	unsigned signal_count;
	bool is_whole; /* the servers are known that had to be asked */
	int64_t fresh; /* of the parent's answers and the child's */
};
/* Judge, keep, tell and carry out.  Returns when to look again. */
int64_t monitor_judge(struct monitor *m, struct monitor_state *st, const struct monitor_said *said);
void monitor_policy(const struct monitor *m, struct watch_policy *out);
void monitor_handover_cancel(struct monitor *m);
const char *monitor_status_name(enum monitor_status s);
/* What the operator is to do by hand, "" nothing. */
void monitor_task(const struct monitor *m, const struct monitor_state *st, char *out, size_t size);

/* signer/monitor_tell.c: inside the write that keeps what is told of */
int monitor_tell_findings(struct monitor *m, const struct monitor_state *st,
    const struct watch_findings *found, enum watch_severity severity, int64_t now,
    struct store_write *w, struct err *e);
int monitor_tell_event(struct monitor *m, const struct monitor_state *st, enum watch_event event,
    int64_t now, struct store_write *w, struct err *e);
/* Which reminder of what lasts since then is due, counted from 0, the first notice. */
int64_t monitor_reminder(int64_t since, int64_t now);
void monitor_ds_text(const struct watch_ds *set, char *out, size_t size); /* "4711/13/2, 12345/13/2" */

/* signer/monitor_keep.c */
/* As new where there is none.  Not OK: the store could not be read now; what is in out must not be saved. */
int monitor_state_load(struct monitor *m, struct monitor_state *out);
void monitor_state_free(struct monitor_state *st);
/* At once, with what else belongs into the same write: w of monitor_save_begin. */
int monitor_save_in(struct monitor *m, const struct monitor_state *st, struct store_write *w,
    struct err *e);
void monitor_saved(struct monitor *m); /* that write was committed */
/* Soon, together with others. */
void monitor_save_later(struct monitor *m, const struct monitor_state *st);
void monitor_save_now(struct signer *s); /* all that waits */
/* It is watched no more: nothing of it stays. */
int monitor_save_forget(struct monitor *m, struct store_write *w, struct err *e);
/* history: an entry is a record of watch/record.h, or something that happened to a DS set */
struct monitor_entry {
	bool is_record;
	struct watch_record record;
	int64_t at;
	char what[32], words[REASON_MAX];
};
int monitor_history_record(struct monitor *m, struct monitor_state *st, const struct watch_decision *d,
    struct store_write *w, struct err *e);
int monitor_history_add(struct monitor *m, const char *what, const char *words, struct store_write *w,
    struct err *e);
typedef void monitor_history_fn(void *arg, const struct monitor_entry *entry); /* the oldest first */
void monitor_history_each(struct monitor *m, monitor_history_fn *fn, void *arg);

#endif
