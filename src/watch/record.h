/* record: a decision and what it was made from, to be kept: what was seen where, when, verdict, reason.
 * Pure; what is written is read back by programs (`monitor history`), so its form has a version. */
#ifndef WATCH_RECORD_H
#define WATCH_RECORD_H

#include "watch/decide.h"

#define WATCH_TAGS_MAX 160
#define WATCH_RECORD_SERVERS_MAX 16 /* that differ; more are counted only */

struct watch_record_server {
	char name[WATCH_NAME_MAX];
	int64_t asked;
	char saw[256]; /* in words: serial, keys, who signs, CDS */
};
struct watch_record {
	int64_t at;
	enum watch_verdict verdict;
	enum watch_cause cause;
	int64_t until;
	char reason[WATCH_WORDS_MAX];
	char today[WATCH_TAGS_MAX], ds[WATCH_TAGS_MAX]; /* "4711/13/2 12345/13/2" */
	unsigned server_count, servers_left_out;
	struct watch_record_server servers[WATCH_RECORD_SERVERS_MAX];
};

/* Is this another decision than the one recorded last?  Times do not count. */
bool watch_record_is_news(const struct watch_child *c, const struct watch_decision *d);
/* Appends the record of a decision, and remembers it as the last one recorded. */
void watch_record_write(struct watch_child *c, const struct watch_decision *d, int64_t now,
    struct buf *out);
int watch_record_read(struct reader *r, struct watch_record *out); /* OK or ERR_FORMAT */

#endif
