/* statuses: what was learnt of a zone's sources and destinations (R60), how it changed, and who is told
 * (R50).  Signing side.
 *
 *   signer/statuses.c  what is known, kept in the store
 *   signer/history.c   how it changed: the zone's last rows (notices/history.h)
 *   signer/alarms.c    notices about servers that fail (notices/trouble.h)
 */
#ifndef DAEMON_SIGNER_STATUSES_H
#define DAEMON_SIGNER_STATUSES_H

#include "dns/peer.h"
#include "notices/history.h"
#include "notices/trouble.h"
#include "zone/store.h"

#define REASON_MAX HISTORY_REASON_SIZE

struct signer;
struct signer_zone;

struct server_status { /* what was learnt last of a zone's source or destination */
	char server[PEER_NAME_MAX]; /* "" stands for the input file */
	bool is_source;
	uint8_t status; /* enum source_status or destination_status */
	int64_t since;  /* as long as it comes back from PENDING to what it was, it goes on */
	bool has_serial;
	uint32_t serial;
	char reason[REASON_MAX];
	uint8_t settled; /* the last status but PENDING ... */
	int64_t settled_since;
	uint64_t settled_word; /* history_word of its reason; 0: not known */
	struct trouble trouble;
	enum trouble_step saying; /* what the save that is under way says of it */
	bool was_seen; /* since the start of this process */
	struct history_recent *recent; /* owned; NULL: nothing has changed yet */
};

/* signer/statuses.c */
void signer_status_set(struct signer_zone *z, bool is_source, const char *server, unsigned status,
    bool has_serial, uint32_t serial, const char *reason);
const char *signer_status_name(const struct server_status *st);
const char *signer_status_name_of(bool is_source, unsigned status);
bool signer_status_is_failure(const struct server_status *st);
void signer_status_dirty(struct signer_zone *z); /* to be saved soon */
/* The same at once, before a virtual clock goes on: there is something to be told. */
void signer_status_urgent(struct signer_zone *z);
void signer_statuses_save(void *signer);
void signer_statuses_save_all(struct signer *s); /* at the end */
/* The zone's servers as the configuration has them: those that stay keep what is known of them. */
struct config_zone;
void signer_statuses_configure(
    struct signer_zone *z, const struct config_zone *c, struct snapshot *sn);
void signer_statuses_free(struct signer_zone *z);
/* The zone is being deleted: nothing of this is for one of the same name. */
int signer_statuses_forget(const struct signer_zone *z, struct store_write *w, struct err *e);

/* signer/history.c */
struct zone_history;
/* The settled status of the server was `from`, and now is what st says. */
void signer_history_note(struct signer_zone *z, struct server_status *st, unsigned from);
int signer_history_save(struct signer_zone *z, struct store_write *w, struct err *e);
void signer_history_saved(struct signer_zone *z); /* ... and the write was committed */
int signer_history_forget(const struct signer_zone *z, struct store_write *w, struct err *e);
void signer_history_free(struct signer_zone *z);
/* The last `most` rows, oldest first. */
typedef void history_row_fn(void *arg, const struct history_change *c);
void signer_history_each(struct signer_zone *z, unsigned most, history_row_fn *fn, void *arg);

/* signer/alarms.c */
/* Something of it changed: when is there to be said what? */
void signer_alarms_arm(struct signer_zone *z);
/* The server was looked at. */
void signer_alarm_note(struct signer_zone *z, struct server_status *st);
/* What there is to be said of the zone's servers goes into the write; after the commit, _saved. */
int signer_alarms_save(struct signer_zone *z, struct store_write *w, struct err *e);
void signer_alarms_saved(struct signer_zone *z);
void signer_alarms_free(struct signer_zone *z);

#endif
