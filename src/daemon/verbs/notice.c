/* The verbs about notices: list, show, resend, test. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/verbs/internal.h"
#include "notices/outbox.h"
#include "notices/template.h"

#define LIST_MOST 10000

/* list */

struct listing {
	struct outbox *outbox;
	json_t *rows;
};

static json_t *zone_json(const struct notice *n)
{
	char zone[NAME_TEXT_SIZE];

	return n->apex == NULL ? json_null() : json_string(notice_zone(n, zone));
}

static json_t *deliveries_json(struct outbox *o, const struct notice_row *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->delivery_count; i++) {
		struct notice_delivery d = outbox_delivery(o, r, i);

		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:s,s:i,s:o,s:o,s:o,s:s}", "channel",
			      notice_channel_name(d.channel), "to", d.to, "state",
			      delivery_state_name(d.state), "tries", (int)d.tries, "changed",
			      verbs_time(d.changed), "next_try",
			      verbs_time(d.state == DELIVERY_WAITING ? d.next_try : 0), "digest",
			      d.digest == 0 ? json_null() : json_integer((json_int_t)d.digest),
			      "error", d.error));
	}
	return list;
}

static json_t *row_json(struct outbox *o, const struct notice_row *r)
{
	return json_pack("{s:I,s:s,s:o,s:o,s:s,s:s,s:o}", "id", (json_int_t)r->id, "kind",
	    notice_kind_name(r->notice.kind), "zone", zone_json(&r->notice), "at",
	    verbs_time(r->notice.at), "state", outbox_state(o, r), "occasion", r->notice.occasion,
	    "deliveries", deliveries_json(o, r));
}

static int list_row(void *arg, const struct notice_row *r)
{
	struct listing *l = arg;

	json_array_append_new(l->rows, row_json(l->outbox, r));
	return OK;
}

static void verb_notice_list(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *zone = ops_option(c, "zone");
	struct listing l = {signer_notices_outbox(s), json_array()};
	uint8_t apex[NAME_MAX_LEN];

	if (zone != NULL && name_parse(zone, apex) != OK) {
		json_decref(l.rows);
		ops_fail(c, "%s is not a domain name", zone);
		return;
	}
	outbox_each(l.outbox, zone == NULL ? NULL : apex, LIST_MOST, list_row, &l);
	ops_list(c, json_pack("{s:o}", "notices", l.rows), "notices",
	    "id:Id,at:At,kind:Kind,zone:Zone,state:State,occasion:Occasion");
	ops_done(c);
}

/* show and resend */

