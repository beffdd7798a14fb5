/* The verb that shows how the statuses of zones' servers changed (R60). */
#include <string.h>
#include "base/mem.h"
#include "daemon/verbs/internal.h"

#define HISTORY_SHORT 10 /* rows of `zone status -v` */

struct rows {
	json_t *list;
	char zone[NAME_TEXT_SIZE];
};

static void add_row(void *arg, const struct history_change *c)
{
	struct rows *r = arg;

	json_array_append_new(
	    r->list, json_pack("{s:s,s:o,s:s,s:s,s:s,s:s,s:o,s:s,s:I,s:o}", "zone", r->zone, "at",
			 verbs_time(c->at), "role", c->is_source ? "source" : "destination",
			 "server", c->server[0] == '\0' ? "(file)" : c->server, "from",
			 signer_status_name_of(c->is_source, c->from), "to",
			 signer_status_name_of(c->is_source, c->to), "serial",
			 c->has_serial ? json_integer(c->serial) : json_null(), "reason", c->reason,
			 "times", (json_int_t)c->count, "last", verbs_time(c->last)));
}

static json_t *history_json(struct signer_zone *z, unsigned most)
{
	struct rows r = {.list = json_array()};

	verbs_zone_text(z, r.zone);
	signer_history_each(z, most, add_row, &r);
	return r.list;
}

json_t *verbs_history(struct signer_zone *z)
{
	return history_json(z, HISTORY_SHORT);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "-" : s;
}

void verbs_history_show(struct ops_call *c, const json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *reason = text_of(one, "reason");
		json_int_t times = json_integer_value(json_object_get(one, "times"));

		ops_text(c, "  %-12s %s %s %s: %s after %s%s%s", i == 0 ? "history" : "",
		    text_of(one, "at"), text_of(one, "role"), text_of(one, "server"),
		    text_of(one, "to"), text_of(one, "from"), reason[0] == '\0' ? "" : ": ",
		    reason);
		if (times > 1)
			ops_text(c, "; %" JSON_INTEGER_FORMAT " times, the last time %s", times,
			    text_of(one, "last"));
		ops_text(c, "\n");
	}
}

static void take_zone(struct verbs_each *e, struct signer_zone *z)
{
	json_t *list = history_json(z, HISTORY_MAX);

	json_array_extend(e->zone_rows, list);
	json_decref(list);
	verbs_each_next(e);
}

static void show(struct verbs_each *e)
{
	ops_list(e->call, json_pack("{s:O}", "changes", e->rows), "changes",
	    "at:At,role:Role,server:Server,from:From,to:To,serial:Serial,times:Times,last:Last,reason:Reason");
}

void verb_zone_history(void *arg, struct ops_call *c)
{
	verbs_each_list(arg, c, take_zone, show);
}
