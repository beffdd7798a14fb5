/* monitor_look: a look under way, shared by monitor_look.c and monitor_trust.c.  Nobody else includes it. */
#ifndef DAEMON_SIGNER_MONITOR_LOOK_H
#define DAEMON_SIGNER_MONITOR_LOOK_H

#include "daemon/signer/chain.h"
#include "daemon/signer/monitor.h"

#define MONITOR_ASKED_AT_ONCE 4

struct asker { /* asks one server after the other */
	struct monitor_look *look;
	bool is_busy;
	unsigned server;
	enum watch_type type;
	struct watch_reply reply;
	struct signer_probe *probe;
};

struct monitor_look {
	struct monitor *monitor;
	struct monitor_state state;
	struct monitor_said said;
	int64_t began;
	struct finder *find[FIND_KINDS];
	bool asked_delegation;
	struct find_names delegation; /* as the parent's servers have it; none: they gave no referral */
	unsigned finding;
	char (*servers)[PEER_NAME_MAX]; /* of the domain */
	unsigned count;
	struct asker askers[MONITOR_ASKED_AT_ONCE];
	unsigned next; /* of the servers that are being asked */
	bool is_broken_off;
	struct signer_chain *chain; /* under way; NULL */
	loop_fn *then;		    /* ... what comes after it */
	struct trust above;	    /* the chain down to the parent */
	char doubt[REASON_MAX];	    /* about that; "" */
	struct watch_signal *signals;
	unsigned signal_count, signal; /* the one that is asked for */
	uint16_t signal_type;
};

/* Something could not be learnt: nothing is decided by this look. */
void monitor_look_problem(struct monitor_look *l, const char *what, const char *why);
/* monitor_trust.c */
/* The chain of trust to the parent, where an anchor is configured; then(l). */
void monitor_trust_walk(struct monitor_look *l, loop_fn *then);
/* Is an answer about the DS what the parent signed?  false: why says what is wrong. */
bool monitor_trust_is_valid(
    const struct monitor_look *l, const uint8_t *msg, size_t len, char why[PARENT_REASON_MAX]);
/* Does the delegation name the servers that are asked?  Else nothing is decided. */
void monitor_trust_delegation(struct monitor_look *l);
/* The signals of the name servers (RFC 9615), where policy wants and the domain needs them; then(l). */
void monitor_trust_signals(struct monitor_look *l, loop_fn *then);
void monitor_trust_end(struct monitor_look *l);

#endif