static bool read_id(struct ops_call *c, uint64_t *id)
{
	const char *text = ops_option(c, "id");
	char *end = NULL;

	errno = 0;
	*id = text == NULL ? 0 : strtoull(text, &end, 10);
	if (*id != 0 && errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9')
		return true;
	ops_fail(c, "%s is not the id of a notice; \"intaglio notice list\" shows those there are",
	    text == NULL ? "nothing" : text);
	return false;
}

static void show_deliveries(struct ops_call *c, struct outbox *o, const struct notice_row *r)
{
	for (unsigned i = 0; i < r->delivery_count; i++) {
		struct notice_delivery d = outbox_delivery(o, r, i);
		char changed[TIME_TEXT_SIZE], next[TIME_TEXT_SIZE];

		time_text(d.changed, changed);
		time_text(d.next_try, next);
		ops_text(c, "%s%s%s: %s since %s", notice_channel_name(d.channel),
		    d.to[0] == '\0' ? "" : " to ", d.to, delivery_state_name(d.state), changed);
		if (d.digest != 0)
			ops_text(c, ", in notice %llu", (unsigned long long)d.digest);
		if (d.state == DELIVERY_WAITING && d.tries > 0)
			ops_text(c, ", tried %u times, again not before %s", d.tries, next);
		ops_text(c, "%s%s\n", d.error[0] == '\0' ? "" : ": ", d.error);
	}
	if (r->delivery_count == 0)
		ops_text(c, "recorded; there was nobody to tell\n");
}

static void show(
    const struct signer *s, struct ops_call *c, const struct notice_row *r, struct notice_text *t)
{
	struct outbox *o = signer_notices_outbox(s);
	char at[TIME_TEXT_SIZE], zone[NAME_TEXT_SIZE];

	buf_u8(&t->subject, 0);
	buf_u8(&t->body, 0);
	if (t->subject.failed || t->body.failed) {
		ops_fail(c, "its text is too long");
		return;
	}
	if (ops_flag(c, "json")) {
		json_t *row = row_json(o, r);

		json_object_set_new(row, "subject", json_string((char *)t->subject.data));
		json_object_set_new(row, "text", json_string((char *)t->body.data));
		ops_list(c, row, NULL, NULL);
		ops_done(c);
		return;
	}
	time_text(r->notice.at, at);
	ops_text(c, "notice %llu: %s%s%s, of %s\n", (unsigned long long)r->id,
	    notice_kind_name(r->notice.kind), r->notice.apex == NULL ? "" : " of ",
	    notice_zone(&r->notice, zone), at);
	show_deliveries(c, o, r);
	ops_text(c, "\n%s\n\n", (char *)t->subject.data);
	ops_text(c, "%s", (char *)t->body.data);
	ops_done(c);
}

static void verb_notice_show(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct notice_text text = {0};
	struct notice_row *row;
	uint64_t id;

	if (!read_id(c, &id))
		return;
	if (outbox_get(signer_notices_outbox(s), id, &row) != OK) {
		ops_fail(c, "there is no notice %llu", (unsigned long long)id);
		return;
	}
	signer_notice_text(s, row, &text);
	show(s, c, row, &text);
	notice_text_free(&text);
	notice_row_free(row);
}

static void verb_notice_resend(void *arg, struct ops_call *c)
{
	struct err e = {0};
	uint64_t id;

	if (!read_id(c, &id))
		return;
	if (signer_notice_resend(arg, id, &e) != OK) {
		ops_fail_err(c, &e);
		return;
	}
	ops_text(c, "notice %llu is sent again; \"intaglio notice list\" shows how far it gets\n",
	    (unsigned long long)id);
	ops_done(c);
}

/* test: waits for the first try of each recipient */

struct testing {
	struct ops_call *call;
	uint64_t id;
	unsigned left;
	bool has_failed;
	char why[NOTICE_ERROR_MAX + NOTICE_TO_MAX + 40];
};

static void end_test(struct testing *t)
{
	if (t->has_failed)
		ops_fail(t->call, "notice %llu: %s; it is tried again by itself",
		    (unsigned long long)t->id, t->why);
	else
		ops_done(t->call);
	free(t);
}

static bool tested(void *arg, enum notice_channel c, const char *to, bool is_sent, const char *why)
{
	struct testing *t = arg;
	const char *channel = notice_channel_name(c), *blank = to[0] == '\0' ? "" : " to ";

	t->left--;
	if (is_sent)
		ops_text(t->call, "notice %llu was sent by %s%s%s\n", (unsigned long long)t->id,
		    channel, blank, to);
	else if (!t->has_failed)
		snprintf(t->why, sizeof(t->why), "not sent by %s%s%.250s: %.250s", channel, blank,
		    to, why);
	else
		ops_warn(t->call, "nor by %s%s%s: %s", channel, blank, to, why);
	t->has_failed = t->has_failed || !is_sent;
	if (t->left > 0)
		return true;
	end_test(t);
	return false;
}

static unsigned count_deliveries(const struct signer *s, uint64_t id)
{
	struct notice_row *row;
	unsigned count;

	if (outbox_get(signer_notices_outbox(s), id, &row) != OK)
		return 0;
	count = row->delivery_count;
	notice_row_free(row);
	return count;
}

static void verb_notice_test(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct err e = {0};
	struct testing *t;
	uint64_t id = 0;

	if (signer_notice_test(s, ops_option(c, "contact"), ops_requester(c), &id, &e) != OK) {
		ops_fail_err(c, &e);
		return;
	}
	t = mem_alloc(sizeof(*t));
	t->call = c;
	t->id = id;
	t->left = count_deliveries(s, id);
	if (t->left == 0)
		end_test(t);
	else
		signer_notice_watch(s, id, tested, t);
}

json_t *verbs_notices_json(const struct signer *s)
{
	struct outbox_counts n;

	outbox_count(signer_notices_outbox(s), &n);
	return json_pack("{s:i,s:i,s:s,s:o}", "waiting", (int)n.waiting, "given_up",
	    (int)n.given_up, "last_error", n.error, "last_error_at", verbs_time(n.error_at));
}

void verbs_notices_show(const struct signer *s, struct ops_call *c)
{
	struct outbox_counts n;
	char at[TIME_TEXT_SIZE];

	outbox_count(signer_notices_outbox(s), &n);
	time_text(n.error_at, at);
	ops_text(c, "notices: %u wait to be sent, %u were given up since the start%s%s%s%s\n",
	    n.waiting, n.given_up, n.error[0] == '\0' ? "" : "; last failure at ",
	    n.error[0] == '\0' ? "" : at, n.error[0] == '\0' ? "" : ": ", n.error);
}

void verbs_notice_register(struct signer *s)
{
	ops_register(s->ops, "notice list", verb_notice_list, s);
	ops_register(s->ops, "notice show", verb_notice_show, s);
	ops_register(s->ops, "notice resend", verb_notice_resend, s);
	ops_register(s->ops, "notice test", verb_notice_test, s);
}
