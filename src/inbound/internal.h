/* What the files of this room share; nobody outside includes it but the room's tests. */
#ifndef INBOUND_INTERNAL_H
#define INBOUND_INTERNAL_H

#include "base/loop.h"
#include "dns/soa.h"
#include "inbound/gate.h"
#include "inbound/inbound.h"
#include "inbound/stream.h"

#define QUERY_TRIES 3

/* Bounds that nobody configures (tests shorten the times).  Milliseconds are monotonic. */
struct inbound_limits {
	uint64_t query_ms[QUERY_TRIES]; /* how long each UDP query waits; 0: no such try */
	struct stream_times query_tcp, transfer;
	uint64_t ixfr_pause_ms; /* how long a source that does not do IXFR is not asked for it */
	uint64_t hint_ms; /* the least time between two SOA queries that an unsigned NOTIFY causes */
};

struct source {
	const struct peer *peer; /* borrowed until the next configuration */
	bool is_notified;        /* a NOTIFY came that was not looked into yet */
	bool is_hinted;          /* the same, and it has to wait for the zone's hint timer */
	bool is_owed;            /* one was, without success: again at the zone's retry_at */
	uint64_t whole_until_ms; /* monotonic: it does not do IXFR, until then it is not asked */
	uint64_t asked_ms;       /* monotonic: when its last NOTIFY made us ask; 0: never */
};

/* The life of a zone here; only in ZONE_IDLE is a new round begun.
 *
 *	IDLE -> READING (input_file) ---------+-> PROCESSING -> IDLE
 *	IDLE -> ASKING -> FETCHING -----------+
 *	           |  \-> IDLE (serial did not move)
 *	           +--> ASKING the next source, or IDLE until retry_at
 */
enum zone_state { ZONE_IDLE, ZONE_READING, ZONE_ASKING, ZONE_FETCHING, ZONE_PROCESSING };

struct query;
struct transfer;
struct input_file;

struct zone {
	struct inbound *in;
	uint8_t apex[NAME_MAX_LEN]; /* lower case */
	struct source *sources;
	unsigned source_count;
	struct input_file *file; /* NULL: none */
	uint64_t input_mark;     /* of the version in the store when the zone came here */
	int64_t retry;
	uint64_t size_max;
	bool is_configured; /* seen in the present inbound_configure */

	bool has_version;
	uint32_t serial; /* of the source's version we have */
	struct soa soa;  /* its timers */
	int64_t refreshed;
	bool is_given;  /* the source that is asked has said for how long its version lasts ... */
	uint32_t given; /* ... so many seconds (RFC 7314) */
	bool is_expired;
	/* Calendar times, 0: not.  `event` stands at the earliest. */
	int64_t refresh_at, retry_at, expire_at;
	struct loop_event *event;
	struct loop_timer *hint; /* runs while a hint has to wait for its turn; else NULL */

	/* What is wanted, and of that what the present round does. */
	bool want_round, want_force, want_file;
	bool want_whole; /* changes did not fit: no IXFR before a version is accepted */
	enum zone_state state;
	unsigned at;     /* the source being asked */
	bool is_only;    /* the round is about this one source: it sent a NOTIFY */
	bool is_forced;  /* transfer even if the serial did not move */
	bool is_difference; /* the spool being judged has changes only */
	bool has_failed; /* the last ordinary round had no success: again at retry_at */
	bool has_file_failed; /* nor had the last reading of the file */
	struct query *query;
	struct transfer *transfer;
};

struct inbound {
	struct loop *loop;
	struct store *store; /* NULL in tests: no version is known */
	struct inbound_hooks hooks;
	struct inbound_limits limits;
	struct gate *queries, *transfers, *files;
	struct file_watch *watch; /* NULL until a zone has an input file */
	char *spool_dir;
	int64_t spool_start; /* makes names unique among processes ... */
	uint64_t spool_count; /* ... and within this one */
	struct zone **zones; /* sorted by apex */
	unsigned zone_count;
};

/* inbound.c */
/* Is the version in the store another than we thought?  Then it is ours from now on. */
bool inbound_read_version(struct zone *z);
struct zone *inbound_find(const struct inbound *in, const uint8_t *apex);
char *inbound_spool_path(struct inbound *in); /* of a file being written; free() it */
/* Hand a finished spool over (takes path): it gets the name under which the receiver owns it. */
void inbound_hand_over(struct zone *z, const char *source, uint32_t serial, const char *path);

/* refresh.c */
/* New here: everything is wanted at once.  head: of the version in the store; NULL: none. */
void zone_start(struct zone *z, const struct zone_head *head);
void zone_arm(struct zone *z);
/* A source has just said that what we have is current; is_new: we have just got it. */
void zone_set_fresh(struct zone *z, bool is_new);
bool zone_owes(const struct zone *z);   /* something has failed and is to be tried again */
void zone_status(const struct zone *z, const char *source, enum source_status status,
    bool has_serial, uint32_t serial, const char *reason);

/* round.c */
void zone_pump(struct zone *z); /* begin what is wanted, if nothing is under way */
void zone_stop(struct zone *z); /* give up what is under way */
void zone_file_done(struct zone *z, bool success); /* the end of a round that read the file */
void zone_verdict(struct zone *z, const char *source, int code, const char *why, uint32_t serial,
    const struct soa *soa);
/* The sources from now on; what is under way with one that stays goes on. */
void zone_set_sources(struct zone *z, const struct peer *const *peers, unsigned count);

#endif
