/* diagnose: what the files of `zone diagnose` share.  Nobody else includes it.
 *
 *   diagnose.c         what is asked, live, and the listing that comes of it
 *   diagnose_answer.c  what an answer says (pure)
 *   diagnose_fix.c     what to change, and where (pure but for the configuration)
 */
#ifndef DAEMON_VERBS_DIAGNOSE_H
#define DAEMON_VERBS_DIAGNOSE_H

#include "daemon/verbs/internal.h"

enum check_kind {
	CHECK_TOKEN, CHECK_STATE, CHECK_RUNWAY, CHECK_SOURCE_UDP, CHECK_SOURCE_TCP, CHECK_SOURCE_AXFR,
	CHECK_DESTINATION_UDP, CHECK_DESTINATION_TCP, CHECK_DESTINATION_NOTIFY, CHECK_PARENT_DS,
	CHECK_VERSION, CHECK_KINDS
};
enum check_result { RESULT_OK, RESULT_WARNING, RESULT_FAILED };

/* Why an answer is none, as far as the remedy goes. */
enum cause {
	CAUSE_NONE, CAUSE_SILENT, CAUSE_CLOSED, CAUSE_BADKEY, CAUSE_BADSIG, CAUSE_BADTIME, CAUSE_REFUSED,
	CAUSE_BEHIND, CAUSE_UNSIGNED, CAUSE_EXPIRED, CAUSE_FOREIGN_DS, CAUSE_NO_DS, CAUSE_OTHER
};

struct outcome {
	enum check_result result;
	enum cause cause;
	char detail[600];
};

struct answer { /* of a probe */
	int code;
	const char *why;
	const uint8_t *msg;
	size_t len;
};
/* What is known of the zone, to compare with. */
struct expectation {
	uint8_t apex[NAME_MAX_LEN];
	bool has_serial; /* the one that the server should have, or have passed */
	uint32_t serial;
	bool is_signed;	 /* signatures are expected beside it */
	int64_t now;	 /* calendar */
	int64_t real;	 /* the clock that TSIG goes by */
	const struct parent_ds *ours; /* every DS that one of the keys could have */
	unsigned our_count;
	bool wants_ds; /* one should be there */
};

/* diagnose_answer.c */
void answer_judge(enum check_kind kind, const struct expectation *x, const struct answer *a,
    struct outcome *out);

/* diagnose_fix.c: one or two sentences, "" where there is nothing to be done.  server NULL: none. */
void fix_text(enum check_kind kind, const struct outcome *v, const struct config_server *server,
    const char *zone, struct buf *out);
/* {"bind": ..., "nsd": ..., "knot": ...}, where a stanza of the server's would put it right; NULL. */
json_t *fix_stanzas(enum check_kind kind, const struct outcome *v, const struct config *config,
    const struct config_server *server, const char *zone);

#endif
