/* notice: what an operator or a zone's contact is told (R50): kinds, and one notice as it is
 * raised.
 *
 * Whoever raises one says what happened and gives the facts as fields; the text is made of them by
 * the kind's template (template.h), one file for each kind. */
#ifndef NOTICES_NOTICE_H
#define NOTICES_NOTICE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "dns/name.h"

enum notice_kind {
	NOTICE_KSK_SCHEDULED,
	NOTICE_KSK_SUCCESSFUL,
	NOTICE_KSK_POSTPUBLISHED,
	NOTICE_EMERGENCY_KSK,
	NOTICE_EMERGENCY_ZSK,
	NOTICE_SOURCE_FAILED,
	NOTICE_SOURCE_SOA_FAILED,
	NOTICE_DESTINATION_FAILED,
	NOTICE_RECOVERED,
	NOTICE_DS_LATE,
	NOTICE_DS_WRONG,
	NOTICE_RUNNING_OUT,
	NOTICE_TOKEN_UNREACHABLE,
	NOTICE_TOKEN_BACK,
	NOTICE_CHILD_ROLLOVER,
	NOTICE_CHILD_EXPIRY,
	NOTICE_CHILD_ERROR,
	NOTICE_HEARTBEAT,
	NOTICE_TEST,
	NOTICE_DIGEST, /* of many of one kind: made by the outbox alone */
	NOTICE_KINDS
};

/* As in the header X-Intaglio-Kind, in listings, and in the names of templates. */
const char *notice_kind_name(enum notice_kind k);
bool notice_kind_find(const char *name, enum notice_kind *out);
/* Of a domain that is watched: its contact as such is told. */
bool notice_kind_is_child(enum notice_kind k);
/* May many of it for one recipient be put together in one mail? */
bool notice_kind_is_gathered(enum notice_kind k);

#define NOTICE_FIELDS_MAX 12
#define NOTICE_NAME_MAX 31    /* of a field */
#define NOTICE_VALUE_MAX 4000 /* of a field; longer ones are cut */
#define NOTICE_OCCASION_MAX 500

struct notice {
	enum notice_kind kind;
	const uint8_t *apex; /* wire name of the zone or domain; NULL: of the whole appliance */
	/* What makes it this one and no other: "src1 2027-01-01T00:00:00Z".  The same kind, apex
	 * and occasion is told once, ever, so that telling is idempotent; a daily reminder has the
	 * day in its occasion. */
	const char *occasion;
	int64_t at, until; /* calendar; until: what must be done by then, 0: no such */
	struct notice_field {
		const char *name,
		    *value; /* value NULL: as if it were not there; it may have several lines */
	} fields[NOTICE_FIELDS_MAX];
	unsigned field_count;
	/* All strings are borrowed. */
};

/* One more field; the fields beyond the last place are left out, and logged. */
void notice_add(struct notice *n, const char *name, const char *value);
/* A copy whose strings live in a. */
struct notice notice_copy(const struct notice *n, struct arena *a);
const char *notice_value(const struct notice *n, const char *name); /* NULL: it has none */
/* The zone as people write it, without the final dot (but "." for the root); "" without a zone. */
const char *notice_zone(const struct notice *n, char out[NAME_TEXT_SIZE]);

/* How a notice goes out. */
enum notice_channel { NOTICE_MAIL, NOTICE_WEBHOOK, NOTICE_COMMAND, NOTICE_CHANNELS };
const char *notice_channel_name(enum notice_channel c); /* "mail", ... */

#define NOTICE_TO_MAX 255
struct notice_recipient {
	enum notice_channel channel;
	const char *to; /* mail: the address; the others: "" */
};

#endif
