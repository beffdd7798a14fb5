/* What the files of the signing side's notices share: raising (notices.c), sending
 * (notices_send.c), the heartbeat (heartbeat.c). */
#ifndef DAEMON_SIGNER_NOTICES_INTERNAL_H
#define DAEMON_SIGNER_NOTICES_INTERNAL_H

#include "daemon/signer/signer.h"
#include "notices/outbox.h"
#include "notices/template.h"

#define RECIPIENTS_MAX 4

struct pending { /* to be written, in a write of its own */
	struct pending *next;
	struct notice notice;
	struct arena *arena;
};

struct notice_watcher { /* who wants to know how the first tries of a notice end */
	struct notice_watcher *next;
	uint64_t id;
	notice_tried_fn *fn;
	void *arg;
};

struct signer_notices {
	struct signer *signer;
	struct outbox *outbox;
	struct config_index *zones, *monitored; /* of the configuration of now */
	struct templates *templates;
	struct pending *pending, **pending_end;
	bool is_armed; /* a look comes soon */
	/* Fresh notices wait for others of their kind, for so long ... */
	struct loop_timer *gather;
	uint64_t fresh_since_ms; /* monotonic; 0: there are none */
	struct loop_event *due;	 /* what is to be tried again */
	struct loop_timer *save;
	bool save_failed;
	unsigned hung[NOTICE_CHANNELS]; /* tries of this leap of the clock that were not answered */
	struct notice_sending *sendings; /* handed over, not answered yet */
	struct notice_watcher *watchers;
	struct loop_event *heartbeat;
	int64_t heartbeat_period;
};

/* notices_send.c */
void notices_send_begin(struct signer_notices *o);
void notices_send_end(struct signer_notices *o);
/* Something may be fresh, or due. */
void notices_send_look(struct signer_notices *o);
bool notices_send_is_busy(const struct signer_notices *o);

/* heartbeat.c */
void notices_heartbeat_configure(struct signer_notices *o);
void notices_heartbeat_end(struct signer_notices *o);

#endif
