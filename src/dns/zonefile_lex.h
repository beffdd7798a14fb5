/* zonefile_lex: master files cut into the tokens of one entry after the other.  Private to this
 * room. */
#ifndef DNS_ZONEFILE_LEX_H
#define DNS_ZONEFILE_LEX_H

#include <stdio.h>
#include "dns/rdata_parse.h"

#define ZONEFILE_ENTRY_MAX (1024 * 1024) /* octets of text; 64 KiB of RDATA as \DDD are 256 KiB */

struct lexer {
	FILE *file;
	const char *path;
	unsigned line;       /* where reading is */
	unsigned entry_line; /* where this entry began */
	bool blank;          /* the entry begins with white space: no owner */
	struct rdata_token *tokens;
	size_t count;
	/* internal */
	size_t *starts, room; /* offsets in text while it grows */
	bool *quoted;
	struct buf text;
};

int lexer_open(struct lexer *x, const char *path, struct err *e);
void lexer_close(struct lexer *x);
/* The next entry that is not empty: OK, with count 0 at the end of the file, or an error. */
int lexer_next(struct lexer *x, struct err *e);

#endif
