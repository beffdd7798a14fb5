/* history: the changes of the statuses of a zone's servers (R60), so many that they stay readable.
 * Pure: which changes are worth a row, and the row as octets.
 *
 * A transfer that is under way is no change: from OK over PENDING to OK nothing has happened.
 * Another word of the reason ("timeout", then "REFUSED") is one, and so from and to may be the
 * same.  A change that was seen less than HISTORY_TOGETHER ago is counted in its row and gets none
 * of its own: a server that comes and goes all day takes two rows, and does not push out what
 * happened to the others. */
#ifndef NOTICES_HISTORY_H
#define NOTICES_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define HISTORY_MAX 200 /* rows of one zone: the next one takes the place of the oldest */
#define HISTORY_TOGETHER (6 * 3600)
#define HISTORY_SERVER_SIZE 64
#define HISTORY_REASON_SIZE 400
#define HISTORY_RECENT 4

struct history_change {
	uint64_t number; /* of the row: from 1 on, growing; its place is number % HISTORY_MAX */
	int64_t at;	 /* when it happened; the first time */
	int64_t last;	 /* ... and the last time of `count` */
	uint32_t count;
	bool is_source;
	char server[HISTORY_SERVER_SIZE]; /* "": the input file */
	uint8_t from, to;
	bool has_serial;
	uint32_t serial;
	char reason[HISTORY_REASON_SIZE]; /* as it was the last time */
};

/* What is remembered of one server's last rows. */
struct history_recent {
	struct history_trace {
		uint64_t number; /* 0: none */
		int64_t at, last;
		uint32_t count;
		uint8_t from, to;
		uint64_t word;
	} traces[HISTORY_RECENT];
};

/* A hash of what kind of reason it is: of what stands before the first colon, without its digits.
 * Never 0. */
uint64_t history_word(const char *reason);
/* c: all but number, at, last and count, which are filled in.  next: the number of the next row,
 * which is taken if the change needs one of its own. */
void history_note(struct history_recent *r, struct history_change *c, uint64_t *next, int64_t now);

void history_write(const struct history_change *c, struct buf *out);
int history_read(const void *data, size_t len, struct history_change *out); /* OK or ERR_FORMAT */

#endif
