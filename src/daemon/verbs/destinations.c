/* What zone status shows of destinations beside their status, and of the signature runway. */
#include <stdio.h>
#include "base/clock.h"
#include "daemon/signer/destinations.h"
#include "daemon/signer/runway.h"
#include "daemon/verbs/internal.h"

static json_t *behind_json(const struct lag *l)
{
	if (!l->is_behind)
		return json_null();
	return json_pack("{s:I,s:o,s:o,s:o}", "serials", (json_int_t)l->serials, "versions",
	    l->versions > 0 ? json_integer(l->versions) : json_null(), "since",
	    verbs_time(l->since), "valid_until", verbs_time(l->expires));
}

void verbs_destination_add(json_t *row, const struct signer_zone *z, const struct server_status *st)
{
	struct destination_view v;

	signer_destination_view(z, st->server, st->status, st->has_serial, st->serial, &v);
	json_object_set_new(row, "behind", behind_json(&v.lag));
	json_object_set_new(row, "signatures", json_string(signer_signatures_name(v.signatures)));
	json_object_set_new(row, "expires", verbs_time(v.expires));
	json_object_set_new(row, "asked", verbs_time(v.asked));
	json_object_set_new(row, "finding", json_string(v.finding));
}

/* How far it is behind stands in the reason of one that has failed. */
void verbs_destination_show(struct ops_call *c, const json_t *row)
{
	const char *finding = json_string_value(json_object_get(row, "finding"));

	if (finding != NULL && finding[0] != '\0')
		ops_text(c, "    %s\n", finding);
}

void verbs_runway_add(json_t *row, const struct signer_zone *z)
{
	struct runway r = signer_runway(z);
	char words[SIGNER_RUNWAY_TEXT];

	signer_runway_words(z, &r, words);
	json_object_set_new(row, "runway",
	    json_pack("{s:s,s:o,s:s,s:o}", "level", runway_level_name(r.level), "expires",
		verbs_time(r.level == RUNWAY_NONE ? 0 : z->head.expiry_first), "text", words,
		"next_alert", verbs_time(r.next_at)));
}

void verbs_runway_show(struct ops_call *c, const json_t *row)
{
	const char *words =
	    json_string_value(json_object_get(json_object_get(row, "runway"), "text"));

	if (words != NULL && words[0] != '\0')
		ops_text(c, "  %-12s %s\n", "runway", words);
}
