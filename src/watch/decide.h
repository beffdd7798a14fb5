/* decide: which change of the DS set at the parent a child's keys ask for, and whether it is safe now.
 * One pure function.  See R41; RFC 7344, 8078, 9615, 9975.
 *
 * By DNSKEY: a key with SEP that all addresses have had for the hold-down, in sets validated through the DS
 * of their time, and that was never seen before; the old DS goes when the roll-over is over.  By CDS: what the
 * child's CDS and CDNSKEY say, when all addresses say the same, signed by a key that has a DS, and newer than
 * what was seen before.  In both cases nothing is done after which a strict validator would refuse what any
 * address serves. */
#ifndef WATCH_DECIDE_H
#define WATCH_DECIDE_H

#include "watch/child.h"

#define WATCH_WORDS_MAX 400

enum watch_verdict {
	WATCH_NOTHING, /* there is nothing to do, or what is asked for is refused */
	WATCH_WAIT,    /* until `until`, or (0) until something changes */
	WATCH_ADD,
	WATCH_REMOVE,
	WATCH_VERDICTS
};
const char *watch_verdict_name(enum watch_verdict v); /* "nothing", "wait", "add", "remove" */

enum watch_cause { /* the reason, for programs */
	WATCH_CAUSE_SETTLED,       /* the DS set is as it should be */
	WATCH_CAUSE_REPORT_ONLY,
	WATCH_CAUSE_PARENT,        /* the DS set of now is not known for certain */
	WATCH_CAUSE_UNASKED,       /* an address was not asked, or did not answer */
	WATCH_CAUSE_UNSIGNED,      /* no DS, and none may be made */
	WATCH_CAUSE_NOT_VALID,     /* a DNSKEY set is not validated through the DS of now */
	WATCH_CAUSE_DISAGREE,      /* addresses say different things */
	WATCH_CAUSE_HANDED_OVER,   /* the parent has been told, and has it not yet */
	WATCH_CAUSE_HOLD_DOWN,
	WATCH_CAUSE_CACHES,        /* the old DS must wait for them */
	WATCH_CAUSE_NOT_SIGNING,   /* the new key does not sign yet at all addresses */
	WATCH_CAUSE_NOT_NEW,       /* a key without DS that is no new one */
	WATCH_CAUSE_WOULD_BREAK,
	WATCH_CAUSE_WEAK,          /* a deprecated algorithm or digest is asked for */
	WATCH_CAUSE_NOT_PROVED,    /* the CDS is not signed by a key that has a DS */
	WATCH_CAUSE_REPLAY,        /* ... and was overtaken by a newer one, or acted on before */
	WATCH_CAUSE_MALFORMED,     /* ... or CDS and CDNSKEY contradict each other */
	WATCH_CAUSE_DELETE,        /* the child wants to be unsigned, which policy forbids */
	WATCH_CAUSE_SIGNAL,        /* the signals of RFC 9615 are missing, not secure, or different */
	WATCH_CAUSE_LIMIT,
	WATCH_CAUSE_NEW_KEY,       /* from here on: why something is added or removed */
	WATCH_CAUSE_ROLLED,
	WATCH_CAUSE_WISH,
	WATCH_CAUSE_BOOTSTRAP,
	WATCH_CAUSES
};
const char *watch_cause_name(enum watch_cause c); /* "hold-down" */

enum watch_security { WATCH_NOT_KNOWN, WATCH_SECURE, WATCH_INSECURE, WATCH_BOGUS };
struct watch_signal { /* of RFC 9615, at one name of the child's NS set */
	uint8_t ns[NAME_MAX_LEN];
	enum watch_security security; /* the worse one of both answers */
	struct watch_set cds, cdnskey; /* as the resolver gave them: watch_set_read */
};
/* _dsboot.<child>._signal.<ns>; false: longer than a name can be. */
bool watch_signal_name(const uint8_t *apex, const uint8_t *ns, uint8_t out[NAME_MAX_LEN]);
/* Has this name server a signal?  Not if its name is in the child, which cannot vouch for itself. */
bool watch_signal_is_wanted(const uint8_t *apex, const uint8_t *ns);

struct watch_outside { /* what is known beyond the child's servers */
	const struct parent_view *parent;
	int64_t fresh;            /* asked before: counts as not asked, parent and child alike */
	const char *parent_doubt; /* why the parent's answers cannot be believed; NULL: they can */
	const struct watch_signal *signals; /* of all names of the NS set; needed without DS only */
	unsigned signal_count;
};

struct watch_decision {
	enum watch_verdict verdict;
	enum watch_cause cause;
	int64_t until;
	struct watch_ds ds;     /* to be added or removed */
	struct watch_ds wanted; /* the whole set after that */
	struct watch_ds goal;   /* and after the steps that follow: what is removed waits for what is added */
	char reason[WATCH_WORDS_MAX];
	bool is_wish; /* by CDS or CDNSKEY */
	uint8_t wish[WATCH_DIGEST_LEN];
	int64_t inception;
};

void watch_decide(const struct watch_child *c, const struct watch_policy *p, const struct watch_outside *o,
    int64_t now, struct watch_decision *out);
/* It was handed over: write this down together with that. */
void watch_child_order(struct watch_child *c, const struct watch_decision *d, int64_t now);
/* ... and the parent did not take it: it is decided anew. */
void watch_child_order_failed(struct watch_child *c);

/* For whoever hands it over: presentation form, one record a line. */
void watch_ds_text(const uint8_t *apex, const struct watch_ds *set, uint32_t ttl, struct buf *out);
/* The DNSKEYs of that DS, as far as they are known. */
void watch_dnskey_text(const struct watch_child *c, const struct watch_ds *set, uint32_t ttl,
    struct buf *out);

#endif
